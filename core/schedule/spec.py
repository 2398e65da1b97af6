"""What a schedule says: how often, at what time of which day, from when it stops, and which days it leaves out.

All days and times are those of the schedule's time zone.
"""

from __future__ import annotations

import datetime
import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from zoneinfo import ZoneInfo

Mode = Literal["full", "incremental"]
Every = Literal["day", "week", "month"]
MODES: tuple[Mode, ...] = ("full", "incremental")
"""The schedules that a district may have. Where both are due, the first of them runs for both."""
EVERY: tuple[Every, ...] = ("day", "week", "month")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CATCH_UP_HOURS = 12.0
"""How late a run that was missed may still begin, unless the schedule says otherwise."""
LONGEST_MONTH = 31


@dataclass(frozen=True, slots=True)
class Window:
    """Days in a row; the first and the last belong to it."""

    first: datetime.date
    last: datetime.date

    def __contains__(self, day: datetime.date) -> bool:
        """Whether a day is one of them."""
        return self.first <= day <= self.last

    def __str__(self) -> str:
        """`2027-07-01 to 2027-08-15`, or the one day."""
        return f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"


def in_order(windows: Iterable[Window]) -> tuple[Window, ...]:
    """Windows by their first days, each once."""
    return tuple(sorted(set(windows), key=lambda each: (each.first, each.last)))


@dataclass(frozen=True, slots=True)
class Spec:
    """One schedule. `on`: weekdays from Monday, 0, where it is for every week; days of the month where it is for every
    month, of which those that a month does not have mean its last day; else empty. `until` is the last day on which it
    runs. On days of `skip` and `pause` nothing runs; on days of `additions_only` nothing is removed."""

    every: Every
    at: datetime.time
    zone: str
    on: tuple[int, ...] = ()
    until: datetime.date | None = None
    skip: frozenset[datetime.date] = frozenset()
    pause: tuple[Window, ...] = ()
    additions_only: tuple[Window, ...] = ()
    catch_up_hours: float = CATCH_UP_HOURS

    @property
    def tz(self) -> ZoneInfo:
        """The time zone."""
        return ZoneInfo(self.zone)

    def day_of(self, moment: datetime.datetime) -> datetime.date:
        """The day it is in the schedule's time zone."""
        return moment.astimezone(self.tz).date()

    def closed_until(self, day: datetime.date) -> datetime.date | None:
        """The last day of the pause or skipped day that `day` belongs to; None where runs may begin on it."""
        ends = [window.last for window in self.pause if day in window]
        return max([*ends, day]) if ends or day in self.skip else None

    def adds_only(self, day: datetime.date) -> bool:
        """Whether a run on that day brings and updates, and removes nothing."""
        return any(day in window for window in self.additions_only)


def words(spec: Spec) -> str:
    """How often and when, as people say it: `every Mon, Thu at 19:30 (America/New_York)`."""
    when = "day"
    if spec.every == "week":
        when = ", ".join(WEEKDAYS[each].capitalize() for each in spec.on)
    elif spec.every == "month":
        when = f"month on {', '.join('the last day' if each == LONGEST_MONTH else f'day {each}' for each in spec.on)}"
    until = f", until {spec.until}" if spec.until else ""
    return f"every {when} at {spec.at:%H:%M} ({spec.zone}){until}"


# -- as text -----------------------------------------------------------------------------------------------------------


def settings(spec: Spec) -> dict[str, Any]:
    """The schedule as the settings of the district file that say the same, in the types of JSON."""
    on: list[str] | list[int] = [WEEKDAYS[each] for each in spec.on] if spec.every == "week" else list(spec.on)
    found = {
        "every": spec.every, "on": on, "at": f"{spec.at:%H:%M}", "time_zone": spec.zone,
        "until": spec.until.isoformat() if spec.until else None, "skip": sorted(map(str, spec.skip)),
        "pause": _listed(spec.pause), "additions_only": _listed(spec.additions_only),
    }  # fmt: skip
    return {**{key: value for key, value in found.items() if value}, "catch_up_hours": spec.catch_up_hours}


def to_json(spec: Spec) -> str:
    """One line that two schedules share when they are the same."""
    return json.dumps(settings(spec), sort_keys=True)


@functools.lru_cache(maxsize=1024)
def from_json(text: str) -> Spec:
    """What `to_json` wrote. It was checked before it was written, so it is not checked again. Among thousands of
    districts many say the same."""
    raw = json.loads(text)
    on = tuple(WEEKDAYS.index(each) if isinstance(each, str) else each for each in raw.get("on", ()))
    day = datetime.date.fromisoformat
    return Spec(
        raw["every"], datetime.time.fromisoformat(raw["at"]), raw["time_zone"], on,
        day(raw["until"]) if "until" in raw else None, frozenset(map(day, raw.get("skip", ()))),
        _windows(raw.get("pause", ())), _windows(raw.get("additions_only", ())), raw["catch_up_hours"],
    )  # fmt: skip


def _listed(windows: Iterable[Window]) -> list[dict[str, str]]:
    return [{"from": each.first.isoformat(), "to": each.last.isoformat()} for each in windows]


def _windows(raw: Iterable[Mapping[str, str]]) -> tuple[Window, ...]:
    day = datetime.date.fromisoformat
    return tuple(Window(day(each["from"]), day(each["to"])) for each in raw)
