"""The SQL execution of the canonical entities: cells and rows of a landed table, checked at once.

Only rows that the sieve left as suspect are looked at cell by cell. What a row means, typed, is the view
`valued.<entity>`: the columns, `id` (of the landed row), `line`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from syncrun.finding import sql_mask
from syncrun.intake.land import REJECTED as LINES
from syncrun.intake.land import SCHEMA, Landed
from syncrun.roster.cell import Cell
from syncrun.roster.entity import ENTITIES, RowTest
from syncrun.roster.rule import Severity
from syncrun.rules.rule import RULES
from syncrun.rules.table import FINDINGS, REJECTED
from syncrun.sqltext import literal, name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

VALUED = "valued"
_LOSES_ROW = [code for code, rule in RULES.items() if rule.severity is Severity.DROP_ROW]
_NOTES = [code for code, rule in RULES.items() if rule.severity is Severity.NOTE]


def prepare(connection: DuckDBPyConnection) -> None:
    """Make the schema for typed views."""
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {VALUED}")


def check(connection: DuckDBPyConnection, landed: Landed) -> None:
    """Find what is wrong with the rows of one landed table, and make its typed view."""
    cells = {column: cell for column, cell in ENTITIES[landed.entity].cells().items() if column in landed.columns}
    found = connection.execute(f"SELECT count(*) FROM {_landed(landed)} WHERE suspect").fetchone()
    suspects = bool(found and found[0])
    unreadable(connection, landed)
    if suspects:
        _cells(connection, landed, cells)
    _value(connection, landed, cells, suspects=suspects)
    _rows(connection, landed)
    _copies(connection, landed)
    connection.execute(f"""
        INSERT INTO {REJECTED} SELECT DISTINCT {literal(landed.entity)}, landed.id, landed.sourcedId, false
        FROM (SELECT rowid AS id, line, sourcedId FROM {_landed(landed)}) AS landed JOIN {FINDINGS} AS found USING (line)
        WHERE found.file = {literal(landed.file.name)} AND found.code IN ({_codes(_LOSES_ROW)})
    """)


def _landed(landed: Landed) -> str:
    return f"{SCHEMA}.{name(landed.entity)}"


def _codes(codes: list[str]) -> str:
    return ", ".join(map(literal, codes))


def unreadable(connection: DuckDBPyConnection, landed: Landed) -> None:
    """Note the lines of a file that could not be taken apart."""
    connection.execute(
        f"INSERT INTO {FINDINGS} SELECT code, ?, line, key, NULL, NULL, 1, '' FROM {LINES} WHERE entity = ?",
        [landed.file.name, landed.entity],
    )


def _cells(connection: DuckDBPyConnection, landed: Landed, cells: Mapping[str, Cell]) -> None:
    """Full tests of the suspect rows. Notes are kept as one finding a column with the number of rows."""
    broken = ", ".join(
        f"CASE WHEN {predicate} THEN {{'c': {literal(column)}, 'r': {literal(code)}, 'v': {name(column)}}} END"
        for column, code, predicate in tests(cells)
    )
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE broken AS
        SELECT line, sourcedId, found.c, found.r, {sql_mask("found.v")} AS shape FROM (
            SELECT line, sourcedId, unnest(list_filter([{broken}], lambda each: each IS NOT NULL)) AS found
            FROM {_landed(landed)} WHERE suspect)
    """)
    file = literal(landed.file.name)
    connection.execute(f"""
        INSERT INTO {FINDINGS}
        SELECT r, {file}, line, sourcedId, c, shape, 1, '' FROM broken WHERE r NOT IN ({_codes(_NOTES)})
        UNION ALL
        SELECT r, {file}, min(line), NULL, c, arg_min(shape, line), count(*), '' FROM broken
        WHERE r IN ({_codes(_NOTES)}) GROUP BY r, c
    """)


def tests(cells: Mapping[str, Cell]) -> Iterator[tuple[str, str, str]]:
    """Column, code and predicate of every test of the given columns."""
    for column, cell in cells.items():
        for code, predicate in cell.sql_tests(name(column)):
            yield column, code, predicate


def _value(connection: DuckDBPyConnection, landed: Landed, cells: Mapping[str, Cell], *, suspects: bool) -> None:
    """Two branches, so that the engine never runs the costly expressions on rows that do not need them."""
    fast = ", ".join(f"{cell.sql_fast(name(column))} AS {name(column)}" for column, cell in cells.items())
    query = f"SELECT {fast}, rowid AS id, line FROM {_landed(landed)} WHERE NOT suspect"
    if suspects:
        full = ", ".join(f"{cell.sql_value(name(column))} AS {name(column)}" for column, cell in cells.items())
        query += f" UNION ALL SELECT {full}, rowid AS id, line FROM {_landed(landed)} WHERE suspect"
    connection.execute(f"CREATE OR REPLACE VIEW {VALUED}.{name(landed.entity)} AS {query}")


def _rows(connection: DuckDBPyConnection, landed: Landed) -> None:
    """Rules about several cells of one row together."""
    here, file = set(landed.columns), literal(landed.file.name)
    tests = [test for test in ENTITIES[landed.entity].row_tests if _applies(test, here)]
    if landed.file.mode == "delta":
        tests.append(RowTest("R-ROW-02", "status IS NULL OR dateLastModified IS NULL", lambda values: False))
    elif {"status", "dateLastModified"} & here:
        filled = " OR ".join(f"{column} IS NOT NULL" for column in ("status", "dateLastModified") if column in here)
        connection.execute(f"""
            INSERT INTO {FINDINGS} SELECT 'R-ROW-01', {file}, min(line), NULL, NULL, NULL, count(*), ''
            FROM {_landed(landed)} WHERE {filled} HAVING count(*) > 0
        """)
    for test in tests:
        noted = RULES[test.code].severity is Severity.NOTE
        told = "min(line), NULL, NULL, NULL, count(*)" if noted else "line, sourcedId, NULL, NULL, 1"
        connection.execute(f"""
            INSERT INTO {FINDINGS} SELECT {literal(test.code)}, {file}, {told}, ''
            FROM {VALUED}.{name(landed.entity)} WHERE {test.sql} {"HAVING count(*) > 0" if noted else ""}
        """)


def _applies(test: RowTest, here: set[str]) -> bool:
    return all(column in here for column in ("beginDate", "startDate", "endDate") if column in test.sql)


def _copies(connection: DuckDBPyConnection, landed: Landed) -> None:
    """A sourcedId that comes twice: one row is used when they are equal to the letter, none when they differ. Equal rows
    that break a rule of their own are no copies of a row that is used."""
    table, file = _landed(landed), literal(landed.file.name)
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE copies AS SELECT sourcedId FROM {table}
        WHERE sourcedId IS NOT NULL GROUP BY sourcedId HAVING count(*) > 1
    """)
    found = connection.execute("SELECT count(*) FROM copies").fetchone()
    if not found or not found[0]:
        return
    text = " || chr(31) || ".join(f"coalesce({name(column)}, chr(0))" for column in landed.columns)
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE twins AS
        SELECT rowid AS id, line, sourcedId, count(DISTINCT {text}) OVER (PARTITION BY sourcedId) AS readings,
            row_number() OVER (PARTITION BY sourcedId ORDER BY line) AS nth
        FROM {table} SEMI JOIN copies USING (sourcedId)
    """)
    copy = f"""readings = 1 AND nth > 1 AND line NOT IN (
        SELECT line FROM {FINDINGS} WHERE file = {file} AND code IN ({_codes(_LOSES_ROW)}))"""
    connection.execute(f"""
        INSERT INTO {FINDINGS} SELECT 'R-FILE-13', {file}, line, sourcedId, NULL, NULL, 1, '' FROM twins WHERE readings > 1
        UNION ALL SELECT 'R-FILE-14', {file}, line, sourcedId, NULL, NULL, 1, '' FROM twins WHERE {copy}
    """)
    connection.execute(
        f"INSERT INTO {REJECTED} SELECT {literal(landed.entity)}, id, sourcedId, true FROM twins WHERE {copy}"
    )
