"""Which changes of a plan go now: those of parts that nothing holds or that a person approved, but for rows whose
parent waits; those wait with it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from syncrun.plan.diff import SCHEMA as CHANGES
from syncrun.plan.model import SinkPlan
from syncrun.scratch import renew_schema
from syncrun.sdk import Table
from syncrun.sqltext import literals, name

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
    for table in ordered(tables):
        if table.name not in plan.tables:
            continue
        if not everything:
            _note_waiting(connection, table, free)
        left_out = (
            ""
            if everything
            else f"""
            WHERE key NOT IN (SELECT key FROM {WAITING} WHERE "table" = '{table.name}')"""
        )
        connection.execute(
            f"CREATE VIEW {SCHEMA}.{name(table.name)} AS SELECT * FROM {CHANGES}.{name(table.name)}{left_out}"
        )
    found = connection.execute(f"SELECT count(*) FROM {WAITING}").fetchone()
    return int(found[0]) if found else 0


def _note_waiting(connection: DuckDBPyConnection, table: Table, free: Sequence[str]) -> None:
    """Changes in parts that are held, and changes that name a row whose creation waits."""
    held = f"part NOT IN ({literals(free) or 'NULL'})" if free else "true"
    connection.execute(
        f"INSERT INTO {WAITING} SELECT ?, key FROM {CHANGES}.{name(table.name)} WHERE {held}", [table.name]
    )
    for column, parent in table.parents.items():
        connection.execute(
            f"""
            INSERT INTO {WAITING}
            SELECT ?, change.key FROM {CHANGES}.{name(table.name)} AS change
            SEMI JOIN (
                SELECT key FROM {WAITING} SEMI JOIN (
                    SELECT key FROM {CHANGES}.{name(parent)} WHERE action IN ('create', 'link', 'restore')) USING (key)
                WHERE "table" = ?) AS parent ON parent.key = change.{name(column)}
            WHERE change.action <> 'archive'
                AND change.key NOT IN (SELECT key FROM {WAITING} WHERE "table" = ?)
            """,
            [table.name, parent, table.name],
        )
