"""A vendor's sink behind an API that chooses ids, as a plug-in: what it was sent, and every way it can misbehave."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from marshmallow import Schema, fields

from syncrun.errors import FenceError
from syncrun.sdk import Action, Cap, Change, ConnectorInfo, Context, Observed, Outcome, Ref, Table, hookimpl

PLUGIN = "gradebook = gradebook"


class School(Schema):
    name = fields.String()


class Pupil(Schema):
    school_id = Ref("schools")
    name = fields.String(metadata={"privacy": "name"})


SCHOOLS = "SELECT sourcedId AS key, sourcedId AS school, name FROM orgs JOIN mapped_orgs USING (sourcedId)"
PUPILS = """
SELECT users.sourcedId AS key, home.school, home.school AS school_id, familyName AS name
FROM users JOIN homes AS home ON home.userSourcedId = users.sourcedId WHERE home.role = 'student'
"""
TABLES = (
    Table("schools", School, SCHOOLS, source="orgs", removal="keep"), Table("pupils", Pupil, PUPILS, source="users", privilege=1),
)  # fmt: skip


class Settings(Schema):
    book = fields.String(load_default="book.json")


class Gradebook:
    """Keeps its rows in a file. `sent` is every list of changes that came; `faults` are called one after the other, each
    for one list, and may raise, before (`early`) or after the rows are written; `answer` may spoil the outcomes."""

    tables = TABLES
    sent: ClassVar[list[list[Change]]] = []
    faults: ClassVar[list[Callable[[], None]]] = []
    early: ClassVar[bool] = False
    answer: ClassVar[Callable[[list[Outcome]], Iterable[Any]]] = staticmethod(list)
    refused: ClassVar[set[str]] = set()

    @classmethod
    def fresh(cls) -> None:
        """Forget what happened before."""
        cls.sent, cls.faults, cls.early, cls.answer, cls.refused = [], [], False, staticmethod(list), set()

    def __init__(self, settings: Mapping[str, Any], context: Context) -> None:
        self.path = context.folder / settings.get("book", "book.json")

    def check(self) -> None:
        """Always there."""

    def close(self) -> None:
        """Nothing to let go of."""

    def rows(self) -> dict[str, dict[str, Any]]:
        """What it holds, by its own ids."""
        return json.loads(self.path.read_text()) if self.path.exists() else {}

    def observe(self, table: str) -> Iterator[Observed]:
        wanted = [column.name for each in TABLES if each.name == table for column in each.columns]
        for sink_id, row in self.rows().items():
            if row["table"] == table:
                yield Observed(sink_id, owned=True, archived=row["archived"], values=[row.get(each) for each in wanted])

    def apply(self, changes: Sequence[Change]) -> Iterator[Outcome]:
        type(self).sent.append(list(changes))
        fault = type(self).faults.pop(0) if type(self).faults else lambda: None
        if type(self).early:
            fault()
        outcomes = [self._one(change) for change in changes]
        if not type(self).early:
            fault()
        yield from type(self).answer(outcomes)

    def _one(self, change: Change) -> Outcome:
        if change.key in type(self).refused:
            return Outcome(change.key, "rejected", code="S-OTHER-1", reason="the book is full")
        rows = self.rows()
        known = next(
            (each for each, row in rows.items() if row["made_by"] == change.id), None
        )  # a change that came before
        sink_id = change.sink_id or known or f"{change.table}#{len(rows) + 1}"
        row = rows.setdefault(sink_id, {"table": change.table, "made_by": change.id, "key": change.key})
        row |= {**change.values, "archived": change.action is Action.ARCHIVE}
        self.path.write_text(json.dumps(rows))
        return Outcome(change.key, "applied", sink_id=sink_id)


class FencedGradebook(Gradebook):
    """One that heeds the fence: it refuses what comes from a run older than one that it has heard of."""

    def _one(self, change: Change) -> Outcome:
        newest = self.path.with_suffix(".fence")
        if newest.exists() and int(newest.read_text()) > change.fence:
            raise FenceError("A newer run has written to this gradebook.")
        newest.write_text(str(change.fence))
        return super()._one(change)


def shown(path: Path) -> dict[str, dict[str, Any]]:
    """The rows of a book by our key."""
    return {row["key"]: {**row, "id": sink_id} for sink_id, row in json.loads(path.read_text()).items()}


def without(outcome: Outcome, **values: Any) -> Outcome:
    """The outcome with something changed."""
    return dataclasses.replace(outcome, **values)


@hookimpl
def syncrun_sinks() -> Iterator[ConnectorInfo]:
    yield ConnectorInfo(
        "gradebook", "A gradebook", "gradebook:Gradebook", "gradebook:Settings", Cap.ARCHIVE | Cap.RESTORE
    )
