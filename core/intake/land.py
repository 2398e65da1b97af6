"""Reading a recognised file into a landed table: text as received, with the number of its line.

A landed table has the columns that are staged, `line` (physical, counted from 1) and `suspect`: false where every cell
of the row passed the sieve, so that the full tests need not look at it. Columns that no sink asked for are not staged;
a password is replaced by a mark. Rows that the parser cannot take apart go to `rejected_lines` with line and reason.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncrun.finding import Finding
from syncrun.intake import header
from syncrun.intake.arrival import ArrivedFile
from syncrun.intake.header import Header
from syncrun.roster.cell import Cell, Password
from syncrun.roster.entity import ENTITIES
from syncrun.sqltext import literal, name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SCHEMA = "landed"
RAW = "raw "
"""Prefix of the tables under the landed views, which add the line numbers."""
REJECTED = "rejected_lines"
BLOCK = 1 << 20
_ERRORS = {
    "MISSING COLUMNS": "R-FILE-07",
    "TOO MANY COLUMNS": "R-FILE-08",
    "UNQUOTED VALUE": "R-FILE-09",
    "INVALID STATE": "R-FILE-09",
    "INVALID ENCODING": "R-FILE-10",
    "LINE SIZE OVER MAXIMUM": "R-FILE-11",
}


@dataclass(frozen=True, slots=True)
class Landed:
    """A landed table. `rows` counts the rows of the file, those that could not be taken apart (`unreadable`)
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
        f"CREATE TABLE {REJECTED} "
        "(entity VARCHAR, line BIGINT, code VARCHAR, key VARCHAR, swallowed BIGINT, sure BOOLEAN)"
    )


def required_columns(entity: str, version: str, *, delta: bool) -> set[str]:
    """The columns that a file of this entity must have."""
    found = {
        column for column, cell in ENTITIES[entity].cells().items() if cell.required and cell.only in {None, version}
    }
    return found | {"status", "dateLastModified"} if delta else found


def land(
    connection: DuckDBPyConnection, file: ArrivedFile, version: str, staged: Collection[str]
) -> tuple[Landed | None, list[Finding]]:
    """Read one file. `staged` names the kinds of privacy (`syncrun.roster.cell.Privacy`) whose columns are kept.

    Gives None, with findings that stop the set, when the file as such cannot be read.
    """
    entity = file.kind.entity
    cells = {
        column: cell for column, cell in ENTITIES[entity].cells().items() if cell.only != "1.1" or version == "1.1"
    }
    needed = required_columns(entity, version, delta=file.mode == "delta")
    found, findings = header.read(file.scan.path, file.name, cells, needed)
    if any(each.code in {"R-FILE-01", "R-FILE-02", "R-FILE-03"} for each in findings):
        return None, findings
    if file.scan.line_end == "mixed":
        return None, [*findings, Finding("R-FILE-12", file.name)]
    kept = {
        column: cell for column, cell in cells.items()
        if column in found.known and (cell.privacy in staged or isinstance(cell, Password))
    }  # fmt: skip
    _read(connection, file, found, kept)
    return _counted(connection, file, found, tuple(kept), findings)


def _read(connection: DuckDBPyConnection, file: ArrivedFile, found: Header, kept: Mapping[str, Cell]) -> None:
    entity = file.kind.entity
    raw = {column: name(found.known[column]) for column in kept}
    chosen = [
        f"{'CASE WHEN ' + raw[column] + ' IS NOT NULL THEN 1::VARCHAR END' if isinstance(cell, Password) else raw[column]}"
        f" AS {name(column)}"
        for column, cell in kept.items()
    ]
    clean = " AND ".join(cell.sql_clean(raw[column]) for column, cell in kept.items())
    columns = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in found.raw)
    line_end = {"\r": ", new_line = '\\r'", "\r\n": ", new_line = '\\r\\n'"}.get(file.scan.line_end, "")
    connection.execute(
        f"CREATE TABLE {SCHEMA}.{name(RAW + entity)} AS "
        f"SELECT {', '.join(chosen)}, NOT ({clean}) AS suspect FROM read_csv({literal(str(file.scan.path))}, "
        f"auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', columns = {{{columns}}}, "
        f"store_rejects = true, rejects_table = {literal('lines_' + entity)}, "
        f"rejects_scan = {literal('scan_' + entity)}{line_end})"
    )


def _counted(
    connection: DuckDBPyConnection, file: ArrivedFile, found: Header, columns: tuple[str, ...], findings: list[Finding]
) -> tuple[Landed, list[Finding]]:
    """Count what was read, number the lines, and look at how the file ends."""
    entity = file.kind.entity
    read = _count(connection, f"SELECT count(*) FROM {SCHEMA}.{name(RAW + entity)}")
    bad = _unreadable(connection, file, found)
    _number(connection, file, columns, read, bad)
    if read + bad == 0:
        findings.append(Finding("R-SET-04", file.name))
    elif _is_cut(connection, file):
        findings.append(Finding("R-SET-06", file.name, _last_line(file)))
    unsure = _count(connection, f"SELECT count(*) FROM {REJECTED} WHERE entity = {literal(entity)} AND NOT sure")
    return Landed(entity, file, columns, read + bad, bad, not unsure), findings


def _last_line(file: ArrivedFile) -> int:
    return file.scan.lines + (0 if file.scan.ended else 1)


def _is_cut(connection: DuckDBPyConnection, file: ArrivedFile) -> bool:
    """Whether the last line cannot be taken apart: it has no line end, or a quote is open to the end of the file."""
    open_quote = "code = 'R-FILE-09' AND swallowed > 0"
    return bool(_count(connection, f"""
        SELECT count(*) FROM {REJECTED} WHERE entity = {literal(file.kind.entity)}
        AND line + swallowed >= {_last_line(file)} AND ({not file.scan.ended} OR {open_quote})
    """))  # fmt: skip


def _count(connection: DuckDBPyConnection, query: str) -> int:
    found = connection.execute(query).fetchone()
    return int(found[0]) if found else 0


def _unreadable(connection: DuckDBPyConnection, file: ArrivedFile, found: Header) -> int:
    """Move the parser's rejects to `rejected_lines`: one row a line, without its text. The key is the first cell,
    which no comma can have shifted; it is `sure` when the line swallowed no others."""
    entity = file.kind.entity
    codes = " ".join(f"WHEN {literal(kind)} THEN {literal(code)}" for kind, code in _ERRORS.items())
    first = bool(found.raw) and found.known.get("sourcedId") == found.raw[0]
    key = "nullif(string_split(text, ',')[1], '')" if first else "NULL"
    connection.execute(f"""
        INSERT INTO {REJECTED}
        SELECT {literal(entity)}, line, code, key, swallowed, key IS NOT NULL AND swallowed = 0 FROM (
            SELECT line, code, CASE WHEN text NOT LIKE '"%' THEN {key} END AS key,
                length(text) - length(replace(text, {_feed(file)}, '')) AS swallowed
            FROM (
                SELECT line, min(CASE error_type {codes} ELSE 'R-FILE-09' END) AS code,
                    rtrim(min(csv_line), chr(10) || chr(13)) AS text
                FROM {name("lines_" + entity)} GROUP BY line))
    """)
    return _count(connection, f"SELECT count(*) FROM {REJECTED} WHERE entity = {literal(entity)}")


def _feed(file: ArrivedFile) -> str:
    return "chr(13)" if file.scan.line_end == "\r" else "chr(10)"


def _number(connection: DuckDBPyConnection, file: ArrivedFile, columns: tuple[str, ...], read: int, bad: int) -> None:
    """Make the landed view, which gives each row its physical line. Rows follow each other from line 2; lines that
    were not landed, blank lines, and line breaks inside cells push the later ones down."""
    raw, table = f"{SCHEMA}.{name(RAW + file.kind.entity)}", f"{SCHEMA}.{name(file.kind.entity)}"
    if _last_line(file) == read + 1:
        connection.execute(f"CREATE VIEW {table} AS SELECT *, rowid, rowid + 2 AS line FROM {raw}")
        return
    pushes = name("pushes_" + file.kind.entity)
    connection.execute(f"CREATE TEMP TABLE {pushes} (from_row BIGINT, lines BIGINT)")
    connection.execute(f"""
        INSERT INTO {pushes}
        SELECT line - 1 - row_number() OVER (ORDER BY line), 1 + swallowed FROM (
            SELECT line, swallowed FROM {REJECTED} WHERE entity = {literal(file.kind.entity)}
            UNION ALL SELECT unnest(?::BIGINT[]), 0)
    """, [_blank_lines(file)])  # fmt: skip
    breaks = " + ".join(
        f"coalesce(length({name(column)}) - length(replace({name(column)}, {_feed(file)}, '')), 0)"
        for column in columns
    )
    connection.execute(f"INSERT INTO {pushes} SELECT rowid + 1, {breaks} FROM {raw} WHERE {breaks} > 0")
    connection.execute(f"""
        CREATE VIEW {table} AS
        SELECT *, rowid, rowid + 2 + coalesce((SELECT sum(lines) FROM {pushes} WHERE from_row <= {raw}.rowid), 0)::BIGINT
            AS line
        FROM {raw}
    """)


def _blank_lines(file: ArrivedFile) -> list[int]:
    """The numbers of lines with nothing in them, which the parser passes over."""
    feed = b"\r" if file.scan.line_end == "\r" else b"\n"
    found, number, rest = [], 1, b""
    with file.scan.path.open("rb") as stream:
        while block := stream.read(BLOCK):
            *lines, rest = (rest + block).split(feed)
            found += [number + at for at, line in enumerate(lines) if not line.strip(b"\r")]
            number += len(lines)
    return found
