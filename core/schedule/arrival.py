"""Runs that begin because files have come, and when of a day they may: the window of the evening, and the days off."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from syncrun.schedule.spec import Window

QUIET_SECONDS = 120.0
"""So long nothing must have changed before files count as all there, unless the setting says otherwise."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """When the arrival of files begins a run, by the clocks of a time zone: from `start` until before `end`, which may be
    after midnight; at any time of day when they are the same. `quiet_seconds`: how long nothing must have changed."""

    zone: str
    start: datetime.time = datetime.time()
    end: datetime.time = datetime.time()
    quiet_seconds: float = QUIET_SECONDS
    until: datetime.date | None = None
    skip: frozenset[datetime.date] = frozenset()
    pause: tuple[Window, ...] = ()
    additions_only: tuple[Window, ...] = ()

    def day_of(self, moment: datetime.datetime) -> datetime.date:
        """The day it is in the time zone."""
        return moment.astimezone(ZoneInfo(self.zone)).date()

    def adds_only(self, day: datetime.date) -> bool:
        """Whether a run on that day brings and updates, and removes nothing."""
        return any(day in window for window in self.additions_only)

    def open_at(self, moment: datetime.datetime) -> bool:
        """Whether a run may begin then. The part of a window after midnight belongs to the day on which it began."""
        local = moment.astimezone(ZoneInfo(self.zone))
        clock, day = local.time(), local.date()
        if self.start > self.end and clock < self.end:
            day -= datetime.timedelta(days=1)
        inside = (
            self.start <= clock < self.end if self.start < self.end
            else clock >= self.start or clock < self.end
        )  # fmt: skip
        closed = day in self.skip or any(day in window for window in self.pause)
        return inside and not closed and (self.until is None or day <= self.until)


def words(arrival: Arrival) -> str:
    """When it begins runs, as people say it: `when files came, from 19:00 to 21:00 (America/New_York)`."""
    window = (
        "" if arrival.start == arrival.end else f", from {arrival.start:%H:%M} to {arrival.end:%H:%M} ({arrival.zone})"
    )
    until = f", until {arrival.until}" if arrival.until else ""
    return f"when files came{window}{until}"
