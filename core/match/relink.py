"""Changed decisions on rows that a sink has taken: they become another row of the sink, or are given back.

A record that is linked to another row than before, or is to have a row of its own again, keeps its key: the old row is
released, the new one taken, and rows that name the record are sent again so that they name the new one. A class or person
that is skipped is released where it was taken over; what the sync made itself stays or is archived, as `deselected` says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from syncrun.plan.applied import SCHEMA as APPLIED
from syncrun.plan.diff import BEFORE, BENEATH, GIVEN_UP, LINKS, RELINKED
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
    """Make the table `otherwise` (key, school, old, new) of rows that were taken as `old` and are to be `new`. `school` is
    the one that they belong to now, so that what is given back is held and approved with what takes its place."""
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
        SELECT key, shaped.school, coalesce(was.sink_id, {own}) AS old, coalesce(decided.sink_id, {own}) AS new
        FROM (SELECT unnest(?::STRUCT(key VARCHAR, sink_id VARCHAR)[], recursive := true)) AS decided
        JOIN {APPLIED}.{name(table.name)} AS was USING (key) JOIN {SHAPED}.{name(table.name)} AS shaped USING (key)
        WHERE coalesce(was.sink_id, {own}) <> coalesce(decided.sink_id, {own})
        """,
        [decided],
    )
    return True


def find(
    connection: DuckDBPyConnection, table: Table, tables: Sequence[Table], decisions: Sequence[Decision], derive: Derive
) -> dict[str, str]:
    """Note the rows that become another row of the sink, which was observed, and what is given back for them; by school,
    how many are to be rows that are not free. A row is free that nobody's sync owns, or that this plan gives back."""
    if not _note(connection, table, decisions, derive):
        return {}
    lost = _drop_lost(connection, table, derive)
    given = f"{literal(BEFORE)} || old"
    given = f"{given} || CASE WHEN {given} IN (SELECT key FROM {APPLIED}.{name(table.name)}) THEN {literal(BENEATH)} ELSE '' END"
    connection.execute(f"INSERT INTO {RELINKED} SELECT {literal(table.name)}, key, {given} FROM otherwise")
    connection.execute(f"""
        INSERT INTO {GIVEN_UP} SELECT {literal(table.name)}, 'release', {given}, school, old, NULL FROM otherwise
    """)
    for child, column in _naming(tables, table):
        _follow(connection, child, column, "SELECT key FROM otherwise", again=True)
    return {school: f"{count} {table.name} are linked to rows that the sink does not have or that are not free; correct "
            "the decisions" for school, count in lost.items()}  # fmt: skip


def _drop_lost(connection: DuckDBPyConnection, table: Table, derive: Derive) -> Counter[str]:
    """Take out of `otherwise` what is to be a row that is not free; how many, by school. Whoever waits for a row of
    those is lost too."""
    free = f"""new = {derive(table.name, "key")} OR new IN (SELECT old FROM otherwise) OR new IN ({released(table)})
        OR new IN (SELECT sink_id FROM {OBSERVED}.{name(table.name)} WHERE NOT owned)"""
    lost: Counter[str] = Counter()
    while rows := connection.execute(
        f"DELETE FROM otherwise WHERE NOT coalesce({free}, false) RETURNING coalesce(school, '')"
    ).fetchall():
        lost.update(school for (school,) in rows)
    return lost


def released(table: Table) -> str:
    """The query for ids of a table's rows that this plan gives back."""
    return f"""SELECT sink_id FROM {GIVEN_UP} WHERE "table" = {literal(table.name)} AND action = 'release'"""


def bring_back(connection: DuckDBPyConnection, table: Table) -> None:
    """Rows that were set aside and are taken over now are given back first, so that what is kept of them is as they were
    before anybody set them aside. They stay known as such: see `set_aside_again`."""
    connection.execute(f"""
        INSERT INTO {GIVEN_UP}
        SELECT {literal(table.name)}, 'release', aside.key || {literal(BENEATH)}, shaped.school, aside.sink_id, NULL
        FROM {APPLIED}.{name(table.name)} AS aside
        JOIN {LINKS} AS link ON link."table" = {literal(table.name)} AND aside.key = {literal(BEFORE)} || link.sink_id
        JOIN {SHAPED}.{name(table.name)} AS shaped ON shaped.key = link.key
        WHERE aside.sink_id NOT IN ({released(table)})
    """)


def set_aside_again(connection: DuckDBPyConnection, table: Table, brought_back: Sequence[str]) -> None:
    """Rows that were set aside, then taken over, and that this plan gives back are set aside again; but for those that a
    person has chosen to be `brought_back` since (ids of the sink), which are forgotten."""
    connection.execute(
        f"""
        INSERT INTO {GIVEN_UP}
        SELECT {literal(table.name)}, CASE WHEN aside.sink_id IN (SELECT unnest($1::VARCHAR[])) THEN 'release' ELSE 'retire' END,
            aside.key, any_value(given.school), aside.sink_id, NULL
        FROM {APPLIED}.{name(table.name)} AS aside JOIN {GIVEN_UP} AS given ON given."table" = {literal(table.name)}
            AND given.action = 'release' AND aside.key = {literal(BEFORE)} || given.sink_id
        WHERE aside.sink_id NOT IN (SELECT sink_id FROM {LINKS} WHERE "table" = {literal(table.name)})
            AND aside.key NOT IN (SELECT key FROM {GIVEN_UP} WHERE "table" = {literal(table.name)})
        GROUP BY aside.key, aside.sink_id
        """,
        [list(brought_back)],
    )


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
        FROM {APPLIED}.{name(child.name)} AS was LEFT JOIN {SHAPED}.{name(child.name)} AS now ON now.key = was.key
        WHERE was.sink_id IS NOT NULL AND was.{name(column)} IN ({parents})
            AND (NOT was.archived OR starts_with(was.key, {literal(BEFORE)}))
            AND was.sink_id NOT IN ({released(child)})"""
    aside = f"starts_with(was.key, {literal(BEFORE)})"
    stays = f"now.key IS NOT NULL AND NOT {aside}" if again else "false"
    apart = f"{literal(BEFORE)} || was.sink_id || {literal(BENEATH)}"  # the row may be set aside in the same plan
    as_given = f"CASE WHEN {stays} THEN {apart} ELSE was.key END"
    connection.execute(f"INSERT INTO {RELINKED} SELECT {literal(child.name)}, was.key, {apart} {rows} AND {stays}")
    connection.execute(f"""
        INSERT INTO {GIVEN_UP} SELECT {literal(child.name)}, 'release', {as_given}, coalesce(now.school, was.school),
            was.sink_id, was.{name(column)} {rows}
    """)
