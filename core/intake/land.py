"""Reading a recognised file into a landed table: text as received, with the number of its line.

A landed table has the columns that are staged, `line` (physical, counted from 1) and `suspect`: 0 where every cell
of the row passed the sieve, so that the full tests need not look at it, else a bit for each column whose cell did not; in
files with columns of their own it is 0, since only what is drawn from them is tested. Columns that no sink asked for are
not staged; a password is replaced by a mark. The engine reads a file by itself where every line is one row; any other
goes through `syncrun.intake.mend`. Lines that cannot be taken apart go to `rejected_lines` with number and reason.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from syncrun.finding import Finding
from syncrun.intake import header, kind
from syncrun.intake.arrival import ArrivedFile
from syncrun.intake.dialect import MAX_LINE
from syncrun.intake.header import Header
from syncrun.intake.mend import BAD, MARK, MENDED, SURPLUS, Layout, Mended, mend, told
from syncrun.intake.shift import repair
from syncrun.roster.cell import Cell, Password, sql_filled
from syncrun.roster.entity import ENTITIES
from syncrun.scratch import rows
from syncrun.sdk import FileKind
from syncrun.sqltext import literal, name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SCHEMA = "landed"
RAW = "raw "
"""Prefix of the tables under the landed views."""
REJECTED = "rejected_lines"
NOTHING = "\x1f\x1f"
"""A text that no cell has."""


@dataclass(frozen=True, slots=True)
class Landed:
    """A landed table. `rows` counts the rows of the file, lines that could not be taken apart (`unreadable`)
    included; `proved` is false when it cannot be known which records those were."""

    entity: str
    file: ArrivedFile
    columns: tuple[str, ...]
    rows: int
    unreadable: int
    proved: bool


def prepare(connection: DuckDBPyConnection) -> None:
    """Make the schema for landed tables and the table of lines that could not be read."""
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    connection.execute(
        f"CREATE TABLE {REJECTED} (entity VARCHAR, line BIGINT, code VARCHAR, key VARCHAR, words VARCHAR)"
    )


def required_columns(entity: str, version: str, *, delta: bool) -> set[str]:
    """The columns that a file of this entity must have."""
    found = {
        column for column, cell in ENTITIES[entity].cells().items() if cell.required and cell.only in {None, version}
    }
    return found | {"status", "dateLastModified"} if delta else found


def land(
    connection: DuckDBPyConnection, file: ArrivedFile, version: str, staged: Collection[str], spared: str | None = None
) -> tuple[Landed | None, list[Finding]]:
    """Read one file. `staged` names the kinds of privacy (`syncrun.roster.cell.Privacy`) whose columns are kept;
    `spared` a column that may be missing although the standard requires it.

    Gives None, with findings that stop the set, when the file as such cannot be read.
    """
    if file.pulled:
        return _land_pages(connection, file, version, staged)
    cells, needed = _expected(file, version)
    needed -= {spared}
    found, findings = header.read(file.scan.path, file.name, cells, needed)
    if file.by_hand:
        findings = [each for each in findings if each.code != "R-FILE-06"]
    if any(each.code in {"R-FILE-01", "R-FILE-02", "R-FILE-03", "R-FILE-40"} for each in findings):
        return None, findings
    kept = {
        column: cell for column, cell in cells.items()
        if column in found.known and (cell.privacy in staged or isinstance(cell, Password))
    }  # fmt: skip
    mended = None
    remarks: list[Finding] = []
    if not _read_as_it_is(connection, file, found, kept):
        mended, remarks = _read_mended(connection, file, found, kept, cells)
        findings += remarks
        if len(mended.line_ends) > 1:
            findings.append(Finding("R-FILE-12" if mended.bad else "R-TEXT-07", file.name))
            if mended.bad:
                return None, findings
    return _counted(connection, file, tuple(kept), mended, findings)


def _land_pages(
    connection: DuckDBPyConnection, file: ArrivedFile, version: str, staged: Collection[str]
) -> tuple[Landed, list[Finding]]:
    """Land records that a source sent; `line` counts them. Numbers and booleans are text as JSON writes them, lists and
    objects JSON."""
    cells, _ = _expected(file, version)
    kept = {column: cell for column, cell in cells.items() if cell.privacy in staged or isinstance(cell, Password)}
    types = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in kept)
    paths = ", ".join(literal(str(path)) for path in file.pages)
    largest = max(path.stat().st_size for path in file.pages)  # a record cannot be larger than the page it is in
    source = (
        f"read_json([{paths}], format = 'array', hive_partitioning = false, columns = {{{types}}}, "
        f"maximum_object_size = {max(MAX_LINE, largest + 1)})"
    )
    _land(connection, file.kind, kept, {column: column for column in kept}, source)
    table, raw = f"{SCHEMA}.{name(file.kind.entity)}", f"{SCHEMA}.{name(RAW + file.kind.entity)}"
    connection.execute(f"CREATE OR REPLACE VIEW {table} AS SELECT *, rowid, rowid + 1 AS line FROM {raw}")
    count = rows(connection, table)
    findings = [Finding("R-PULL-02", file.name)] if not count and file.kind.required and file.mode == "bulk" else []
    again = count - _ids(connection, table) if file.proved and "sourcedId" in kept else 0
    if again:
        words = f"{again} records came twice, so that others may have been passed over"
        findings.append(Finding("R-PULL-01", file.name, words=words))
    return Landed(file.kind.entity, file, tuple(kept), count, 0, file.proved and not again), findings


def _ids(connection: DuckDBPyConnection, table: str) -> int:
    """How many different ids there are; rows without one count each."""
    found = connection.execute(
        f"SELECT count(DISTINCT sourcedId) + count(*) FILTER (WHERE sourcedId IS NULL) FROM {table}"
    ).fetchone()
    return int(found[0]) if found else 0


def _expected(file: ArrivedFile, version: str) -> tuple[dict[str, Cell], set[str]]:
    """The columns that a file may have, and those that it must have."""
    cells = {column: cell for column, cell in kind.cells(file.kind).items() if cell.only != "1.1" or version == "1.1"}
    if file.kind.columns:
        return cells, {column for column, cell in cells.items() if cell.required}
    return cells, required_columns(file.kind.entity, version, delta=file.mode == "delta")


def _read_as_it_is(connection: DuckDBPyConnection, file: ArrivedFile, found: Header, kept: Mapping[str, Cell]) -> bool:
    """Land the file itself; whether every line of it was a row. A path that the engine would take for a pattern, and
    might find other files by, is left alone."""
    if file.scan.line_end == "mixed" or any(each in str(file.scan.path) for each in "*?["):
        return False
    line_end = {"\r": "\\r", "\r\n": "\\r\\n"}.get(file.scan.line_end, "\\n")
    columns = [str(position) for position in range(len(found.raw))]
    places = {column: str(found.raw.index(found.known[column])) for column in kept}
    options = f"header = true, ignore_errors = true, new_line = '{line_end}'"
    lines = _last_line(file)
    if file.scan.commas == (len(columns) - 1) * lines:
        source = _csv(file.scan.path, columns, options)
    else:
        source = _csv_without_surplus(file.scan.path, columns, options)
    _land(connection, file.kind, kept, places, source)
    table, raw = f"{SCHEMA}.{name(file.kind.entity)}", f"{SCHEMA}.{name(RAW + file.kind.entity)}"
    connection.execute(f"CREATE VIEW {table} AS SELECT *, rowid, rowid + 2 AS line FROM {raw}")
    return rows(connection, table) + 1 == lines


def _read_mended(
    connection: DuckDBPyConnection, file: ArrivedFile, found: Header, kept: Mapping[str, Cell], cells: Mapping[str, Cell]
) -> tuple[Mended, list[Finding]]:  # fmt: skip
    """Land the rows alone of a file in which not every line is one, and note the lines that are none. `cells` are the
    types of all columns that the file may have."""
    entity = file.kind.entity
    places = [found.raw.index(found.known[column]) for column in kept]
    passwords = {place for place, cell in zip(places, kept.values(), strict=True) if isinstance(cell, Password)}
    first = found.known.get("sourcedId") == found.raw[0]
    layout = Layout(len(found.raw), places, passwords, first)
    mended = mend(connection, file.scan.path, layout)
    known = {found.raw.index(raw): (column, cells[column]) for column, raw in found.known.items()}
    remarks = repair(connection, file.name, layout, known)
    mended = told(connection, mended.line_ends) if remarks else mended
    _land(connection, file.kind, kept, {column: str(place) for column, place in zip(kept, places, strict=True)},
          MENDED, "line, ")  # fmt: skip
    connection.execute(f"INSERT INTO {REJECTED} SELECT {literal(entity)}, line, code, key, words FROM {BAD}")
    for each in (MENDED, BAD, SURPLUS):
        connection.execute(f"DROP TABLE {each}")
    table, raw = f"{SCHEMA}.{name(entity)}", f"{SCHEMA}.{name(RAW + entity)}"
    connection.execute(f"CREATE OR REPLACE VIEW {table} AS SELECT *, rowid FROM {raw}")
    return mended, remarks


def fill(connection: DuckDBPyConnection, landed: Landed, column: str, value: str) -> Landed:
    """Put a value where a landed table has none in that column; the table as it is then."""
    table, raw = f"{SCHEMA}.{name(landed.entity)}", f"{SCHEMA}.{name(RAW + landed.entity)}"
    if column not in landed.columns:
        connection.execute(f"ALTER TABLE {raw} ADD COLUMN {name(column)} VARCHAR")
    connection.execute(f"UPDATE {raw} SET {name(column)} = ? WHERE NOT {sql_filled(name(column))}", [value])
    line = (
        "" if {"line"} & {row[0] for row in connection.execute(f"DESCRIBE {raw}").fetchall()} else ", rowid + 2 AS line"
    )
    connection.execute(f"CREATE OR REPLACE VIEW {table} AS SELECT *, rowid{line} FROM {raw}")
    return dataclasses.replace(landed, columns=tuple(dict.fromkeys((*landed.columns, column))))


def _csv(path: Path, columns: Sequence[str], options: str) -> str:
    """The FROM clause that reads a CSV file. A folder called `name=Elm` says nothing about the column `name`."""
    types = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in columns)
    return (
        f"read_csv({literal(str(path))}, auto_detect = false, hive_partitioning = false, delim = ',', quote = '\"', "
        f"escape = '\"', columns = {{{types}}}, {options})"
    )


def _csv_without_surplus(path: Path, columns: Sequence[str], options: str) -> str:
    """The same for a file that may have rows with more cells than the header, which are blank. The engine would pass over
    them, though a comma that was not quoted may have shifted the row into them; when a blank cell is not its word for
    nothing, it leaves such rows out."""
    cells = ", ".join(f"nullif({name(column)}, '') AS {name(column)}" for column in columns)
    return f"(SELECT {cells} FROM {_csv(path, columns, f'{options}, nullstr = {literal(NOTHING)}')})"


def _land(
    connection: DuckDBPyConnection, of: FileKind, kept: Mapping[str, Cell], places: Mapping[str, str], source: str,
    line: str = "",
) -> None:  # fmt: skip
    """Make the table of kept columns. `places` has the name of each in the source: its position, since a file may have
    columns of its own whose names differ only by case."""
    cells = ", ".join(f"{_staged(cell, name(places[column]))} AS {name(column)}" for column, cell in kept.items())
    clean = [] if of.columns else [cell.sql_clean(name(places[column])) for column, cell in kept.items()]
    sieved = sql_suspect(clean) if clean else "0::BIGINT"
    connection.execute(
        f"CREATE OR REPLACE TABLE {SCHEMA}.{name(RAW + of.entity)} AS "
        f"SELECT {line}{cells}, {sieved} AS suspect FROM {source}"
    )


def sql_suspect(clean: Sequence[str]) -> str:
    """The bits of the columns whose predicate does not hold."""
    bits = " + ".join(f"CASE WHEN {each} THEN 0 ELSE {1 << number} END" for number, each in enumerate(clean))
    return f"CASE WHEN {' AND '.join(clean)} THEN 0 ELSE {bits} END::BIGINT"


def _staged(cell: Cell, column: str) -> str:
    """What is kept of a cell: of a password, that there is one."""
    return f"CASE WHEN {sql_filled(column)} THEN {literal(MARK)} END" if isinstance(cell, Password) else column


def _counted(
    connection: DuckDBPyConnection, file: ArrivedFile, columns: tuple[str, ...], mended: Mended | None,
    findings: list[Finding],
) -> tuple[Landed, list[Finding]]:  # fmt: skip
    """Count what was read, and look at how the file ends."""
    bad = mended.bad if mended else 0
    count = rows(connection, f"{SCHEMA}.{name(file.kind.entity)}") + bad
    if count == 0:
        findings.append(Finding("R-SET-04", file.name))
    elif mended and _is_cut(file, mended):
        findings.append(Finding("R-SET-06", file.name, mended.last))
    return Landed(file.kind.entity, file, columns, count, bad, mended is None or mended.proved), findings


def _is_cut(file: ArrivedFile, mended: Mended) -> bool:
    """Whether the last line cannot be taken apart because it has no line end, or leaves a quote open."""
    return bool(mended.bad) and mended.last == _last_line(file) and (not file.scan.ended or mended.last_open)


def _last_line(file: ArrivedFile) -> int:
    return file.scan.lines + (0 if file.scan.ended else 1)
