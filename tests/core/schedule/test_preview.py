"""A preview says in local time when runs are, and in words why one is not, or is not as on other days."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from syncrun.schedule.preview import local, preview
from syncrun.schedule.spec import Mode, Spec, Window, words


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def spec(every: str = "day", at: str = "19:30", **options: Any) -> Spec:
    return Spec(every, datetime.time.fromisoformat(at), "America/New_York", **options)  # type: ignore[arg-type] # options of several kinds


def lines(specs: dict[Mode, Spec], after: str, count: int) -> list[str]:
    moment = datetime.datetime.fromisoformat(after).replace(tzinfo=datetime.UTC)
    return [
        f"{'' if each.runs else 'no '}{each.mode} {local(each.at, each.at.tzinfo or datetime.UTC)} {'; '.join(each.words)}".strip()
        for each in preview(specs, moment, count)
    ]  # fmt: skip


@pytest.mark.requirement("S3-5", "S3-18")
def test_both_nights_on_which_clocks_change_are_explained() -> None:
    assert lines({"full": spec(at="02:30")}, "2027-03-13T12:00", 2) == [
        "full Sun 2027-03-14 03:30 EDT clocks go forward: 02:30 is left out",
        "full Mon 2027-03-15 02:30 EDT",
    ]
    assert lines({"full": spec(at="01:30")}, "2026-10-31T12:00", 2) == [
        "full Sun 2026-11-01 01:30 EDT clocks go back: the first 01:30 of two",
        "full Mon 2026-11-02 01:30 EST",
    ]


def test_days_that_are_left_out_are_listed_with_the_reason_and_windows_once() -> None:
    made = spec(skip=frozenset({day("2026-11-26")}), pause=(Window(day("2026-11-27"), day("2026-12-05")),),
                additions_only=(Window(day("2026-12-06"), day("2026-12-06")),), until=day("2026-12-07"))  # fmt: skip
    assert lines({"full": made}, "2026-11-25T12:00", 9) == [
        "full Wed 2026-11-25 19:30 EST",
        "no full Thu 2026-11-26 19:30 EST skipped: holiday",
        "no full Fri 2026-11-27 19:30 EST paused until 2026-12-05",
        "full Sun 2026-12-06 19:30 EST additions only",
        "full Mon 2026-12-07 19:30 EST",
        "no full Tue 2026-12-08 19:30 EST ended: 2026-12-07 was the last day",
    ]


def test_short_month_says_that_it_is_short() -> None:
    assert lines({"full": spec("month", on=(31,))}, "2027-01-30T12:00", 2) == [
        "full Sun 2027-01-31 19:30 EST",
        "full Sun 2027-02-28 19:30 EST the month has no day 31: its last one",
    ]


@pytest.mark.requirement("S3-13")
def test_both_schedules_stand_in_one_order_and_the_full_one_does_for_both() -> None:
    both: dict[Mode, Spec] = {"incremental": spec(), "full": spec("week", on=(6,))}
    assert lines(both, "2026-11-21T12:00", 3) == [
        "incremental Sat 2026-11-21 19:30 EST",
        "full Sun 2026-11-22 19:30 EST",
        "no incremental Sun 2026-11-22 19:30 EST done by the full run",
        "incremental Mon 2026-11-23 19:30 EST",
    ]
    both["full"] = spec("week", on=(6,), skip=frozenset({day("2026-11-22")}))
    assert lines(both, "2026-11-22T12:00", 1) == [
        "no full Sun 2026-11-22 19:30 EST skipped: holiday",
        "incremental Sun 2026-11-22 19:30 EST",
    ]


def test_schedule_in_words() -> None:
    assert words(spec("week", on=(0, 3), until=day("2027-06-12"))) == (
        "every Mon, Thu at 19:30 (America/New_York), until 2027-06-12"
    )
    assert words(spec("month", on=(1, 31))) == "every month on day 1, the last day at 19:30 (America/New_York)"
