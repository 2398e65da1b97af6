"""Whatever people decide, and however often they change it: the app is as the decisions say, people's own rows are as
people left them, and the first decisions lead back to what the first sync made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from messenger import Messenger

from syncrun.demo.messaging import NEIGHBOUR, Before, fill
from syncrun.run.ending import Result
from syncrun.sinks.messaging.database import TARGETS
from syncrun.state import decision, policy
from syncrun.state.decision import Decision
from syncrun.state.policy import Policy
from syncrun.testing.postgres import PostgresServer

Rows = dict[str, dict[str, dict[str, Any]]]
"""Table, id, and the row, in which `archived_at` says only whether it is set aside."""
TABLES = {"teachers": "teachers", "classes": "classrooms", "students": "students"}
EACH = 2
"""Records of each kind that are decided on, and rows of the app that they may be linked to."""

_one = st.tuples(st.sampled_from(sorted(TABLES)), st.integers(0, EACH - 1),
                 st.sampled_from(["add", "skip", *range(EACH)]))  # fmt: skip
_mapping = st.lists(_one, min_size=1, max_size=4)
"""Kind, which record, and either a verdict or the row to link it to."""


class Story:
    """One app, and what is decided on it."""

    def __init__(self, folder: Path, url: str | None) -> None:
        self.app = Messenger(folder, url)
        self.app.configure(sink='deselected = "archive"')
        self.app.write()
        with self.app.planner() as connection:
            self.before = fill(connection, self.app.files)
        self.made_by_hand = self.rows()
        self.records = {kind: list(_some(self.before, self.made_by_hand, kind)) for kind in TABLES}
        rules = [Policy("classrooms", "district", "", "leave"), Policy("memberships", "district", "", "keep")]
        policy.put(self.app.state(), "riverside", "messaging", rules, "tester")

    def mapping(self, chosen: Sequence[tuple[str, int, Any]], before: Sequence[Decision] = ()) -> list[Decision]:
        """Decisions on all records: those before, changed as chosen. Of two for one row, the later is added instead."""
        known: dict[tuple[Any, str], Decision] = {(each.kind, each.source_id): each for each in before}
        for kind, records in self.records.items():
            for _, key in records:
                known.setdefault((kind, key), Decision(kind, key, "add"))  # type: ignore[arg-type] # a kind
        for kind, which, what in chosen:
            key = self.records[kind][which][1]
            linked = self.records[kind][what][0] if isinstance(what, int) else None
            known[kind, key] = Decision(kind, key, "link" if linked else what, linked)  # type: ignore[arg-type] # a kind
        used: set[str | None] = set()
        for place, each in known.items():
            if each.decision == "link" and each.sink_id in used:
                known[place] = Decision(each.kind, each.source_id, "add")
            used.add(each.sink_id)
        return list(known.values())

    def carry_out(self, mapping: Sequence[Decision]) -> Rows:
        """Decide, sync with what approval is asked for, and look at what there is; a further sync does nothing."""
        decision.replace(self.app.state(), "riverside", "messaging", mapping, "tester")
        if self.app.sync().exit_code == 3:
            self.app.approve()
            assert self.app.sync().exit_code == 0
        for options in ({}, {"mode": "full"}):
            assert _planned(self.app.sync(**options)) == [], options
        found = self.rows()
        self.confirm(found, mapping)
        return found

    def rows(self) -> Rows:
        """All synced tables as they are."""
        found: Rows = {}
        with self.app.planner() as connection:
            for name, target in TARGETS.items():
                rows = (dict(row._mapping) for row in connection.execute(sa.select(target.table)))
                found[name] = {str(row["id"]): {**row, "archived_at": row["archived_at"] is not None} for row in rows}
        return found

    def confirm(self, found: Rows, mapping: Sequence[Decision]) -> None:
        """What must be so after every sync."""
        for table, rows in found.items():
            active = [
                row["external_id"]
                for row in rows.values()
                if row["managed_by"] == "riverside" and not row["archived_at"]
            ]
            assert len(active) == len(set(active)), f"two active rows for one record in {table}"
            for key, was in self.made_by_hand[table].items():
                if was["managed_by"] == NEIGHBOUR or rows[key]["managed_by"] is None:
                    assert rows[key] == was, f"{table} {key} is not as people left it"
        linked = {(TABLES[each.kind], each.sink_id): each.source_id for each in mapping if each.decision == "link"}
        for table in TABLES.values():
            owned = {(table, key): found[table][key]["external_id"] for key in self.made_by_hand[table]
                     if found[table][key]["managed_by"] == "riverside"}  # fmt: skip
            assert owned == {place: key for place, key in linked.items() if place[0] == table}
        rooms = {key for key, row in found["classrooms"].items() if row["managed_by"] == "riverside"}
        seats = [(row["classroom_id"], row["student_id"], row["teacher_id"]) for row in found["memberships"].values()
                 if str(row["classroom_id"]) in rooms and not row["archived_at"]]  # fmt: skip
        assert len(seats) == len(set(seats)), "somebody sits twice in a classroom"


def _some(before: Before, rows: Rows, kind: str) -> Iterator[tuple[str, str]]:
    """Rows of the app with the records that they are: classrooms in use, and people who sit in them."""
    rooms = sorted(set(before.classrooms) - set(before.archived["classrooms"]))[:EACH]
    if kind == "classes":
        yield from ((each, before.classrooms[each]) for each in rooms)
        return
    column, known = ("teacher_id", before.teachers) if kind == "teachers" else ("student_id", before.students)
    seats = (row for _, row in sorted(rows["memberships"].items()) if str(row["classroom_id"]) in rooms and row[column])
    people = dict.fromkeys(str(row[column]) for row in seats)
    yield from ((each, known[each]) for each in [*people, *sorted(known)][:EACH])


def _planned(result: Result) -> list[dict[str, int]]:
    tables = (table for sink in result.summary.get("sinks", {}).values() for table in sink["tables"].values())
    return [table["planned"] for table in tables if table["planned"]]


def _without_leavings(rows: Rows, others: Rows) -> Rows:
    """The rows but for those that the sync made since and set aside again."""
    return {
        table: {key: row for key, row in each.items() if key in others[table] or not (row["archived_at"] and row["managed_by"])}
        for table, each in rows.items()
    }  # fmt: skip


def tell(folder: Path, url: str | None, first: Any, changes: Any) -> None:
    """The first decisions, others, and the first again."""
    story = Story(folder, url)
    mapping = start = story.mapping(first)
    was = story.carry_out(start)
    for change in changes:
        mapping = story.mapping(change, mapping)
        story.carry_out(mapping)
    assert _without_leavings(story.carry_out(start), was) == was


def _told(tmp_path_factory: pytest.TempPathFactory, url: str | None, first: Any, changes: Any) -> None:
    folder = tmp_path_factory.mktemp("story")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNCRUN_HOME", str(folder / "home"))
        tell(folder, url, first, changes)


_quiet = settings(deadline=None, suppress_health_check=list(HealthCheck), derandomize=True,
                  phases=[Phase.explicit, Phase.generate])  # fmt: skip
"""Shrinking would take minutes for each step."""


@pytest.mark.slow
@pytest.mark.requirement("S0-12", "S1-11", "S4-16")
@settings(_quiet, max_examples=1)
@given(first=_mapping, changes=st.lists(_mapping, min_size=1, max_size=1))
def test_first_decisions_lead_back(tmp_path_factory: pytest.TempPathFactory, first: Any, changes: Any) -> None:
    _told(tmp_path_factory, None, first, changes)


@pytest.mark.slow
@pytest.mark.parametrize("server", ["sqlite", "postgresql"])
@settings(_quiet, max_examples=25)
@given(first=_mapping, changes=st.lists(_mapping, min_size=1, max_size=3))
def test_any_decisions_lead_back(
    tmp_path_factory: pytest.TempPathFactory, server: str, postgres_server: PostgresServer, first: Any, changes: Any
) -> None:
    _told(tmp_path_factory, postgres_server.create() if server == "postgresql" else None, first, changes)
