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


def columns(table: Table) -> str:
    """The columns of an applied row beside `archived`."""
    return ", ".join(["key", "school", "sink_id", *(name(column.name) for column in table.columns)])


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
    query = _rows(table, [first])
    if later:
        newest = name("newest " + table.name)
        ranked = " UNION ALL ".join(
            f"SELECT *, {n} AS seq FROM ({_rows(table, [file])})" for n, file in enumerate(later)
        )
        connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE {newest} AS SELECT * EXCLUDE seq FROM ({ranked})
            QUALIFY row_number() OVER (PARTITION BY key ORDER BY seq DESC) = 1
        """)
        query = f"SELECT * FROM {newest} UNION ALL SELECT * FROM ({query}) ANTI JOIN {newest} USING (key)"
    connection.execute(f"CREATE OR REPLACE VIEW {view} AS SELECT * EXCLUDE released FROM ({query}) WHERE NOT released")


def _rows(table: Table, files: Sequence[Path]) -> str:
    return f"""SELECT {columns(table)}, action IN ('archive', 'retire') AS archived, action = 'release' AS released
        FROM {read_parquet(files)}"""


def fold(connection: DuckDBPyConnection, table: Table, target: Path) -> None:
    """Write the view as one file in the form of a file of changes."""
    action = f"CASE WHEN archived THEN {literal('archive')} ELSE {literal('create')} END AS action"
    publish(connection, f"SELECT {action}, * EXCLUDE archived FROM {SCHEMA}.{name(table.name)}", target)
