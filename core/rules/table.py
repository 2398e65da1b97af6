"""The tables that the checks fill: findings, and the rows that are not used because of one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from syncrun.finding import Finding
from syncrun.intake.origin import sql_line, sql_number
from syncrun.scratch import publish

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FINDINGS = "findings"
REJECTED = "rejected_rows"
ORIGINS = "origins"
"""By the number in their lines, the files of rows that were drawn from another format (`syncrun.intake.origin`)."""
_SOURCES = "origin_columns"


def prepare(connection: DuckDBPyConnection) -> None:
    """Make the two tables. `rejected_rows` has one row per row of a file that is not used; `id` is the landed row;
    `copy` says that the row is not used only because an equal one is."""
    connection.execute(f"""
        CREATE TABLE {FINDINGS} (code VARCHAR, file VARCHAR, line BIGINT, key VARCHAR, "column" VARCHAR,
            shape VARCHAR, count BIGINT, words VARCHAR)""")
    connection.execute(f"CREATE TABLE {REJECTED} (entity VARCHAR, id BIGINT, key VARCHAR, copy BOOLEAN)")
    connection.execute(f"CREATE TABLE {ORIGINS} (number BIGINT, origin VARCHAR)")

    connection.execute(f'CREATE TABLE {_SOURCES} (number BIGINT, "column" VARCHAR, source VARCHAR)')


def note_origins(connection: DuckDBPyConnection, files: Sequence[str], sources: Iterable[tuple[int, str, str]]) -> None:
    """Keep the file of each number, and the names that columns have in it."""
    connection.executemany(f"INSERT INTO {ORIGINS} VALUES (?, ?)", list(enumerate(files, 1)))
    connection.executemany(f"INSERT INTO {_SOURCES} VALUES (?, ?, ?)", list(sources))


def note(connection: DuckDBPyConnection, findings: Iterable[Finding]) -> None:
    """Put findings into the table."""
    rows = [(f.code, f.file, f.line, f.key, f.column, f.shape, f.count, f.words) for f in findings]
    if rows:
        connection.executemany(f"INSERT INTO {FINDINGS} VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)


def read(connection: DuckDBPyConnection, limit: int = 1000) -> list[Finding]:
    """The findings, in order of file and line; at most `limit`, since a file may have a million: then the first ones of
    each kind."""
    query = f"""
        SELECT code, coalesce(origin, file) AS told, {sql_line("line")} AS place, key, coalesce(source, found."column"), shape,
            count, words
        FROM (
            FROM {FINDINGS} ORDER BY row_number() OVER (PARTITION BY code, file, "column" ORDER BY line), code, file LIMIT ?
        ) AS found LEFT JOIN {ORIGINS} AS origin ON origin.number = {sql_number("line")}
        LEFT JOIN {_SOURCES} AS named ON named.number = origin.number AND named."column" = found."column"
        ORDER BY told, place, code"""
    return [Finding(*row) for row in connection.execute(query, [limit]).fetchall()]


def write(connection: DuckDBPyConnection, target: Path) -> None:
    """Keep the findings of a run in a file."""
    publish(connection, f"FROM {FINDINGS}", target)
