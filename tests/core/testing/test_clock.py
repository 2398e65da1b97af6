"""The clock that stands still until it is moved."""

from __future__ import annotations

import datetime

from syncrun.clock import SystemClock, today
from syncrun.testing.clock import FixedClock

NOON = datetime.datetime(2026, 11, 20, 12, 0, tzinfo=datetime.UTC)


def test_clock_stands_still_and_moves_as_told() -> None:
    clock = FixedClock(NOON)
    assert clock.now() == clock.now() == NOON
    clock.move(hours=25, seconds=-1)
    assert clock.now() == datetime.datetime(2026, 11, 21, 12, 59, 59, tzinfo=datetime.UTC)


def test_clock_tells_utc_whatever_zone_it_was_set_in() -> None:
    moment = datetime.datetime(2026, 11, 20, 7, 0, tzinfo=datetime.timezone(datetime.timedelta(hours=-5)))
    found = FixedClock(moment).now()
    assert (found, found.tzinfo) == (NOON, datetime.UTC)


def test_day_is_that_of_the_zone() -> None:
    clock = FixedClock(datetime.datetime(2026, 11, 20, 3, 0, tzinfo=datetime.UTC))
    assert [str(today(clock, zone)) for zone in ("UTC", "America/New_York", "Asia/Tokyo")] == [
        "2026-11-20",
        "2026-11-19",
        "2026-11-20",
    ]


def test_clock_of_the_machine_tells_utc() -> None:
    before = datetime.datetime.now(datetime.UTC)
    assert before <= SystemClock().now() <= datetime.datetime.now(datetime.UTC)
    assert SystemClock().now().tzinfo is datetime.UTC
