"""Merging what arrived into what was accepted before, so that nothing after this step ever sees an absence that is
not a proved removal.

The accepted roster of an entity is: the good rows that arrived; and, of the rows accepted before, those whose new
version was rejected, those that a delta does not speak of, those that other files still name, and all of them where the
file is not there or not proved whole. Rows marked `tobedeleted` are gone.

Beside its columns an accepted row has `line`, where it stands in the file that arrived, and `place`, where it stood in
the last bulk file; NULL where it did not.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from syncrun.finding import Finding, sql_mask
from syncrun.intake.arrival import Arrival, ArrivedFile
from syncrun.intake.land import REJECTED as LINES
from syncrun.intake.land import SCHEMA, Landed
from syncrun.roster.cell import Cell
from syncrun.roster.entity import ENTITIES
from syncrun.rules.cells import VALUED
from syncrun.rules.guardian import reject_surplus
from syncrun.rules.school import ELSEWHERE
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

ROLES_OF_UPLOAD = f"""
SELECT * FROM {BEFORE}.roles UNION ALL BY NAME
SELECT * EXCLUDE (ordinal) FROM (
    SELECT person.sourcedId || '_' || org.sourcedId AS sourcedId, person.sourcedId AS userSourcedId,
        CASE WHEN ordinal = 1 THEN 'primary' ELSE 'secondary' END AS roleType,
        CASE WHEN role <> 'administrator' THEN role WHEN org.type = 'school' THEN 'siteAdministrator'
            ELSE 'districtAdministrator' END AS role, org.sourcedId AS orgSourcedId, ordinal
    FROM (
        SELECT sourcedId, role, unnest(list_distinct(orgSourcedIds)) AS org,
            generate_subscripts(list_distinct(orgSourcedIds), 1) AS ordinal
        FROM {ACCEPTED}.users WHERE line IS NOT NULL
    ) AS person JOIN {ACCEPTED}.orgs AS org ON org.sourcedId = person.org
) AS told
ANTI JOIN {BEFORE}.roles AS had
    ON had.userSourcedId = told.userSourcedId AND had.orgSourcedId = told.orgSourcedId AND had.role = told.role
"""
"""The roles of a roster in OneRoster 1.2, with those that an uploaded `users.csv` says in the form of 1.1."""


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
    before: Snapshot | None, made_up: Mapping[str, str], folder: Path, home: Path, run: str, *, guardians: int,
) -> Snapshot:  # fmt: skip
    """Write the new accepted roster into `folder`, leave it as views `accepted.<entity>`, and describe it.

    `made_up` has, by entity, queries for records that the set names but does not carry (`syncrun.snapshot.made_up`);
    `guardians` says how many a student may have.
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
            _accept(connection, landed[entity], whole=whole.get(entity, True), known=known, guardians=guardians)
            publish(connection, _without_loops(connection, landed[entity]), path)
            seen = file.scan
            tables[entity] = SnapshotTable(
                here,
                landed[entity].rows,
                file.name,
                seen.sha256,
                _ended(file, before.tables.get(entity) if before else None),
                origins=file.origins,
                written=seen.written,
            )
        elif entity in made_up:
            publish(connection, made_up[entity] + (_still_made_up(entity) if known else ""), path)
            tables[entity] = SnapshotTable(here, rows(connection, read_parquet([path])), made_up=True)
        elif entity == "roles" and known and before and arrival.upload and "users" in landed:
            publish(connection, ROLES_OF_UPLOAD, path)
            tables[entity] = dataclasses.replace(before.tables[entity], path=here)
        elif known and before:
            tables[entity] = before.tables[entity]
            path = home / before.tables[entity].path
        else:
            continue
        connection.execute(f"CREATE VIEW {ACCEPTED}.{name(entity)} AS FROM {read_parquet([path])}")
    if before and arrival.upload:
        return Snapshot(run, before.version, tables, form=before.form)
    return Snapshot(run, arrival.version, tables, form="" if arrival.pulled else arrival.form.name)


def _ended(file: ArrivedFile, before: SnapshotTable | None) -> bool:
    """Whether the last line had a line end: of the last file that was the whole."""
    return before.ended if before and file.mode == "additions" else file.scan.ended


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
    carries = landed.file.mode != "bulk" or not whole
    carries = carries or any(_any(connection, each, entity) for each in (REJECTED, LINES, "lagging", ELSEWHERE))
    if known and carries:
        query += f" UNION ALL BY NAME {_carried(landed, whole=whole, good=good)}"
    connection.execute(f"CREATE OR REPLACE VIEW {_CANDIDATE}.{name(entity)} AS {query}")


def _good(connection: DuckDBPyConnection, landed: Landed, *, known: bool) -> str:
    """The query for the rows that arrived and that no rule rejects."""
    entity = landed.entity
    cells: Mapping[str, Cell] = ENTITIES[entity].cells()
    columns = [column for column in landed.columns if cells[column].privacy != "credential"]
    place = "now.line"
    if landed.file.mode != "bulk" or _any(connection, ELSEWHERE, entity):
        was = "was.place" if known else "NULL::BIGINT"
        place = was if landed.file.mode != "bulk" else f"coalesce({was}, now.line)"
    kept = _columns_kept(connection, landed) if known and landed.file.by_hand else []
    good = f"SELECT {names(columns, 'now')}, now.line, {place} AS place"
    good += "".join(f", was.{name(column)}" for column in kept) + f" FROM {VALUED}.{name(entity)} AS now"
    if "was." in good:
        good += f" LEFT JOIN {BEFORE}.{name(entity)} AS was ON was.sourcedId = now.sourcedId"
    if _any(connection, REJECTED, entity):
        good += f" WHERE now.id NOT IN (SELECT id FROM {REJECTED} WHERE entity = {literal(entity)} AND id IS NOT NULL)"
    return good


def _columns_kept(connection: DuckDBPyConnection, landed: Landed) -> list[str]:
    """What was accepted before and a file that came by hand says nothing of."""
    had = [row[0] for row in connection.execute(f"DESCRIBE {BEFORE}.{name(landed.entity)}").fetchall()]
    return [column for column in had if column not in {*landed.columns, "line", "place"}]


def _carried(landed: Landed, *, whole: bool, good: str) -> str:
    """The rows accepted before that stay although no good row of theirs arrived."""
    entity = literal(landed.entity)
    kept = f"""
        sourcedId IN (SELECT key FROM {REJECTED} WHERE entity = {entity} AND key IS NOT NULL)
        OR sourcedId IN (SELECT key FROM {LINES} WHERE entity = {entity} AND key IS NOT NULL)
        OR sourcedId IN (SELECT sourcedId FROM lagging WHERE entity = {entity})
        OR sourcedId IN (SELECT sourcedId FROM {ELSEWHERE} WHERE entity = {entity})"""
    if landed.file.mode != "bulk" or not whole:
        kept = "true"
    if landed.file.mode == "delta" and landed.file.part_of:
        column, whole_of = landed.file.part_of
        kept += (
            f" AND {name(column)} NOT IN (SELECT sourcedId FROM {SCHEMA}.{name(whole_of)} WHERE sourcedId IS NOT NULL)"
        )
    elsewhere = f"sourcedId IN (SELECT sourcedId FROM {ELSEWHERE} WHERE entity = {entity})"
    place = f"CASE WHEN {elsewhere} THEN place END" if landed.file.mode == "bulk" else "place"
    return f"""SELECT * REPLACE (NULL::BIGINT AS line, {place} AS place) FROM {BEFORE}.{name(landed.entity)}
        WHERE sourcedId NOT IN (SELECT sourcedId FROM ({good}) WHERE sourcedId IS NOT NULL)
        AND sourcedId NOT IN (SELECT sourcedId FROM {_DROPPED} WHERE entity = {entity}) AND ({kept})"""


def _accept(connection: DuckDBPyConnection, landed: Landed, *, whole: bool, known: bool, guardians: int) -> None:
    """Make the candidates, and look whether what they name is there. A row that must name something and does not is
    rejected: it leaves the candidates and its earlier version comes back, if that one names what is there."""
    _candidates(connection, landed, whole=whole, known=known)
    mine = [each for each in references() if each.entity == landed.entity and each.column in landed.columns]
    required = [each for each in mine if each.required]
    while sum(_dangling(connection, reference, landed) for reference in required):
        _candidates(connection, landed, whole=whole, known=known)
    if landed.entity == "guardians":
        there = f"sourcedId IN (SELECT sourcedId FROM {BEFORE}.guardians)" if known else "false"
        if reject_surplus(connection, f"{_CANDIDATE}.guardians", there, landed.file.name, guardians):
            _candidates(connection, landed, whole=whole, known=known)
    for reference in mine:
        if reference.many or not reference.required:
            _leads_nowhere(connection, reference, landed)
    if "status" in landed.columns:
        connection.execute(f"""
            INSERT INTO {DELETIONS} SELECT {literal(landed.entity)}, line, sourcedId
            FROM ({_good(connection, landed, known=known)}) WHERE status = 'tobedeleted'""")


def _without_loops(connection: DuckDBPyConnection, landed: Landed) -> str:
    """The query for the candidates, without the parents of records whose parents lead back to themselves."""
    query = f"FROM {_CANDIDATE}.{name(landed.entity)}"
    if "parentSourcedId" not in landed.columns:
        return query
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE looped AS
        WITH RECURSIVE above AS (
            SELECT sourcedId, line, parentSourcedId AS parent {query} WHERE parentSourcedId IS NOT NULL
            UNION
            SELECT above.sourcedId, above.line, up.parentSourcedId
            FROM above JOIN ({query}) AS up ON up.sourcedId = above.parent
            WHERE up.parentSourcedId IS NOT NULL AND above.parent <> above.sourcedId
        )
        SELECT sourcedId, line FROM above WHERE parent = sourcedId
    """)
    if not rows(connection, "looped"):
        return query
    connection.execute(
        f"""INSERT INTO {FINDINGS} SELECT 'R-FIT-01', ?, line, sourcedId, 'parentSourcedId', NULL, 1, ''
        FROM looped WHERE line IS NOT NULL""", [landed.file.name],
    )  # fmt: skip
    return f"""SELECT * REPLACE (CASE WHEN sourcedId NOT IN (SELECT sourcedId FROM looped) THEN parentSourcedId END
        AS parentSourcedId) {query}"""


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
        SELECT sourcedId, line, min(ref) AS ref FROM ({_missing(connection, reference)}) {some} GROUP BY ALL
    """)
    if not rows(connection, "dangling"):
        return False
    connection.execute(
        f"""INSERT INTO {FINDINGS} SELECT {_why(reference)}, ?, line, sourcedId, ?, {sql_mask("ref")}, 1, '' FROM dangling
        WHERE line IS NOT NULL""", [landed.file.name, reference.column],
    )  # fmt: skip
    connection.execute(f"""
        INSERT INTO {REJECTED} SELECT {entity}, valued.id, dangling.sourcedId, false
        FROM dangling JOIN {VALUED}.{name(reference.entity)} AS valued ON valued.line = dangling.line
    """)
    connection.execute(f"INSERT INTO {_DROPPED} SELECT {entity}, sourcedId FROM dangling WHERE line IS NULL")
    return True


def _why(reference: Reference) -> str:
    """The code for a record that is not there: it was marked as deleted, it was rejected, or nobody sent it."""
    to = literal(reference.to)
    return f"""CASE
        WHEN ref IN (SELECT sourcedId FROM {DELETIONS} WHERE entity = {to}) THEN 'R-REF-03'
        WHEN ref IN (SELECT key FROM {REJECTED} WHERE entity = {to} AND key IS NOT NULL)
            OR ref IN (SELECT key FROM {LINES} WHERE entity = {to} AND key IS NOT NULL) THEN 'R-REF-04'
        ELSE 'R-REF-01' END"""


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


def findings_hold(landed: Landed, count: int, *, share: float, floor: int) -> list[Finding]:
    """Whether more rows of a file were rejected than may go unseen."""
    if count <= floor or count * 100 <= share * landed.rows:
        return []
    return [Finding("R-SET-17", landed.file.name, count=count, words=f"{count} of {landed.rows} rows")]
