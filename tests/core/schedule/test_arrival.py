"""When of a day the arrival of files may begin a run."""

from __future__ import annotations

import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from marshmallow import ValidationError

from syncrun.schedule import timetable
from syncrun.schedule.arrival import Arrival, words
from syncrun.schedule.schema import ScheduleSchema, arrival_of

NEW_YORK = ZoneInfo("America/New_York")
EVENING = {"from": "19:00", "to": "21:00"}


def arrival(raw: dict[str, Any], zone: str = "America/New_York") -> Arrival:
    found = arrival_of(ScheduleSchema().load(raw), zone)
    assert found is not None
    return found


def is_open(found: Arrival, *when: int) -> bool:
    return found.open_at(datetime.datetime(*when, tzinfo=NEW_YORK).astimezone(datetime.UTC))  # type: ignore[misc,arg-type] # numbers


@pytest.mark.requirement("S2-20")
@pytest.mark.parametrize("month", [1, 7])
def test_window_is_by_the_clocks_of_the_zone_in_summer_and_winter(month: int) -> None:
    found = arrival({"arrival": EVENING})
    hours = [is_open(found, 2027, month, 5, hour, minute) for hour, minute in ((18, 59), (19, 0), (20, 59), (21, 0))]
    assert hours == [False, True, True, False]


def test_window_over_midnight_belongs_to_the_day_on_which_it_began() -> None:
    found = arrival({"arrival": {"from": "22:00", "to": "02:00"}, "skip": [datetime.date(2027, 3, 3)]})
    assert is_open(found, 2027, 3, 3, 1)
    assert not is_open(found, 2027, 3, 3, 2)
    assert not is_open(found, 2027, 3, 3, 23)
    assert not is_open(found, 2027, 3, 4, 1)
    assert is_open(found, 2027, 3, 4, 22)


def test_without_a_window_any_time_will_do_until_the_last_day() -> None:
    found = arrival({"arrival": {}, "until": datetime.date(2027, 6, 12),
                     "pause": [{"from": "2027-04-05", "to": "2027-04-09"}]})  # fmt: skip
    assert is_open(found, 2027, 6, 12, 23, 59)
    assert not is_open(found, 2027, 6, 13, 0)
    assert not is_open(found, 2027, 4, 9, 12)
    assert is_open(found, 2027, 4, 10, 0)
    assert arrival_of(ScheduleSchema().load({"full": {"every": "day", "at": "19:30"}}), "UTC") is None


def test_windows_of_additions_count_for_it_too() -> None:
    found = arrival({"arrival": {}, "additions_only": [{"from": "2027-08-01", "to": "2027-09-15"}]})
    moment = datetime.datetime(2027, 9, 15, 23, tzinfo=NEW_YORK)
    assert timetable.adds_only([found], moment)
    assert not timetable.adds_only([found], moment + datetime.timedelta(hours=1))


def test_words_say_when() -> None:
    assert words(arrival({"arrival": {}})) == "when files came"
    found = arrival({"arrival": EVENING, "until": datetime.date(2027, 6, 12)})
    assert words(found) == "when files came, from 19:00 to 21:00 (America/New_York), until 2027-06-12"


@pytest.mark.parametrize(("raw", "where"), [
    ({"from": "19:00"}, "to"), ({"to": "19:00"}, "from"), ({"from": "19:00", "to": "19:00"}, "to"),
    ({"from": "7pm", "to": "21:00"}, "from"), ({"quiet_seconds": 0}, "quiet_seconds"), ({"at": "19:00"}, "at"),
])  # fmt: skip
def test_window_that_cannot_be_is_refused(raw: dict[str, Any], where: str) -> None:
    with pytest.raises(ValidationError) as refused:
        ScheduleSchema().load({"arrival": raw})
    assert where in refused.value.messages_dict["arrival"]
