"""Bulk files that have far fewer rows than were accepted last, or that are lists of changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from desk import Desk, Files, enrolled, small, user

PUPILS = 100


def crowd(first: int = 0, last: int = PUPILS) -> Files:
    """A school with so many pupils more."""
    files = small()
    files["users"] = [user(f"crowd-{n}") for n in range(first, last)] + files["users"]
    files["enrollments"] = [enrolled(f"crowd-{n}") for n in range(first, last)] + files["enrollments"]
    return files


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    found = Desk(tmp_path)
    found.write(crowd())
    assert found.settle().codes == set()
    return found


@pytest.mark.parametrize(("gone", "codes"), [(51, set()), (53, {"R-SET-34"}), (99, {"R-SET-34"})])
def test_half_of_the_rows_may_go_but_not_more(desk: Desk, gone: int, codes: set[str]) -> None:
    desk.write(crowd(gone))
    night = desk.read()
    assert (night.codes, night.doubts) == (codes, codes)
    assert {each.file for each in night.found("R-SET-34")} == ({"users.csv", "enrollments.csv"} if codes else set())


def test_words_tell_how_many_rows_there_were(desk: Desk) -> None:
    desk.write(crowd(80))
    words = {each.file: (each.count, each.words) for each in desk.read().found("R-SET-34")}
    assert words["users.csv"] == (80, "24 instead of 104")


def test_few_rows_may_all_go_but_one(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write(crowd(0, 16))
    desk.settle()
    desk.write(crowd(16, 16))
    assert "R-SET-34" not in desk.read().codes


def test_limits_can_be_set(desk: Desk) -> None:
    desk.write(crowd(60))
    assert "R-SET-34" not in desk.read(limits={"shrink": 90}).codes
    assert "R-SET-34" not in desk.read(limits={"shrink_floor": 60}).codes


def test_delta_may_be_as_short_as_it_is(desk: Desk) -> None:
    desk.write({"users": [user("pupil-1", status="active", dateLastModified="2026-11-20T06:00:00.000Z")]}, "delta")
    night = desk.settle()
    assert night.codes == set()
    desk.write(crowd(60))
    assert "R-SET-34" in desk.read().doubts, "what was accepted counts, not the rows of the delta"


def changes(status: str, **cells: str) -> Files:
    """Three pupils fewer, all rows with a status and a date, one row with another status."""
    files = crowd(3)
    for row in files["users"]:
        row.update(status="active", dateLastModified="2026-11-20T06:00:00.000Z")
    files["users"][0].update(status=status, **cells)
    return files


@pytest.mark.parametrize(
    ("files", "codes"),
    [
        (changes("tobedeleted"), {"R-SET-35"}),
        (changes("active"), set()),
        (changes("tobedeleted", dateLastModified=""), set()),
        (crowd(3), set()),
    ],
)
def test_list_of_changes_that_is_marked_bulk_waits_for_a_person(desk: Desk, files: Files, codes: set[str]) -> None:
    desk.write(files)
    assert desk.read().doubts == codes
