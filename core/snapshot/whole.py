"""Whether a bulk file is the whole collection, seen against what was accepted before.

"What is not in the file is gone" holds only for a file that is whole. The file's own form was looked at when it was
landed; here other evidence is weighed: rows that are missing although other files still name them, and rows that are
missing just where a cut would have taken them. Records that a source sent have no end that could be cut: of them the
source's own count is the proof.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncrun.finding import Finding
from syncrun.intake.land import REJECTED as LINES
from syncrun.intake.land import SCHEMA, Landed
from syncrun.intake.origin import sql_number
from syncrun.roster.cell import Ref
from syncrun.roster.entity import ENTITIES
from syncrun.roster.listed import RefList
from syncrun.rules.cells import VALUED
from syncrun.rules.school import ELSEWHERE
from syncrun.rules.table import REJECTED
from syncrun.sqltext import literal, name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

BEFORE = "before"
TAIL_FLOOR = 5
"""So many rows missing at the end of a file are taken for a cut; fewer may well be leavers."""
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Reference:
    """A column of one entity that names rows of another."""

    entity: str
    column: str
    to: str
    many: bool
    required: bool


def references() -> Iterator[Reference]:
    """Every reference of the canonical roster."""
    for entity, schema in ENTITIES.items():
        for column, cell in schema.cells().items():
            if isinstance(cell, Ref | RefList):
                yield Reference(entity, column, cell.to, isinstance(cell, RefList), cell.dangling == "drop row")


def weigh(
    connection: DuckDBPyConnection, landed: dict[str, Landed], *, alike: bool = True
) -> tuple[dict[str, bool], list[Finding]]:  # fmt: skip
    """For each landed bulk file whether absence in it means removal, and the findings that say why not. Files that are
    not `alike` in format say nothing of each other by what stands where.

    Leaves two tables per entity: `absent_<entity>` (sourcedId, place) of the rows that were accepted before and are
    not in the file, and `lagging` (entity, sourcedId) of those that are kept because other files name them.
    """
    connection.execute("CREATE OR REPLACE TEMP TABLE lagging (entity VARCHAR, sourcedId VARCHAR)")
    bulk = {entity: each for entity, each in landed.items() if each.file.mode == "bulk" and _known(connection, entity)}
    missing = {entity: _absent(connection, each) for entity, each in bulk.items()}
    whole, findings = {}, []
    for entity, each in bulk.items():
        found = list(_evidence(connection, each, landed)) if missing[entity] and alike else []
        whole[entity] = each.proved and not any(f.code in {"R-SET-07", "R-SET-09"} for f in found)
        if missing[entity] and not each.proved:
            found.append(Finding("R-SET-21", each.file.name, count=missing[entity]))
        findings += found
    return whole, findings


def _known(connection: DuckDBPyConnection, entity: str) -> bool:
    query = "SELECT count(*) FROM information_schema.tables WHERE table_schema = ? AND table_name = ?"
    found = connection.execute(query, [BEFORE, entity]).fetchone()
    return bool(found and found[0])


def _count(connection: DuckDBPyConnection, query: str) -> int:
    found = connection.execute(query).fetchone()
    return int(found[0]) if found else 0


def _absent(connection: DuckDBPyConnection, landed: Landed) -> int:
    entity = landed.entity
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE {name("absent_" + entity)} AS
        SELECT sourcedId, place FROM {BEFORE}.{name(entity)} AS was
        ANTI JOIN {SCHEMA}.{name(entity)} AS now USING (sourcedId)
        WHERE sourcedId NOT IN (SELECT key FROM {LINES} WHERE entity = {literal(entity)} AND key IS NOT NULL)
            AND sourcedId NOT IN (SELECT sourcedId FROM {ELSEWHERE} WHERE entity = {literal(entity)})
    """)
    return _count(connection, f"SELECT count(*) FROM {name('absent_' + entity)}")


def _evidence(connection: DuckDBPyConnection, landed: Landed, everything: dict[str, Landed]) -> Iterator[Finding]:
    entity, file = landed.entity, landed.file.name
    absent = name("absent_" + entity)
    named = " UNION ".join(_naming(reference, everything) for reference in references()
                           if reference.to == entity and reference.entity in everything
                           and reference.column in everything[reference.entity].columns)  # fmt: skip
    if named:
        connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE named AS SELECT DISTINCT absent.sourcedId, absent.place
            FROM {absent} AS absent SEMI JOIN ({named}) AS naming ON naming.ref = absent.sourcedId
        """)
        count = _count(connection, "SELECT count(*) FROM named")
        if count and not landed.file.pulled and not _interior(connection, entity):
            yield Finding("R-SET-07", file, count=count, words=f"{count} of the missing rows are named by other files")
            return
        if count:
            connection.execute(f"INSERT INTO lagging SELECT {literal(entity)}, sourcedId FROM named")
            shown = connection.execute(
                "SELECT sourcedId FROM named ORDER BY place, sourcedId LIMIT ?", [_SHOWN]
            ).fetchall()
            for (key,) in shown:
                yield Finding("R-SET-08", file, key=key)
            if count > _SHOWN:
                yield Finding("R-SET-08", file, count=count - _SHOWN, words=f"{count - _SHOWN} more like these")
    count = 0 if landed.file.pulled else _tail(connection, entity)
    if count:
        yield Finding("R-SET-09", file, count=count, words=f"the last {count} rows of the file before are missing")


def _naming(reference: Reference, everything: dict[str, Landed]) -> str:
    """The ids that one column of today's good rows names."""
    column = name(reference.column)
    ref = f"unnest({column})" if reference.many else column
    return f"""SELECT {ref} AS ref FROM {VALUED}.{name(reference.entity)} WHERE {column} IS NOT NULL AND id NOT IN
        (SELECT id FROM {REJECTED} WHERE entity = {literal(reference.entity)} AND id IS NOT NULL)"""


def _order(entity: str) -> str:
    """The rows that were there before and still are: where they stood in the last bulk file, and where now."""
    return f"""SELECT was.place AS was, now.line AS now FROM {BEFORE}.{name(entity)} AS was
        JOIN {SCHEMA}.{name(entity)} AS now USING (sourcedId) WHERE was.place IS NOT NULL"""


def _interior(connection: DuckDBPyConnection, entity: str) -> bool:
    """Whether the rows in `named` cannot have been cut off: the file keeps its order from bulk file to bulk file, and a
    row that stood behind the last of them is still there. Those that the last one did not have either say nothing."""
    inversions = _count(connection, f"""
        SELECT count(*) FROM (SELECT now < lag(now) OVER (ORDER BY was) AS turned FROM ({_order(entity)})) WHERE turned
    """)  # fmt: skip
    behind = _count(connection, f"""
        SELECT count(*) FROM ({_order(entity)}) WHERE was > (SELECT coalesce(max(place), 0) FROM named)
    """)  # fmt: skip
    return not inversions and behind > 0


def _tail(connection: DuckDBPyConnection, entity: str) -> int:
    """How many rows are missing behind the last that is still there, when nothing new stands there in their place. Of
    rows that were drawn from several files each file is asked for itself."""
    found = connection.execute(f"""
        WITH kept AS (
            SELECT {sql_number("was")} AS part, max(was) AS was, max(now) AS now FROM ({_order(entity)}) GROUP BY part
        ), missing AS (
            SELECT {sql_number("place")} AS part, count(*) AS missing FROM {name("absent_" + entity)} AS gone
            LEFT JOIN kept ON kept.part = {sql_number("place")} WHERE place > coalesce(kept.was, 0) GROUP BY ALL
        ), new AS (
            SELECT {sql_number("now.line")} AS part, count(*) AS new FROM {SCHEMA}.{name(entity)} AS now
            ANTI JOIN {BEFORE}.{name(entity)} AS was USING (sourcedId)
            LEFT JOIN kept ON kept.part = {sql_number("now.line")} WHERE now.line > coalesce(kept.now, 0) GROUP BY ALL
        )
        SELECT coalesce(sum(missing), 0) FROM missing LEFT JOIN new USING (part)
        WHERE missing >= {TAIL_FLOOR} AND coalesce(new, 0) = 0
    """).fetchone()
    return int(found[0]) if found else 0
