"""`[schedule]` of a district file is taken whole, or refused with everything that is wrong with it."""

from __future__ import annotations

import datetime
import tomllib
from typing import Any

import pytest
from marshmallow import ValidationError

from syncrun.schedule.schema import ScheduleSchema, specs
from syncrun.schedule.spec import Mode, Spec, Window


def read(text: str, zone: str = "America/Chicago") -> dict[Mode, Spec]:
    return specs(ScheduleSchema().load(tomllib.loads(text)), zone)


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


@pytest.mark.requirement("S3-2", "S3-14")
def test_shortest_schedule_is_in_the_zone_of_its_district() -> None:
    found = read('full = { every = "day", at = "19:30" }')
    assert found == {"full": Spec("day", datetime.time(19, 30), "America/Chicago")}
    assert found["full"].catch_up_hours == 12


@pytest.mark.requirement("S3-13", "S3-15")
def test_what_stands_for_both_counts_for_each_and_its_own_besides() -> None:
    found = read("""
        until = 2027-06-12
        skip = [2026-11-26]
        pause = [{ from = 2026-12-21, to = "2027-01-03" }]
        additions_only = [{ from = 2026-07-01, to = 2026-08-15 }]
        catch_up_hours = 6
        full = { every = "month", on = 31, at = 02:30:00, time_zone = "America/New_York", until = 2027-05-01 }
        [incremental]
        every = "week"
        on = ["thu", "mon"]
        at = "06:00"
        skip = ["2026-11-27"]
        pause = [{ from = 2026-10-01, to = 2026-10-01 }]
    """)
    winter, autumn = Window(day("2026-12-21"), day("2027-01-03")), Window(day("2026-10-01"), day("2026-10-01"))
    summer = (Window(day("2026-07-01"), day("2026-08-15")),)
    assert found["full"] == Spec("month", datetime.time(2, 30), "America/New_York", (31,), day("2027-05-01"),
                                 frozenset({day("2026-11-26")}), (winter,), summer, 6)  # fmt: skip
    assert found["incremental"] == Spec(
        "week", datetime.time(6), "America/Chicago", (0, 3), day("2027-06-12"),
        frozenset({day("2026-11-26"), day("2026-11-27")}), (autumn, winter), summer, 6,
    )  # fmt: skip


FULL = 'full = { every = "day", at = "19:30" }\n'


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        ("", "_schema", "names no schedule"),
        ("until = 2027-01-01", "_schema", "names no schedule"),
        (FULL.replace("19:30", "24:00"), "full.at", "is not a time like 19:30"),
        (FULL.replace("19:30", "7:30"), "full.at", "is not a time like 19:30"),
        (FULL.replace('"19:30"', "19:30:05"), "full.at", "is not a time like 19:30"),
        (FULL.replace('"19:30"', "1930"), "full.at", "is not a time like 19:30"),
        (FULL.replace("day", "hour"), "full.every", "Must be one of"),
        ('full = { at = "19:30" }', "full.every", "Missing data"),
        ('full = { every = "day" }', "full.at", "Missing data"),
        (FULL.replace(" }", ', on = "mon" }'), "full.on", "every day needs none"),
        (FULL.replace('"day"', '"week"'), "full.on", "is required: on which days of the week"),
        (FULL.replace('"day"', '"month"'), "full.on", "is required: on which days of the month"),
        (FULL.replace('"day"', '"week", on = 3'), "full.on", "must be weekdays"),
        (FULL.replace('"day"', '"month", on = "mon"'), "full.on", "must be days of the month"),
        (FULL.replace('"day"', '"month", on = 32'), "full.on", "is not a weekday"),
        (FULL.replace('"day"', '"month", on = 0'), "full.on", "is not a weekday"),
        (FULL.replace('"day"', '"month", on = true'), "full.on", "is not a weekday"),
        (FULL.replace('"day"', '"week", on = ["mon", 3]'), "full.on", "is not a weekday"),
        (FULL.replace('"day"', '"week", on = []'), "full.on", "is not a weekday"),
        (FULL + 'until = "2027-02-30"', "until", "is not a day"),
        (FULL + "until = 2027-02-20T10:00:00", "until", "is not a day"),
        (FULL + 'until = "20270220"', "until", "is not a day"),
        (FULL + 'skip = ["soon"]', "skip.0", "is not a day"),
        (FULL + "pause = [{ from = 2027-01-02, to = 2027-01-01 }]", "pause.0.to", "is before the first day"),
        (FULL + "pause = [{ from = 2027-01-02 }]", "pause.0.to", "Missing data"),
        (FULL + 'time_zone = "Mars/Olympus"', "time_zone", "is not a time zone"),
        (FULL + "catch_up_hours = 0", "catch_up_hours", "Must be greater"),
        (FULL + "catch_up_hours = nan", "catch_up_hours", "nan"),
        (FULL + "weekly = true", "weekly", "Unknown field"),
    ],
)
def test_what_cannot_be_used_is_named(text: str, path: str, words: str) -> None:
    with pytest.raises(ValidationError) as raised:
        read(text)
    found: Any = raised.value.messages_dict
    for key in path.split("."):
        found = found[int(key) if key.isdigit() else key]
    assert words in found[0]
