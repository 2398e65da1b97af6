"""Which changes of a plan go now: those of parts that nothing holds or that a person approved, but for rows whose
parent waits; those wait with it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from syncrun.plan.diff import SCHEMA as CHANGES
from syncrun.plan.model import SinkPlan
from syncrun.scratch import renew_schema
from syncrun.sdk import Table
from syncrun.sqltext import literal, literals, name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SCHEMA = "released"
WAITING = "waiting"
"""Changes that wait: ("table", key)."""


def ordered(tables: Sequence[Table]) -> list[Table]:
    """The tables with parents before children; their own order where that leaves a choice."""
    left, done = list(tables), []
    while left:
        free = next((t for t in left if not any(parent in {o.name for o in left if o is not t}
                                                for parent in t.parents.values())), left[0])  # fmt: skip
        left.remove(free)
        done.append(free)
    return done


def release(connection: DuckDBPyConnection, plan: SinkPlan, tables: Sequence[Table], approved: Collection[str]) -> int:
    """Make the views `released.<table>`; how many changes wait. `approved` names parts that a person let go."""
    renew_schema(connection, SCHEMA)
    connection.execute(f'CREATE OR REPLACE TABLE {WAITING} ("table" VARCHAR, key VARCHAR)')
    free = [part for part, each in plan.parts.items() if not each.reasons or part in approved]
    everything = len(free) == len(plan.parts)
    planned = [table for table in ordered(tables) if table.name in plan.tables]
    if not everything:
        _note_waiting(connection, planned, free)
    for table in planned:
        left_out = f"""WHERE key NOT IN (SELECT key FROM {WAITING} WHERE "table" = {literal(table.name)})"""
        connection.execute(f"CREATE VIEW {SCHEMA}.{name(table.name)} AS "
                           f"SELECT * FROM {CHANGES}.{name(table.name)} {'' if everything else left_out}")  # fmt: skip
    found = connection.execute(f"SELECT count(*) FROM {WAITING}").fetchone()
    return int(found[0]) if found else 0


def _note_waiting(connection: DuckDBPyConnection, tables: Sequence[Table], free: Sequence[str]) -> None:
    """Changes in parts that are held, and changes that wait because of those, until no more are found."""
    held = f"part NOT IN ({literals(free) or 'NULL'})" if free else "true"
    for table in tables:
        _wait(connection, table, f"SELECT key FROM {CHANGES}.{name(table.name)} WHERE {held}")
    while any(_wait(connection, table, query) for table in tables for query in _because(table, tables)):
        pass


def _wait(connection: DuckDBPyConnection, table: Table, keys: str) -> int:
    """Let the changes with these keys wait; how many did not yet."""
    found = connection.execute(f"""
        INSERT INTO {WAITING} SELECT DISTINCT {literal(table.name)}, key FROM ({keys})
        WHERE key NOT IN ({_waiting(table.name)})
    """).fetchone()
    return int(found[0]) if found else 0


def _waiting(table: str) -> str:
    return f"""SELECT key FROM {WAITING} WHERE "table" = {literal(table)}"""


def _because(table: Table, tables: Sequence[Table]) -> Iterator[str]:
    """Queries for keys of changes that wait because another does.

    A row waits for the rows that it names. What takes the place of a row that is given back, and that release, go
    together, and only when all rows that name it follow: later nothing would tell that these still name the old one.
    A row is set aside again after it was given back.
    """
    own = f"{CHANGES}.{name(table.name)}"
    for column, parent in table.parents.items():
        if parent in {each.name for each in tables}:
            yield f"""
                SELECT key FROM {own} WHERE action <> 'archive' AND {name(column)} IN (
                    SELECT key FROM {CHANGES}.{name(parent)} WHERE action IN ('create', 'link', 'restore')
                        AND key IN ({_waiting(parent)}))"""
    again = f"SELECT key, from_key, sink_id FROM {own} WHERE action IN ('create', 'link') AND from_key IS NOT NULL"
    yield f"SELECT from_key AS key FROM ({again}) WHERE key IN ({_waiting(table.name)})"
    yield f"SELECT key FROM ({again}) WHERE from_key IN ({_waiting(table.name)})"
    yield f"""SELECT key FROM {own} WHERE action = 'link' AND sink_id IN (
        SELECT sink_id FROM {own} WHERE action = 'release' AND key IN ({_waiting(table.name)}))"""
    yield f"""SELECT key FROM {own} WHERE action = 'retire' AND sink_id IN (
        SELECT sink_id FROM {own} WHERE action = 'release' AND key IN ({_waiting(table.name)}))"""
    for child in tables:
        for column in (column for column, parent in child.parents.items() if parent == table.name):
            yield f"""SELECT key FROM ({again}) WHERE key IN (
                SELECT {name(column)} FROM {CHANGES}.{name(child.name)}
                WHERE action IN ('create', 'link', 'restore', 'update', 'move') AND key IN ({_waiting(child.name)}))"""
