"""What a sink has taken: views over the files of changes that were applied, later ones overruling earlier ones.

A file of applied rows has the form of a file of changes, so the first sync's changes are its applied rows as they
are, and a day's few changes are a small file on top. When the small ones add up they are folded into one. What was
released is not the sync's any more, and not in the views.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from syncrun.scratch import publish, read_parquet
from syncrun.sdk import Table
from syncrun.sqltext import literal, name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SCHEMA = "applied"
MOST_FILES = 12
"""More files than this are folded into one."""


def open_table(connection: DuckDBPyConnection, table: Table, files: Sequence[Path]) -> None:
    """Make the view `applied.<table>`: key, school, sink_id, the table's columns, archived."""
    typed = ", ".join(f"NULL::{column.sql_type} AS {name(column.name)}" for column in table.columns)
    view = f"{SCHEMA}.{name(table.name)}"
    if not files:
        connection.execute(
            f"CREATE OR REPLACE VIEW {view} AS SELECT ''::VARCHAR AS key, NULL::VARCHAR AS school, "
            f"NULL::VARCHAR AS sink_id, {typed}, false AS archived WHERE false"
        )
        return
    first, *later = files
    query = _rows(connection, table, first)
    if later:
        newest = name("newest " + table.name)
        ranked = " UNION ALL ".join(
            f"SELECT *, {n} AS seq FROM ({_rows(connection, table, file)})" for n, file in enumerate(later)
        )
        connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE {newest} AS SELECT * EXCLUDE seq FROM ({ranked})
            QUALIFY row_number() OVER (PARTITION BY key ORDER BY seq DESC) = 1
        """)
        query = f"SELECT * FROM {newest} UNION ALL SELECT * FROM ({query}) ANTI JOIN {newest} USING (key)"
    connection.execute(f"CREATE OR REPLACE VIEW {view} AS SELECT * EXCLUDE released FROM ({query}) WHERE NOT released")


def _rows(connection: DuckDBPyConnection, table: Table, file: Path) -> str:
    """The rows of one file. Columns that the sink did not have when it was written are NULL: it has nothing there."""
    source = read_parquet([file])
    there = {column for (column, *_) in connection.execute(f"DESCRIBE FROM {source}").fetchall()}
    columns = ", ".join(
        name(column.name) if column.name in there else f"NULL::{column.sql_type} AS {name(column.name)}"
        for column in table.columns
    )
    return f"""SELECT key, school, sink_id, {columns}, action IN ('archive', 'retire') AS archived,
        action = 'release' AS released FROM {source}"""


def fold(connection: DuckDBPyConnection, table: Table, target: Path) -> None:
    """Write the view as one file in the form of a file of changes."""
    action = f"CASE WHEN archived THEN {literal('archive')} ELSE {literal('create')} END AS action"
    publish(connection, f"SELECT {action}, * EXCLUDE archived FROM {SCHEMA}.{name(table.name)}", target)
