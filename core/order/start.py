"""Whether the scheduled run of a district may begin now, by how those that it comes after have ended.

The next one begins when the one before has ended well. If that one failed, or part of it waits for a person, the
dependant is skipped and says why, or runs all the same, as its `after_failure` says (requirement S3-19). While the one
before is due, at work or about to be tried again, the dependant waits, `wait_minutes` at most.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncrun.config.district import District
from syncrun.notice.need import skipped
from syncrun.state import history, job, lease, outbox
from syncrun.state.store import State

if TYPE_CHECKING:
    import sqlalchemy as sa

NextRun = Callable[[str], datetime.datetime | None]
"""When a district is scheduled to run next; in the past when that run is due and has not begun."""


def unscheduled(district: str) -> datetime.datetime | None:
    """No district has a schedule."""
    return None


@dataclass(frozen=True, slots=True)
class Start:
    """It may begin; `despite` says what is wrong with one that it comes after."""

    despite: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """It must wait, and is not asked for longer than `until`."""

    until: datetime.datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Skip:
    """It is passed over this time."""

    reason: str


def may_start(
    district: District, state: State, now: datetime.datetime, *, due: datetime.datetime | None = None,
    next_run: NextRun = unscheduled,
) -> Start | Wait | Skip:  # fmt: skip
    """Decide about a scheduled run that was due at `due` (now, unless it is given).

    A run that a person starts asks nobody.
    """
    waits, spoilt = [], []
    for name in district.after:
        waiting, wrong = _look(name, state, now, next_run)
        waits += [waiting] if waiting else []
        spoilt += [wrong] if wrong else []
    anyway = district.after_failure == "run"
    if spoilt and not anyway:
        return Skip(spoilt[0])
    until = (due or now) + datetime.timedelta(minutes=district.wait_minutes)
    if waits and now < until:
        return Wait(until, waits[0])
    if waits and not anyway:
        return Skip(f"{waits[0]}; this one waited {district.wait_minutes} minutes for it")
    return Start("; ".join(spoilt + waits))


def _look(name: str, state: State, now: datetime.datetime, next_run: NextRun) -> tuple[str, str]:
    """What is to be waited for, and what is wrong, with one that comes before; both empty when it ended well."""
    owed = job.last(state, name)
    planned = next_run(name)
    last = history.last_begun(state, name)
    passed = history.last_skipped(state, name)
    if lease.holder(state.engine, name, state.clock) or (owed and owed.begun_at):
        return f"{name} is at work", ""
    if owed and owed.is_open:
        return f"{name} is to be tried again", ""
    if planned is not None and planned <= now:
        return f"{name} is due and has not begun", ""
    if passed:
        return "", f"{name} was skipped: {passed.reason}"
    if (
        owed
        and owed.failed
        and owed.ended_at
        and (last is None or not last.finished_at or last.finished_at <= owed.ended_at)
    ):
        return "", f"{name} was begun and did not come to an end ({owed.ending})"
    if last is None:
        return f"{name} has not run yet", ""
    if last.finished_at is None:
        return "", f"{name} was cut off (run {last.id})"
    if history.ended_well(last):
        return "", ""
    if last.outcome == "RETRY":
        return f"{name} ended with RETRY (run {last.id}) and is to be tried again", ""
    return "", f"{name} ended with {last.outcome} (run {last.id})"


def note_skip(district: District, state: State, connection: sa.Connection, skip: Skip) -> None:
    """Write down in a transaction that a scheduled run is passed over: in the audit, where its own dependants find it, and
    for the people who are to be told."""
    now = state.clock.now()
    need = skipped(district.name, skip.reason)
    state.note(connection, district.name, "schedule", history.SKIP, skip.reason, {})
    outbox.add(state, connection, f"skip:{district.name}:{now:%Y%m%dT%H%M%S%f}", district.name, str(district.path),
               [need.as_dict()])  # fmt: skip
