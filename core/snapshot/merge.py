"""Merging what arrived into what was accepted before, so that nothing after this step ever sees an absence that is
not a proved removal.

The accepted roster of an entity is: the good rows that arrived; and, of the rows accepted before, those whose new
version was rejected, those that a delta does not speak of, those that other files still name, and all of them where the
file is not there or not proved whole. Rows marked `tobedeleted` are gone.

Beside its columns an accepted row has `line`, where it stands in the file that arrived, and `place`, where it stood in
the last bulk file; NULL where it did not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from syncrun.finding import Finding
from syncrun.intake.arrival import Arrival
from syncrun.intake.land import REJECTED as LINES
from syncrun.intake.land import Landed
from syncrun.roster.cell import Cell
from syncrun.roster.entity import ENTITIES
from syncrun.rules.cells import VALUED
from syncrun.rules.table import FINDINGS, REJECTED
from syncrun.scratch import has, publish, read_parquet, rows
from syncrun.snapshot.table import Snapshot, SnapshotTable
from syncrun.snapshot.whole import BEFORE, Reference, references
from syncrun.sqltext import literal, literals, name, names

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ACCEPTED = "accepted"
DELETIONS = "deletions"
"""Rows that arrived and ask for a deletion: (entity, line, sourcedId)."""
_CANDIDATE = "candidate"
_DROPPED = "dropped_carried"
"""Rows that would have been carried over, but what they name is gone for good."""


def open_before(
    connection: DuckDBPyConnection, before: Snapshot | None, home: Path, staged: Collection[str]
) -> None:  # fmt: skip
    """Make the views `before.<entity>` of the last accepted roster, without columns that no sink asks for any more."""
    connection.execute(f"CREATE SCHEMA {BEFORE}")
    for entity, path in (before.paths(home) if before else {}).items():
        unasked = [column for column, cell in ENTITIES[entity].cells().items() if cell.privacy not in staged]
        connection.execute(f"""
            CREATE VIEW {BEFORE}.{name(entity)} AS
            SELECT COLUMNS(lambda each: each NOT IN ({literals(unasked) or "''"})) FROM {read_parquet([path])}""")


def merge(
    connection: DuckDBPyConnection, arrival: Arrival, landed: Mapping[str, Landed], whole: Mapping[str, bool],
    before: Snapshot | None, made_up: Mapping[str, str], folder: Path, home: Path, run: str,
) -> Snapshot:  # fmt: skip
    """Write the new accepted roster into `folder`, leave it as views `accepted.<entity>`, and describe it.

    `made_up` has, by entity, queries for records that the set names but does not carry (`syncrun.snapshot.made_up`).
    Rows that name a record which is not there are rejected on the way, parents before children.
    """
    connection.execute(f"CREATE SCHEMA {ACCEPTED}")
    connection.execute(f"CREATE SCHEMA {_CANDIDATE}")
    connection.execute(f"CREATE TABLE {DELETIONS} (entity VARCHAR, line BIGINT, sourcedId VARCHAR)")
    connection.execute(f"CREATE TABLE {_DROPPED} (entity VARCHAR, sourcedId VARCHAR)")
    tables: dict[str, SnapshotTable] = {}
    for entity in ENTITIES:
        file = arrival.files.get(entity)
        known = has(connection, BEFORE, entity)
        path = folder / f"{entity}.parquet"
        here = str(path.relative_to(home))
        if entity in landed and file:
            _accept(connection, landed[entity], whole=whole.get(entity, True), known=known)
            publish(connection, f"FROM {_CANDIDATE}.{name(entity)}", path)
            seen = file.scan
            tables[entity] = SnapshotTable(
                here, landed[entity].rows, file.name, seen.sha256, seen.ended, written=seen.written
            )
        elif entity in made_up:
            publish(connection, made_up[entity] + (_still_made_up(entity) if known else ""), path)
            tables[entity] = SnapshotTable(here, rows(connection, read_parquet([path])), made_up=True)
        elif known and before:
            tables[entity] = before.tables[entity]
            path = home / before.tables[entity].path
        else:
            continue
        connection.execute(f"CREATE VIEW {ACCEPTED}.{name(entity)} AS FROM {read_parquet([path])}")
    return Snapshot(run, arrival.version, tables)


def _still_made_up(entity: str) -> str:
    """Records made up before stay: nothing says that they are gone."""
    return f""" UNION ALL BY NAME SELECT * FROM {BEFORE}.{name(entity)} AS was
        WHERE was.sourcedId NOT IN (SELECT sourcedId FROM made_up)"""


def _any(connection: DuckDBPyConnection, relation: str, entity: str) -> bool:
    found = connection.execute(f"SELECT 1 FROM {relation} WHERE entity = ? LIMIT 1", [entity]).fetchone()
    return found is not None


def _candidates(connection: DuckDBPyConnection, landed: Landed, *, whole: bool, known: bool) -> None:
    """The view of rows to accept, as far as is known now. What need not be asked is left out of the query."""
    entity = landed.entity
    good = query = _good(connection, landed, known=known)
    if "status" in landed.columns:
        query = f"SELECT * FROM ({good}) WHERE status IS DISTINCT FROM 'tobedeleted'"
    carries = landed.file.mode == "delta" or not whole or _any(connection, REJECTED, entity)
    carries = carries or _any(connection, LINES, entity) or _any(connection, "lagging", entity)
    if known and carries:
        query += f" UNION ALL BY NAME {_carried(landed, whole=whole, good=good)}"
    connection.execute(f"CREATE OR REPLACE VIEW {_CANDIDATE}.{name(entity)} AS {query}")


def _good(connection: DuckDBPyConnection, landed: Landed, *, known: bool) -> str:
    """The query for the rows that arrived and that no rule rejects."""
    entity = landed.entity
    cells: Mapping[str, Cell] = ENTITIES[entity].cells()
    columns = [column for column in landed.columns if cells[column].privacy != "credential"]
    place = "line"
    if landed.file.mode == "delta":
        place = (
            f"(SELECT place FROM {BEFORE}.{name(entity)} WHERE sourcedId = now.sourcedId)" if known else "NULL::BIGINT"
        )
    good = f"SELECT {names(columns)}, line, {place} AS place FROM {VALUED}.{name(entity)} AS now"
    if _any(connection, REJECTED, entity):
        good += f" WHERE id NOT IN (SELECT id FROM {REJECTED} WHERE entity = {literal(entity)} AND id IS NOT NULL)"
    return good


def _carried(landed: Landed, *, whole: bool, good: str) -> str:
    """The rows accepted before that stay although no good row of theirs arrived."""
    entity = literal(landed.entity)
    kept = f"""
        sourcedId IN (SELECT key FROM {REJECTED} WHERE entity = {entity} AND key IS NOT NULL)
        OR sourcedId IN (SELECT key FROM {LINES} WHERE entity = {entity} AND key IS NOT NULL)
        OR sourcedId IN (SELECT sourcedId FROM lagging WHERE entity = {entity})"""
    if landed.file.mode == "delta" or not whole:
        kept = "true"
    place = "place" if landed.file.mode == "delta" else "NULL::BIGINT"
    return f"""SELECT * REPLACE (NULL::BIGINT AS line, {place} AS place) FROM {BEFORE}.{name(landed.entity)}
        WHERE sourcedId NOT IN (SELECT sourcedId FROM ({good}) WHERE sourcedId IS NOT NULL)
        AND sourcedId NOT IN (SELECT sourcedId FROM {_DROPPED} WHERE entity = {entity}) AND ({kept})"""


def _accept(connection: DuckDBPyConnection, landed: Landed, *, whole: bool, known: bool) -> None:
    """Make the candidates, and look whether what they name is there. A row that must name something and does not is
    rejected: it leaves the candidates and its earlier version comes back, if that one names what is there."""
    _candidates(connection, landed, whole=whole, known=known)
    mine = [each for each in references() if each.entity == landed.entity and each.column in landed.columns]
    required = [each for each in mine if each.required]
    while sum(_dangling(connection, reference, landed) for reference in required):
        _candidates(connection, landed, whole=whole, known=known)
    for reference in mine:
        if reference.many or not reference.required:
            _leads_nowhere(connection, reference, landed)
    if "status" in landed.columns:
        connection.execute(f"""
            INSERT INTO {DELETIONS} SELECT {literal(landed.entity)}, line, sourcedId
            FROM ({_good(connection, landed, known=known)}) WHERE status = 'tobedeleted'""")


def _there(connection: DuckDBPyConnection, reference: Reference) -> str:
    """The relation that has the rows referred to."""
    if reference.to == reference.entity:
        return f"{_CANDIDATE}.{name(reference.to)}"
    if has(connection, ACCEPTED, reference.to):
        return f"{ACCEPTED}.{name(reference.to)}"
    return "(SELECT NULL::VARCHAR AS sourcedId WHERE false)"


def _named(reference: Reference) -> str:
    column = name(reference.column)
    ref = f"unnest({column})" if reference.many else column
    return f"SELECT sourcedId, line, {ref} AS ref FROM {_CANDIDATE}.{name(reference.entity)} WHERE {column} IS NOT NULL"


def _missing(connection: DuckDBPyConnection, reference: Reference) -> str:
    """The query for what is named and not there."""
    return f"""SELECT sourcedId, line, ref FROM ({_named(reference)})
        ANTI JOIN {_there(connection, reference)} AS there ON there.sourcedId = ref"""


def _dangling(connection: DuckDBPyConnection, reference: Reference, landed: Landed) -> bool:
    """Reject the rows of which nothing that the column names is there; whether there were any."""
    entity = literal(reference.entity)
    some = ""
    if reference.many:
        there = _there(connection, reference)
        some = f"""WHERE sourcedId NOT IN (
            SELECT sourcedId FROM ({_named(reference)}) SEMI JOIN {there} AS there ON there.sourcedId = ref)"""
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE dangling AS
        SELECT DISTINCT sourcedId, line FROM ({_missing(connection, reference)}) {some}
    """)
    found = connection.execute("SELECT count(*) FROM dangling").fetchone()
    if not found or not found[0]:
        return False
    connection.execute(
        f"""INSERT INTO {FINDINGS} SELECT 'R-REF-01', ?, line, sourcedId, ?, NULL, 1, '' FROM dangling
        WHERE line IS NOT NULL""", [landed.file.name, reference.column],
    )  # fmt: skip
    connection.execute(f"""
        INSERT INTO {REJECTED} SELECT {entity}, valued.id, dangling.sourcedId, false
        FROM dangling JOIN {VALUED}.{name(reference.entity)} AS valued ON valued.line = dangling.line
    """)
    connection.execute(f"INSERT INTO {_DROPPED} SELECT {entity}, sourcedId FROM dangling WHERE line IS NULL")
    return True


def _leads_nowhere(connection: DuckDBPyConnection, reference: Reference, landed: Landed) -> None:
    """Note what is named beside records that are there; the canonical views leave it out."""
    connection.execute(
        f"""INSERT INTO {FINDINGS} SELECT 'R-REF-02', ?, min(line), NULL, ?, NULL, count(*), ''
        FROM ({_missing(connection, reference)}) WHERE line IS NOT NULL HAVING count(*) > 0""",
        [landed.file.name, reference.column],
    )


def rejected(connection: DuckDBPyConnection, landed: Landed) -> int:
    """How many rows of a file are not used; exact copies of a row that is used do not count."""
    query = f"SELECT count(DISTINCT id) FROM {REJECTED} WHERE entity = ? AND NOT copy"
    found = connection.execute(query, [landed.entity]).fetchone()
    return (int(found[0]) if found else 0) + landed.unreadable


def findings_hold(connection: DuckDBPyConnection, landed: Landed, *, share: float, floor: int) -> list[Finding]:
    """Whether more rows of a file were rejected than may go unseen."""
    count = rejected(connection, landed)
    if count <= floor or count * 100 <= share * landed.rows:
        return []
    return [Finding("R-SET-17", landed.file.name, count=count, words=f"{count} of {landed.rows} rows")]
