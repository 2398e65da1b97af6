"""Changed decisions on rows that a sink has taken: they become another row of the sink, or are given back.

A record that is linked to another row than before, or is to have a row of its own again, keeps its key: the old row is
released, the new one taken, and rows that name the record are sent again so that they name the new one. A class or person
that is skipped is released where it was taken over; what the sync made itself stays or is archived, as `deselected` says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from syncrun.plan.applied import SCHEMA as APPLIED
from syncrun.plan.diff import BEFORE, GIVEN_UP, LINKS, RELINKED
from syncrun.plan.shape import LEFT_OUT
from syncrun.plan.shape import SCHEMA as SHAPED
from syncrun.sdk import Table
from syncrun.sqltext import literal, name
from syncrun.state.decision import Decision

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

OBSERVED = "observed"
Derive = Callable[[str, str], str]
"""The SQL for the sink's id of a row that the sync makes, from the table's name and an expression for the key; `NULL`
for sinks that choose ids themselves."""
RELEASED_KINDS = frozenset({"teachers", "classes", "students"})


def may_relink(connection: DuckDBPyConnection, table: Table, decisions: Sequence[Decision], derive: Derive) -> bool:
    """Whether a decision says something else of a row than what the sink has taken, so that the sink must be asked."""
    if not _note(connection, table, decisions, derive):
        return False
    found = connection.execute("SELECT 1 FROM otherwise LIMIT 1").fetchone()
    return found is not None


def _note(connection: DuckDBPyConnection, table: Table, decisions: Sequence[Decision], derive: Derive) -> bool:
    """Make the table `otherwise` (key, school, old, new) of rows that were taken as `old` and are to be `new`."""
    decided = [
        {"key": each.source_id, "sink_id": each.sink_id}
        for each in decisions if each.kind == table.mapping and each.decision in {"add", "link"}
    ]  # fmt: skip
    if not decided:
        return False
    own = derive(table.name, "was.key")
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE otherwise AS
        SELECT key, was.school, coalesce(was.sink_id, {own}) AS old, coalesce(decided.sink_id, {own}) AS new
        FROM (SELECT unnest(?::STRUCT(key VARCHAR, sink_id VARCHAR)[], recursive := true)) AS decided
        JOIN {APPLIED}.{name(table.name)} AS was USING (key) SEMI JOIN {SHAPED}.{name(table.name)} USING (key)
        WHERE coalesce(was.sink_id, {own}) <> coalesce(decided.sink_id, {own})
        """,
        [decided],
    )
    return True


def find(
    connection: DuckDBPyConnection, table: Table, tables: Sequence[Table], decisions: Sequence[Decision], derive: Derive
) -> dict[str, str]:
    """Note the rows that become another row of the sink, which was observed, and what is given back for them; by school,
    how many are to be rows that are not free."""
    if not _note(connection, table, decisions, derive):
        return {}
    free = f"""new = {derive(table.name, "key")} OR new IN (
        SELECT sink_id FROM {OBSERVED}.{name(table.name)} WHERE NOT owned)"""
    lost = connection.execute(
        f"SELECT coalesce(school, ''), count(*) FROM otherwise WHERE NOT coalesce({free}, false) GROUP BY ALL"
    ).fetchall()
    connection.execute(f"DELETE FROM otherwise WHERE NOT coalesce({free}, false)")
    connection.execute(f"INSERT INTO {RELINKED} SELECT {literal(table.name)}, key FROM otherwise")
    connection.execute(f"""DELETE FROM {LINKS} WHERE "table" = {literal(table.name)}
        AND key IN (SELECT key FROM otherwise WHERE new = {derive(table.name, "key")})""")  # fmt: skip
    connection.execute(f"""
        INSERT INTO {GIVEN_UP}
        SELECT {literal(table.name)}, 'release', {literal(BEFORE)} || old, school, old, NULL FROM otherwise
    """)
    for child, column in _naming(tables, table):
        _follow(connection, child, column, "SELECT key FROM otherwise", again=True)
    return {school: f"{count} {table.name} are linked to rows that the sink does not have or that are not free; correct "
            "the decisions" for school, count in lost}  # fmt: skip


def give_back(connection: DuckDBPyConnection, tables: Sequence[Table]) -> None:
    """Note for release what was taken over and is skipped now, also in the rows that name it."""
    for table in tables:
        if table.mapping not in RELEASED_KINDS or table.removal == "keep":
            continue
        taken = f"""
            SELECT key, school, sink_id FROM {APPLIED}.{name(table.name)}
            WHERE sink_id IS NOT NULL AND NOT archived AND NOT starts_with(key, {literal(BEFORE)})
                AND key IN (SELECT sourcedId FROM {LEFT_OUT} WHERE kind = {literal(table.mapping)})
                AND key NOT IN (SELECT key FROM {SHAPED}.{name(table.name)})"""
        connection.execute(
            f"INSERT INTO {GIVEN_UP} SELECT {literal(table.name)}, 'release', key, school, sink_id, NULL FROM ({taken})"
        )
        for child, column in _naming(tables, table):
            _follow(connection, child, column, f"SELECT key FROM ({taken})", again=False)
        connection.execute(
            f"DELETE FROM {LEFT_OUT} WHERE kind = {literal(table.mapping)} AND sourcedId IN (SELECT key FROM ({taken}))"
        )


def _naming(tables: Sequence[Table], parent: Table) -> Iterator[tuple[Table, str]]:
    """The tables that name rows of a table, and by which column."""
    for table in tables:
        yield from ((table, column) for column, named in table.parents.items() if named == parent.name)


def _follow(connection: DuckDBPyConnection, child: Table, column: str, parents: str, *, again: bool) -> None:
    """Release the rows of a child table that were taken over or set aside with their parent. `again`: those that stay
    rows of the source are to be other rows of the sink."""
    rows = f"""
        FROM {APPLIED}.{name(child.name)} AS was
        WHERE sink_id IS NOT NULL AND {name(column)} IN ({parents})
            AND (NOT archived OR starts_with(key, {literal(BEFORE)}))
            AND sink_id NOT IN (SELECT sink_id FROM {GIVEN_UP} WHERE "table" = {literal(child.name)})"""
    own = f"CASE WHEN starts_with(key, {literal(BEFORE)}) OR {not again} THEN key ELSE {literal(BEFORE)} || sink_id END"
    if again:
        connection.execute(
            f"INSERT INTO {RELINKED} SELECT {literal(child.name)}, key {rows} AND NOT starts_with(key, {literal(BEFORE)})"
        )
    connection.execute(
        f"INSERT INTO {GIVEN_UP} SELECT {literal(child.name)}, 'release', {own}, school, sink_id, {name(column)} {rows}"
    )
