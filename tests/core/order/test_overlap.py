"""Runs that would be at work together are foreseen from how long runs have taken."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from diary import EVENING, Diary

from syncrun.order.overlap import Overlap, Planned, overlaps
from syncrun.state import history
from syncrun.state.database import open_state
from syncrun.state.store import State
from syncrun.testing.clock import FixedClock

if TYPE_CHECKING:
    from pathlib import Path

AFTER = {"books": ["sis"], "maps": ["books"]}


def nightly(district: str, minutes: float, mode: str = "incremental", days: int = 3) -> Planned:
    """Runs of three nights, so many minutes after the evening begins."""
    step = datetime.timedelta(days=1)
    begin = EVENING + datetime.timedelta(minutes=minutes)
    return Planned(district, mode, [begin + n * step for n in range(days)])


def took(**minutes: float) -> dict[tuple[str, str], datetime.timedelta]:
    return {
        (name.partition("_")[0], name.partition("_")[2] or "incremental"): datetime.timedelta(minutes=each)
        for name, each in minutes.items()
    }


@pytest.mark.requirement("S3-8")
def test_next_one_that_begins_too_early_is_pointed_out_once() -> None:
    (found,) = overlaps([nightly("sis", 0), nightly("books", 30)], took(sis=45, books=5), AFTER)
    assert found == Overlap("sis", "incremental", EVENING, "books", "incremental",
                            EVENING + datetime.timedelta(minutes=30), datetime.timedelta(minutes=45))  # fmt: skip
    assert found.words(ZoneInfo("America/New_York")) == (
        "The incremental run of books begins at 2026-11-20 15:00 EST; the incremental run of sis, which begins at 14:30 "
        "and takes up to 45 minutes, may still be at work."
    )


@pytest.mark.requirement("S3-8")
def test_enough_time_between_them_is_no_overlap() -> None:
    assert overlaps([nightly("sis", 0), nightly("books", 45)], took(sis=45, books=5), AFTER) == []


def test_order_of_others_between_them_counts_and_strangers_do_not() -> None:
    rows = [nightly("sis", 0), nightly("maps", 10), nightly("lakeside", 5)]
    assert [(each.first, each.second) for each in overlaps(rows, took(sis=45), AFTER)] == [("sis", "maps")]


def test_dependant_that_begins_before_or_with_the_one_it_waits_for_overlaps_too() -> None:
    assert [(each.first, each.second) for each in overlaps([nightly("sis", 5), nightly("books", 0)], took(books=10), AFTER)] == [
        ("books", "sis")
    ]  # fmt: skip
    assert len(overlaps([nightly("sis", 0), nightly("books", 0)], {}, AFTER)) == 1
    assert overlaps([nightly("sis", 1), nightly("books", 0)], {}, AFTER) == []


def test_full_and_incremental_of_one_district_overlap_unless_they_are_at_one_time() -> None:
    full, quick = nightly("sis", 0, "full"), nightly("sis", 90)
    (found,) = overlaps([full, quick], took(sis_full=120), {})
    assert (found.first_mode, found.second_mode) == ("full", "incremental")
    assert overlaps([full, nightly("sis", 0)], took(sis_full=120), {}) == []


def test_run_that_takes_longer_than_its_own_interval_overlaps_itself() -> None:
    hourly = Planned("sis", "incremental", [EVENING + datetime.timedelta(hours=n) for n in range(4)])
    assert len(overlaps([hourly], took(sis=61), {})) == 1
    assert overlaps([hourly], took(sis=60), {}) == []


def test_duration_is_the_longest_of_the_last_runs_that_did_something(tmp_path: Path) -> None:
    clock = FixedClock(EVENING)
    diary = Diary(State(open_state(tmp_path, {}), clock), clock)
    assert history.usual(diary.state, "sis", "incremental") is None
    diary.ran("sis", minutes=500)
    for minutes in (3, 9, 4, 5, 6, 7, 3, 3, 3, 3):
        diary.ran("sis", minutes=minutes)
    diary.ran("sis", minutes=60, mode="full")
    diary.ran("sis", "REFUSED", minutes=70)
    diary.ran("sis", minutes=80, dry_run=True)
    diary.ran("sis", minutes=90, summary={"nothing_to_do": True})
    assert history.usual(diary.state, "sis", "incremental") == datetime.timedelta(minutes=9)
    assert history.usual(diary.state, "sis", "full") == datetime.timedelta(minutes=60)
