"""What the planner wants of a roster: shapes over the canonical tables."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from syncrun.plan.shape import confirm_keys, shape
from syncrun.run.planning import staged
from syncrun.scratch import scratch
from syncrun.sdk import Context
from syncrun.sinks.planner.database import TARGETS, metadata
from syncrun.sinks.planner.sink import Planner
from syncrun.sinks.planner.table import TABLES

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

CANONICAL = {
    "orgs": ("sourcedId name identifier", [("s1", "Oak", "S001"), ("s2", "Elm", None), ("out", "Out", None)]),
    "academicSessions": ("sourcedId title startDate endDate", [
        ("y26", "2025-2026", datetime.date(2025, 8, 1), datetime.date(2026, 6, 1)), ("y27", "2026-2027", datetime.date(2026, 8, 1), None),
    ]),
    "users": ("sourcedId givenName familyName email identifier grades enabledUser", [
        ("t1", "Ann", "Ng", "ann@example.org", "7", [], True), ("t2", "Bob", "Ray", None, None, [], False),
        ("both", "Cat", "Li", "cat@example.org", "8", ["12"], True), ("p1", "Dan", "Om", "dan@example.org", "9", ["03", "04"], True),
    ]),
    "homes": ("userSourcedId role school", [
        ("t1", "teacher", "s1"), ("t2", "teacher", "s2"), ("both", "teacher", "s1"), ("both", "student", "s2"), ("p1", "student", "s1"),
        ("a1", "administrator", "s1"),
    ]),
    "classes": ("sourcedId schoolSourcedId title classCode grades periods location", [
        ("c1", "s1", "Art", "A1", ["03"], ["1", "2"], "R1"), ("c2", "s2", "Bio", None, [], [], None), ("c-out", "out", "Out", None, [], [], None),
        ("c-old", "s1", "Old", None, [], [], None),
    ]),
    "class_terms": ("classSourcedId sessionSourcedId", [
        ("c1", "fall"), ("c1", "spring"), ("c2", "year"), ("c-out", "fall"), ("c-old", "ancient"),
    ]),
    "session_years": ("sessionSourcedId yearSourcedId", [("fall", "y27"), ("spring", "y27"), ("year", "y26"), ("ancient", "y25")]),
    "enrollments": ("sourcedId classSourcedId userSourcedId role primary beginDate endDate", [
        ("e1", "c1", "p1", "student", None, datetime.date(2026, 8, 17), None), ("e2", "c1", "t1", "teacher", True, None, None),
        ("e3", "c-old", "p1", "student", None, None, None), ("e4", "c2", "both", "student", None, None, None),
        ("e5", "c1", "both", "teacher", False, None, None), ("e6", "c1", "nobody", "student", None, None, None),
        ("e7", "c1", "a1", "administrator", None, None, None), ("e8", "c-out", "p1", "student", None, None, None),
    ]),
}  # fmt: skip
KINDS = {
    "grades": "VARCHAR[]", "periods": "VARCHAR[]", "primary": "BOOLEAN", "enabledUser": "BOOLEAN", "startDate": "DATE",
    "endDate": "DATE", "beginDate": "DATE",
}  # fmt: skip


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[DuckDBPyConnection]:
    with scratch(tmp_path / "spill", [tmp_path]) as found:
        for table, (columns, rows) in CANONICAL.items():
            shaped = ", ".join(f'"{each}" {KINDS.get(each, "VARCHAR")}' for each in columns.split())
            found.execute(f"CREATE TABLE {table} ({shaped})")
            found.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns.split()))})", rows)
        yield found


def shaped(connection: DuckDBPyConnection, *years: str, skip: str = "") -> dict[str, dict[str, dict[str, Any]]]:
    """Rows by table and key, with these school years chosen."""
    connection.execute("CREATE OR REPLACE TEMP TABLE mapped_orgs AS SELECT unnest(['s1', 's2']) AS sourcedId")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE mapped_years AS SELECT unnest(?::VARCHAR[]) AS sourcedId", [list(years)]
    )
    connection.execute("CREATE OR REPLACE TEMP TABLE mapped_teachers AS SELECT DISTINCT userSourcedId AS sourcedId FROM homes "
                       "WHERE role = 'teacher' AND userSourcedId <> ?", [skip])  # fmt: skip
    connection.execute("CREATE OR REPLACE TEMP TABLE left_out (kind VARCHAR, sourcedId VARCHAR)")
    shape(connection, TABLES, "planner")
    found = {}
    for table in TABLES:
        confirm_keys(connection, f"shaped.{table.name}", "planner", table)
        cursor = connection.execute(f"FROM shaped.{table.name}")
        columns = [each[0] for each in cursor.description]
        found[table.name] = {row[0]: dict(zip(columns[1:], row[1:], strict=True)) for row in cursor.fetchall()}
    return found


@pytest.mark.requirement("S0-16")
def test_without_a_year_there_are_schools_and_teachers_and_nothing_else(connection: DuckDBPyConnection) -> None:
    found = shaped(connection)
    assert {table: set(rows) for table, rows in found.items() if rows} == {
        "schools": {"s1", "s2"},
        "teachers": {"t1", "t2", "both"},
    }


@pytest.mark.requirement("S0-17")
def test_year_brings_its_classes_all_students_and_their_places(connection: DuckDBPyConnection) -> None:
    found = shaped(connection, "y27")
    assert set(found["classes"]) == {"c1"}
    assert set(found["students"]) == {"p1", "both"}
    assert set(found["class_members"]) == {"e1", "e2", "e5"}


@pytest.mark.requirement("S0-18", "S0-19")
def test_every_year_goes_to_every_teacher(connection: DuckDBPyConnection) -> None:
    found = shaped(connection, "y26", "y27")
    assert set(found["teacher_years"]) == {
        f"{teacher}|{year}" for teacher in ("t1", "t2", "both") for year in ("y26", "y27")
    }
    assert found["teacher_years"]["t2|y26"] == {"school": "s2", "teacher_id": "t2", "school_year_id": "y26"}
    assert set(found["classes"]) == {"c1", "c2"}


def test_teacher_who_is_skipped_has_no_year_and_teaches_no_class(connection: DuckDBPyConnection) -> None:
    found = shaped(connection, "y27", skip="t1")
    assert "t1" not in found["teachers"]
    assert not any(key.startswith("t1|") for key in found["teacher_years"])
    assert set(found["class_members"]) == {"e1", "e5"}


def test_rows_have_what_the_roster_says(connection: DuckDBPyConnection) -> None:
    found = shaped(connection, "y27")
    assert found["schools"]["s1"] == {"school": "s1", "name": "Oak", "code": "S001"}
    assert found["school_years"]["y27"] == {
        "school": None,
        "title": "2026-2027",
        "starts_on": datetime.date(2026, 8, 1),
        "ends_on": None,
    }
    assert found["teachers"]["t2"] == {
        "school": "s2", "school_id": "s2", "given_name": "Bob", "family_name": "Ray", "email": None, "number": None, "can_sign_in": False,
    }  # fmt: skip
    assert found["classes"]["c1"] == {
        "school": "s1", "school_id": "s1", "school_year_id": "y27", "title": "Art", "code": "A1", "grade": "03", "period": "1, 2", "room": "R1",
    }  # fmt: skip
    assert found["students"]["p1"] == {
        "school": "s1", "school_id": "s1", "given_name": "Dan", "family_name": "Om", "grade": "03, 04", "number": "9",
    }  # fmt: skip
    assert found["class_members"]["e1"] == {
        "school": "s1", "class_id": "c1", "student_id": "p1", "teacher_id": None, "is_lead": None,
        "begins_on": datetime.date(2026, 8, 17), "ends_on": None,
    }  # fmt: skip
    assert found["class_members"]["e2"]["teacher_id"] == "t1"
    assert [found["class_members"][key]["is_lead"] for key in ("e2", "e5")] == [True, False]


def test_class_in_several_terms_of_a_year_is_one_class(connection: DuckDBPyConnection) -> None:
    assert list(shaped(connection, "y27")["classes"]) == ["c1"]


def test_students_have_no_means_of_contact() -> None:
    (students,) = (table for table in TABLES if table.name == "students")
    assert {column.name for column in students.columns} == {"school_id", "given_name", "family_name", "grade", "number"}
    assert "contact" not in {column.privacy for column in students.columns}


def test_planner_asks_for_no_more_than_it_uses() -> None:
    sink = Planner({"database_url": "sqlite:////nowhere/x.db"}, Context("riverside", Path("/"), "installation-1"))
    assert staged([sink]) == {"structure", "name", "contact", "identifier", "profile"}


def test_tables_and_the_database_have_the_same_columns() -> None:
    for table in TABLES:
        columns = set(metadata.tables[table.name].columns.keys())
        assert {column.name for column in table.columns} == columns - {"id", "managed_by", "archived_at", "external_id"}
        assert (TARGETS[table.name].external == "external_id") == ("external_id" in columns)
    assert set(TARGETS) == {table.name for table in TABLES}


@pytest.mark.requirement("S0-23")
def test_teachers_cost_money_and_nothing_else_does() -> None:
    assert [table.name for table in TABLES if table.billable] == ["teachers"]


def test_schools_and_years_are_kept_and_the_rest_is_archived() -> None:
    assert {table.name for table in TABLES if table.removal == "keep"} == {"schools", "school_years"}


def test_references_name_tables_of_the_planner() -> None:
    names = {table.name for table in TABLES}
    assert {parent for table in TABLES for parent in table.parents.values()} <= names
