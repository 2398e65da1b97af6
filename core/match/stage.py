"""The two sides of a comparison, drawn from a sink's tables: what the source shares, and what the sink had before.

Ids of schools, teachers and pupils mean the same on both sides only once the source's keys are turned into the sink's own
ids, so that is done first: by what the sync has made, by what people decided, and, to compare by and for nothing else, by
what is proposed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from syncrun.match.feature import features, members_of, table_of
from syncrun.match.link import SCHEMA as OBSERVED
from syncrun.plan.shape import SCHEMA as SHAPED
from syncrun.sdk import Table
from syncrun.sdk.sink import MappingKind
from syncrun.sqltext import literals, name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

INCOMING, EXISTING = "staged_incoming", "staged_existing"
INCOMING_MEMBERS, EXISTING_MEMBERS = "staged_incoming_members", "staged_existing_members"
_SIDES = ((INCOMING, SHAPED), (EXISTING, OBSERVED))
_NEW = "'new ' || "
"""Goes before keys of which the sink has no record yet; no id begins so."""


def ids(kind: MappingKind) -> str:
    """The table (key, sink_id) of records of a kind that the sink has, or is thought to have."""
    return name(f"sink_ids_{kind}")


def same_id(kind: MappingKind, column: str) -> str:
    """The sink's id for an expression that gives a key. A person whom the sink has not is another than all of the sink's;
    a school nobody has decided on is not known to be another."""
    found = f"(SELECT sink_id FROM {ids(kind)} AS known WHERE known.key = {column})"
    return found if kind == "orgs" else f"coalesce({found}, {_NEW}{column})"


def stage(connection: DuckDBPyConnection, table: Table, tables: Sequence[Table]) -> None:
    """Make `staged_incoming` and `staged_existing` (id, features) of one table's rows: of all that the shape gives, and of
    those in the sink that nobody's sync owns and nobody set aside. Needs `shaped` and `observed`, and the ids of orgs."""
    found = features(table, tables)
    for relation, source, key, condition in (
        (INCOMING, SHAPED, "key", "true"),
        (EXISTING, OBSERVED, "sink_id", "NOT row.owned AND NOT row.archived"),
    ):
        columns = ""
        for feature, column in found.items():
            value = f"row.{name(column)}"
            if feature == "school" and relation == INCOMING:
                value = same_id("orgs", value)
            columns += f", {value} AS {name(feature)}"
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {relation} AS "
            f"SELECT row.{key} AS id{columns} FROM {source}.{name(table.name)} AS row WHERE {condition}"
        )


def stage_rosters(connection: DuckDBPyConnection, classes: Table, tables: Sequence[Table]) -> bool:
    """Make the relations of pupils in classes of both sides, and give both sides of `stage` their teachers; whether the
    sink has such a table. Needs `observed` of it, and the ids of students and teachers."""
    students = table_of(tables, "students")
    found = members_of(tables, classes, students) if students else None
    if found is None:
        return False
    for relation, source in _SIDES:
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {relation}_members AS {_pairs(*found, source, 'students', 'person_id')}"
        )
    teachers = table_of(tables, "teachers")
    teaching = members_of(tables, classes, teachers) if teachers else None
    if teaching:
        for relation, source in _SIDES:
            pairs = _pairs(*teaching, source, "teachers", "teacher_id")
            connection.execute(f"""
                CREATE OR REPLACE TEMP TABLE {relation} AS SELECT side.*, teaching.teachers
                FROM {relation} AS side LEFT JOIN (
                    SELECT class_id, list_sort(list(DISTINCT teacher_id)) AS teachers FROM ({pairs}) GROUP BY class_id
                ) AS teaching ON teaching.class_id = side.id
            """)
    return True


def _pairs(table: Table, class_column: str, person_column: str, source: str, kind: MappingKind, called: str) -> str:
    """Classes and persons of one side, persons by the sink's ids."""
    person = f"member.{name(person_column)}"
    person = same_id(kind, person) if source == SHAPED else person
    there = "true" if source == SHAPED else "NOT member.archived"
    return (
        f"SELECT member.{name(class_column)} AS class_id, {person} AS {called} "
        f"FROM {source}.{name(table.name)} AS member WHERE member.{name(person_column)} IS NOT NULL AND {there}"
    )


def keep_open(connection: DuckDBPyConnection, taken: str, settled: Sequence[str], used: Sequence[str]) -> None:
    """Leave out of both sides what there is nothing to propose for: keys of the relation `taken` (key) and `settled`
    records of the source, and records of the sink that are `used`."""
    connection.execute(
        f"DELETE FROM {INCOMING} WHERE id IN (SELECT key FROM {taken}) OR id IN (SELECT unnest(?::VARCHAR[]))",
        [list(settled)],
    )
    connection.execute(f"DELETE FROM {EXISTING} WHERE id IN (SELECT unnest(?::VARCHAR[]))", [list(used)])


def note_ids(
    connection: DuckDBPyConnection, kind: MappingKind, taken: str, decided: Sequence[tuple[str, str | None]],
    verdicts: Sequence[str],
) -> None:  # fmt: skip
    """Make the table `ids(kind)` of `taken` (key, sink_id) and of what people `decided`: a link, or none, which makes a
    record that the sink has not; and of the proposals as they stand, those of these `verdicts`."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {ids(kind)} (key VARCHAR, sink_id VARCHAR, PRIMARY KEY (key))")
    connection.execute(f"INSERT INTO {ids(kind)} SELECT key, sink_id FROM {taken} WHERE sink_id IS NOT NULL")
    if decided:
        connection.executemany(
            f"INSERT OR IGNORE INTO {ids(kind)} SELECT key, coalesce(sink_id, {_NEW}key) FROM (VALUES (?, ?)) AS one(key, sink_id)",
            decided,
        )
    if verdicts:
        connection.execute(
            f"INSERT OR IGNORE INTO {ids(kind)} SELECT incoming_id, existing_id FROM proposals "
            f"WHERE verdict IN ({literals(verdicts)})"
        )
