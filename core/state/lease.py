"""One run a district at a time: a row in the state database that runs out unless it is renewed.

Each taking raises the epoch, and sinks refuse a lower one, so that a run which was frozen past its lease cannot write
when it wakes. The lease of a process that is known to be dead on this machine is taken over at once.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from syncrun.clock import Clock
from syncrun.errors import LeaseBusyError, LeaseLostError, SyncError
from syncrun.sdk.sql.connect import spoken
from syncrun.state.database import WHAT
from syncrun.state.model import leases
from syncrun.state.process import born, is_dead

SECONDS = 60


@dataclass(slots=True)
class Lease:
    """A lease that is held. `lost` is set when renewing it failed; `until` is when it runs out, by the clock that only
    goes forward."""

    district: str
    run: str
    epoch: int
    until: float
    lost: threading.Event

    def confirm(self) -> None:
        """Raise `LeaseLostError` when the lease is no longer ours; asked before each chunk. A process that was frozen
        or cut off knows by the time that has passed, before it is told."""
        if self.lost.is_set() or time.monotonic() > self.until:
            raise LeaseLostError(f"The lease of district {self.district} was lost while the run was at work.")


def now_of(connection: sa.Connection, clock: Clock) -> datetime.datetime:
    """This moment by the database's clock where there is a server; machines may disagree."""
    if connection.dialect.name == "postgresql":
        moment: datetime.datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
        return moment
    return clock.now()


@contextmanager
def held(engine: sa.Engine, district: str, run: str, clock: Clock) -> Iterator[Lease]:
    """Take the lease, renew it while the block runs, let go of it at the end.

    Raises `LeaseBusyError`, which says who has it, when another run is at work.
    """
    until = time.monotonic() + SECONDS
    lease = Lease(district, run, _take(engine, district, run, clock), until, threading.Event())
    stop = threading.Event()
    renewing = threading.Thread(target=_renew, args=(engine, lease, clock, stop), daemon=True)
    renewing.start()
    try:
        yield lease
    finally:
        stop.set()
        renewing.join()
        with contextlib.suppress(SyncError):  # it runs out by itself, and how the run ended must be told
            _release(engine, lease)


def _take(engine: sa.Engine, district: str, run: str, clock: Clock) -> int:
    with spoken(WHAT), engine.begin() as connection:
        now = now_of(connection, clock)
        mine = {
            "run": run, "host": socket.gethostname(), "pid": os.getpid(), "born": born(os.getpid()),
            "taken_at": now, "expires_at": now + datetime.timedelta(seconds=SECONDS),
        }  # fmt: skip
        query = sa.select(leases).where(leases.c.district == district).with_for_update()
        found = connection.execute(query).one_or_none()
        if found is None:
            try:
                with connection.begin_nested():
                    connection.execute(sa.insert(leases).values(district=district, epoch=1, **mine))
            except sa.exc.IntegrityError:  # another process was first by a moment
                raise LeaseBusyError(f"Another run of district {district} is just starting.") from None
            return 1
        if found.run is not None and found.expires_at > now and not _is_dead(found):
            since = found.taken_at.strftime("%H:%M:%S")
            raise LeaseBusyError(
                f"Another run of district {district} is at work: run {found.run}, process {found.pid} on "
                f"{found.host}, since {since} UTC."
            )
        connection.execute(sa.update(leases).where(leases.c.district == district).values(epoch=found.epoch + 1, **mine))
        return int(found.epoch) + 1


def holder(engine: sa.Engine, district: str, clock: Clock) -> str | None:
    """The run of a district that is at work now; None when there is none, or none that is alive."""
    with spoken(WHAT), engine.begin() as connection:
        found = connection.execute(sa.select(leases).where(leases.c.district == district)).one_or_none()
        if found is None or found.run is None or found.expires_at <= now_of(connection, clock) or _is_dead(found):
            return None
        return str(found.run)


def at_work(connection: sa.Connection, clock: Clock) -> set[str]:
    """The districts of which a run is at work now and alive."""
    query = sa.select(leases).where(leases.c.run.is_not(None), leases.c.expires_at > now_of(connection, clock))
    return {found.district for found in connection.execute(query) if not _is_dead(found)}


def _is_dead(found: sa.Row[tuple[object, ...]]) -> bool:
    return found.host == socket.gethostname() and is_dead(found.pid, found.born)


def _renew(engine: sa.Engine, lease: Lease, clock: Clock, stop: threading.Event) -> None:
    """Push the end further away, four times before it comes; the lease is lost when another has it, or when the end
    has come all the same."""
    try:
        while not stop.wait(SECONDS / 4) and time.monotonic() < lease.until:
            with contextlib.suppress(SyncError):
                until = time.monotonic() + SECONDS
                if not _renewed(engine, lease, clock):
                    return
                lease.until = until
    finally:
        if not stop.is_set():
            lease.lost.set()


def _renewed(engine: sa.Engine, lease: Lease, clock: Clock) -> bool:
    with spoken(WHAT), engine.begin() as connection:
        until = now_of(connection, clock) + datetime.timedelta(seconds=SECONDS)
        mine = sa.update(leases).where(leases.c.district == lease.district, leases.c.epoch == lease.epoch)
        return connection.execute(mine.values(expires_at=until)).rowcount == 1


def _release(engine: sa.Engine, lease: Lease) -> None:
    with spoken(WHAT), engine.begin() as connection:
        mine = sa.update(leases).where(leases.c.district == lease.district, leases.c.epoch == lease.epoch)
        connection.execute(mine.values(run=None, host=None, pid=None, born=None, expires_at=None))
