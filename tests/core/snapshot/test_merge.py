"""Merging what arrived into what was accepted before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import Desk, Files, columns, enrolled, small, text, user

ACTIVE = {"status": "active", "dateLastModified": "2026-11-19T00:00:00Z"}
GONE = {**ACTIVE, "status": "tobedeleted"}


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    found = Desk(tmp_path_factory.mktemp("settled"))
    found.write(small())
    found.settle()
    return found


@pytest.fixture
def desk(settled: Desk) -> Iterator[Desk]:
    """A desk on which the small district was accepted, and lies again."""
    before = settled.before
    settled.write(small())
    yield settled
    settled.before = before


def delta(desk: Desk, files: Files) -> None:
    desk.write(files, dict.fromkeys(files, "delta"))


def test_delta_changes_only_what_it_speaks_of(desk: Desk) -> None:
    delta(desk, {"users": [
        user("pupil-1", givenName="Zoë", **ACTIVE), user("pupil-3", **ACTIVE), user("pupil-2", **GONE),
    ]})  # fmt: skip
    night = desk.read()
    assert {row["sourcedId"]: row["givenName"] for row in night.rows["users"]} == {
        "teacher": "Ana", "pupil-1": "Zoë", "pupil-3": "Ana", "parent": "Ana",
    }  # fmt: skip
    assert night.keys("orgs") == ["district", "school"]
    assert night.codes == set()


def test_same_delta_twice_gives_the_same(desk: Desk) -> None:
    delta(desk, {"users": [user("pupil-3", **ACTIVE), user("parent", **GONE)]})
    first = desk.settle()
    assert desk.read().rows == first.rows


def test_what_a_delta_deleted_may_come_back(desk: Desk) -> None:
    delta(desk, {"users": [user("parent", **GONE)]})
    desk.settle()
    delta(desk, {"users": [user("parent", **ACTIVE)]})
    assert "parent" in desk.read().keys("users")


def test_deletion_of_what_is_not_there_does_nothing(desk: Desk) -> None:
    delta(desk, {"users": [user("nobody", **GONE)]})
    assert desk.read().keys("users") == ["parent", "pupil-1", "pupil-2", "teacher"]


def test_first_set_may_be_a_delta(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    files = {entity: [{**row, **ACTIVE} for row in rows] for entity, rows in small().items()}
    files["users"].append(user("nobody", **GONE))
    delta(desk, files)
    assert desk.read().keys("users") == ["parent", "pupil-1", "pupil-2", "teacher"]


def test_delta_without_roles_follows_the_version_of_the_roster(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    files = small()
    files["roles"] = [
        {"sourcedId": f"role-{row['sourcedId']}", "userSourcedId": row["sourcedId"], "roleType": "primary",
         "role": row["role"], "orgSourcedId": "school"} for row in files["users"]
    ]  # fmt: skip
    desk.write(files, version="1.2")
    desk.settle()
    desk.write({"users": [user("pupil-1", preferredGivenName="Annie", **ACTIVE)]}, {"users": "delta"}, version="1.2")
    night = desk.read()
    assert night.row("users", "pupil-1")["preferredGivenName"] == "Annie"
    assert len(night.keys("roles")) == 4


def test_entity_that_did_not_arrive_stays_as_it_is(desk: Desk) -> None:
    files = small()
    del files["courses"]
    desk.write(files)
    night = desk.read()
    assert night.keys("courses") == ["course"]
    assert desk.before is not None
    assert night.snapshot.tables["courses"] == desk.before.tables["courses"]


def test_rejected_row_keeps_its_earlier_version(desk: Desk) -> None:
    files = small()
    files["users"][1] |= {"givenName": "Zoë", "enabledUser": "maybe"}
    desk.write(files)
    night = desk.read()
    assert (night.row("users", "pupil-1")["givenName"], night.row("users", "pupil-1")["line"]) == ("Ana", None)
    assert len(night.keys("enrollments")) == 3


def test_line_that_is_no_row_keeps_its_earlier_version(desk: Desk) -> None:
    path = desk.inbox / "users.csv"
    path.write_text(path.read_text().replace("pupil-1,,,true,", "pupil-1,,,"))
    night = desk.read()
    assert night.codes == {"R-FILE-07"}
    assert night.row("users", "pupil-1")["givenName"] == "Ana"


def test_new_row_that_is_rejected_is_nowhere(desk: Desk) -> None:
    files = small()
    files["users"].append(user("pupil-3", givenName=""))
    files["enrollments"].append(enrolled("pupil-3"))
    desk.write(files)
    night = desk.read()
    assert "pupil-3" not in night.keys("users")
    assert [(each.code, each.key, each.column) for each in night.found("R-REF-04")] == [
        ("R-REF-04", "class-pupil-3", "userSourcedId")
    ]


def test_rows_that_differ_under_one_id_keep_the_earlier_version(desk: Desk) -> None:
    files = small()
    files["users"].append({**files["users"][1], "givenName": "Zoë"})
    desk.write(files)
    assert desk.read().row("users", "pupil-1")["givenName"] == "Ana"


@pytest.mark.parametrize(
    ("entity", "row", "column"),
    [
        ("courses", {"sourcedId": "x", "title": "X", "orgSourcedId": "gone"}, "orgSourcedId"),
        ("classes", {"sourcedId": "x", "title": "X", "courseSourcedId": "gone", "classType": "scheduled",
                     "schoolSourcedId": "school", "termSourcedIds": "fall"}, "courseSourcedId"),
        ("classes", {"sourcedId": "x", "title": "X", "courseSourcedId": "course", "classType": "scheduled",
                     "schoolSourcedId": "school", "termSourcedIds": "gone,lost"}, "termSourcedIds"),
        ("users", user("x", orgSourcedIds="gone"), "orgSourcedIds"),
        ("enrollments", enrolled("gone"), "userSourcedId"),
        ("enrollments", enrolled("pupil-1", sourcedId="x", classSourcedId="gone"), "classSourcedId"),
        ("enrollments", enrolled("pupil-1", sourcedId="x", schoolSourcedId="gone"), "schoolSourcedId"),
    ],
)  # fmt: skip
def test_row_that_names_what_is_not_there_is_rejected(
    desk: Desk, entity: str, row: dict[str, str], column: str
) -> None:
    files = small()
    files[entity].append(row)
    desk.write(files)
    night = desk.read()
    assert [(each.code, each.file, each.line, each.key, each.column) for each in night.findings] == [
        ("R-REF-01", f"{entity}.csv", len(files[entity]) + 1, row["sourcedId"], column)
    ]
    assert row["sourcedId"] not in night.keys(entity)
    assert night.read.figures[f"{entity}.csv"].rejected == 1


@pytest.mark.parametrize(
    ("entity", "column", "value"),
    [
        ("orgs", "parentSourcedId", "gone"),
        ("academicSessions", "parentSourcedId", "gone"),
        ("courses", "schoolYearSourcedId", "gone"),
        ("classes", "termSourcedIds", "fall,gone"),
        ("users", "orgSourcedIds", "gone,school"),
        ("users", "agentSourcedIds", "gone"),
    ],
)
def test_row_that_names_beside_others_or_optionally_what_is_not_there_is_used(
    desk: Desk, entity: str, column: str, value: str
) -> None:
    files = small()
    files[entity][-1][column] = value
    desk.write(files)
    night = desk.read()
    assert [(each.code, each.file, each.line, each.column, each.count) for each in night.findings] == [
        ("R-REF-02", f"{entity}.csv", len(files[entity]) + 1, column, 1)
    ]
    assert files[entity][-1]["sourcedId"] in night.keys(entity)


def test_reference_to_a_record_that_an_earlier_delta_brought_holds(desk: Desk) -> None:
    delta(desk, {"users": [user("pupil-3", **ACTIVE)]})
    desk.settle()
    delta(desk, {"enrollments": [enrolled("pupil-3", **ACTIVE)]})
    night = desk.read()
    assert (night.codes, "class-pupil-3" in night.keys("enrollments")) == (set(), True)


def test_row_that_falls_takes_those_that_name_it_along(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    files = small()
    files["courses"][0]["orgSourcedId"] = "gone"
    desk.write(files)
    night = desk.read()
    assert [(each.file, each.key) for each in night.found("R-REF-01")] == [("courses.csv", "course")]
    assert [(each.file, each.key) for each in night.found("R-REF-04")] == [
        ("classes.csv", "class"), ("enrollments.csv", "class-teacher"), ("enrollments.csv", "class-pupil-1"),
        ("enrollments.csv", "class-pupil-2"),
    ]  # fmt: skip
    assert (night.keys("courses"), night.keys("classes"), night.keys("enrollments")) == ([], [], [])


def test_enrollments_of_a_person_who_is_marked_as_deleted_go_with_the_person(desk: Desk) -> None:
    files = small()
    files["users"][2]["status"] = "tobedeleted"
    desk.write(files)
    night = desk.read()
    assert night.keys("enrollments") == ["class-pupil-1", "class-teacher"]
    assert [(each.key, each.line) for each in night.found("R-REF-03")] == [("class-pupil-2", 4)]


def test_earlier_version_comes_back_only_if_what_it_names_is_there(desk: Desk) -> None:
    files = small()
    files["orgs"].append({"sourcedId": "annex", "name": "Annex", "type": "school"})
    files["enrollments"][1]["schoolSourcedId"] = "gone"
    files["enrollments"][2] |= {"role": "juggler"}
    desk.write(files)
    night = desk.read()
    assert night.keys("enrollments") == ["class-pupil-1", "class-pupil-2", "class-teacher"]
    assert night.row("enrollments", "class-pupil-1")["schoolSourcedId"] == "school"
    assert night.codes == {"R-REF-01", "R-WORD-01"}


def test_demographics_need_their_person(desk: Desk) -> None:
    files = small()
    files["demographics"] = [{"sourcedId": "pupil-1"}, {"sourcedId": "stranger"}]
    desk.write(files)
    night = desk.read()
    assert night.keys("demographics") == ["pupil-1"]
    assert [(each.code, each.key) for each in night.findings] == [("R-REF-01", "stranger")]


def test_optional_column_that_is_no_longer_sent_does_not_bring_old_values_back(desk: Desk) -> None:
    files = small()
    files["users"][1]["middleName"] = "Mia"
    desk.write(files)
    desk.settle()
    header = [column for column in columns("users") if column != "middleName"]
    desk.put("users.csv", text(header, files["users"]))
    row = desk.read().row("users", "pupil-1")
    assert "middleName" not in row


def test_carried_rows_keep_nothing_that_nobody_asks_for_any_more(desk: Desk) -> None:
    files = small()
    files["users"][1] |= {"email": "canary@example.org", "givenName": "Canary"}
    desk.write(files)
    desk.settle()
    delta(desk, {"users": [user("pupil-2", **ACTIVE)]})
    night = desk.settle(staged={"structure", "name"})
    assert night.row("users", "pupil-1")["givenName"] == "Canary"
    assert "email" not in night.row("users", "pupil-1")
    path = desk.folder / night.snapshot.tables["users"].path
    assert b"canary@" not in path.read_bytes()


def test_snapshot_tells_what_the_files_were_like(desk: Desk) -> None:
    path = desk.inbox / "users.csv"
    path.write_bytes(path.read_bytes().rstrip())
    desk.before = None
    night = desk.read()
    users, orgs = night.snapshot.tables["users"], night.snapshot.tables["orgs"]
    assert (users.rows, users.ended, users.made_up, orgs.ended) == (4, False, False, True)
    assert (desk.folder / users.path).stat().st_mode & 0o777 == 0o600
    assert set(night.snapshot.arrived()) == set(small())


def test_too_many_rejected_rows_wait_for_a_person(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    files = small()
    files["users"] += [user(f"bad-{n}", enabledUser="maybe") for n in range(100)]
    desk.write(files)
    assert desk.read().doubts == set()
    files["users"].append(user("bad-100", enabledUser="maybe"))
    desk.write(files)
    night = desk.read()
    assert night.doubts == {"R-SET-17"}
    assert [each.words for each in night.found("R-SET-17")] == ["101 of 105 rows"]


def test_many_rejected_rows_of_very_many_do_not(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    files = small()
    files["users"] += [user(f"good-{n}") for n in range(5_000)] + [
        user(f"bad-{n}", enabledUser="maybe") for n in range(102)
    ]
    desk.write(files)
    assert desk.read().doubts == set()
