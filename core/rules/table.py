"""The tables that the checks fill: findings, and the rows that are not used because of one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from syncrun.finding import Finding, mask
from syncrun.intake.origin import sql_line, sql_number
from syncrun.scratch import publish
from syncrun.sqltext import literals, name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FINDINGS = "findings"
REJECTED = "rejected_rows"
SANITY = "R-SANE-"
"""How the codes begin of remarks on the roster as a whole."""
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


@dataclass(frozen=True, slots=True)
class Counted:
    """A predicate whose rows are counted, and the column that it is about, of which the first cell is shown, masked."""

    sql: str
    column: str = ""


def tally(
    connection: DuckDBPyConnection, file: str, relation: str, tests: Mapping[str, Counted], *, carried: bool = False
) -> None:
    """Note, by code, of how many rows of a relation (with `line` and `sourcedId`) a predicate is true, and the first of
    them, in one pass. Rows without a line came with an earlier set and were noted then, unless they count as well
    (`carried`)."""
    told = ", ".join(
        f"count(*) FILTER ({where}), min(line) FILTER ({where}), arg_min({shown}, line) FILTER ({where})"
        for where, shown in (
            (f"WHERE {'' if carried else 'line IS NOT NULL AND '}({test.sql})",
             f"{name(test.column)}::VARCHAR" if test.column else "NULL::VARCHAR") for test in tests.values()
        )
    )  # fmt: skip
    found = connection.execute(f"SELECT {told} FROM {relation}").fetchone() or ()
    note(connection, (
        Finding(code, file, line, None, test.column or None, shown and mask(shown), count)
        for (code, test), count, line, shown in zip(tests.items(), found[::3], found[1::3], found[2::3], strict=True) if count
    ))  # fmt: skip


def read(connection: DuckDBPyConnection, limit: int = 1000) -> list[Finding]:
    """The findings but those about sanity, in order of file and line; at most `limit`, since a file may have a million:
    then the first ones of each kind."""
    return _read(connection, f"NOT starts_with(code, '{SANITY}')", limit)


def sanity(connection: DuckDBPyConnection) -> list[Finding]:
    """The findings about sanity, in the order of their codes' files."""
    return _read(connection, f"starts_with(code, '{SANITY}')", 1000)


def of(connection: DuckDBPyConnection, codes: Collection[str], limit: int = 1000) -> list[Finding]:
    """The findings of some codes, in the same order."""
    return _read(connection, f"code IN ({literals(codes)})", limit)


def _read(connection: DuckDBPyConnection, which: str, limit: int) -> list[Finding]:
    first = f"""
        FROM {FINDINGS} SEMI JOIN (
            SELECT unnest(min_by(rowid, coalesce(line, 0), {int(limit)})) AS one FROM {FINDINGS} WHERE {which}
            GROUP BY code, file, "column"
        ) ON one = rowid"""
    query = f"""
        SELECT code, coalesce(origin, file) AS told, {sql_line("line")} AS place, key, coalesce(source, found."column"), shape,
            count, words
        FROM (
            FROM ({first}) ORDER BY row_number() OVER (PARTITION BY code, file, "column" ORDER BY line), code, file LIMIT ?
        ) AS found LEFT JOIN {ORIGINS} AS origin ON origin.number = {sql_number("line")}
        LEFT JOIN {_SOURCES} AS named ON named.number = origin.number AND named."column" = found."column"
        ORDER BY told, place, code"""
    return [Finding(*row) for row in connection.execute(query, [limit]).fetchall()]


def write(connection: DuckDBPyConnection, target: Path) -> None:
    """Keep the findings of a run in a file."""
    publish(connection, f"FROM {FINDINGS}", target)
