"""What people decided on orgs, teachers, school years, classes and students: the one small interface to it.

A decision says of a record of the source: `add` it to the sink, `link` it to a record that the sink already has, `join` it
to the record that another is linked to, or `skip` it. Earlier decisions are kept; the current one counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from syncrun.sdk.sink import MappingKind
from syncrun.state.model import decisions
from syncrun.state.store import State

Verdict = Literal["add", "link", "join", "skip"]
KINDS: tuple[MappingKind, ...] = ("orgs", "teachers", "years", "classes", "students")
JOINABLE: tuple[MappingKind, ...] = ("orgs", "teachers")
"""Of these, two may be one in the sink."""
VERDICTS: tuple[Verdict, ...] = ("add", "link", "join", "skip")


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision. `sink_id` is the sink's record for `link` and `join`."""

    kind: MappingKind
    source_id: str
    decision: Verdict
    sink_id: str | None = None


def current(state: State, district: str, sink: str) -> list[Decision]:
    """The decisions that count now."""
    query = (
        sa.select(decisions)
        .where(decisions.c.district == district, decisions.c.sink == sink, decisions.c.current)
        .order_by(decisions.c.kind, decisions.c.source_id)
    )
    with state.transaction() as connection:
        return [Decision(row.kind, row.source_id, row.decision, row.sink_id) for row in connection.execute(query)]


def replace(state: State, district: str, sink: str, wanted: Iterable[Decision], who: str) -> int:
    """Make `wanted` the current decisions; how many changed. What is no longer wanted is kept as history."""
    before = {(each.kind, each.source_id): each for each in current(state, district, sink)}
    after = {(each.kind, each.source_id): each for each in wanted}
    changed = [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)]
    if not changed:
        return 0
    with state.transaction() as connection:
        for kind, source_id in sorted(changed):
            mine = (decisions.c.district == district) & (decisions.c.sink == sink)
            same = (decisions.c.kind == kind) & (decisions.c.source_id == source_id)
            connection.execute(sa.update(decisions).where(mine & same & decisions.c.current).values(current=False))
            new = after.get((kind, source_id))
            if new:
                connection.execute(sa.insert(decisions).values(
                    district=district, sink=sink, kind=kind, source_id=source_id, decision=new.decision,
                    sink_id=new.sink_id, who=who, at=state.clock.now(), current=True))  # fmt: skip
        state.note(connection, district, who, "map", f"sink {sink}", {"changed": len(changed)})
    return len(changed)
