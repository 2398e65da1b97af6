"""Desired against taken: the changes of one table, as one Parquet file.

Columns of a change: `action`; `key`; `school`; `part` (see `syncrun.plan.model`); `fields`, the names of the columns
that differ, with commas; `sink_id`, where the sink's own id is not derived from the key; the table's columns with the
values after the change, and again as `was <column>` with those before it; `from_key`, the key of the row that a move
takes the place of, or by which a row that is to be another one is given back in the same plan.

A row of the sink that is no record of the source any more, or never was, has the key `before:` with its id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from syncrun.plan import move
from syncrun.plan.applied import SCHEMA as APPLIED
from syncrun.plan.model import NEW, PROMPT
from syncrun.plan.shape import LEFT_OUT
from syncrun.plan.shape import SCHEMA as SHAPED
from syncrun.scratch import publish, read_parquet, renew_schema
from syncrun.sdk import Cap, Column, Table
from syncrun.sqltext import literal, name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SCHEMA = "changes"
LINKS = "found_links"
"""Rows of the sink that were there before and that the plan takes over: ("table", key, sink_id)."""

RELINKED = "relinked"
"""Rows that were taken and that are to be another row of the sink from now on: ("table", key, from_key), `from_key`
being the key by which the row that they were is released."""
GIVEN_UP = "given_up"
"""Rows of the sink that are to be released or retired: ("table", action, key, school, sink_id, parent), where `parent` is
the key of the class that a member belongs to."""
REGROUPED = "regroup"
"""What is not sent: a row whose school alone is another one now, so that later changes are judged there."""
BEFORE = "before:"
"""What the key of a row begins with that is no record of the source; the sink's id follows."""
BENEATH = "|beneath"
"""What the key of a release ends with, after `before:` and the sink's id, of a row that stays known as set aside: it was
that before it was taken over, and is that again when it is given back."""
KEPT = "kept_rows"
"""Schema of rows some of whose columns people chose to keep, as they are to be."""


def prepare(connection: DuckDBPyConnection) -> None:
    """Make the schemas and tables that the diff works with, empty."""
    renew_schema(connection, SCHEMA)
    renew_schema(connection, KEPT)
    for table, columns in (
        (LINKS, ("table", "key", "sink_id")), (RELINKED, ("table", "key", "from_key")),
        (GIVEN_UP, ("table", "action", "key", "school", "sink_id", "parent")),
    ):  # fmt: skip
        declared = ", ".join(f"{name(column)} VARCHAR" for column in columns)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} ({declared})")


@dataclass(frozen=True, slots=True)
class Terms:
    """What the diff of a sink keeps to. `first`: nothing was taken yet. `ask_new`: new rows that cost money go into a
    part of their own. `keep_left_out`: rows that people took out of the sync stay as they are. `kept`: tables with rows
    in `KEPT`. `additions_only`: nothing is set aside because it is not wanted any more, and so nothing moves."""

    caps: Cap
    first: bool
    ask_new: bool
    keep_left_out: bool
    kept: frozenset[str] = frozenset()
    additions_only: bool = False


def diff(connection: DuckDBPyConnection, table: Table, tables: Sequence[Table], target: Path, terms: Terms) -> None:
    """Write the changes of one table to `target` and make the view `changes.<table>` over it."""
    query = _first(table, terms) if terms.first else _difference(table, _gone(table, tables, terms), terms)
    moves = Cap.MOVE in terms.caps and not terms.first and table.moves is not None
    query = (
        move.paired(table, query, LINKS, RELINKED) if moves else f"SELECT *, NULL::VARCHAR AS from_key FROM ({query})"
    )
    publish(connection, _part(table, f"{query} UNION ALL BY NAME {_given_up(table)}", ask_new=terms.ask_new), target)
    open_table(connection, table, target)


def _gone(table: Table, tables: Sequence[Table], terms: Terms) -> str:
    """The condition for a row that is to be set aside. A row is left alone that people took out of the sync: of an org
    that takes no part any more, of a person or class that is skipped."""
    if table.removal == "keep" or Cap.ARCHIVE not in terms.caps or terms.additions_only:
        return "false"
    gone = "new.key IS NULL AND NOT old.archived"
    if terms.keep_left_out:
        gone += f" AND {_not_left_out('orgs', 'school')}"
        for kind in ("teachers", "classes", "students"):
            skipped = {each.name for each in tables if each.mapping == kind}
            columns = ["key"] * (table.mapping == kind) + [
                c for c, parent in table.parents.items() if parent in skipped
            ]
            gone += "".join(f" AND {_not_left_out(kind, column)}" for column in columns)
    return gone


def _not_left_out(kind: str, column: str) -> str:
    left = f"SELECT sourcedId FROM {LEFT_OUT} WHERE kind = {literal(kind)}"
    return f"coalesce(old.{name(column)} NOT IN ({left}), true)"


def _given_up(table: Table) -> str:
    """Rows that are released or retired; none of their columns is touched."""
    empty = {each: column.sql_type for column in table.columns for each in (column.name, "was " + column.name)}
    columns = ", ".join(
        f"{'parent' if each == table.shrink else f'NULL::{kind}'} AS {name(each)}" for each, kind in empty.items()
    )
    return f"""
        SELECT action, key, school, '' AS fields, sink_id, {columns}, NULL::VARCHAR AS from_key FROM {GIVEN_UP}
        WHERE "table" = {literal(table.name)}
    """


def open_table(connection: DuckDBPyConnection, table: Table, path: Path) -> None:
    """Make the view `changes.<table>` over a file of changes."""
    connection.execute(f"CREATE OR REPLACE VIEW {SCHEMA}.{name(table.name)} AS FROM {read_parquet([path])}")


def _part(table: Table, query: str, *, ask_new: bool) -> str:
    """The query with the part each change belongs to, and with links in place of some creations."""
    asks = f"""changed.action = 'create' AND link.sink_id IS NULL AND {table.billable and ask_new}
        AND again.key IS NULL"""
    return f"""
        SELECT changed.* REPLACE (
                CASE WHEN changed.action = 'create' AND link.sink_id IS NOT NULL THEN 'link' ELSE changed.action END
                    AS action,
                coalesce(changed.sink_id, link.sink_id) AS sink_id,
                coalesce(changed.from_key, again.from_key) AS from_key),
            coalesce(changed.school, '') || CASE WHEN {asks} THEN {literal(NEW)}
                WHEN {table.prompt} AND changed.action = 'archive' THEN {literal(PROMPT)} ELSE '' END AS part
        FROM ({query}) AS changed
        LEFT JOIN {LINKS} AS link ON link."table" = {literal(table.name)} AND link.key = changed.key
        LEFT JOIN {RELINKED} AS again ON again."table" = {literal(table.name)} AND again.key = changed.key
    """


def _wanted(table: Table, terms: Terms) -> str:
    """The rows that there should be, with what people chose to keep."""
    shaped = f"{SHAPED}.{name(table.name)}"
    if table.name not in terms.kept:
        return shaped
    kept = f"{KEPT}.{name(table.name)}"
    return f"(SELECT * FROM {shaped} ANTI JOIN {kept} USING (key) UNION ALL BY NAME SELECT * FROM {kept})"


def _first(table: Table, terms: Terms) -> str:
    columns = [name(column.name) for column in table.columns]
    before = ", ".join(f"NULL::{column.sql_type} AS {name('was ' + column.name)}" for column in table.columns)
    return f"""
        SELECT 'create' AS action, key, school, '' AS fields, NULL::VARCHAR AS sink_id, {", ".join(columns)}, {before}
        FROM {_wanted(table, terms)}
    """


def _difference(table: Table, gone: str, terms: Terms) -> str:
    columns = [name(column.name) for column in table.columns]
    tests = {column.name: _differs(column) for column in table.columns}
    differs = " OR ".join(tests.values())
    fields = ", ".join(f"CASE WHEN {test} THEN {literal(column)} END" for column, test in tests.items())
    again_as_another = f'old.key IN (SELECT key FROM {RELINKED} WHERE "table" = {literal(table.name)})'
    after = ", ".join(
        f"CASE WHEN new.key IS NULL THEN old.{column} ELSE new.{column} END AS {column}" for column in columns
    )
    before = ", ".join(f"old.{name(column.name)} AS {name('was ' + column.name)}" for column in table.columns)
    again = "restore" if Cap.RESTORE in terms.caps else "create"
    return f"""
        SELECT CASE WHEN old.key IS NULL OR {again_as_another} THEN 'create' WHEN new.key IS NULL THEN 'archive'
                WHEN old.archived THEN {literal(again)} WHEN {differs} THEN 'update' ELSE {literal(REGROUPED)} END AS action,
            coalesce(new.key, old.key) AS key,
            CASE WHEN new.key IS NULL THEN old.school ELSE new.school END AS school,
            CASE WHEN old.key IS NULL OR new.key IS NULL THEN ''
                ELSE array_to_string(list_filter([{fields}], lambda each: each IS NOT NULL), ',') END AS fields,
            CASE WHEN {again_as_another} THEN NULL ELSE old.sink_id END AS sink_id, {after}, {before}
        FROM {_wanted(table, terms)} AS new FULL JOIN {APPLIED}.{name(table.name)} AS old ON old.key = new.key
        WHERE (old.key IS NULL OR ({gone}) OR (new.key IS NOT NULL AND (old.archived OR {differs} OR {again_as_another}
                OR new.school IS DISTINCT FROM old.school)))
            AND coalesce(old.key, '') NOT IN (SELECT key FROM {GIVEN_UP} WHERE "table" = {literal(table.name)})
    """


def _differs(column: Column) -> str:
    """The condition for a column of a row to be sent: it has another value, or names a row that is another one now."""
    test = f"new.{name(column.name)} IS DISTINCT FROM old.{name(column.name)}"
    if column.parent is None:
        return test
    return (
        f'({test} OR new.{name(column.name)} IN (SELECT key FROM {RELINKED} WHERE "table" = {literal(column.parent)}))'
    )
