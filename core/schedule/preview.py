"""The days that a schedule names, one by one and in local time, with what is not as on other days in words."""

from __future__ import annotations

import datetime
import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby

from syncrun.schedule.next import LAST_DAY, following, instant, named_day
from syncrun.schedule.spec import MODES, Mode, Spec


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a preview: a run of `mode` at the moment `at`, in local time, or one that there is not (`runs`). `words`
    say what is special: `skipped: holiday`, `paused until 2027-08-15`, `additions only`."""

    mode: Mode
    day: datetime.date
    at: datetime.datetime
    runs: bool = True
    words: tuple[str, ...] = ()


def local(moment: datetime.datetime, zone: datetime.tzinfo) -> str:
    """A moment as people of a zone say it: `Mon 2026-11-23 19:30 EST`."""
    return f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M %Z}"


def preview(specs: Mapping[Mode, Spec], after: datetime.datetime, count: int) -> list[Line]:
    """The lines until the `count`th run after a moment, of all schedules together in the order of time. A line without
    a run says why there is none."""
    found: list[Line] = []
    merged = heapq.merge(*(_lines(mode, specs[mode], after) for mode in MODES if mode in specs), key=_moment)
    for _, together in groupby(merged, key=_moment):
        if count <= 0:
            break
        ran = False
        for line in together:
            found.append(replace(line, runs=False, words=("done by the full run",)) if ran and line.runs else line)
            ran = ran or line.runs
        count -= ran
    return found


def _moment(line: Line) -> datetime.datetime:
    """The moment in UTC: two times of one zone would be compared as their clocks show."""
    return line.at.astimezone(datetime.UTC)


def _lines(mode: Mode, spec: Spec, after: datetime.datetime) -> Iterator[Line]:
    day = spec.day_of(after)
    while day < LAST_DAY:
        day = named_day(spec, day)
        moment = (instant(spec, day) or after).astimezone(spec.tz)
        if spec.until is not None and day > spec.until:
            yield Line(mode, day, moment, runs=False, words=(f"ended: {spec.until} was the last day",))
            return
        closed = spec.closed_until(day)
        to_come = moment.astimezone(datetime.UTC) > after
        if closed is None and to_come:
            yield Line(mode, day, moment, words=tuple(_remarks(spec, day, moment)))
        elif closed is not None and (to_come or closed > day):
            paused = any(day in window for window in spec.pause)
            yield Line(
                mode, day, moment, runs=False, words=(f"paused until {closed}" if paused else "skipped: holiday",)
            )
        day = following(closed or day)


def _remarks(spec: Spec, day: datetime.date, wall: datetime.datetime) -> Iterator[str]:
    """What is special of a run, which is at `wall` in local time."""
    if wall.time() != spec.at:
        yield f"clocks go forward: {spec.at:%H:%M} is left out"
    elif wall.replace(fold=1).utcoffset() != wall.utcoffset():
        yield f"clocks go back: the first {spec.at:%H:%M} of two"
    if spec.every == "month" and day.day not in spec.on:
        yield f"the month has no day {min(each for each in spec.on if each > day.day)}: its last one"
    if spec.adds_only(day):
        yield "additions only"
