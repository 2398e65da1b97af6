"""The canonical views: OneRoster 1.2's tables over what was accepted, with 1.1 lifted into them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, Files, small, user

from syncrun.roster.entity import DERIVED, ENTITIES
from syncrun.roster.view import lift, settle_homes
from syncrun.scratch import scratch

ROLES = "SELECT userSourcedId, orgSourcedId, role, roleType FROM roles ORDER BY ALL"


def seen(
    folder: Path, files: Files, query: str, *, version: str = "1.1", takes_part: tuple[str, ...] = (), **options: Any
) -> list[tuple[Any, ...]]:
    """What a query over the canonical views gives for a set."""
    desk = Desk(folder)
    desk.write(files, version=version)
    with desk.opened(**options) as (connection, _):
        if takes_part:
            connection.execute(
                "CREATE TABLE mapped_orgs AS SELECT unnest(?::VARCHAR[]) AS sourcedId", [list(takes_part)]
            )
            settle_homes(connection)
        return connection.execute(query).fetchall()


def latest() -> Files:
    """The small district in OneRoster 1.2."""
    files = small()
    files["roles"] = [
        {"sourcedId": f"role-{row['sourcedId']}", "userSourcedId": row["sourcedId"], "roleType": "primary",
         "role": row.pop("role"), "orgSourcedId": row.pop("orgSourcedIds")} for row in files["users"]
    ]  # fmt: skip
    return files


def test_users_of_1_1_get_a_role_in_each_of_their_orgs(tmp_path: Path) -> None:
    files = small()
    files["users"] = [user("aide", "aide", orgSourcedIds="school,district")]
    assert seen(tmp_path, files, ROLES) == [
        ("aide", "district", "aide", "primary"), ("aide", "school", "aide", "primary"),
    ]  # fmt: skip


def test_org_that_is_named_twice_gives_one_role(tmp_path: Path) -> None:
    files = small()
    files["users"] = [user("aide", "aide", orgSourcedIds="school,school")]
    assert seen(tmp_path, files, ROLES) == [("aide", "school", "aide", "primary")]


def test_org_that_is_not_there_gives_no_role(tmp_path: Path) -> None:
    files = small()
    files["users"] = [user("aide", "aide", orgSourcedIds="school,closed")]
    assert seen(tmp_path, files, ROLES) == [("aide", "school", "aide", "primary")]


def test_administrators_of_1_1_are_told_apart_by_the_kind_of_org(tmp_path: Path) -> None:
    files = small()
    files["users"] = [user("head", "administrator"), user("chief", "administrator", orgSourcedIds="district")]
    assert seen(tmp_path, files, "SELECT userSourcedId, role FROM roles ORDER BY ALL") == [
        ("chief", "districtAdministrator"), ("head", "siteAdministrator"),
    ]  # fmt: skip


def test_roles_of_1_2_are_as_they_arrived(tmp_path: Path) -> None:
    assert seen(tmp_path, latest(), ROLES, version="1.2") == [
        ("parent", "school", "parent", "primary"), ("pupil-1", "school", "student", "primary"),
        ("pupil-2", "school", "student", "primary"), ("teacher", "school", "teacher", "primary"),
    ]  # fmt: skip


HOMES = "SELECT userSourcedId, role, school FROM homes ORDER BY ALL"


def two_schools(files: Files) -> Files:
    files["orgs"].append({"sourcedId": "annex", "name": "Annex", "type": "school"})
    return files


def test_home_is_the_first_named_org_that_takes_part(tmp_path: Path) -> None:
    files = two_schools(small())
    files["users"] = [
        user("at-school", orgSourcedIds="school,annex"),
        user("at-annex", orgSourcedIds="annex,school"),
        user("at-district", orgSourcedIds="district,annex"),
        user("nowhere", orgSourcedIds="district"),
    ]
    assert seen(tmp_path, files, HOMES, takes_part=("school", "annex")) == [
        ("at-annex", "student", "annex"), ("at-district", "student", "annex"), ("at-school", "student", "school"),
    ]  # fmt: skip


def test_home_is_the_primary_org_where_one_is_named(tmp_path: Path) -> None:
    files = two_schools(latest())
    files["users"] = [user("teacher", primaryOrgSourcedId="school"), user("other")]
    role = {"userSourcedId": "teacher", "role": "teacher"}
    files["roles"] = [
        {**role, "sourcedId": "a", "roleType": "primary", "orgSourcedId": "annex"},
        {**role, "sourcedId": "b", "roleType": "secondary", "orgSourcedId": "school"},
        {**role, "sourcedId": "c", "userSourcedId": "other", "roleType": "secondary", "orgSourcedId": "annex"},
        {**role, "sourcedId": "d", "userSourcedId": "other", "roleType": "primary", "orgSourcedId": "school"},
    ]
    assert seen(tmp_path, files, HOMES, version="1.2", takes_part=("school", "annex")) == [
        ("other", "teacher", "school"), ("teacher", "teacher", "school"),
    ]  # fmt: skip


def test_relationships_are_drawn_from_either_direction_once(tmp_path: Path) -> None:
    files = small()
    files["users"] = [
        user("pupil-1", agentSourcedIds="mother,father"), user("pupil-2", agentSourcedIds="pupil-1,gone"),
        user("mother", "parent", agentSourcedIds="pupil-1"), user("father", "guardian"),
        user("aunt", "relative", agentSourcedIds="pupil-2"),
    ]  # fmt: skip
    assert seen(tmp_path, files, "SELECT * FROM relationships ORDER BY ALL") == [
        ("pupil-1", "father", "guardian"), ("pupil-1", "mother", "parent"), ("pupil-2", "aunt", "relative"),
    ]  # fmt: skip


def in_family(folder: Path, forbidden: Sequence[str], query: str) -> list[tuple[Any, ...]]:
    """What a query gives for two pupils of whom `guardians.csv` has the aunt, and the first names her too."""
    with scratch(folder / "spill", [folder]) as connection:
        connection.execute("CREATE SCHEMA accepted")
        connection.execute("CREATE TABLE accepted.orgs AS SELECT 'school' AS sourcedId, 'school' AS type")
        connection.execute("""
            CREATE TABLE accepted.users AS SELECT 'pupil-1' AS sourcedId, 'student' AS role, ['school'] AS orgSourcedIds,
                ['aunt'] AS agentSourcedIds
            UNION ALL SELECT 'pupil-2', 'student', ['school'], NULL""")
        connection.execute(
            """CREATE TABLE accepted.guardians AS SELECT 'aunt' AS sourcedId, 'relative' AS role,
                ['pupil-1', 'pupil-2'] AS studentSourcedIds, ?::VARCHAR[] AS noContactSourcedIds""", [list(forbidden) or None],
        )  # fmt: skip
        lift(connection, {"structure"})
        return connection.execute(query).fetchall()


@pytest.mark.parametrize(("forbidden", "left"), [
    ((), ["pupil-1", "pupil-2"]), (("pupil-1",), ["pupil-2"]), (("pupil-1", "gone"), ["pupil-2"]),
    (("pupil-2", "pupil-1"), []),
])  # fmt: skip
def test_two_who_must_not_be_in_contact_have_no_relationship_whatever_says_so(
    tmp_path: Path, forbidden: Sequence[str], left: list[str]
) -> None:
    found = in_family(tmp_path, forbidden, "SELECT * FROM relationships ORDER BY ALL")
    assert found == [(pupil, "aunt", "relative") for pupil in left]
    roles = in_family(tmp_path, forbidden, "SELECT orgSourcedId FROM roles WHERE userSourcedId = 'aunt'")
    assert roles == ([("school",)] if left else [])


def test_guardian_without_a_student_left_is_nobody(tmp_path: Path) -> None:
    query = "SELECT sourcedId FROM users ORDER BY ALL"
    assert in_family(tmp_path, ("pupil-1", "pupil-2"), query) == [("pupil-1",), ("pupil-2",)]
    assert in_family(tmp_path, ("pupil-1",), query) == [("aunt",), ("pupil-1",), ("pupil-2",)]


def test_ids_in_other_systems_are_taken_apart(tmp_path: Path) -> None:
    files = small()
    files["users"] = [user("pupil-1", userIds="{Fed:A1}, {State:9:9},broken"), user("pupil-2", userIds="A2")]
    assert seen(tmp_path, files, "SELECT * FROM userIds ORDER BY ALL") == [
        ("pupil-1", "Fed", "A1"), ("pupil-1", "State", "9:9"),
    ]  # fmt: skip


def test_ids_in_other_systems_are_there_only_for_who_asks_for_identifiers(tmp_path: Path) -> None:
    query = "SELECT count(*) FROM information_schema.tables WHERE table_name = 'userIds'"
    assert seen(tmp_path, small(), query, staged={"structure"}) == [(0,)]


YEARS = "SELECT sessionSourcedId, yearSourcedId FROM session_years ORDER BY ALL"


def session(key: str, type_: str, parent: str = "", year: str = "2027") -> dict[str, str]:
    return {"sourcedId": key, "title": key, "type": type_, "startDate": "2026-08-17", "endDate": "2027-06-12",
            "parentSourcedId": parent, "schoolYear": year}  # fmt: skip


def test_school_year_is_found_above_a_session(tmp_path: Path) -> None:
    files = small()
    files["academicSessions"] = [
        session("quarter", "gradingPeriod", "fall"), session("fall", "semester", "year", "1999"),
        session("year", "schoolYear"), session("other-year", "schoolYear", year="2028"),
    ]  # fmt: skip
    assert seen(tmp_path, files, YEARS) == [
        ("fall", "year"), ("other-year", "other-year"), ("quarter", "year"), ("year", "year"),
    ]  # fmt: skip


def test_school_year_is_found_by_its_number_where_nothing_is_above(tmp_path: Path) -> None:
    files = small()
    files["academicSessions"] = [
        session("fall", "term"), session("year", "schoolYear"), session("old", "term", year="1999"),
    ]  # fmt: skip
    assert seen(tmp_path, files, YEARS) == [("fall", "year"), ("year", "year")]


def test_sessions_in_a_circle_come_to_an_end(tmp_path: Path) -> None:
    files = small()
    files["academicSessions"] = [
        session("fall", "term", "spring"),
        session("spring", "term", "fall"),
        session("year", "schoolYear"),
    ]
    assert seen(tmp_path, files, YEARS) == [("fall", "year"), ("spring", "year"), ("year", "year")]


def test_class_has_the_terms_that_are_there(tmp_path: Path) -> None:
    files = small()
    files["classes"][0]["termSourcedIds"] = "fall,gone,year"
    assert seen(tmp_path, files, "SELECT * FROM class_terms ORDER BY ALL") == [("class", "fall"), ("class", "year")]


@pytest.mark.parametrize(
    ("entity", "column"),
    [("orgs", "parentSourcedId"), ("academicSessions", "parentSourcedId"), ("courses", "schoolYearSourcedId")],
)
def test_optional_reference_to_what_is_not_there_is_left_out(tmp_path: Path, entity: str, column: str) -> None:
    files = small()
    files[entity][-1][column] = "gone"
    key = files[entity][-1]["sourcedId"]
    assert seen(tmp_path, files, f"SELECT {column} FROM {entity} WHERE sourcedId = '{key}'") == [(None,)]


def test_optional_reference_to_what_is_there_stays(tmp_path: Path) -> None:
    query = "SELECT parentSourcedId FROM orgs UNION ALL SELECT schoolYearSourcedId FROM courses ORDER BY ALL"
    assert seen(tmp_path, small(), query) == [("district",), ("year",), (None,)]


def test_views_have_every_column_of_1_2_and_none_of_1_1_alone(tmp_path: Path) -> None:
    query = "SELECT column_name FROM information_schema.columns WHERE table_schema = 'main' AND table_name = 'users'"
    columns = {column for (column,) in seen(tmp_path, small(), query)}
    only = {column for column, cell in ENTITIES["users"].cells().items() if cell.only == "1.1"}
    assert only == {"orgSourcedIds", "role"}
    assert columns == set(ENTITIES["users"].cells()) - only - {"password"}


def test_views_have_no_column_that_nobody_asked_for(tmp_path: Path) -> None:
    query = """SELECT column_name FROM information_schema.columns
        WHERE table_schema IN ('main', 'filled') AND table_name IN ('users', 'demographics')"""
    columns = {column for (column,) in seen(tmp_path, small(), query, staged={"structure", "name"})}
    known = {**ENTITIES["users"].cells(), **ENTITIES["demographics"].cells()}
    assert {known[column].privacy for column in columns} == {"structure", "name"}


def test_every_table_of_the_roster_can_be_asked_though_no_file_brought_it(tmp_path: Path) -> None:
    query = " UNION ALL ".join(
        f"SELECT count(*) FROM {table}" for table in ("demographics", *DERIVED, "studentAttributes")
    )
    assert seen(tmp_path, small(), query) == [(0,), (1,), (0,), (0,)]
