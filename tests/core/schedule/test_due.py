"""What is due: missed runs once, none twice, none on a closed day, and a full run for both."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from syncrun.schedule.due import Slot, appointment, decide
from syncrun.schedule.next import next_run
from syncrun.schedule.spec import Mode, Spec, Window

UTC = datetime.UTC


def moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(f"2026-{text}").replace(tzinfo=UTC)


def spec(at: str = "19:30", **options: Any) -> Spec:
    return Spec("day", datetime.time.fromisoformat(at), "UTC", **options)


def slot(made: Spec, since: str = "11-20T00:00", mode: Mode = "full") -> Slot:
    return Slot(1, mode, made, next_run(made, moment(since)), moment(since))


def fates(slots: list[Slot], now: str) -> list[tuple[str, str, str]]:
    """Mode, appointment and fate of what is settled."""
    return [(each.slot.mode, f"{each.at:%m-%d %H:%M}", each.fate) for each in decide(slots, moment(now))]


def test_run_is_due_when_its_moment_has_come_and_not_before() -> None:
    assert fates([slot(spec())], "11-20T19:29:59") == []
    (found,) = decide([slot(spec())], moment("11-20T19:30"))
    assert (found.fate, found.at, found.next_at) == ("runs", moment("11-20T19:30"), moment("11-21T19:30"))


@pytest.mark.requirement("S3-18")
def test_all_that_was_missed_is_made_up_for_once() -> None:
    (found,) = decide([slot(spec())], moment("11-24T03:00"))
    assert (found.fate, found.at, found.next_at) == ("runs", moment("11-23T19:30"), moment("11-24T19:30"))


@pytest.mark.requirement("S3-18")
def test_what_was_missed_too_long_ago_is_not_made_up_for() -> None:
    assert fates([slot(spec())], "11-21T07:30") == [("full", "11-20 19:30", "runs")]
    assert fates([slot(spec())], "11-21T07:31") == [("full", "11-20 19:30", "too late")]
    assert fates([slot(spec(catch_up_hours=0.5))], "11-20T20:00") == [("full", "11-20 19:30", "runs")]
    assert fates([slot(spec(catch_up_hours=0.5))], "11-20T20:01") == [("full", "11-20 19:30", "too late")]


def test_missed_run_does_not_begin_on_a_closed_day_but_after_it() -> None:
    for closed in ({"skip": frozenset({datetime.date(2026, 11, 21)})},
                   {"pause": (Window(datetime.date(2026, 11, 21), datetime.date(2026, 11, 21)),)}):  # fmt: skip
        made = slot(spec(catch_up_hours=48, **closed))
        assert fates([made], "11-21T06:00") == []
        assert fates([made], "11-22T06:00") == [("full", "11-20 19:30", "runs")]


@pytest.mark.requirement("S3-15")
def test_nothing_begins_after_the_end_date_not_even_what_was_missed_on_it() -> None:
    made = slot(spec(until=datetime.date(2026, 11, 20)))
    assert fates([made], "11-20T23:59") == [("full", "11-20 19:30", "runs")]
    (found,) = decide([made], moment("11-21T00:00"))
    assert (found.fate, found.next_at) == ("too late", None)


@pytest.mark.requirement("S3-13")
def test_full_run_does_for_an_incremental_one_that_is_due_too() -> None:
    both = [slot(spec("18:00"), mode="incremental"), slot(spec("19:30"))]
    assert fates(both, "11-20T18:10") == [("incremental", "11-20 18:00", "runs")]
    assert fates(both, "11-20T19:40") == [("full", "11-20 19:30", "runs"), ("incremental", "11-20 18:00", "with full")]


def test_full_run_that_is_too_late_leaves_the_incremental_one_to_run() -> None:
    both = [slot(spec("06:00", catch_up_hours=1)), slot(spec("19:30"), mode="incremental")]
    assert fates(both, "11-20T19:40") == [("full", "11-20 06:00", "too late"), ("incremental", "11-20 19:30", "runs")]


def test_clock_that_jumps_back_does_not_double_a_run() -> None:
    made, ran = spec(), moment("11-20T19:30")
    back = moment("11-20T18:40")
    assert appointment(made, back, settled=ran, before=moment("11-21T19:30")) == moment("11-21T19:30")
    # the clock was wrong for long, and somebody looked meanwhile: the appointment is behind, the run is on record
    behind = Slot(1, "full", made, moment("11-01T19:30"), ran)
    (found,) = decide([behind], moment("11-21T06:00"))
    assert (found.fate, found.next_at) == ("done before", moment("11-21T19:30"))
    (found,) = decide([Slot(1, "full", made, ran, ran)], moment("11-21T06:00"))
    assert (found.fate, found.next_at) == ("done before", moment("11-21T19:30"))


def test_clock_that_was_a_year_ahead_does_not_stop_a_schedule_for_a_year() -> None:
    ahead = moment("11-20T19:30") + datetime.timedelta(days=365)
    assert appointment(spec(), moment("11-21T06:00"), ahead, ahead + datetime.timedelta(days=1)) == moment(
        "11-21T19:30"
    )


def test_appointment_that_has_come_and_was_not_kept_is_not_forgotten() -> None:
    missed = moment("11-20T19:30")
    assert appointment(spec(), moment("11-20T20:00"), moment("11-20T00:00"), missed) == missed


def test_appointment_follows_what_a_country_does_to_its_clocks() -> None:
    assert appointment(spec(), moment("11-20T06:00"), moment("11-19T19:30"), moment("11-20T18:30")) == moment(
        "11-20T19:30"
    )
