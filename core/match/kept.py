"""Columns that stay as the sink has them in a row that was taken over, since a person chose so when records were merged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from syncrun.match.relink import OBSERVED
from syncrun.plan.applied import SCHEMA as APPLIED
from syncrun.plan.diff import KEPT
from syncrun.plan.shape import SCHEMA as SHAPED
from syncrun.scratch import has
from syncrun.sdk import Table
from syncrun.sqltext import literal, name
from syncrun.state.decision import Decision

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def settle(connection: DuckDBPyConnection, table: Table, decisions: Sequence[Decision]) -> bool:
    """Make `KEPT.<table>`, the rows that keep something, as they are to be; False when there are none. A column that
    refers to another row is never kept."""
    keeping = [
        {"key": each.source_id, "sink_id": each.sink_id, "keep": list(each.keep)}
        for each in decisions if each.kind == table.mapping and each.decision == "link" and each.keep
    ]  # fmt: skip
    if not keeping:
        return False
    seen = has(connection, OBSERVED, table.name)
    columns = [column.name for column in table.columns if column.parent is None]
    replaced = ", ".join(
        f"CASE WHEN list_contains(chosen.keep, {literal(each)}) THEN CASE WHEN was.sink_id = chosen.sink_id "
        f"THEN was.{name(each)} ELSE {f'row.{name(each)}' if seen else f'new.{name(each)}'} END ELSE new.{name(each)} END AS {name(each)}"
        for each in columns
    )  # fmt: skip
    observed = f"LEFT JOIN {OBSERVED}.{name(table.name)} AS row ON row.sink_id = chosen.sink_id" if seen else ""
    connection.execute(
        f"""
        CREATE OR REPLACE TABLE {KEPT}.{name(table.name)} AS
        SELECT new.* REPLACE ({replaced}) FROM {SHAPED}.{name(table.name)} AS new
        JOIN (SELECT unnest(?::STRUCT(key VARCHAR, sink_id VARCHAR, keep VARCHAR[])[], recursive := true)) AS chosen USING (key)
        LEFT JOIN {APPLIED}.{name(table.name)} AS was ON was.key = new.key {observed}
        """,
        [keeping],
    )
    return True
