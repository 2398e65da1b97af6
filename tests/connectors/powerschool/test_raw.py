"""An export that a district set up by itself, with rows that the plug-in's queries would leave out, through whole runs."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

from syncrun.run.ending import Result

if TYPE_CHECKING:
    from world import World

TODAY = "2026-11-20"
Rows = list[dict[str, str]]


def person(key: str, role: str = "student", school: str = "100", **cells: str) -> dict[str, str]:
    return {"sourcedId": key, "orgSourcedIds": school, "role": role, "givenName": "Ana", "familyName": "Berg", **cells}


def place(class_: str, user: str, role: str = "student", **cells: str) -> dict[str, str]:
    return {"classSourcedId": class_, "schoolSourcedId": "100", "userSourcedId": user, "role": role, **cells}


def raw() -> dict[str, Rows]:
    """Two schools. `t1` has a row at each, as the view TEACHERS has it, with other roles; `t3` works at the first no
    more. Two teachers share class 501; all that is said of students beside is in their names."""
    return {
        "users": [
            person("t1", "teacher"), person("t1", "administrator", "200"), person("t2", "teacher", "100,200"),
            person("t3", "teacher", status="2"), person("t3", "teacher", "200", status="1"),
            person("t4", "teacher", status="2"),
            *(person(key, ENROLL_STATUS=status) for key, status in (
                ("active", "0"), ("coming", "-1"), ("letter", "A"), ("blank", ""), ("inactive", "1"), ("moved", "2"),
                ("graduated", "3"), ("historical", "4"), ("odd", "17"))),
            person("word", status="Transferred Out"), person("marked", status="tobedeleted"),
        ],
        "classes": [
            {"sourcedId": "501", "title": "Mathematics", "schoolSourcedId": "100"},
            {"sourcedId": "502", "title": "Art", "schoolSourcedId": "200"},
            {"sourcedId": "503", "title": "Latin", "schoolSourcedId": "100", "status": "inactive"},
        ],
        "enrollments": [
            place("501", "t1", "Lead Teacher"), place("501", "t2", "Co-teacher"), place("502", "t3", "teacher"),
            place("501", "t4", "teacher"), place("503", "active"), place("501", "graduated"),
            place("501", "active", dateEnrolled="2026-08-20", dateLeft="2027-06-11"),
            place("-501", "coming", dateEnrolled="2026-08-20", dateLeft="2026-10-01"),  # dropped
            place("501", "coming", dateEnrolled="2026-11-01", dateLeft="2027-06-11"),  # and came back
            place("501", "letter", dateEnrolled="8/20/2026", dateLeft="8/20/2026"),  # never came
            place("-501", "blank"),  # dropped, nobody knows when
            place("-502", "blank", dateEnrolled="2026-08-20", dateLeft="2027-06-11"),  # the dates count, not the sign
            place("502", "active", dateEnrolled="2026-08-20", dateLeft=TODAY),  # yesterday was the last day
            place("502", "letter", dateEnrolled="2026-08-20", dateLeft="2026-11-21"),  # today is
        ],
    }  # fmt: skip


def send(world: World, files: dict[str, Rows], prefixes: Sequence[str] = ("STUDENTS.", "SECTIONS.", "CC.")) -> None:
    world.inbox.mkdir(exist_ok=True)
    for prefix, (name, rows) in zip(prefixes, files.items(), strict=True):
        header = list(dict.fromkeys(column for row in rows for column in row))
        with (world.inbox / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow([prefix + column for column in header])
            writer.writerows([row.get(column, "") for column in header] for row in rows)


def told(result: Result) -> dict[tuple[str, str], int]:
    return {(each["code"], each["file"]): each["count"] for each in result.summary["findings"]
            if each["code"].startswith(("R-DRAWN", "R-REF", "R-ROW", "R-FILE-1"))}  # fmt: skip


def members(world: World) -> set[tuple[Any, ...]]:
    """Class, person, whether they lead, first and last day."""
    with world.planner() as connection:
        return {
            tuple(row) for row in connection.exec_driver_sql("""
            SELECT c.external_id, coalesce(s.external_id, t.external_id), m.is_lead, m.begins_on, m.ends_on
            FROM class_members m JOIN classes c ON c.id = m.class_id LEFT JOIN students s ON s.id = m.student_id
            LEFT JOIN teachers t ON t.id = m.teacher_id WHERE m.archived_at IS NULL""")
        }  # fmt: skip


def keys(world: World, table: str) -> set[str]:
    """The ids of what is not set aside."""
    query = f"SELECT external_id FROM {table} WHERE archived_at IS NULL"  # our own words
    with world.planner() as connection:
        return {key for (key,) in connection.exec_driver_sql(query)}


@pytest.fixture
def sent(world: World) -> tuple[World, Result]:
    world.configure(years='["schoolYear-2027"]')
    send(world, raw())
    held = world.sync()
    assert held.exit_code == 3, held.summary
    world.approve()
    assert world.sync().exit_code == 0
    return world, held


def test_who_and_what_has_left_is_not_rostered(sent: tuple[World, Result]) -> None:
    world, _ = sent
    assert keys(world, "students") == {"active", "coming", "letter", "blank"}
    assert keys(world, "teachers") == {"t1", "t2", "t3"}
    assert keys(world, "classes") == {"501", "502"}
    assert members(world) == {
        ("501", "t1", 1, None, None), ("501", "t2", None, None, None), ("502", "t3", None, None, None),
        ("501", "active", None, "2026-08-20", "2027-06-10"), ("501", "coming", None, "2026-11-01", "2027-06-10"),
        ("502", "blank", None, "2026-08-20", "2027-06-10"), ("502", "letter", None, "2026-08-20", TODAY),
    }  # fmt: skip


def test_what_is_left_out_is_counted_and_nothing_is_rejected(sent: tuple[World, Result]) -> None:
    _, held = sent
    assert told(held) == {
        ("R-DRAWN-01", "users.csv"): 9, ("R-DRAWN-03", "users.csv"): 2, ("R-DRAWN-04", "users.csv"): 1,
        ("R-DRAWN-01", "classes.csv"): 1, ("R-DRAWN-01", "enrollments.csv"): 6, ("R-DRAWN-02", "enrollments.csv"): 1,
        ("R-DRAWN-05", "enrollments.csv"): 1,
    }  # fmt: skip
    assert {each["rejected"] for each in held.summary["files"].values()} == {0}


def test_person_is_at_all_schools_where_they_work(sent: tuple[World, Result]) -> None:
    """The first is where they are at home; when the row for it is gone, another one is."""
    world, _ = sent
    query = """SELECT s.external_id FROM teachers t JOIN schools s ON s.id = t.school_id WHERE t.external_id = 't1'"""
    for school in ("100", "200"):
        files = raw()
        files["users"] = [row for row in files["users"] if row["sourcedId"] != "t1" or row["orgSourcedIds"] >= school]
        files["users"] = [{**row, "role": "teacher"} if row["sourcedId"] == "t1" else row for row in files["users"]]
        send(world, files)
        result = world.sync()
        assert result.exit_code == 0, result.summary
        with world.planner() as connection:
            assert connection.exec_driver_sql(query).scalar_one() == school


def test_who_leaves_goes_and_who_comes_back_is_restored(sent: tuple[World, Result]) -> None:
    world, _ = sent
    files = raw()
    (row,) = (row for row in files["users"] if row["sourcedId"] == "letter")
    row["ENROLL_STATUS"] = "I"
    send(world, files)
    result = world.sync()
    assert result.exit_code == 0, result.summary
    assert "letter" not in keys(world, "students") | {each[1] for each in members(world)}
    send(world, raw())
    assert world.sync().exit_code == 0
    assert "letter" in keys(world, "students")


def test_place_ends_with_the_day_though_the_files_are_the_same(sent: tuple[World, Result]) -> None:
    world, _ = sent
    world.clock.move(days=1)
    result = world.sync()
    assert result.exit_code == 0, result.summary
    assert ("502", "letter") not in {each[:2] for each in members(world)}


def test_rows_of_one_id_that_are_two_people_are_not_put_together(world: World) -> None:
    world.configure(years='["schoolYear-2027"]')
    files = raw()
    files["users"].append(person("t2", "teacher", "200", familyName="Chen"))
    send(world, files)
    result = world.sync()
    assert ("R-FILE-13", "users.csv") in told(result)
    world.approve()
    assert world.sync().exit_code in {0, 3, 4}
    assert "t2" not in keys(world, "teachers")
