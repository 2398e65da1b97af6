"""What the timetable says of the order of districts: when each runs next, and which runs would overlap."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterator, Mapping

from syncrun.order.overlap import Overlap, Planned, overlaps
from syncrun.order.start import NextRun
from syncrun.schedule import timetable
from syncrun.schedule.next import next_run
from syncrun.schedule.timetable import Entry
from syncrun.state import history
from syncrun.state.store import State

AHEAD = datetime.timedelta(days=40)
"""So far ahead overlaps are looked for: every schedule has a run in that time, unless it is paused."""
RUNS = 60
"""At most so many runs of one schedule."""


def scheduled(state: State) -> NextRun:
    """When a district runs next, by the timetable; a moment in the past when that run is due and has not begun."""

    def when(district: str) -> datetime.datetime | None:
        now = state.clock.now()
        moments = [_begins(each, now) for each in timetable.entries(state, district)]
        return min((each for each in moments if each is not None), default=None)

    return when


def _begins(entry: Entry, now: datetime.datetime) -> datetime.datetime | None:
    """When a schedule may begin a run next. What was missed does not begin on a day off, and nobody waits for it then."""
    if entry.runs_at is not None and entry.runs_at <= now and entry.spec.closed_until(entry.spec.day_of(now)):
        return next_run(entry.spec, now)
    return entry.runs_at


def foreseen(state: State, district: str, after: Mapping[str, Collection[str]]) -> list[Overlap]:
    """Runs of a district that would be at work together with another that must not be, by the timetable and by how long
    runs took so far. `after` names for each district those that it comes after."""
    related = {district, *after, *(name for each in after.values() for name in each)}
    entries = [entry for name in sorted(related) for entry in timetable.entries(state, name)]
    planned = [Planned(each.district, each.mode, list(_starts(each, state.clock.now()))) for each in entries]
    durations: dict[tuple[str, str], datetime.timedelta] = {
        (each.district, each.mode): takes for each in entries
        if (takes := history.usual(state, each.district, each.mode)) is not None
    }  # fmt: skip
    return [each for each in overlaps(planned, durations, after) if district in {each.first, each.second}]


def _starts(entry: Entry, now: datetime.datetime) -> Iterator[datetime.datetime]:
    moment = entry.runs_at
    for _ in range(RUNS):
        if moment is None or moment > now + AHEAD:
            return
        yield moment
        moment = next_run(entry.spec, moment)
