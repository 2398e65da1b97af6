"""When a schedule runs next. Pure arithmetic: days are counted on the calendar, and only then made into a moment.

The rules, each of them tested over every time zone (reference: Python's `zoneinfo`, PEP 495):

- Clocks go forward and leave the time out: the run comes as much later as they jump, 03:30 for 02:30. Where that would
  be on the day after, as in Greenland, whose clocks jump from 23:00 to midnight, it comes as much earlier.
- Clocks go back and the time comes twice: the run is at the first of the two.
- A month without the day: its last day.
- So there is one run on each day that the schedule names, never none and never two.
"""

from __future__ import annotations

import calendar
import datetime

from syncrun.schedule.spec import Spec

LAST_DAY = datetime.date(9990, 1, 1)
"""Later than that nothing is planned; it keeps the calendar from running over its end."""
_DAY = datetime.timedelta(days=1)
_FEWEST_DAYS = datetime.timedelta(days=40)
"""In so many days every schedule that is not paused has a run."""


def next_run(spec: Spec, after: datetime.datetime) -> datetime.datetime | None:
    """The first moment later than `after` at which the schedule runs, in UTC; None when there is none any more."""
    day = spec.day_of(after)
    while day < LAST_DAY:
        day = named_day(spec, day)
        if spec.until is not None and day > spec.until:
            return None
        closed = spec.closed_until(day)
        moment = instant(spec, day) if closed is None else None
        if moment is not None and moment > after:
            return moment
        day = following(closed or day)
    return None


def latest_run(spec: Spec, since: datetime.datetime, now: datetime.datetime) -> datetime.datetime | None:
    """The last moment later than `since`, and not later than `now`, at which the schedule runs or should have run."""
    found = None
    moment = next_run(spec, max(since, now - _FEWEST_DAYS))
    if moment is None or moment > now:  # a long pause lies between
        moment = next_run(spec, since)
    while moment is not None and moment <= now:
        found, moment = moment, next_run(spec, moment)
    return found


def instant(spec: Spec, day: datetime.date) -> datetime.datetime | None:
    """The moment of the schedule's time on a day, in UTC; None for a day that the zone leaves out, as Samoa did when it
    went over the date line."""
    for fold in (0, 1):
        wall = datetime.datetime.combine(day, spec.at.replace(fold=fold), spec.tz)
        moment = wall.astimezone(datetime.UTC)
        if spec.day_of(moment) == day:
            return moment
    return None


def following(day: datetime.date) -> datetime.date:
    """The day after, as far as the calendar goes."""
    return min(day, LAST_DAY) + _DAY


def named_day(spec: Spec, day: datetime.date) -> datetime.date:
    """The first day, not before `day`, that the schedule names, whether or not it is skipped or paused."""
    if spec.every == "day":
        return day
    if spec.every == "week":
        return day + min((each - day.weekday()) % 7 for each in spec.on) * _DAY
    first = day.replace(day=1)
    while True:
        length = calendar.monthrange(first.year, first.month)[1]
        later = [d for each in spec.on if (d := first.replace(day=min(each, length))) >= day]
        if later:
            return min(later)
        first += length * _DAY
