"""When a district runs next, in words and as JSON: told after every run and every change of a schedule."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from syncrun.schedule.arrival import Arrival
    from syncrun.schedule.timetable import Entry

BY_HAND = "Runs can still be started by hand."


def told_next(found: Sequence[Entry]) -> dict[str, Any] | None:
    """The next run of a district as `--json` prints it, `at` in local time with its distance from UTC; None where there
    is none."""
    from syncrun.schedule.timetable import next_entry

    entry = next_entry(found)
    return None if entry is None else {"mode": entry.mode, **told_moment(entry, entry.runs_at)}


def told_moment(entry: Entry, moment: datetime.datetime | None) -> dict[str, Any]:
    """A moment in the time zone of a schedule, as `--json` prints it."""
    at = moment.astimezone(entry.spec.tz).isoformat(timespec="minutes") if moment else None
    return {"at": at, "time_zone": entry.spec.zone}


def line(found: Sequence[Entry], now: datetime.datetime, arrival: Arrival | None = None) -> str:
    """The next run of a district in one line, or why there is none; `arrival`: when files that came begin one."""
    told = _line(found, now)
    if arrival is None:
        return told
    from syncrun.schedule.arrival import words

    return f"{told} Besides {words(arrival)}." if found else f"Next run: {words(arrival)}."


def _line(found: Sequence[Entry], now: datetime.datetime) -> str:
    from syncrun.schedule.preview import local
    from syncrun.schedule.timetable import next_entry

    entry = next_entry(found)
    if entry is not None and entry.runs_at is not None:
        missed = " as soon as scheduled runs are started: one was due" if entry.runs_at <= now else ""
        adds = ", additions only" if entry.spec.adds_only(entry.spec.day_of(entry.runs_at)) else ""
        return f"Next run:{missed} {local(entry.runs_at, entry.spec.tz)} ({entry.mode}, {entry.spec.zone}{adds})"
    if not found:
        return "Next run: none is scheduled."
    return f"Next run: none, {' and '.join(map(_why_none, found))}. {BY_HAND}"


def _why_none(entry: Entry) -> str:
    if entry.ended:
        return f"the {entry.mode} schedule has ended" + (f" with {entry.spec.until}" if entry.spec.until else "")
    return f"the {entry.mode} schedule is paused by {entry.paused_by}"
