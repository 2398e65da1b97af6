"""The alarm when a district has had no good run for too long."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from diary import EVENING, Diary, district

from syncrun.errors import ConfigError, Problem
from syncrun.notice.alarm import overdue, ring, ring_unusable
from syncrun.state import outbox
from syncrun.state.database import open_state
from syncrun.state.store import State
from syncrun.testing.clock import FixedClock

if TYPE_CHECKING:
    from pathlib import Path

HERE = district("sis", alarm_hours=36)


@pytest.fixture
def diary(tmp_path: Path) -> Diary:
    clock = FixedClock(EVENING)
    return Diary(State(open_state(tmp_path, {}), clock), clock)


def test_district_without_a_good_run_for_too_long_has_an_alarm_whatever_else_ran(diary: Diary) -> None:
    diary.ran("sis")
    diary.clock.move(hours=35)
    diary.ran("sis", "REFUSED")
    diary.ran("sis", "RETRY")
    diary.ran("sis", dry_run=True)
    assert overdue(HERE, diary.state) is None
    diary.clock.move(hours=1)
    found = overdue(HERE, diary.state)
    assert found is not None
    assert found.words == "The last good run ended at 2026-11-20 19:35 UTC, more than 36 hours ago."
    assert overdue(district("sis", alarm_hours=0), diary.state) is None
    assert overdue(district("sis", alarm_hours=48), diary.state) is None
    diary.ran("sis")
    assert overdue(HERE, diary.state) is None


def test_district_that_never_ended_well_has_one_and_one_that_never_ran_has_none(diary: Diary) -> None:
    diary.clock.move(days=9)
    assert overdue(HERE, diary.state) is None
    diary.ran("sis", "HELD")
    diary.clock.move(hours=36)
    found = overdue(HERE, diary.state)
    assert found is not None
    assert found.words == "No run has ended well since the first began, more than 36 hours ago."


def test_alarm_is_told_once_for_each_last_good_run(diary: Diary) -> None:
    diary.ran("sis")
    assert not ring(HERE, diary.state)
    diary.clock.move(hours=37)
    assert ring(HERE, diary.state)
    assert not ring(HERE, diary.state)
    diary.ran("sis")
    diary.clock.move(hours=37)
    assert ring(HERE, diary.state)
    assert len(outbox.unplanned(diary.state)) == 2


def test_file_that_cannot_be_used_is_told_once_each_time_it_was_written(diary: Diary, tmp_path: Path) -> None:
    path = tmp_path / "sis.toml"
    error = ConfigError([Problem("E-CONFIG-3", "source", "is required")], source="sis.toml")
    for moment in (1_000_000_000, 2_000_000_000):
        path.write_text("district = ", encoding="utf-8")
        os.utime(path, ns=(moment, moment))
        assert ring_unusable("sis", path, error, diary.state)
        assert not ring_unusable("sis", path, error, diary.state)
    first, second = outbox.unplanned(diary.state)
    assert first.needs == second.needs
    assert (first.needs[0]["code"], first.needs[0]["words"]) == (
        "N-FILE-1",
        "The district file has 1 problems (E-CONFIG-3).",
    )
