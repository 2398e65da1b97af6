"""After applying: the files of what the sink has taken now."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from syncrun.apply.execute import EXCEPTIONS
from syncrun.apply.outgoing import KNOWN
from syncrun.apply.release import SCHEMA as RELEASED
from syncrun.plan import applied
from syncrun.plan.model import SinkPlan
from syncrun.scratch import publish
from syncrun.sdk import Cap, Table
from syncrun.sqltext import literal, name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def taken(
    connection: DuckDBPyConnection,
    table: Table,
    plan: SinkPlan,
    caps: Cap,
    target: Path,
    home: Path,
    *,
    all_released: bool,
) -> bool:
    """Write the applied changes of one table to `target`; False when there are none.

    When all of them were applied as planned, the file of changes itself is linked into place.
    """
    found = plan.tables.get(table.name)
    if not found or not found.counts:
        return False
    not_taken = f"""SELECT key FROM {EXCEPTIONS}
        WHERE "table" = {literal(table.name)} AND status IN ('rejected', 'conflict')"""
    exceptions = connection.execute(f"SELECT count(*) FROM ({not_taken})").fetchone()
    if all_released and not (exceptions and exceptions[0]) and Cap.CLIENT_IDS in caps and not found.counts.get("move"):
        target.unlink(missing_ok=True)
        os.link(home / found.path, target)
        return True
    rows = f"FROM {RELEASED}.{name(table.name)} AS change WHERE key NOT IN ({not_taken})"
    ids = "change.sink_id"
    if Cap.CLIENT_IDS not in caps:
        ids = f"""coalesce(change.sink_id, (SELECT any_value(sink_id) FROM {KNOWN} AS known
            WHERE known."table" = {literal(table.name)} AND known.key = change.key))"""
    refused = f"FROM {RELEASED}.{name(table.name)} AS change WHERE key IN ({not_taken})"
    found_rows = " UNION ALL BY NAME ".join((
        f"SELECT change.* REPLACE ({ids} AS sink_id) {rows}", _left(table, rows), _given_back(refused, rows),
        _still_naming(table, refused),
    ))  # fmt: skip
    if connection.execute(f"SELECT 1 FROM ({found_rows}) LIMIT 1").fetchone() is None:
        return False
    publish(connection, found_rows, target)
    return True


def _left(table: Table, rows: str) -> str:
    """The rows whose place a move took, as archived ones."""
    was = ", ".join(f"{name('was ' + column.name)} AS {name(column.name)}" for column in table.columns)
    return f"SELECT 'archive' AS action, from_key AS key, school, part, '' AS fields, {was} {rows} AND action = 'move'"


def _given_back(refused: str, rows: str) -> str:
    """The rows that are to be other ones of the sink, as released where they were given back and the sink did not take the
    other one: they have none."""
    return f"""SELECT 'release' AS action, key, school, part, '' AS fields {refused}
        AND action IN ('create', 'link') AND from_key IN (SELECT key {rows} AND action = 'release')"""


def _still_naming(table: Table, refused: str) -> str:
    """The rows that the sink did not change although they name a row that is another one now, as they were, but for that
    reference: the sink's row names what is no record any more. So the next plan has the change again."""
    renewed = {
        column.name: f"list_contains(string_split(fields, ','), {literal(column.name)}) "
        f"AND {name(column.name)} IS NOT DISTINCT FROM {name('was ' + column.name)}"
        for column in table.columns if column.parent
    }  # fmt: skip
    was = ", ".join(
        f"{f'CASE WHEN {renewed[column.name]} THEN NULL ELSE {old} END' if column.name in renewed else old} AS {name(column.name)}"
        for column in table.columns for old in [name("was " + column.name)]
    )  # fmt: skip
    return f"""SELECT 'update' AS action, key, school, part, '' AS fields, sink_id, {was} {refused}
        AND action = 'update' AND ({" OR ".join(renewed.values()) or "false"})"""


def folded(connection: DuckDBPyConnection, table: Table, files: Sequence[Path], target: Path) -> bool:
    """Fold many files of applied rows into one at `target`; False when there are few."""
    if len(files) <= applied.MOST_FILES:
        return False
    applied.open_table(connection, table, files)
    applied.fold(connection, table, target)
    return True
