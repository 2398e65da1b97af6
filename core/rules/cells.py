"""The SQL execution of the canonical entities: cells and rows of a landed table, checked at once.

Only rows that the sieve left as suspect are looked at cell by cell, and of these only cells that are not clean. What a row means, typed, is the view
`valued.<entity>`: the columns, `id` (of the landed row), `line`.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from syncrun.finding import sql_mask
from syncrun.intake.land import REJECTED as LINES
from syncrun.intake.land import SCHEMA, Landed
from syncrun.roster.cell import Cell
from syncrun.roster.entity import ENTITIES
from syncrun.roster.rule import Severity
from syncrun.rules.rule import RULES
from syncrun.rules.table import FINDINGS, REJECTED, Counted, tally
from syncrun.scratch import rows
from syncrun.sqltext import literal, name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

VALUED = "valued"
MEANING = "meaning "
"""Prefix of the tables of what the texts of a column mean."""
SUSPECT = "suspect "
"""Prefix of the tables of suspect rows under the typed views."""
_LOSES_ROW = [code for code, rule in RULES.items() if rule.severity is Severity.DROP_ROW]
_NOTES = [code for code, rule in RULES.items() if rule.severity is Severity.NOTE]


def prepare(connection: DuckDBPyConnection) -> None:
    """Make the schema for typed views."""
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {VALUED}")


def check(connection: DuckDBPyConnection, landed: Landed, today: datetime.date) -> None:
    """Find what is wrong with the rows of one landed table, and make its typed view."""
    cells = {column: cell for column, cell in ENTITIES[landed.entity].cells().items() if column in landed.columns}
    odd = _odd(connection, landed)
    unreadable(connection, landed)
    if odd is not None:
        _cells(connection, landed, cells, odd)
    _value(connection, landed, cells, odd)
    _rows(connection, landed, today)
    _copies(connection, landed)
    connection.execute(f"""
        INSERT INTO {REJECTED} SELECT {literal(landed.entity)}, rowid, sourcedId, false FROM {_landed(landed)}
        SEMI JOIN (
            SELECT line FROM {FINDINGS} WHERE file = {literal(landed.file.name)} AND code IN ({_codes(_LOSES_ROW)})
        ) AS found USING (line)
    """)


def _odd(connection: DuckDBPyConnection, landed: Landed) -> list[str] | None:
    """The columns in which a suspect row has a cell that is not clean; None when no row is suspect."""
    found = connection.execute(f"SELECT bit_or(suspect) FROM {_landed(landed)}").fetchone()
    bits = (found and found[0]) or 0
    return [column for number, column in enumerate(landed.columns) if bits >> number & 1] if bits else None


def _is_odd(landed: Landed, column: str) -> str:
    """Whether the cell of a row in a column did not pass the sieve."""
    return f"suspect & {1 << landed.columns.index(column)} <> 0"


def _landed(landed: Landed) -> str:
    return f"{SCHEMA}.{name(landed.entity)}"


def _codes(codes: list[str]) -> str:
    return ", ".join(map(literal, codes))


def unreadable(connection: DuckDBPyConnection, landed: Landed) -> None:
    """Note the lines of a file that could not be taken apart."""
    connection.execute(
        f"INSERT INTO {FINDINGS} SELECT code, ?, line, key, NULL, NULL, 1, words FROM {LINES} WHERE entity = ?",
        [landed.file.name, landed.entity],
    )


def _cells(
    connection: DuckDBPyConnection, landed: Landed, cells: Mapping[str, Cell], odd: Collection[str]
) -> None:  # fmt: skip
    """Full tests of the cells that are not clean, column by column, of each text once: `meaning <column>` has the text
    (`v`), the codes of the rules it breaks, its shape and its value. Notes are kept as one finding a column with the
    number of rows."""
    file = literal(landed.file.name)
    for column in odd:
        cell = cells[column]
        codes = ", ".join(f"CASE WHEN {predicate} THEN {literal(code)} END" for code, predicate in cell.sql_tests("v"))
        connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE {_meant(column)} AS
            SELECT v, list_filter([{codes}], lambda each: each IS NOT NULL) AS codes, {sql_mask("v")} AS shape,
                {cell.sql_value("v")} AS value, true AS odd
            FROM (SELECT DISTINCT {name(column)} AS v FROM {_landed(landed)} WHERE {_is_odd(landed, column)})
        """)
        broken = f"""(SELECT line, sourcedId, shape, unnest(codes) AS code FROM {_landed(landed)} AS landed
            JOIN {_meant(column)} AS meaning ON meaning.v IS NOT DISTINCT FROM landed.{name(column)} WHERE {_is_odd(landed, column)})"""
        connection.execute(f"""
            INSERT INTO {FINDINGS}
            SELECT code, {file}, line, sourcedId, {literal(column)}, shape, 1, '' FROM {broken}
            WHERE code NOT IN ({_codes(_NOTES)})
            UNION ALL
            SELECT code, {file}, min(line), NULL, {literal(column)}, arg_min(shape, line), count(*), '' FROM {broken}
            WHERE code IN ({_codes(_NOTES)}) GROUP BY code
        """)


def _value(
    connection: DuckDBPyConnection, landed: Landed, cells: Mapping[str, Cell], odd: Collection[str] | None
) -> None:
    """The view of what the rows mean. Suspect rows are made into a table, in which cells that are not clean have the
    value that was found for their text."""
    fast = {column: cell.sql_fast(f"landed.{name(column)}") for column, cell in cells.items()}
    source = f"{_landed(landed)} AS landed"
    query = f"SELECT {_as(fast)}, landed.rowid AS id, landed.line FROM {source}"
    if odd is not None:
        full = {**fast, **{column: f"CASE WHEN {_meant(column)}.odd THEN {_meant(column)}.value ELSE {fast[column]} END"
                           for column in odd}}  # fmt: skip
        joined = " ".join(
            f"LEFT JOIN {_meant(column)} ON {_meant(column)}.v IS NOT DISTINCT FROM landed.{name(column)}"
            for column in odd
        )
        slow = f"{VALUED}.{name(SUSPECT + landed.entity)}"
        connection.execute(f"""
            CREATE OR REPLACE TABLE {slow} AS SELECT {_as(full)}, landed.rowid AS id, landed.line
            FROM {source} {joined} WHERE landed.suspect <> 0""")
        query += f" WHERE landed.suspect = 0 UNION ALL FROM {slow}"
    connection.execute(f"CREATE OR REPLACE VIEW {VALUED}.{name(landed.entity)} AS {query}")


def _meant(column: str) -> str:
    return name(MEANING + column)


def _as(expressions: Mapping[str, str]) -> str:
    return ", ".join(f"{expression} AS {name(column)}" for column, expression in expressions.items())


def _rows(connection: DuckDBPyConnection, landed: Landed, today: datetime.date) -> None:
    """Rules about several cells of one row together. All that are mere notes are counted in one go."""
    file, valued = literal(landed.file.name), f"{VALUED}.{name(landed.entity)}"
    tests = {
        test.code: test.sql for test in ENTITIES[landed.entity].row_tests if set(test.columns) <= set(landed.columns)
    }
    tests |= _of_mode(landed, today)
    noted = {code: sql for code, sql in tests.items() if RULES[code].severity is Severity.NOTE}
    for code in tests.keys() - noted.keys():
        connection.execute(f"""
            INSERT INTO {FINDINGS} SELECT {literal(code)}, {file}, line, sourcedId, NULL, NULL, 1, ''
            FROM {valued} WHERE {tests[code]}""")
    if "status" in landed.columns and landed.file.mode == "bulk" and not (landed.file.pulled or landed.file.origins):
        odd = "(status IS NULL) <> first_value(status IS NULL) OVER (ORDER BY line)"
        if _differ(connection, landed):
            tally(connection, landed.file.name, f"(SELECT line, sourcedId, {odd} AS odd FROM {valued})",
                  {"R-ROW-07": Counted("odd")})  # fmt: skip
    if noted:
        tally(connection, landed.file.name, valued, {code: Counted(sql) for code, sql in noted.items()})


def _differ(connection: DuckDBPyConnection, landed: Landed) -> bool:
    """Whether some rows have a status and others have none."""
    found = connection.execute(f"SELECT count(status), count(*) FROM {_landed(landed)}").fetchone()
    return found is not None and 0 < found[0] < found[1]


def _of_mode(landed: Landed, today: datetime.date) -> dict[str, str]:
    """What a row may and must say of its status, by the mode of the file."""
    here = [column for column in ("status", "dateLastModified") if column in landed.columns]
    if landed.file.mode == "delta":
        if landed.file.pulled and len(here) < 2:  # changes by version: the source says which they are, the rows do not
            return {}
        ahead = literal((today + datetime.timedelta(2)).isoformat())
        return {
            "R-ROW-02": "status IS NULL OR dateLastModified IS NULL",
            "R-ROW-06": f"dateLastModified >= {ahead} AND regexp_matches(dateLastModified, '^[0-9]{{4}}-')",
        }
    if landed.file.pulled or landed.file.origins:  # the status of what is drawn is ours
        return {}
    tests = {"R-ROW-01": " OR ".join(f"{column} IS NOT NULL" for column in here)} if here else {}
    if "status" in here:
        tests["R-ROW-05"] = "status = 'tobedeleted'"
    return tests


def _copies(connection: DuckDBPyConnection, landed: Landed) -> None:
    """A sourcedId that comes twice: one row is used when they are equal to the letter, none when they differ. Equal rows
    that break a rule of their own are no copies of a row that is used. Ids that differ by case alone are noted. Hashes
    pick out the rows that may be meant."""
    table, file = _landed(landed), literal(landed.file.name)
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE copies AS SELECT hash(lower(sourcedId)) AS twin FROM {table}
        WHERE sourcedId IS NOT NULL GROUP BY twin HAVING count(*) > 1
    """)
    if not rows(connection, "copies"):
        return
    text = " || chr(31) || ".join(f"coalesce({name(column)}, chr(0))" for column in landed.columns)
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE twins AS
        SELECT rowid AS id, line, sourcedId, count(DISTINCT {text}) OVER (PARTITION BY sourcedId) AS readings,
            row_number() OVER (PARTITION BY sourcedId ORDER BY line) AS nth,
            first_value(sourcedId) OVER (PARTITION BY lower(sourcedId) ORDER BY line) AS spelled
        FROM {table} SEMI JOIN copies ON twin = hash(lower(sourcedId))
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
    tally(connection, landed.file.name, "twins", {"R-FIT-19": Counted("nth = 1 AND sourcedId <> spelled", "sourcedId")})
