"""The clock, injected wherever a moment or a day matters, so that tests can set it."""

from __future__ import annotations

import datetime
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime.datetime:
        """This moment, in UTC."""


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime.datetime:
        """This moment, in UTC."""
        return datetime.datetime.now(datetime.UTC)


def today(clock: Clock, zone: str) -> datetime.date:
    """The day it is in a time zone."""
    return clock.now().astimezone(ZoneInfo(zone)).date()
