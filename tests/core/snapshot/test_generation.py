"""When the files of a set were written: together, and after those that were accepted last."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

import pytest
from desk import AUTUMN, Desk, Night, small, user

HOUR = 3600
MONDAY = datetime.datetime(2026, 11, 16, 19, 0, tzinfo=datetime.UTC).timestamp()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A district whose set of Monday was accepted."""
    found = Desk(tmp_path)
    found.write(small())
    date(found, 0)
    assert found.settle().codes == set()
    return found


def date(desk: Desk, hours: float, *names: str) -> None:
    """Set the time of files, or of all, to so many hours after Monday evening."""
    for path in desk.inbox.glob("*.csv"):
        if not names or path.stem in names:
            os.utime(path, (MONDAY + hours * HOUR,) * 2)


def told(night: Night) -> list[tuple[str, str | None, str]]:
    return [(each.code, each.file, each.words) for each in night.findings if each.code.startswith("R-SET-")]


def changed(desk: Desk) -> None:
    """A set in which one file differs from Monday's."""
    files = small()
    files["users"].append(user("pupil-3"))
    desk.write(files)


def test_files_of_one_evening_and_the_next_day_have_nothing_to_remark_on(desk: Desk) -> None:
    changed(desk)
    date(desk, 48)
    date(desk, 24, "orgs")
    assert desk.read().codes == set()


def test_file_that_is_exported_only_when_it_changed_is_noted(desk: Desk) -> None:
    changed(desk)
    date(desk, 72)
    date(desk, 0, "orgs")
    night = desk.read()
    assert told(night)[0][:2] == ("R-SET-30", "orgs.csv")
    assert told(night)[0][2].startswith("72 hours before ")
    assert night.doubts == set()


def test_file_of_another_export_waits_for_a_person(desk: Desk) -> None:
    changed(desk)
    date(desk, 72)
    date(desk, 47, "users")
    night = desk.read()
    assert [each[:2] for each in told(night)] == [("R-SET-31", "users.csv")]
    assert night.doubts == {"R-SET-31"}


def test_first_set_of_files_that_lie_apart_is_noted(desk: Desk) -> None:
    desk.before = None
    date(desk, -100, "users")
    assert desk.read().codes == {"R-SET-30"}


def test_set_that_is_older_than_the_last_waits_for_a_person(desk: Desk) -> None:
    changed(desk)
    date(desk, -24)
    assert told(desk.read()) == [("R-SET-32", None, "by 24 hours")]


def test_set_that_is_the_last_one_with_an_older_date_does_not_wait(desk: Desk) -> None:
    date(desk, -24)
    assert desk.read().codes == set()


def test_local_time_of_an_archive_is_no_older_set(desk: Desk) -> None:
    changed(desk)
    date(desk, -14)
    assert desk.read().codes == set()


def test_files_without_a_date_say_nothing(desk: Desk) -> None:
    changed(desk)
    for path in desk.inbox.glob("*.csv"):
        os.utime(path, (0, 0))
    assert desk.read().codes == set()


def test_nobody_asks_when_the_limit_is_0(desk: Desk) -> None:
    changed(desk)
    date(desk, -72, "users")
    assert desk.read(limits={"spread_hours": 0}).codes == set()


@pytest.mark.parametrize(("days", "codes"), [(-1, {"R-SET-40"}), (0, set()), (30, set())])
def test_terms_that_are_all_over_are_noted(desk: Desk, days: int, codes: set[str]) -> None:
    files = small()
    for row in files["academicSessions"]:
        row["endDate"] = str(AUTUMN + datetime.timedelta(days=days))
    desk.write(files)
    assert {code for code in desk.read().codes if code.startswith("R-SET")} == codes
