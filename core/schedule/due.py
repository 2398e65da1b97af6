"""What is due: a pure decision from the schedules of one district, what was settled of them, and the moment it is.

A schedule has an appointment, the moment of its next run. When that has come,

- one run makes up for all that were missed, however many;
- it does not, where the last of them is longer ago than the schedule's `catch_up_hours`, or its end date is over;
- nothing begins on a day that is skipped or paused: what was missed waits for the day after, if it is not too late then;
- a full run does for an incremental one that is due at the same time;
- an appointment that was kept is never kept again, even if the clock jumps back.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from syncrun.schedule.next import latest_run, next_run
from syncrun.schedule.spec import MODES, Mode, Spec

Fate = Literal["runs", "with full", "too late", "done before"]
SETTLED_AHEAD = datetime.timedelta(days=2)
"""A run on record that lies further ahead than this was noted while the clock was wrong, and does not count."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One schedule of a district as it stands: its next appointment, and until when all was settled: the moment of its
    last appointment, or that from which it counts. `key` is whatever its owner knows it by."""

    key: int
    mode: Mode
    spec: Spec
    next_at: datetime.datetime | None
    settled: datetime.datetime


@dataclass(frozen=True, slots=True)
class Settled:
    """What becomes of the appointment `at` of a slot, and the moment of the next."""

    slot: Slot
    at: datetime.datetime
    fate: Fate
    next_at: datetime.datetime | None


def decide(slots: Iterable[Slot], now: datetime.datetime) -> list[Settled]:
    """What becomes of the slots of one district whose appointment has come; at most one of them `runs`."""
    found: list[Settled] = []
    running = False
    for slot in sorted(slots, key=lambda each: MODES.index(each.mode)):
        appointed = slot.next_at
        if appointed is None or appointed > now:
            continue
        day = slot.spec.day_of(now)
        ended = slot.spec.until is not None and day > slot.spec.until
        if slot.spec.closed_until(day) and not ended:
            continue
        if slot.settled - now > SETTLED_AHEAD:
            slot = replace(slot, settled=appointed - datetime.datetime.resolution)  # noqa: PLW2901 # that alone is wrong
        at, next_at = _appointments(slot, appointed, now)
        fate: Fate = "runs"
        if at is None:
            at, fate = appointed, "done before"
        elif ended or now - at > datetime.timedelta(hours=slot.spec.catch_up_hours):
            fate = "too late"
        elif running:
            fate = "with full"
        running = running or fate == "runs"
        found.append(Settled(slot, at, fate, next_at))
    return found


def _appointments(
    slot: Slot, first: datetime.datetime, now: datetime.datetime
) -> tuple[datetime.datetime | None, datetime.datetime | None]:
    """The last appointment that has come and is not settled, None where there is none, and the one after it."""
    following = next_run(slot.spec, first)
    if first > slot.settled and (following is None or following > now):
        return first, following
    return latest_run(slot.spec, slot.settled, now), next_run(slot.spec, max(now, slot.settled))


def appointment(
    spec: Spec, now: datetime.datetime, settled: datetime.datetime, before: datetime.datetime | None = None
) -> datetime.datetime | None:
    """The next appointment of a schedule of which all is settled until a moment. One `before` that has come and was not
    kept yet stays: it is missed, not forgotten. Asked again at every look, it follows what a country does to its clocks."""
    if before is not None and settled < before <= now:
        return before
    return next_run(spec, max(now, settled) if settled - now <= SETTLED_AHEAD else now)
