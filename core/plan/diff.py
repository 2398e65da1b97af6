"""Desired against taken: the changes of one table, as one Parquet file.

Columns of a change: `action`; `key`; `school`; `part` (see `syncrun.plan.model`); `fields`, the names of the columns
that differ, with commas; `sink_id`, where the sink's own id is not derived from the key; the table's columns with the
values after the change, and again as `was <column>` with those before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from syncrun.plan.applied import SCHEMA as APPLIED
from syncrun.plan.model import NEW
from syncrun.plan.shape import SCHEMA as SHAPED
from syncrun.scratch import publish, read_parquet, renew_schema
from syncrun.sdk import Cap, Table
from syncrun.sqltext import literal, name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SCHEMA = "changes"
LEFT_OUT = "left_out"
"""What people took out of the sync: (kind, sourcedId) of orgs and teachers; see `syncrun.match.mapping`."""
LINKS = "found_links"
"""Rows of the sink that were there before and that the plan takes over: ("table", key, sink_id)."""


def prepare(connection: DuckDBPyConnection) -> None:
    """Make the schema for changes and the table of links."""
    renew_schema(connection, SCHEMA)
    connection.execute(f'CREATE OR REPLACE TEMP TABLE {LINKS} ("table" VARCHAR, key VARCHAR, sink_id VARCHAR)')


@dataclass(frozen=True, slots=True)
class Terms:
    """What the diff of a sink keeps to. `first`: nothing was taken yet. `ask_new`: new rows that cost money go into a
    part of their own. `keep_left_out`: rows that people took out of the sync stay as they are."""

    caps: Cap
    first: bool
    ask_new: bool
    keep_left_out: bool


def diff(connection: DuckDBPyConnection, table: Table, tables: Sequence[Table], target: Path, terms: Terms) -> None:
    """Write the changes of one table to `target` and make the view `changes.<table>` over it."""
    query = _first(table) if terms.first else _difference(table, _gone(table, tables, terms), terms)
    publish(connection, _part(table, query, ask_new=terms.ask_new), target)
    open_table(connection, table, target)


def _gone(table: Table, tables: Sequence[Table], terms: Terms) -> str:
    """The condition for a row that is to be set aside. A row is left alone that people took out of the sync: of an org
    that takes no part any more, or of a teacher who is skipped."""
    if table.removal == "keep" or Cap.ARCHIVE not in terms.caps:
        return "false"
    gone = "new.key IS NULL AND NOT old.archived"
    if terms.keep_left_out:
        of_teachers = {each.name for each in tables if each.mapping == "teachers"}
        columns = ["key"] * (table.mapping == "teachers") + [
            c for c, parent in table.parents.items() if parent in of_teachers
        ]
        gone += f" AND {_not_left_out('orgs', 'school')}"
        gone += "".join(f" AND {_not_left_out('teachers', column)}" for column in columns)
    return gone


def _not_left_out(kind: str, column: str) -> str:
    left = f"SELECT sourcedId FROM {LEFT_OUT} WHERE kind = {literal(kind)}"
    return f"coalesce(old.{name(column)} NOT IN ({left}), true)"


def open_table(connection: DuckDBPyConnection, table: Table, path: Path) -> None:
    """Make the view `changes.<table>` over a file of changes."""
    connection.execute(f"CREATE OR REPLACE VIEW {SCHEMA}.{name(table.name)} AS FROM {read_parquet([path])}")


def _part(table: Table, query: str, *, ask_new: bool) -> str:
    """The query with the part each change belongs to, and with links in place of some creations."""
    asks = f"changed.action = 'create' AND link.sink_id IS NULL AND {table.billable and ask_new}"
    return f"""
        SELECT changed.* REPLACE (
                CASE WHEN changed.action = 'create' AND link.sink_id IS NOT NULL THEN 'link' ELSE changed.action END
                    AS action,
                coalesce(changed.sink_id, link.sink_id) AS sink_id),
            coalesce(changed.school, '') || CASE WHEN {asks} THEN {literal(NEW)} ELSE '' END AS part
        FROM ({query}) AS changed
        LEFT JOIN {LINKS} AS link ON link."table" = {literal(table.name)} AND link.key = changed.key
    """


def _first(table: Table) -> str:
    columns = [name(column.name) for column in table.columns]
    before = ", ".join(f"NULL::{column.sql_type} AS {name('was ' + column.name)}" for column in table.columns)
    return f"""
        SELECT 'create' AS action, key, school, '' AS fields, NULL::VARCHAR AS sink_id, {", ".join(columns)}, {before}
        FROM {SHAPED}.{name(table.name)}
    """


def _difference(table: Table, gone: str, terms: Terms) -> str:
    columns = [name(column.name) for column in table.columns]
    differs = " OR ".join(f"new.{column} IS DISTINCT FROM old.{column}" for column in columns)
    fields = ", ".join(
        f"CASE WHEN new.{column} IS DISTINCT FROM old.{column} THEN {literal(column.strip(chr(34)))} END"
        for column in columns
    )
    after = ", ".join(
        f"CASE WHEN new.key IS NULL THEN old.{column} ELSE new.{column} END AS {column}" for column in columns
    )
    before = ", ".join(f"old.{name(column.name)} AS {name('was ' + column.name)}" for column in table.columns)
    again = "restore" if Cap.RESTORE in terms.caps else "create"
    return f"""
        SELECT CASE WHEN old.key IS NULL THEN 'create' WHEN new.key IS NULL THEN 'archive'
                WHEN old.archived THEN {literal(again)} ELSE 'update' END AS action,
            coalesce(new.key, old.key) AS key,
            CASE WHEN new.key IS NULL THEN old.school ELSE new.school END AS school,
            CASE WHEN old.key IS NULL OR new.key IS NULL THEN ''
                ELSE array_to_string(list_filter([{fields}], lambda each: each IS NOT NULL), ',') END AS fields,
            old.sink_id, {after}, {before}
        FROM {SHAPED}.{name(table.name)} AS new FULL JOIN {APPLIED}.{name(table.name)} AS old ON old.key = new.key
        WHERE old.key IS NULL OR ({gone}) OR (new.key IS NOT NULL AND (old.archived OR {differs}))
    """
