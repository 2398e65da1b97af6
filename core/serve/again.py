"""Whether and when a run is tried again, by how it ended."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from syncrun.errors import (
    EXIT_DEGRADED,
    EXIT_DONE,
    EXIT_FAULT,
    EXIT_HELD,
    EXIT_REFUSED,
    EXIT_RETRY,
)
from syncrun.serve.executor import Ended
from syncrun.state.job import Ending, Job

FINAL = frozenset({EXIT_DONE, EXIT_REFUSED, EXIT_HELD, EXIT_DEGRADED, EXIT_FAULT})
"""How a run may end that the same input would give again."""
PAUSES = (60, 120, 240, 480, 900, 1800)
"""Seconds between one try and the next after network, throttling or a busy lease; the last holds for all that follow."""
TRY_HOURS = 6
"""For so long after it was taken a run is tried,"""
FEWEST_TRIES = 4
"""and at least so many times: the machine may have slept, and have no network yet."""
CRASH_PAUSES = (1, 5, 30, 120, 600)
"""Seconds until a run that was cut off is begun once more; after so many times no more."""


@dataclass(frozen=True, slots=True)
class Again:
    """It is tried again after so many seconds."""

    seconds: float
    crashed: bool = False


def verdict(job: Job, ended: Ended, now: datetime.datetime) -> Again | Ending:
    """What becomes of a job whose process ended, when no run of it did: it is tried again, or has come to its end.

    A run that was ended for a limit is not begun once more: it would take as long or as much again."""
    if ended.cause != "ended":
        return ended.cause
    if ended.exit_code in FINAL:
        return "ended"
    if ended.exit_code == EXIT_RETRY:
        pause = PAUSES[min(job.tries, len(PAUSES)) - 1]
        late = now - job.taken_at > datetime.timedelta(hours=TRY_HOURS) and job.tries >= FEWEST_TRIES
        return "gave up" if late else Again(pause)
    return Again(CRASH_PAUSES[job.crashes], crashed=True) if job.crashes < len(CRASH_PAUSES) else "crashed"


def is_time(job: Job, now: datetime.datetime) -> bool:
    """Whether a job is to be begun now. One that lies further ahead than any pause was noted while the clock was wrong."""
    if job.again_at is None:
        return True
    longest = datetime.timedelta(seconds=max(*PAUSES, *CRASH_PAUSES))
    return job.again_at <= now or job.again_at - now > longest
