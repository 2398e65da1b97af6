"""Runs that begin by themselves: one job a district, taken by one server, open until its end is told.

A job is taken in one transaction with what made it due, and its end is told in another; whatever happens between them,
it is known that a run is owed. Every change names the server whose job it is, so that one who was thought dead changes
nothing any more.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Literal

import sqlalchemy as sa

from syncrun.state.model import jobs, leases, runs, schedules
from syncrun.state.store import Run, State, run_of

Cause = Literal["schedule", "arrival"]
Ending = Literal["ended", "gave up", "crashed", "too long", "too large", "skipped"]
"""How a job came to its end: its run ended; or none did, since it was tried in vain for too long, was cut off too often,
or was ended because it took too long or too much memory; or it was passed over."""


class TakenError(Exception):
    """Another has the district's job, or took what made it due."""


@dataclass(frozen=True, slots=True)
class Job:
    """A run of a district that is owed. `epoch` is the lease's when it was taken: a run with a higher one came after.
    `mark` stands for the source's files as they were then, where it can tell. `server` has it, None when that one let go of it; `begun_at` says
    when its process was begun, None while there is none; `again_at` when it is tried again."""

    district: str
    number: int
    mode: str
    cause: Cause
    mark: str | None
    due_at: datetime.datetime
    taken_at: datetime.datetime
    epoch: int
    server: str | None
    begun_at: datetime.datetime | None
    tries: int
    crashes: int
    again_at: datetime.datetime | None
    ended_at: datetime.datetime | None
    ending: Ending | None
    exit_code: int | None
    run: str | None

    @property
    def is_open(self) -> bool:
        """Whether its run is still owed."""
        return self.ended_at is None

    @property
    def failed(self) -> bool:
        """Whether it came to its end and no run did, though one should have."""
        return self.ended_at is not None and self.run is None and self.ending != "skipped"


def take(
    connection: sa.Connection, state: State, district: str, mode: str, cause: Cause, due_at: datetime.datetime, server: str,
    mark: str | None = None,
) -> Job:  # fmt: skip
    """Take the job of a district, in the transaction of what made it due. Raises `TakenError` while one is open, and for
    the arrival of files for which the last one was."""
    before = connection.execute(sa.select(jobs).where(jobs.c.district == district).with_for_update()).one_or_none()
    if before is not None and cause == "arrival" and before.mark == mark:
        raise TakenError
    epoch = connection.execute(sa.select(leases.c.epoch).where(leases.c.district == district)).scalar() or 0
    values = {
        "number": before.number + 1 if before else 1, "mode": mode, "cause": cause, "mark": mark, "due_at": due_at,
        "taken_at": state.clock.now(), "epoch": epoch, "server": server, "begun_at": None, "tries": 0, "crashes": 0,
        "again_at": None, "ended_at": None, "ending": None, "exit_code": None, "run": None,
    }  # fmt: skip
    if before is None:
        try:
            with connection.begin_nested():
                connection.execute(sa.insert(jobs).values(district=district, **values))
        except sa.exc.IntegrityError:  # another was first by a moment
            raise TakenError from None
    else:
        same = (jobs.c.district == district) & (jobs.c.number == before.number) & jobs.c.ended_at.is_not(None)
        if connection.execute(sa.update(jobs).where(same).values(values)).rowcount != 1:
            raise TakenError
    return Job(district=district, **values)  # type: ignore[arg-type] # of several kinds


def last(state: State, district: str) -> Job | None:
    """The newest job of a district, open or not."""
    with state.transaction() as connection:
        found = connection.execute(sa.select(jobs).where(jobs.c.district == district)).one_or_none()
    return Job(**found._asdict()) if found else None


def marks(state: State) -> dict[str, tuple[str | None, bool]]:
    """By district what stood for the source's files when its newest job was taken, and whether that is open."""
    query = sa.select(jobs.c.district, jobs.c.mark, jobs.c.ended_at)
    with state.transaction() as connection:
        found = connection.execute(query.where(jobs.c.mark.is_not(None) | jobs.c.ended_at.is_(None)))
        return {row.district: (row.mark, row.ended_at is None) for row in found}


def still_open(state: State) -> list[Job]:
    """All jobs whose run is owed, those that are due longest first."""
    query = sa.select(jobs).where(jobs.c.ended_at.is_(None)).order_by(jobs.c.due_at, jobs.c.district)
    with state.transaction() as connection:
        return [Job(**row._asdict()) for row in connection.execute(query)]


def adopt(state: State, job: Job, server: str) -> Job | None:
    """Take over the job of a server that is gone. Of any number that ask, one gets it; None for the others. Where its run
    was begun, that was cut off."""
    return _change(state, job, server=server, begun_at=None, crashes=job.crashes + (job.begun_at is not None))


def begin(state: State, job: Job) -> Job | None:
    """Note that its run is begun now, once more; None when the job is not ours any more."""
    return _change(state, job, begun_at=state.clock.now(), tries=job.tries + 1, again_at=None)


def again(state: State, job: Job, at: datetime.datetime, *, crashed: bool) -> Job | None:
    """Note that it is tried again at a moment; None when the job is not ours any more."""
    return _change(state, job, begun_at=None, again_at=at, crashes=job.crashes + crashed)


def release(state: State, job: Job) -> None:
    """Let go of a job, which any server may then take. A try that was broken off does not count."""
    _change(state, job, server=None, begun_at=None, tries=job.tries - (job.begun_at is not None))


def end(
    connection: sa.Connection, state: State, job: Job, ending: Ending, exit_code: int | None = None, run: str | None = None
) -> bool:  # fmt: skip
    """Note in a transaction that a job came to its end, and by which run; whether it was ours."""
    told = {"ended_at": state.clock.now(), "ending": ending, "exit_code": exit_code, "run": run, "begun_at": None}
    if not _changed(connection, job, **told):
        return False
    if run:
        mine = (schedules.c.district == job.district) & (schedules.c.mode == job.mode) & schedules.c.current
        connection.execute(sa.update(schedules).where(mine).values(last_run=run))
    return True


def _change(state: State, job: Job, **values: Any) -> Job | None:
    with state.transaction() as connection:
        return replace(job, **values) if _changed(connection, job, **values) else None


def _changed(connection: sa.Connection, job: Job, **values: Any) -> bool:
    mine = (jobs.c.district == job.district) & (jobs.c.number == job.number) & jobs.c.ended_at.is_(None)
    owner = jobs.c.server.is_(None) if job.server is None else jobs.c.server == job.server
    return connection.execute(sa.update(jobs).where(mine & owner).values(values)).rowcount == 1


def run_for(state: State, job: Job, final: Collection[int]) -> Run | None:
    """The newest run of the district since the job was taken that does for it: of its mode or full, no dry run, and ended
    with one of these exit codes. A person may have begun it."""
    query = sa.select(runs).where(
        runs.c.district == job.district, runs.c.epoch > job.epoch, ~runs.c.dry_run, runs.c.mode.in_({job.mode, "full"}),
        runs.c.exit_code.in_(final), runs.c.finished_at.is_not(None),
    )  # fmt: skip
    with state.transaction() as connection:
        found = connection.execute(query.order_by(runs.c.epoch.desc()).limit(1)).one_or_none()
    return run_of(found) if found else None
