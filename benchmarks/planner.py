"""The planner's rows as they should be, worked out from the CSV files without any contender, and the proof that they are.

Rows are compared as text, each with the ids that people know in place of the planner's own.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import psycopg

from benchmarks.course import DISTRICT
from benchmarks.measure import FailedError
from syncrun.sinks.planner.database import metadata
from syncrun.sqltext import literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SOURCES = ("orgs", "academicSessions", "classes", "users", "enrollments")
"""The files that the planner's rows come from."""
REFERENCES = {
    "school_id": "schools",
    "school_year_id": "school_years",
    "teacher_id": "teachers",
    "class_id": "classes",
    "student_id": "students",
}
"""By column the planner table whose id it holds."""

SCHOOLS = "SELECT sourcedId AS external_id, name, identifier AS code FROM orgs WHERE type = 'school'"
SCHOOL_YEARS = """
SELECT sourcedId AS external_id, title, startDate AS starts_on, endDate AS ends_on FROM academicSessions
WHERE type = 'schoolYear'
"""
TEACHERS = """
SELECT sourcedId AS external_id, orgSourcedIds AS school_id, givenName AS given_name, familyName AS family_name, email,
    identifier AS number, enabledUser AS can_sign_in
FROM users WHERE role = 'teacher'
"""
TEACHER_YEARS = f"""
SELECT teacher.external_id AS teacher_id, year.external_id AS school_year_id
FROM ({TEACHERS}) AS teacher, ({SCHOOL_YEARS}) AS year
"""
CLASSES = """
SELECT classes.sourcedId AS external_id, schoolSourcedId AS school_id, session.parentSourcedId AS school_year_id,
    classes.title, classCode AS code, grades AS grade, periods AS period, location AS room
FROM classes JOIN academicSessions AS session ON session.sourcedId = split_part(termSourcedIds, ',', 1)
"""
STUDENTS = """
SELECT sourcedId AS external_id, orgSourcedIds AS school_id, givenName AS given_name, familyName AS family_name,
    grades AS grade, identifier AS number
FROM users WHERE role = 'student'
"""
CLASS_MEMBERS = """
SELECT classSourcedId AS class_id, CASE role WHEN 'student' THEN userSourcedId END AS student_id,
    CASE role WHEN 'teacher' THEN userSourcedId END AS teacher_id, CASE role WHEN 'teacher' THEN "primary" END AS is_lead,
    beginDate AS begins_on, endDate AS ends_on
FROM enrollments WHERE role IN ('student', 'teacher')
"""
EXPECTED = {
    "schools": SCHOOLS,
    "school_years": SCHOOL_YEARS,
    "teachers": TEACHERS,
    "teacher_years": TEACHER_YEARS,
    "classes": CLASSES,
    "students": STUDENTS,
    "class_members": CLASS_MEMBERS,
}
"""By planner table the rows of one day; a reference has the `sourcedId` of what it refers to."""


def sources(day: Path) -> list[Path]:
    """The files of a day that the planner's rows come from."""
    return [day / f"{file}.csv" for file in SOURCES]


def open_day(connection: DuckDBPyConnection, day: Path, schema: str = "main") -> None:
    """Make a view of each file the planner's rows come from; a blank cell is NULL."""
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    for path in sources(day):
        connection.execute(
            f"CREATE VIEW {schema}.{path.stem} AS FROM read_csv({literal(str(path))}, header = true, "
            "all_varchar = true, delim = ',', quote = '\"')"
        )


def prepare_copy(day: Path, folder: Path) -> None:
    """Write the planner's rows of a day, ids and all, as one CSV with a header per table, sorted by id."""
    with duckdb.connect() as connection:
        open_day(connection, day)
        for table, query in EXPECTED.items():
            target = literal(str(folder / f"{table}.csv"))
            connection.execute(f"COPY ({_with_ids(table, query)} ORDER BY id) TO {target} (FORMAT csv, HEADER)")


def _with_ids(table: str, query: str) -> str:
    """The rows with UUIDs for their own key and for their references, and with the columns that say whose they are."""
    columns = metadata.tables[table].columns
    referred = ", ".join(
        f"md5({literal(parent + '|')} || {column})::UUID AS {column}"
        for column, parent in REFERENCES.items()
        if column in columns
    )
    own = "external_id" if "external_id" in columns else "row_number() OVER ()"
    replaced = f" REPLACE ({referred})" if referred else ""
    return f"""SELECT md5({literal(table + "|")} || {own})::UUID AS id, *{replaced}, {literal(DISTRICT)} AS managed_by
        FROM ({query})"""


def prove(url: str, day: Path, folder: Path, who: str) -> int:
    """Compare the active rows of the planner with what the files of a day say; how many there are.

    Raises `FailedError` with every table that differs.
    """
    rows, wrong = 0, []
    with duckdb.connect(config={"temp_directory": str(folder)}) as connection:
        open_day(connection, day)
        with psycopg.connect(url) as planner:
            for table, expected in EXPECTED.items():
                connection.execute(f"CREATE OR REPLACE TEMP TABLE expected AS {expected}")
                columns = [name for name, *_ in connection.execute("DESCRIBE expected").fetchall()]
                fetch(connection, planner, actual(table, columns), columns, folder)
                count, fault = compare(connection)
                rows += count
                wrong += [f"{table}: {fault}"] if fault else []
    if wrong:
        raise FailedError(
            f"{who} left other rows in the planner than the files of {day.name} say:\n" + "\n".join(wrong)
        )
    return rows


def actual(table: str, columns: list[str], district: str = DISTRICT) -> str:
    """The query for the planner's active rows of one table that are a district's, references by the ids that people
    know; for PostgreSQL and SQLite."""
    joins, chosen = [], []
    for column in columns:
        foreign = REFERENCES.get(column)
        if foreign:
            joins.append(f"LEFT JOIN {foreign} ON {foreign}.id = mine.{column}")
        chosen.append(f"{foreign}.external_id" if foreign else f"CAST(mine.{column} AS text)")
    return f"SELECT {', '.join(chosen)} FROM {table} AS mine {' '.join(joins)} " \
           f"WHERE mine.archived_at IS NULL AND mine.managed_by = {literal(district)}"  # fmt: skip


def fetch(
    connection: DuckDBPyConnection, database: psycopg.Connection, query: str, columns: list[str], folder: Path
) -> None:
    """Bring the rows of a PostgreSQL query into the table `actual`, as text."""
    target = folder / "actual.csv"
    with (
        target.open("wb") as stream,
        database.cursor() as cursor,
        cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)") as copy,
    ):
        for block in copy:
            stream.write(block)
    typed = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in columns)
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE actual AS FROM read_csv({literal(str(target))}, header = false, delim = ',',
            quote = '"', escape = '"', auto_detect = false, columns = {{{typed}}})
    """)
    target.unlink()


def compare(connection: DuckDBPyConnection) -> tuple[int, str]:
    """The number of rows in `expected`, and how `actual` differs, if it does."""
    found = connection.execute("""
        SELECT (SELECT count(*) FROM expected), (SELECT count(*) FROM actual),
            (SELECT count(*) FROM (FROM expected EXCEPT ALL FROM actual))
    """).fetchone()
    wanted, there, missing = found or (0, 0, 0)
    if wanted == there and not missing:
        return wanted, ""
    return wanted, f"{there:,} rows instead of {wanted:,}; {missing:,} of those expected are not there"
