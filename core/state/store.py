"""Reading and writing the state: small functions over the tables, each in one short transaction."""

from __future__ import annotations

import datetime
import json
import os
import socket
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from syncrun.clock import Clock
from syncrun.errors import LeaseLostError
from syncrun.sdk.sql.connect import spoken
from syncrun.state.database import WHAT
from syncrun.state.lease import Lease
from syncrun.state.model import applied, approvals, audit, holds, installation, leases, runs, snapshots

APPROVAL_HOURS = 24


@dataclass(frozen=True, slots=True)
class Run:
    """A run as the state remembers it. `status`: started, applying, ended. `epoch` is its lease's,
    which only grows; `identity` stands for its input and settings,
    `plan_run` for the run whose folder has its plan, `snapshot` for the roster that it read."""

    id: str
    district: str
    mode: str
    dry_run: bool
    status: str
    outcome: str | None
    exit_code: int | None
    epoch: int
    started_at: datetime.datetime
    finished_at: datetime.datetime | None
    host: str
    pid: int
    identity: str | None
    plan_hash: str | None
    plan_run: str | None
    snapshot: str | None
    summary: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Hold:
    """A part of a plan that waits for a person: a school's changes, or with part '' the district's own."""

    sink: str
    part: str
    hash: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's word on a plan, or on one school of it."""

    verdict: Literal["approve", "reject"]
    plan_hash: str
    school: str | None
    who: str
    at: datetime.datetime
    expires_at: datetime.datetime


@dataclass(frozen=True, slots=True)
class AppliedFile:
    """A file of rows that a sink has taken; later files of a table overrule earlier ones."""

    sink: str
    table: str
    seq: int
    path: str
    run: str


class State:
    """The state database of one installation."""

    def __init__(self, engine: sa.Engine, clock: Clock, lease: Lease | None = None) -> None:
        self.engine = engine
        self.clock = clock
        self._lease = lease

    def under(self, lease: Lease) -> State:
        """The same for a run that holds a lease. Once another run has taken that over, every transaction raises
        `LeaseLostError`: what a run has in hand that was frozen says nothing of what became of the sinks since."""
        return State(self.engine, self.clock, lease)

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """One transaction; errors of the driver come out as ours."""
        with spoken(WHAT), self.engine.begin() as connection:
            if self._lease:
                self._hold(connection, self._lease)
            yield connection

    def _hold(self, connection: sa.Connection, lease: Lease) -> None:
        """Raise when the lease is another's; else nobody can take it before the transaction ends."""
        query = sa.select(leases.c.epoch).where(leases.c.district == lease.district).with_for_update(read=True)
        if connection.execute(query).scalar() != lease.epoch:
            raise LeaseLostError(f"Another run of district {lease.district} has taken over; this run stops.")

    def confirm(self) -> None:
        """Raise `LeaseLostError` when the lease that this is under, if any, is no longer ours as far as is known."""
        if self._lease:
            self._lease.confirm()

    def owner(self) -> str:
        """The id of this installation, made once."""
        query = sa.select(installation.c.id)
        with self.transaction() as connection:
            found = connection.execute(query).scalar()
            if found is None and connection.dialect.name == "postgresql":  # where two could make one at once
                connection.execute(sa.text("LOCK TABLE installation IN SHARE ROW EXCLUSIVE MODE"))
                found = connection.execute(query).scalar()
            if found is None:
                found = str(uuid.uuid4())
                connection.execute(sa.insert(installation).values(id=found, created_at=self.clock.now()))
            return found

    # -- runs --------------------------------------------------------------------------------------------------------

    def start_run(self, run: str, district: str, mode: str, epoch: int, *, dry_run: bool) -> None:
        """Note that a run begins, in this process."""
        with self.transaction() as connection:
            connection.execute(
                sa.insert(runs).values(
                    id=run, district=district, mode=mode, dry_run=dry_run, status="started", epoch=epoch,
                    started_at=self.clock.now(), host=socket.gethostname(), pid=os.getpid(),
                )
            )  # fmt: skip

    def update_run(self, run: str, connection: sa.Connection | None = None, **values: Any) -> None:
        """Change what is known of a run, in a transaction of its own or in the one given."""
        if isinstance(values.get("summary"), Mapping):
            values["summary"] = json.dumps(values["summary"])
        statement = sa.update(runs).where(runs.c.id == run).values(**values)
        if connection is not None:
            connection.execute(statement)
            return
        with self.transaction() as own:
            own.execute(statement)

    def runs(self, district: str | None = None, limit: int = 50) -> list[Run]:
        """The newest runs first. Within a district the epoch tells which is newer: a clock may jump."""
        query = sa.select(runs).order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(limit)
        if district is not None:
            query = sa.select(runs).where(runs.c.district == district).order_by(runs.c.epoch.desc()).limit(limit)
        with self.transaction() as connection:
            return [run_of(row) for row in connection.execute(query)]

    def interrupted(self, district: str) -> list[Run]:
        """Runs that were cut off while they applied, oldest first."""
        query = sa.select(runs).where(runs.c.district == district, runs.c.status == "applying").order_by(runs.c.epoch)
        with self.transaction() as connection:
            return [run_of(row) for row in connection.execute(query)]

    def run(self, wanted: str) -> Run | None:
        """One run by its id."""
        with self.transaction() as connection:
            found = connection.execute(sa.select(runs).where(runs.c.id == wanted)).one_or_none()
        return run_of(found) if found else None

    # -- snapshots and what sinks have taken -------------------------------------------------------------------------

    def snapshot(self, district: str) -> str | None:
        """The last accepted roster, as JSON."""
        with self.transaction() as connection:
            query = sa.select(snapshots.c.content).where(snapshots.c.district == district)
            return connection.execute(query).scalar()

    def accept(self, connection: sa.Connection, district: str, run: str, content: str) -> None:
        """Make a snapshot the current one."""
        values = {"run": run, "content": content, "accepted_at": self.clock.now()}
        changed = connection.execute(sa.update(snapshots).where(snapshots.c.district == district).values(**values))
        if changed.rowcount == 0:
            connection.execute(sa.insert(snapshots).values(district=district, **values))

    def applied(self, district: str) -> list[AppliedFile]:
        """What the sinks of a district have taken, in order."""
        query = sa.select(applied).where(applied.c.district == district).order_by(applied.c.sink, applied.c.seq)
        with self.transaction() as connection:
            return [
                AppliedFile(row.sink, row.table_name, row.seq, row.path, row.run) for row in connection.execute(query)
            ]

    def set_applied(
        self, connection: sa.Connection, district: str, sink: str, table: str, files: Sequence[tuple[int, str, str]]
    ) -> None:
        """Replace the list of files of one table: (seq, path, run)."""
        mine = (applied.c.district == district) & (applied.c.sink == sink) & (applied.c.table_name == table)
        connection.execute(sa.delete(applied).where(mine))
        for seq, path, run in files:
            connection.execute(sa.insert(applied).values(
                district=district, sink=sink, table_name=table, seq=seq, path=path, run=run))  # fmt: skip

    # -- holds and approvals -----------------------------------------------------------------------------------------

    def set_holds(self, connection: sa.Connection, district: str, run: str, found: Iterable[Hold]) -> None:
        """Note what of a run's plan waits, in place of what was noted before."""
        connection.execute(sa.delete(holds).where(holds.c.run == run))
        for hold in found:
            connection.execute(sa.insert(holds).values(
                run=run, sink=hold.sink, part=hold.part, district=district, hash=hold.hash,
                reasons=json.dumps(hold.reasons)))  # fmt: skip

    def holds(self, run: str) -> list[Hold]:
        """What of a run's plan waits."""
        with self.transaction() as connection:
            found = connection.execute(sa.select(holds).where(holds.c.run == run).order_by(holds.c.sink, holds.c.part))
            return [Hold(row.sink, row.part, row.hash, tuple(json.loads(row.reasons))) for row in found]

    def decide(
        self,
        district: str,
        run: str,
        verdict: Literal["approve", "reject"],
        hashes: Iterable[tuple[str, str | None]],
        who: str,
    ) -> None:
        """Record a verdict on plans: pairs of hash and school (None for all of it). The audit gets the same."""
        now = self.clock.now()
        until = now + datetime.timedelta(hours=APPROVAL_HOURS)
        with self.transaction() as connection:
            for plan_hash, school in hashes:
                connection.execute(sa.insert(approvals).values(
                    district=district, run=run, verdict=verdict, plan_hash=plan_hash, school=school, who=who, at=now,
                    expires_at=until))  # fmt: skip
                detail = {"plan": plan_hash, "school": school, "expires_at": until.isoformat()}
                self.note(connection, district, who, verdict, f"run {run}", detail)

    def approvals(self, district: str) -> list[Approval]:
        """The verdicts on a district's plans that have not run out, oldest first."""
        query = sa.select(approvals).where(approvals.c.district == district).order_by(approvals.c.id)
        now = self.clock.now()
        with self.transaction() as connection:
            found = [Approval(row.verdict, row.plan_hash, row.school, row.who, row.at, row.expires_at)
                     for row in connection.execute(query)]  # fmt: skip
        return [each for each in found if each.expires_at > now]

    def spend_approvals(self, connection: sa.Connection, district: str) -> None:
        """Approvals that were acted on do not count again."""
        mine = (approvals.c.district == district) & (approvals.c.expires_at > self.clock.now())
        connection.execute(sa.update(approvals).where(mine).values(expires_at=self.clock.now()))

    # -- audit -------------------------------------------------------------------------------------------------------

    def note(
        self, connection: sa.Connection, district: str, who: str, action: str, subject: str, detail: Mapping[str, Any]
    ) -> None:
        """Add a line to the audit. It holds ids and counts, never what a cell holds."""
        connection.execute(sa.insert(audit).values(
            at=self.clock.now(), district=district, who=who, action=action, subject=subject, detail=json.dumps(detail)))  # fmt: skip

    def audit(self, district: str) -> list[dict[str, Any]]:
        """The audit of a district, oldest first."""
        with self.transaction() as connection:
            found = connection.execute(sa.select(audit).where(audit.c.district == district).order_by(audit.c.id))
            return [{"at": row.at, "who": row.who, "action": row.action, "subject": row.subject,
                     "detail": json.loads(row.detail)} for row in found]  # fmt: skip


def run_of(row: sa.Row[Any]) -> Run:
    """A run from its row."""
    values = dict(zip(row._fields, row, strict=True))
    values["summary"] = json.loads(values["summary"]) if values["summary"] else None
    return Run(**values)
