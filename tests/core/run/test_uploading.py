"""Uploads: the run itself with files that a person brings, for a district or for one school."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from world import World, planned

from syncrun.intake.upload import Upload
from syncrun.snapshot.table import Snapshot
from syncrun.state import lease

if TYPE_CHECKING:
    from syncrun.run.ending import Result

Row = Mapping[str, str]


def put(world: World, name: str, *rows: Row) -> Path:
    """A file with just the columns that its rows have."""
    folder = world.folder / "brought"
    folder.mkdir(exist_ok=True)
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with (folder / name).open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return folder / name


def bring(world: World, *files: Path, school: str | None = None, complete: bool = False, **options: Any) -> Result:
    return world.sync(upload=Upload(files, school, complete), **options)


def pupil(key: str, school: str = "school-1", **cells: str) -> Row:
    return {"sourcedId": key, "enabledUser": "true", "orgSourcedIds": school, "role": "student", "username": key,
            "givenName": "Ana", "familyName": "Berg", **cells}  # fmt: skip


def seat(person: str, class_: str = "class-1-0", school: str = "school-1") -> Row:
    return {"sourcedId": f"{class_}-{person}-new", "classSourcedId": class_, "schoolSourcedId": school,
            "userSourcedId": person, "role": "student"}  # fmt: skip


def of(world: World, entity: str, school: str) -> list[Row]:
    """The rows of one school, as the district's own files have them."""
    column = {"users": "orgSourcedIds"}.get(entity, "schoolSourcedId")
    return [row for row in world.rows(entity) if row[column] == school]


def accepted(world: World, entity: str, columns: str = "sourcedId") -> list[tuple[Any, ...]]:
    found = Snapshot.from_json(world.state().snapshot("riverside") or "").paths(world.home)[entity]
    return duckdb.execute(f"SELECT {columns} FROM read_parquet('{found}') ORDER BY ALL").fetchall()


def codes(result: Result) -> list[tuple[str, str | None, int | None]]:
    return [(each["code"], each.get("file"), each.get("line")) for each in result.summary["findings"]]


# -- what an upload does ---------------------------------------------------------------------------------------------


@pytest.mark.requirement("S4-1", "S4-10", "S4-19")
def test_upload_adds_and_updates_and_what_it_does_not_mention_stays(settled: World) -> None:
    before = settled.dump()
    changed = {**next(row for row in settled.rows("users") if row["sourcedId"] == "s1001"), "familyName": "Neu"}
    result = bring(
        settled, put(settled, "users.csv", pupil("new-1"), changed), put(settled, "enrollments.csv", seat("new-1"))
    )
    assert (result.exit_code, planned(result)) == (0, {"create": 2, "update": 1})
    assert {name: each["mode"] for name, each in result.summary["files"].items()} == {
        "users.csv": "additions", "enrollments.csv": "additions",
    }  # fmt: skip
    assert settled.count("students") == len(before["students"]) + 1
    assert settled.count("class_members") == len(before["class_members"]) + 1


def test_columns_that_an_upload_lacks_stay_as_they_were(settled: World) -> None:
    assert settled.dump()["students"]
    (grades,) = [row["grades"] for row in settled.rows("users") if row["sourcedId"] == "s1001"]
    result = bring(settled, put(settled, "users.csv", pupil("s1001", familyName="Neu")))
    assert (result.exit_code, planned(result)) == (0, {"update": 1})
    assert accepted(settled, "users", "sourcedId, familyName, array_to_string(grades, ',')")
    assert ("s1001", "Neu", grades) in accepted(settled, "users", "sourcedId, familyName, array_to_string(grades, ',')")


@pytest.mark.requirement("S4-18")
@pytest.mark.parametrize("complete", [False, True])
def test_same_upload_again_changes_nothing(settled: World, *, complete: bool) -> None:
    files = put(settled, "users.csv", *of(settled, "users", "school-1"), pupil("new-1"))
    assert planned(bring(settled, files, school="school-1", complete=complete)) == {"create": 1}
    dump = settled.dump(archived=True)
    again = bring(settled, files, school="school-1", complete=complete)
    assert (again.exit_code, again.summary["nothing_to_do"]) == (0, True)
    assert settled.dump(archived=True) == dump


@pytest.mark.requirement("S4-17")
def test_order_and_wrapping_do_not_matter(settled: World) -> None:
    users, seats = put(settled, "users.csv", pupil("new-1")), put(settled, "enrollments.csv", seat("new-1"))
    bundle = settled.folder / "bundle.zip"
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.write(seats, "x/Enrollments.csv")
    plans = {
        bring(settled, *files, dry_run=True).summary["plan"]
        for files in ((users, seats), (seats, users), (bundle, users), (users.parent,))
    }
    assert len(plans) == 1


def test_what_is_of_no_use_in_an_archive_is_said(settled: World) -> None:
    bundle = settled.folder / "bundle.zip"
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.write(put(settled, "users.csv", pupil("new-1")), "users.csv")
        for name in ("x/notes.csv", "__MACOSX/._users.csv", ".DS_Store"):
            archive.writestr(name, "a,b\n1,2\n")
    assert [each[:2] for each in codes(bring(settled, bundle, dry_run=True))] == [("R-SET-15", "notes.csv")]


@pytest.mark.requirement("S4-7")
def test_dry_run_changes_nothing_and_has_the_form_of_a_real_one(settled: World) -> None:
    files = put(settled, "users.csv", pupil("new-1"))
    dump, roster, audit = settled.dump(), settled.state().snapshot("riverside"), settled.state().audit("riverside")
    dry = bring(settled, files, dry_run=True)
    assert settled.dump() == dump
    assert settled.state().snapshot("riverside") == roster
    assert settled.state().audit("riverside") == audit
    real = bring(settled, files)
    assert set(dry.summary) == set(real.summary)
    assert dry.summary["plan"] == real.summary["plan"]


def test_audit_has_who_brought_what(settled: World) -> None:
    bring(settled, put(settled, "users.csv", pupil("new-1")), school="school-1")
    (line,) = [each for each in settled.state().audit("riverside") if each["action"] == "upload"]
    assert line["who"] == "tester"
    assert line["detail"]["school"] == "school-1"
    assert list(line["detail"]["files"]) == ["users.csv"]


def test_upload_waits_for_the_lease(settled: World) -> None:
    state = settled.state()
    from syncrun.errors import LeaseBusyError

    with lease.held(state.engine, "riverside", "other", state.clock), pytest.raises(LeaseBusyError):
        bring(settled, put(settled, "users.csv", pupil("new-1")))


# -- one school ------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S4-2")
@pytest.mark.parametrize(("name", "row", "column"), [
    ("users.csv", pupil("new-1", "school-2"), "orgSourcedIds"),
    ("users.csv", pupil("new-1", "school-1,school-2"), "orgSourcedIds"),
    ("users.csv", pupil("s2001"), None),
    ("enrollments.csv", seat("s1001", school="school-2"), "schoolSourcedId"),
    ("enrollments.csv", seat("s1001", "class-2-0"), "classSourcedId"),
    ("enrollments.csv", seat("s2001"), "userSourcedId"),
    ("guardians.csv", {"sourcedId": "g", "studentSourcedIds": "s1001,s2001", "givenName": "E", "familyName": "B"},
     "studentSourcedIds"),
    ("student_attributes.csv", {"sourcedId": "a", "userSourcedId": "s2001", "name": "x", "value": "y"}, "userSourcedId"),
])  # fmt: skip
def test_row_of_another_school_is_rejected_with_line_and_reason(
    settled: World, name: str, row: Row, column: str | None
) -> None:
    dump = settled.dump()
    result = bring(settled, put(settled, name, row), school="school-1")
    assert result.exit_code == 4
    assert result.summary["files"][name]["rejected"] == 1
    found = [each for each in result.summary["findings"] if each["code"] == "R-SCHOOL-01"]
    assert {(each["file"], each["line"], each.get("column")) for each in found} >= {(name, 2, column)}
    assert settled.dump() == dump


@pytest.mark.requirement("S4-4")
@pytest.mark.parametrize("blank", [True, False])
def test_upload_for_a_school_may_leave_its_id_out(settled: World, *, blank: bool) -> None:
    person, place = dict(pupil("new-1", "")), dict(seat("new-1", school=""))
    if not blank:
        del person["orgSourcedIds"], place["schoolSourcedId"]
    result = bring(
        settled, put(settled, "users.csv", person), put(settled, "enrollments.csv", place), school="school-1"
    )
    assert (result.exit_code, planned(result)) == (0, {"create": 2})
    assert ("new-1", ["school-1"]) in accepted(settled, "users", "sourcedId, orgSourcedIds")


def test_school_that_is_not_registered_is_refused(settled: World) -> None:
    result = bring(settled, put(settled, "users.csv", pupil("new-1")), school="school-11")
    assert (result.exit_code, result.error and result.error.code) == (2, "E-USAGE-1")
    assert "did you mean school-1?" in str(result.error)


# -- a district ------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S4-3")
def test_school_that_is_not_registered_is_said_once_with_the_rows_it_keeps_back(settled: World) -> None:
    users = put(
        settled, "users.csv", pupil("new-1", "elm"), pupil("new-2", "elm"), pupil("new-3"), pupil("new-4", "ash")
    )
    seats = put(settled, "enrollments.csv", seat("new-1", school="elm"), seat("new-3"))
    result = bring(settled, users, seats)
    assert (result.exit_code, planned(result)) == (4, {"create": 2})
    told = [(each["key"], each["count"]) for each in result.summary["findings"] if each["code"] == "R-SCHOOL-03"]
    assert sorted(told) == [("ash", 1), ("elm", 3)]
    assert {each for each in codes(result) if each[0] == "R-SCHOOL-02"} == {
        ("R-SCHOOL-02", "users.csv", 2), ("R-SCHOOL-02", "users.csv", 3), ("R-SCHOOL-02", "users.csv", 5),
        ("R-SCHOOL-02", "enrollments.csv", 2),
    }  # fmt: skip


def test_orgs_that_come_along_are_registered(settled: World) -> None:
    orgs = put(settled, "orgs.csv", {"sourcedId": "elm", "name": "Elm", "type": "school"})
    result = bring(settled, put(settled, "users.csv", pupil("new-1", "elm")), orgs)
    assert (result.exit_code, planned(result)) == (0, {"create": 2})


# -- complete --------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S4-19")
def test_complete_for_a_school_removes_there_and_nowhere_else(settled: World) -> None:
    seats = of(settled, "enrollments", "school-1")
    users = [row for row in of(settled, "users", "school-1") if row["sourcedId"] != "s1003"]
    kept = [row for row in seats if row["userSourcedId"] != "s1003"]
    files = put(settled, "users.csv", *users), put(settled, "enrollments.csv", *kept)
    before = settled.dump()
    result = bring(settled, *files, school="school-1", complete=True)
    assert (result.exit_code, planned(result)) == (0, {"archive": 1 + len(seats) - len(kept)})
    assert settled.count("students") == len(before["students"]) - 1
    assert len(accepted(settled, "users")) == len(settled.rows("users")) - 1


def test_complete_removes_nothing_of_files_that_did_not_come(settled: World) -> None:
    result = bring(settled, put(settled, "users.csv", *settled.rows("users")), complete=True)
    assert (result.exit_code, planned(result)) == (0, {})


def test_complete_upload_that_loses_much_waits_and_is_applied_by_the_same_once_approved(settled: World) -> None:
    users = of(settled, "users", "school-1")
    gone = {row["sourcedId"] for row in users if row["role"] == "student"} - {
        f"s1{n:03d}" for n in (*range(20), *range(46, 66))
    }
    kept = [row for row in users if row["sourcedId"] not in gone]
    seats = [row for row in of(settled, "enrollments", "school-1") if row["userSourcedId"] not in gone]
    files = put(settled, "users.csv", *kept), put(settled, "enrollments.csv", *seats)
    dump = settled.dump()
    result = bring(settled, *files, school="school-1", complete=True)
    assert result.exit_code == 3
    assert settled.dump() == dump
    settled.approve()
    assert bring(settled, *files, school="school-1", complete=True).exit_code == 0
    assert settled.count("students") == len(dump["students"]) - len(gone)


@pytest.mark.requirement("S4-19")
@pytest.mark.parametrize("share", range(5, 100, 10))
def test_upload_that_was_cut_removes_nothing(settled: World, share: int) -> None:
    path = put(settled, "users.csv", *settled.rows("users"))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * share // 100])
    bring(settled, path, dry_run=True)
    found = bring(settled, path, dry_run=True)
    assert found.exit_code in {0, 2, 3, 4}
    if found.exit_code != 2:
        assert "archive" not in planned(found)


# -- beside a nightly source -----------------------------------------------------------------------------------------


def test_night_has_the_last_word_on_its_own_files_and_leaves_the_rest(settled: World) -> None:
    guardian = {"sourcedId": "g1", "studentSourcedIds": "s1001", "givenName": "Eva", "familyName": "Berg"}
    assert (
        bring(settled, put(settled, "users.csv", pupil("new-1")), put(settled, "guardians.csv", guardian)).exit_code
        == 0
    )
    night = settled.sync()
    assert (night.exit_code, planned(night)) == (0, {"archive": 1})
    assert accepted(settled, "guardians") == [("g1",)]


def test_held_night_does_not_forget_an_upload_that_came_after_it(settled: World) -> None:
    gone = {f"s2{n:03d}" for n in range(20, 40)}
    settled.drop("users", *gone)
    settled.drop(
        "enrollments", *(row["sourcedId"] for row in settled.rows("enrollments") if row["userSourcedId"] in gone)
    )
    settled.write()
    assert settled.sync().exit_code == 3
    guardian = {"sourcedId": "g1", "studentSourcedIds": "s1001", "givenName": "Eva", "familyName": "Berg"}
    bring(settled, put(settled, "guardians.csv", guardian))
    assert settled.sync().exit_code == 3
    assert accepted(settled, "guardians") == [("g1",)]


# -- a district without a nightly source -----------------------------------------------------------------------------


@pytest.mark.requirement("S2-1", "S4-1", "S4-3")
def test_district_that_only_uploads(world: World) -> None:
    (world.folder / "map.csv").write_text("kind,sourcedId,decision,sinkId\norgs,elm,add,\n", encoding="utf-8")
    world.configure(sink='mapping = "map.csv"', years='["schoolYear-2027"]')
    world.toml.write_text(
        world.toml.read_text().replace('"oneroster_csv"\npath = "inbox"', '"upload"'), encoding="utf-8"
    )
    refused = world.sync()
    assert (refused.exit_code, "syncrun upload" in str(refused.error and refused.error.next_step)) == (2, True)
    section = {"sourcedId": "c1", "title": "Mathematics", "courseSourcedId": "math", "classType": "scheduled",
               "schoolSourcedId": "elm", "termSourcedIds": "fall"}  # fmt: skip
    files: Sequence[Path] = (
        put(world, "users.csv", pupil("p1", "elm"), pupil("p2", "oak")), put(world, "classes.csv", section),
        put(world, "enrollments.csv", seat("p1", "c1", "elm")),
    )  # fmt: skip
    assert bring(world, *files).exit_code == 3
    world.approve()
    assert bring(world, *files).exit_code == 4  # the row of the school that nobody registered
    assert {table: world.count(table) for table in ("schools", "students", "classes", "class_members")} == {
        "schools": 1, "students": 1, "classes": 1, "class_members": 1,
    }  # fmt: skip
    later = bring(world, put(world, "users.csv", pupil("p3", "elm")))
    assert (later.exit_code, planned(later)) == (0, {"create": 1})


# -- guardians and attributes ----------------------------------------------------------------------------------------


@pytest.mark.requirement("SX-3")
@pytest.mark.parametrize("most", [6, 2])
def test_student_has_no_more_guardians_than_may_be(settled: World, most: int) -> None:
    if most != 6:
        settled.configure(limits=f"guardians = {most}")
    rows = [{"sourcedId": f"g{n}", "studentSourcedIds": "s1001", "givenName": "E", "familyName": "B"} for n in range(9)]
    assert bring(settled, put(settled, "guardians.csv", *rows[:1])).exit_code == 0
    result = bring(settled, put(settled, "guardians.csv", *reversed(rows)))
    assert result.exit_code == 4
    assert len(accepted(settled, "guardians")) == most
    assert ("g0",) in accepted(settled, "guardians")
    found = [each for each in result.summary["findings"] if each["code"] == "R-GUARDIAN-01"]
    assert [each["line"] for each in found] == list(range(most + 1, 10))


def test_guardian_with_whom_there_must_be_no_contact_takes_nobody_elses_place(settled: World) -> None:
    rows = [{"sourcedId": f"g{n}", "studentSourcedIds": "s1001", "givenName": "E", "familyName": "B",
             "noContactSourcedIds": "s1001" if n == 0 else ""} for n in range(7)]  # fmt: skip
    assert bring(settled, put(settled, "guardians.csv", *rows)).exit_code == 0
    assert len(accepted(settled, "guardians")) == 7


def test_only_the_files_of_an_upload_may_be_named(settled: World) -> None:
    result = bring(settled, put(settled, "roster.csv", pupil("new-1")))
    assert (result.exit_code, result.error and result.error.code) == (2, "E-USAGE-1")
    assert "users.csv" in str(result.error and result.error.next_step)
    other = settled.folder / "other"
    other.mkdir()
    (other / "users.csv").write_bytes(put(settled, "users.csv", pupil("new-1")).read_bytes())
    twice = bring(settled, other / "users.csv", settled.folder / "brought" / "users.csv")
    assert (twice.exit_code, "R-SET-14" in str(twice.error)) == (2, True)


@pytest.mark.parametrize("school", [None, "school-1"])
def test_upload_over_a_roster_of_the_newer_version(world: World, school: str | None) -> None:
    world.write()
    people = [dict(row) for row in world.rows("users")]
    roles = [{"sourcedId": f"r-{each['sourcedId']}", "userSourcedId": each["sourcedId"], "roleType": "primary",
              "role": each.pop("role"), "orgSourcedId": each.pop("orgSourcedIds")} for each in people]  # fmt: skip
    for name, rows in (("users.csv", people), ("roles.csv", roles)):
        put(world, name, *rows).replace(world.inbox / name)
    assert world.sync().exit_code == 3
    world.approve()
    assert world.sync().exit_code == 0
    dump = world.dump()
    result = bring(
        world, put(world, "users.csv", pupil("new-1"), pupil("s1001"), pupil("s2001", "school-2")), school=school
    )
    assert (result.exit_code, planned(result)["create"], "archive" in planned(result)) == (4 if school else 0, 1, False)
    assert world.count("students") == len(dump["students"]) + 1
    assert len(accepted(world, "roles")) == len(roles) + 1
    assert planned(world.sync())["archive"] == 1


def test_last_line_of_an_upload_needs_no_end_and_that_of_the_next_night_does(settled: World) -> None:
    path = put(settled, "users.csv", pupil("new-1"))
    path.write_bytes(path.read_bytes().rstrip())
    assert bring(settled, path).exit_code == 0
    night = settled.inbox / "users.csv"
    night.write_bytes(night.read_bytes().rstrip())
    refused = settled.sync()
    assert (refused.exit_code, "R-SET-06" in str(refused.error)) == (2, True)
