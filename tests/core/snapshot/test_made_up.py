"""The set of three: orgs, sessions and courses are made up from the ids that it names, and the report says so."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from desk import Desk, Files, small, user

from syncrun.run.reading import SetRefusedError
from syncrun.snapshot.made_up import school_year


def three() -> Files:
    files = small()
    return {entity: files[entity] for entity in ("users", "classes", "enrollments")}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    found = Desk(tmp_path)
    found.write(three(), None)
    return found


@pytest.mark.requirement("S2-4")
def test_what_the_three_files_name_is_made_up_and_said(desk: Desk) -> None:
    night = desk.read()
    assert {entity: night.keys(entity) for entity in ("orgs", "academicSessions", "courses")} == {
        "orgs": ["school"], "academicSessions": ["fall", "schoolYear-2027"], "courses": ["course"],
    }  # fmt: skip
    assert {each.file for each in night.found("R-SET-16")} == {"orgs.csv", "academicSessions.csv", "courses.csv"}
    assert night.keys("enrollments") == ["class-pupil-1", "class-pupil-2", "class-teacher"]
    assert (night.doubts, night.codes) == (set(), {"R-SET-12", "R-SET-16"})


def test_made_up_records_have_their_ids_as_names_and_the_year_as_dates(desk: Desk) -> None:
    night = desk.read()
    school, fall, course = (
        night.row("orgs", "school"),
        night.row("academicSessions", "fall"),
        night.row("courses", "course"),
    )
    assert (school["name"], school["type"], school["identifier"]) == ("school", "school", "school")
    assert (fall["title"], fall["type"], fall["parentSourcedId"]) == ("fall", "term", "schoolYear-2027")
    assert (fall["startDate"], fall["endDate"], fall["schoolYear"]) == (
        datetime.date(2026, 7, 1), datetime.date(2027, 6, 30), 2027,
    )  # fmt: skip
    assert (course["title"], course["orgSourcedId"]) == ("course", "school")


def test_made_up_records_say_that_they_are(desk: Desk) -> None:
    night = desk.read()
    assert {entity for entity, table in night.snapshot.tables.items() if table.made_up} == {
        "orgs", "academicSessions", "courses",
    }  # fmt: skip
    assert sorted(night.snapshot.arrived()) == ["classes", "enrollments", "users"]


def test_record_that_was_made_up_stays_when_nobody_names_it_today(desk: Desk) -> None:
    files = three()
    files["users"].append(user("pupil-3", orgSourcedIds="annex"))
    desk.write(files, None)
    desk.settle()
    desk.write(three(), None)
    assert desk.read().keys("orgs") == ["annex", "school"]


def test_same_three_files_twice_give_the_same(desk: Desk) -> None:
    first = desk.settle()
    assert desk.read().rows == first.rows


def test_real_records_take_the_place_of_made_up_ones(desk: Desk) -> None:
    desk.settle()
    desk.write(small())
    night = desk.read()
    assert (night.keys("orgs"), night.keys("academicSessions")) == (["district", "school"], ["fall", "year"])
    assert night.row("orgs", "school")["name"] == "Oak"
    assert night.doubts == set()


@pytest.mark.requirement("S2-25")
def test_three_files_after_a_whole_set_are_refused(desk: Desk) -> None:
    desk.write(small())
    desk.settle()
    desk.write(three(), None)
    with pytest.raises(SetRefusedError) as caught:
        desk.read()
    assert {(each.code, each.file) for each in caught.value.findings} == {
        ("R-SET-05", "orgs.csv"), ("R-SET-05", "academicSessions.csv"), ("R-SET-05", "courses.csv"),
    }  # fmt: skip


@pytest.mark.parametrize(("day", "year"), [("2026-06-30", 2026), ("2026-07-01", 2027), ("2027-01-01", 2027)])
def test_school_year_turns_on_the_first_of_july(day: str, year: int) -> None:
    assert school_year(datetime.date.fromisoformat(day)) == year
