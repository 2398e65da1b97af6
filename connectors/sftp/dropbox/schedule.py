"""When a run may begin: at once, or within a window of the evening."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Window:
    """A part of each day, by the clocks of a time zone. It may go over midnight."""

    start: datetime.time = datetime.time(19)
    end: datetime.time = datetime.time(21)
    zone: str = "America/New_York"


def due(now: datetime.datetime, window: Window | None) -> float:
    """Seconds from `now`, a moment in any zone, until a run may begin: 0 inside the window, and when there is none."""
    if window is None:
        return 0.0
    zone = ZoneInfo(window.zone)
    clock = now.astimezone(zone)
    inside = (
        window.start <= clock.time() < window.end
        if window.start <= window.end
        else clock.time() >= window.start or clock.time() < window.end
    )
    if inside:
        return 0.0
    day = clock.date() + datetime.timedelta(days=clock.time() >= window.start)
    begin = datetime.datetime.combine(day, window.start, zone)
    return (begin - now.astimezone(datetime.UTC)).total_seconds()
