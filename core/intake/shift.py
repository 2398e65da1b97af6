"""Rows with one cell too many: a comma that was not quoted has shifted what stands behind it.

Each column that may have held the comma gives one reading of the row, and a blank cell at the end gives one more. A row
is repaired only when exactly one reading fits the types of all columns, and that one without any remark; otherwise the
line stays bad, and the columns that may have held the comma are told. In a file where very many rows are shifted none is
repaired: whoever writes it must quote.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from syncrun.finding import Finding
from syncrun.intake.mend import BAD, MARK, MENDED, SURPLUS, Layout
from syncrun.roster.cell import Cell, Password, sql_filled
from syncrun.sqltext import literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST = 20_000
_PASSABLE = {"R-CELL-02", "R-CELL-03", "R-ID-02", "R-ID-03"}
"""Rules that say little of whether a cell stands in its column."""
SHOWN = 4


def repair(
    connection: DuckDBPyConnection, file: str, layout: Layout, columns: Mapping[int, tuple[str, Cell]]
) -> list[Finding]:
    """Move the rows that can be repaired from `bad_lines` to `mended`, with a remark on each. `columns` has the name and
    the type of each known column by its position."""
    found = connection.execute(f"SELECT count(*) FROM {SURPLUS}").fetchone()
    if not found or not 0 < found[0] <= MOST:
        return []
    _read(connection, layout, columns)
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE repaired AS SELECT line, any_value(place) AS place, any_value(cell) AS cell
        FROM readings GROUP BY line HAVING count(*) = 1 AND bool_and(clean)
    """)
    chosen = ", ".join(_kept(layout, columns, place) for place in layout.kept)
    connection.execute(f"INSERT INTO {MENDED} SELECT line, {chosen} FROM repaired")
    connection.execute(f"DELETE FROM {BAD} WHERE line IN (SELECT line FROM repaired)")
    names = {place + 1: column for place, (column, _) in columns.items()}
    _tell_readings(connection, names)
    rows = connection.execute("SELECT line, place FROM repaired ORDER BY line").fetchall()
    return [
        Finding("R-FILE-16" if place > layout.width else "R-FILE-15", file, line, column=names.get(place))
        for line, place in rows
    ]


def _read(connection: DuckDBPyConnection, layout: Layout, columns: Mapping[int, tuple[str, Cell]]) -> None:
    """The table of readings that fit: (line, place, cell, clean). `place` is the column, counted from 1, that held the
    comma; one more than there are where a blank cell at the end is left out."""
    width = layout.width
    fits, clean = [], []
    for place, (_, cell) in columns.items():
        text = f"nullif(cell[{place + 1}], '')"
        broken = [predicate for code, predicate in cell.sql_tests(text) if code not in _PASSABLE]
        fits.append(f"NOT coalesce({' OR '.join(broken)}, false)")
        clean.append(cell.sql_clean(text))
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE readings AS
        SELECT line, place, cell, {" AND ".join(clean)} AS clean FROM (
            SELECT line, place, CASE WHEN place > {width} THEN cell[1:{width}]
                ELSE cell[1:place - 1] || [cell[place] || ',' || cell[place + 1]] || cell[place + 2:] END AS cell
            FROM {SURPLUS}, (SELECT unnest(range(1, {width + 2})) AS place)
            WHERE CASE WHEN place > {width} THEN NOT {sql_filled(f"cell[{width + 1}]")}
                ELSE {sql_filled("cell[place]")} AND {sql_filled("cell[place + 1]")} END)
        WHERE {" AND ".join(fits)}
    """)


def _kept(layout: Layout, columns: Mapping[int, tuple[str, Cell]], place: int) -> str:
    text = f"nullif(cell[{place + 1}], '')"
    return f"CASE WHEN {sql_filled(text)} THEN {literal(MARK)} END" if isinstance(columns[place][1], Password) else text


def _tell_readings(connection: DuckDBPyConnection, names: Mapping[int, str]) -> None:
    """Say of lines that stay bad in which columns the comma may have stood."""
    spelled = " ".join(f"WHEN {place} THEN {literal(column)}" for place, column in names.items())
    connection.execute(f"""
        UPDATE {BAD} SET words = told.words FROM (
            SELECT line, 'the comma may belong to ' || array_to_string(list(held ORDER BY place)[:{SHOWN}], ' or to ')
                || CASE WHEN count(*) > {SHOWN} THEN ' or to another' ELSE '' END AS words
            FROM (SELECT line, place, CASE place {spelled} ELSE 'nothing' END AS held FROM readings)
            GROUP BY line HAVING count(*) > 1) AS told
        WHERE {BAD}.line = told.line
    """)
