"""What people chose for rows that a sink had before: by district, by school, or row by row; the nearest one counts.

`archive` sets them aside, `leave` leaves them beside what the sync makes, `connect` asks for a link to a record of the
source for each. For members of classrooms that were taken over: `keep`, `remove` or `ask`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from syncrun.state.model import policies
from syncrun.state.store import State

Scope = Literal["district", "school", "row"]
Choice = Literal["archive", "leave", "connect", "keep", "remove", "ask"]
FOR_ROWS: tuple[Choice, ...] = ("archive", "leave", "connect")
FOR_MEMBERS: tuple[Choice, ...] = ("keep", "remove", "ask")


@dataclass(frozen=True, slots=True)
class Policy:
    """One choice for rows of a sink's `table`. `scope_id` is a school (the sink's id or the source's sourcedId) or a row
    (the sink's id), and empty for the district."""

    table: str
    scope: Scope
    scope_id: str
    choice: Choice


def current(state: State, district: str, sink: str) -> list[Policy]:
    """The choices that count now."""
    query = (
        sa.select(policies)
        .where(policies.c.district == district, policies.c.sink == sink, policies.c.current)
        .order_by(policies.c.table_name, policies.c.scope, policies.c.scope_id)
    )
    with state.transaction() as connection:
        return [Policy(row.table_name, row.scope, row.scope_id, row.policy) for row in connection.execute(query)]


def put(state: State, district: str, sink: str, wanted: Iterable[Policy], who: str) -> int:
    """Make these choices current, beside those for other scopes; how many changed. Earlier ones are kept as history."""
    before = {(each.table, each.scope, each.scope_id): each for each in current(state, district, sink)}
    changed = [each for each in wanted if before.get((each.table, each.scope, each.scope_id)) != each]
    if not changed:
        return 0
    with state.transaction() as connection:
        for each in changed:
            mine = (policies.c.district == district) & (policies.c.sink == sink) & (policies.c.table_name == each.table)
            same = (policies.c.scope == each.scope) & (policies.c.scope_id == each.scope_id)
            connection.execute(sa.update(policies).where(mine & same & policies.c.current).values(current=False))
            connection.execute(sa.insert(policies).values(
                district=district, sink=sink, table_name=each.table, scope=each.scope, scope_id=each.scope_id,
                policy=each.choice, who=who, at=state.clock.now(), current=True))  # fmt: skip
        state.note(connection, district, who, "policy", f"sink {sink}", {"changed": len(changed)})
    return len(changed)
