"""Drawing canonical rows from landed files of a format whose columns are not OneRoster's.

What comes of it are landed tables like those of OneRoster files, and from there on nothing knows the difference. Since
one entity may be drawn from several files, and several entities from one, the `line` of such a row has beside the
physical line the number of its `Drawn` in the format, counted from 1 (`syncrun.intake.origin`).
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncrun.finding import Finding
from syncrun.intake import kind as kinds
from syncrun.intake.arrival import Arrival, ArrivedFile
from syncrun.intake.land import RAW, SCHEMA, Landed, sql_suspect
from syncrun.intake.origin import SHIFT
from syncrun.roster.cell import Cell, Password
from syncrun.roster.entity import ENTITIES
from syncrun.scratch import rows
from syncrun.sdk import Drawn, FileKind, Format
from syncrun.sqltext import name, names

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


_STATUS = "status"


@dataclass(frozen=True, slots=True)
class Day:
    """The day on which something is read, and the calendar year in which its school year ends."""

    today: datetime.date
    year: int

    def put(self, query: str) -> str:
        """A query with both in the places kept for them."""
        return query.replace("$year", str(self.year)).replace("$today", self.today.isoformat())


def draw(
    connection: DuckDBPyConnection, arrival: Arrival, landed: Mapping[str, Landed], staged: Collection[str], day: Day
) -> tuple[Arrival, dict[str, Landed], list[Finding]]:
    """Make the landed tables of the canonical entities; the arrival as if files of theirs had come, and what is to be
    told of rows. `landed` are the tables of the format's own files."""
    form = arrival.form
    _relations(connection, form, landed)
    files, found = {}, {}
    findings = list(_noted(connection, form, landed, day))
    for entity in ENTITIES:
        parts = {number: each for number, each in enumerate(form.drawn, 1)
                 if each.entity == entity and each.file in landed}  # fmt: skip
        if parts:
            sources = [landed[word] for word in dict.fromkeys(each.file for each in parts.values())]
            files[entity] = _file(entity, sources, form, parts.values())
            columns = _drawn(connection, entity, parts, staged, day)
            found[entity] = Landed(
                entity, files[entity], columns, rows(connection, f"{SCHEMA}.{name(entity)}"), 0,
                all(each.proved and not each.unreadable for each in sources),
            )  # fmt: skip
    return dataclasses.replace(arrival, files=files), found, findings


def daily(form: Format) -> bool:
    """Whether what is drawn is another thing on another day."""
    return any("$today" in each.left for each in form.drawn)


def _noted(
    connection: DuckDBPyConnection, form: Format, landed: Mapping[str, Landed], day: Day
) -> Iterator[Finding]:  # fmt: skip
    """How many rows there are to be told of, and the first of them."""
    for each in form.drawn:
        for code, which in each.noted.items() if each.file in landed else ():
            query = day.put(f"SELECT line, ({which}) AS meant FROM {name(each.file)} WHERE {each.where}")
            count, line = connection.execute(f"SELECT count(*), min(line) FROM ({query}) WHERE meant").fetchone() or (
                0,
                0,
            )
            if count:
                yield Finding(code, landed[each.file].file.name, line, count=count)


def origins(form: Format) -> tuple[str, ...]:
    """The file of each `Drawn` of a format."""
    files = {each.entity: each.name for each in form.kinds}
    return tuple(files[each.file] for each in form.drawn)


def sources(form: Format) -> Iterator[tuple[int, str, str]]:
    """For each `Drawn` of a format, by its number, the canonical columns and the column of the file that each comes
    from; the first one where it comes from several."""
    files = {each.entity: set(kinds.cells(each)) for each in form.kinds}
    for number, each in enumerate(form.drawn, 1):
        for column, expression in each.columns.items():
            plain = "SELECT" not in expression
            found = [word for word in re.findall(r"\w+", expression) if plain and word in files[each.file]]
            yield from ((number, column, word) for word in found[:1])


def _file(entity: str, sources: list[Landed], form: Format, parts: Collection[Drawn]) -> ArrivedFile:
    """What stands for the file of an entity. A set that lacks the end of one file lacks the end of each that is drawn
    from it."""
    scans = [each.file.scan for each in sources]
    said = ", ".join(each.file.name for each in sources)
    scan = dataclasses.replace(
        scans[0],
        sha256=hashlib.sha256("".join(each.sha256 for each in scans).encode()).hexdigest(),
        ended=all(each.ended for each in scans),
    )
    return ArrivedFile(
        FileKind(entity if said == entity else f"{entity} from {said}", entity), scan, sources[0].file.mode, origins(form),
        pages=tuple(page for each in sources for page in each.file.pages), proved=all(each.file.proved for each in sources),
        part_of=next(((each.of, each.file) for each in parts if each.of), None),
    )  # fmt: skip


def _relations(connection: DuckDBPyConnection, form: Format, landed: Mapping[str, Landed]) -> None:
    """A view for each file of the format, with all of its columns: NULL where the file has none, no rows where it is not
    there."""
    for each in form.kinds:
        here = landed[each.entity].columns if each.entity in landed else ()
        columns = ", ".join(
            name(column) if column in here else f"NULL::VARCHAR AS {name(column)}" for column in kinds.cells(each)
        )
        source = (
            f"line FROM {SCHEMA}.{name(each.entity)}" if each.entity in landed else "NULL::BIGINT AS line WHERE false"
        )
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {name(each.entity)} AS SELECT {columns}, {source}")


def _drawn(
    connection: DuckDBPyConnection, entity: str, parts: Mapping[int, Drawn], staged: Collection[str], day: Day
) -> tuple[str, ...]:
    """Make the landed table of an entity; its columns."""
    cells: dict[str, Cell] = {
        column: cell for column, cell in ENTITIES[entity].cells().items()
        if cell.privacy in staged and not isinstance(cell, Password)
        and any(column in each.columns or (column == _STATUS and each.left) for each in parts.values())
    }  # fmt: skip
    query = " UNION ALL BY NAME ".join(_rows(number, each, cells, day) for number, each in parts.items())
    sieved = sql_suspect([cell.sql_clean(name(column)) for column, cell in cells.items()])
    raw = f"{SCHEMA}.{name(RAW + entity)}"
    connection.execute(f"""
        CREATE OR REPLACE TABLE {raw} AS
        SELECT {names(cells)}, line, {sieved} AS suspect FROM ({query})""")
    connection.execute(f"CREATE OR REPLACE VIEW {SCHEMA}.{name(entity)} AS SELECT *, rowid FROM {raw}")
    return tuple(cells)


def _rows(number: int, drawn: Drawn, cells: Collection[str], day: Day) -> str:
    """The query for the rows of one `Drawn`."""
    columns = {column: f"CAST({told} AS VARCHAR)" for column, told in drawn.columns.items() if column in cells}
    if drawn.left:
        columns[_STATUS] = f"CASE WHEN {drawn.left} THEN 'tobedeleted' END"
    told = ", ".join(f"{expression} AS {name(column)}" for column, expression in columns.items())
    query = f"SELECT {told}, {number << SHIFT} + line AS line FROM {name(drawn.file)} WHERE {drawn.where}"
    query = day.put(query)
    if drawn.same == "alike":
        return f"(SELECT {names(columns)}, min(line) AS line FROM ({query}) GROUP BY ALL)"
    if drawn.same == "first":
        return f"(FROM ({query}) QUALIFY row_number() OVER (PARTITION BY sourcedId ORDER BY {drawn.order}) = 1)"
    return f"({query})"
