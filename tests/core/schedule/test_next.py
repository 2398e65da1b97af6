"""The next run of a schedule: on every calendar, in every zone, on both nights on which clocks change."""

from __future__ import annotations

import calendar
import datetime
import zoneinfo
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncrun.schedule.next import instant, latest_run, next_run
from syncrun.schedule.preview import preview
from syncrun.schedule.spec import Spec, Window, from_json, to_json

DAY = datetime.timedelta(days=1)
UTC = datetime.UTC
YEARS = range(2026, 2036)
ZONES = (
    "America/New_York", "Europe/London", "Australia/Lord_Howe", "America/Nuuk", "Africa/Casablanca", "Africa/Cairo",
    "Asia/Beirut", "America/Havana", "Pacific/Chatham", "Antarctica/Troll", "Asia/Kolkata", "America/Scoresbysund", "UTC",
)  # fmt: skip
"""Zones whose clocks change by an hour, by half of one or by two; at night, at midnight, in Ramadan, or never."""


def moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=UTC)


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def daily(at: str, zone: str = "America/New_York", **options: object) -> Spec:
    return Spec("day", datetime.time.fromisoformat(at), zone, **options)  # type: ignore[arg-type] # options of several kinds


def runs(spec: Spec, after: datetime.datetime, count: int) -> list[datetime.datetime]:
    """So many runs in local time."""
    found = []
    at: datetime.datetime | None = after
    while len(found) < count and at is not None and (at := next_run(spec, at)) is not None:
        found.append(at.astimezone(spec.tz))
    return found


def days(spec: Spec, after: str, count: int) -> list[str]:
    return [f"{each:%m-%d}" for each in runs(spec, moment(after), count)]


# -- the calendar --------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S0-20", "S3-2", "S3-14")
def test_every_day_every_week_and_every_month_at_a_local_time() -> None:
    at = datetime.time(19, 30)
    assert next_run(daily("19:30"), moment("2026-11-20T12:00")) == moment("2026-11-21T00:30")
    weekly = Spec("week", at, "America/New_York", (0, 3))
    assert days(weekly, "2026-11-20T12:00", 3) == ["11-23", "11-26", "11-30"]
    monthly = Spec("month", at, "America/New_York", (1, 15))
    assert days(monthly, "2026-11-20T12:00", 3) == ["12-01", "12-15", "01-01"]


@pytest.mark.requirement("S3-18")
@pytest.mark.parametrize(
    ("on", "after", "expected"),
    [
        ((31,), "2027-01-01", ["01-31", "02-28", "03-31", "04-30"]),
        ((31,), "2028-02-01", ["02-29", "03-31"]),
        ((30,), "2028-02-01", ["02-29", "03-30"]),
        ((29,), "2027-02-01", ["02-28", "03-29"]),
        ((29,), "2028-02-01", ["02-29", "03-29"]),
        ((30, 31), "2027-02-01", ["02-28", "03-30", "03-31", "04-30", "05-30"]),
    ],
)
def test_day_that_a_month_does_not_have_is_its_last(on: tuple[int, ...], after: str, expected: list[str]) -> None:
    spec = Spec("month", datetime.time(12), "America/New_York", on)
    assert days(spec, f"{after}T00:00", len(expected)) == expected


@pytest.mark.requirement("S3-15")
def test_end_date_itself_still_runs_and_nothing_after_it() -> None:
    spec = daily("23:59", until=day("2027-06-12"))
    assert days(spec, "2027-06-11T05:00", 9) == ["06-11", "06-12"]
    assert next_run(spec, moment("2027-06-13T04:00")) is None


def test_skipped_and_paused_days_are_left_out() -> None:
    spec = daily("06:00", skip=frozenset({day("2026-11-26")}),
                 pause=(Window(day("2026-11-28"), day("2026-12-01")), Window(day("2026-11-30"), day("2026-12-02"))))  # fmt: skip
    assert days(spec, "2026-11-25T12:00", 3) == ["11-27", "12-03", "12-04"]


def test_pause_of_thousands_of_years_takes_no_time() -> None:
    spec = daily("06:00", pause=(Window(day("2026-11-28"), day("9999-12-31")),))
    assert next_run(spec, moment("2026-11-28T12:00")) is None


# -- change of clocks ----------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S3-18")
def test_time_that_is_left_out_is_as_much_later_and_one_that_comes_twice_is_the_first() -> None:
    spring, autumn = moment("2027-03-13T12:00"), moment("2026-10-31T12:00")
    gap = runs(daily("02:30"), spring, 2)
    assert [f"{each:%d %H:%M %Z}" for each in gap] == ["14 03:30 EDT", "15 02:30 EDT"]
    fold = runs(daily("01:30"), autumn, 2)
    assert [f"{each:%d %H:%M %Z}" for each in fold] == ["01 01:30 EDT", "02 01:30 EST"]


@pytest.mark.requirement("S3-18")
def test_time_that_is_left_out_before_midnight_is_as_much_earlier_and_stays_on_its_day() -> None:
    greenland = daily("23:30", "America/Nuuk", until=day("2027-03-27"))
    assert [f"{each:%m-%d %H:%M}" for each in runs(greenland, moment("2027-03-26T12:00"), 9)] == [
        "03-26 23:30",
        "03-27 22:30",
    ]


def test_day_that_a_zone_leaves_out_has_no_run_of_its_own() -> None:
    samoa = daily("19:30", "Pacific/Apia")  # which went over the date line and had no 30th of December 2011
    assert [f"{each:%m-%d}" for each in runs(samoa, moment("2011-12-29T00:00"), 4)] == [
        "12-28",
        "12-29",
        "12-31",
        "01-01",
    ]


def changes(zone: ZoneInfo) -> Iterator[tuple[datetime.datetime, datetime.timedelta, datetime.timedelta]]:
    """Midnights in UTC before which clocks were set since the midnight before, with the distance before and after."""
    at = datetime.datetime(YEARS.start, 1, 1, tzinfo=UTC)
    before = at.astimezone(zone).utcoffset()
    while at.year in YEARS:
        at += DAY
        now = at.astimezone(zone).utcoffset()
        assert before is not None
        assert now is not None
        if now != before:
            yield at, before, now
        before = now


def confirm_nights(name: str, minutes: int) -> int:
    """Hold the runs around every change of clocks of a zone against all moments at which its clocks show the time; how
    many changes there were."""
    zone, found = ZoneInfo(name), list(changes(ZoneInfo(name)))
    for midnight, before, after in found:
        first = midnight.astimezone(zone).date() - 3 * DAY
        dates = [first + n * DAY for n in range(6)]
        for minute in range(0, 24 * 60, minutes):
            spec = daily(f"{minute // 60:02}:{minute % 60:02}", name)
            lines = [each for each in preview({"full": spec}, midnight - 5 * DAY, 12) if each.day in dates]
            assert [each.at.date() for each in lines] == dates, (name, spec.at)  # one run a day
            assert [each.at for each in lines] == [
                each for each in runs(spec, midnight - 5 * DAY, 12) if each.date() in dates
            ]
            for each in lines:
                wall = datetime.datetime.combine(each.day, spec.at)
                shown = sorted({
                    u for offset in (before, after)
                    if (u := (wall - offset).replace(tzinfo=UTC)).astimezone(zone).replace(tzinfo=None) == wall
                })  # fmt: skip
                if shown:
                    assert each.at.astimezone(UTC) == shown[0], (name, wall)
                else:
                    later = wall + (after - before)
                    moved = later if later.date() == each.day else wall - (after - before)
                    assert each.at.replace(tzinfo=None) == moved, (name, wall)
                words = {0: (f"clocks go forward: {spec.at:%H:%M} is left out",), 1: (),
                         2: (f"clocks go back: the first {spec.at:%H:%M} of two",)}  # fmt: skip
                assert each.words == words[len(shown)], (name, wall)
    return len(found)


@pytest.mark.requirement("S3-18")
@pytest.mark.parametrize("name", ZONES)
def test_both_nights_of_a_zone_have_one_run_each(name: str) -> None:
    assert confirm_nights(name, 90) > 15 or name in {"UTC", "Asia/Kolkata"}


@pytest.mark.slow
def test_both_nights_of_every_zone_of_ten_years_have_one_run_each() -> None:
    names = sorted(zoneinfo.available_timezones())
    assert len(names) > 400
    assert sum(confirm_nights(name, 30) for name in names) > 3000


# -- rules that hold for all ---------------------------------------------------------------------------------------------

dates = st.dates(day("2020-01-01"), day("2040-12-31"))
windows = st.tuples(dates, st.integers(0, 90)).map(lambda each: Window(each[0], each[0] + each[1] * DAY))
moments = st.datetimes(datetime.datetime(2020, 1, 1), datetime.datetime(2040, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 # the zone comes with `timezones`
ons = st.one_of(
    st.just(("day", ())),
    st.tuples(st.just("week"), st.sets(st.integers(0, 6), min_size=1).map(lambda each: tuple(sorted(each)))),
    st.tuples(st.just("month"), st.sets(st.integers(1, 31), min_size=1).map(lambda each: tuple(sorted(each)))),
)


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    every, on = draw(ons)
    at = draw(st.times().map(lambda each: each.replace(second=0, microsecond=0)))
    return Spec(
        every, at, draw(st.sampled_from(ZONES)), on, draw(st.none() | dates), draw(st.frozensets(dates, max_size=5)),
        tuple(draw(st.lists(windows, max_size=3))), tuple(draw(st.lists(windows, max_size=2))),
        draw(st.floats(0.25, 720)),
    )  # fmt: skip


def named(spec: Spec, day: datetime.date) -> bool:
    """Whether a schedule runs on a day, said in another way."""
    last = calendar.monthrange(day.year, day.month)[1]
    fits = {
        "day": True,
        "week": day.weekday() in spec.on,
        "month": day.day in spec.on or (day.day == last and any(each > last for each in spec.on)),
    }[spec.every]
    left_out = day in spec.skip or any(each.first <= day <= each.last for each in spec.pause)
    return fits and not left_out and (spec.until is None or day <= spec.until)


@given(specs(), moments)
@settings(max_examples=300, deadline=None)
def test_next_run_is_the_first_on_the_calendar(spec: Spec, after: datetime.datetime) -> None:
    found = next_run(spec, after)
    around = [spec.day_of(after) + n * DAY for n in range(120)]
    later = [at for each in around if named(spec, each) and (at := instant(spec, each)) and at > after]
    assert found == later[0] if later else (found is None or spec.day_of(found) > around[-1])
    if found is None:
        return
    assert found > after
    assert found.tzinfo is UTC
    wall = found.astimezone(spec.tz)
    assert named(spec, wall.date())
    if wall.time() != spec.at:  # the clocks never showed that time
        shown = datetime.datetime.combine(wall.date(), spec.at, spec.tz)
        assert shown.astimezone(UTC).astimezone(spec.tz).time() != spec.at


@given(specs(), moments, st.floats(0, 1, exclude_max=True))
@settings(max_examples=200, deadline=None)
def test_next_run_is_the_same_from_every_moment_before_it(spec: Spec, after: datetime.datetime, share: float) -> None:
    found = next_run(spec, after)
    if found is not None:
        before = min(after + (found - after) * share, found - datetime.timedelta(microseconds=1))
        assert next_run(spec, before) == found
        following = next_run(spec, found)
        assert following is None or following > found


@given(specs(), moments, st.integers(0, 100))
@settings(max_examples=200, deadline=None)
def test_latest_run_is_the_last_of_those_that_come_one_by_one(
    spec: Spec, since: datetime.datetime, length: int
) -> None:
    now = since + length * DAY
    expected, at = None, next_run(spec, since)
    while at is not None and at <= now:
        expected, at = at, next_run(spec, at)
    assert latest_run(spec, since, now) == expected


@given(specs())
@settings(max_examples=200, deadline=None)
def test_schedule_is_kept_as_text_and_read_as_it_was(spec: Spec) -> None:
    assert from_json(to_json(spec)) == spec
