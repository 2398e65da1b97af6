"""The sink's own memory of who writes and what was committed, in two small tables beside the sink's.

`syncrun_claims` has one row a district: which installation owns its rows and the highest epoch seen. Every chunk
touches it in its own transaction, so a run that was frozen past its lease cannot write when it wakes.
`syncrun_ledger` has one row a committed chunk with the exceptions in it; after a crash it says what is in.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable

import sqlalchemy as sa

from syncrun.errors import FenceError, OwnerError
from syncrun.sdk.sink import Batch, Claim, LedgerEntry, Outcome

KEPT_DAYS = 90
_metadata = sa.MetaData()

claims = sa.Table(
    "syncrun_claims",
    _metadata,
    sa.Column("district", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
)
ledger = sa.Table(
    "syncrun_ledger",
    _metadata,
    sa.Column("district", sa.Text, primary_key=True),
    sa.Column("run", sa.Text, primary_key=True),
    sa.Column("chunk", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("plan", sa.Text, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("exceptions", sa.Text, nullable=False),
    sa.Column("committed_at", sa.DateTime(timezone=True), nullable=False),
)


def create(connection: sa.Connection) -> None:
    """Make the two tables where they are missing."""
    _metadata.create_all(connection)


def stake(connection: sa.Connection, claim: Claim) -> None:
    """Note the claim, or raise `OwnerError` when another installation was here, `FenceError` when a newer run was."""
    seen = connection.execute(sa.select(claims).where(claims.c.district == claim.district)).one_or_none()
    if seen is None:
        connection.execute(sa.insert(claims).values(district=claim.district, owner=claim.owner, epoch=claim.epoch))
        return
    if seen.owner != claim.owner:
        raise _foreign(claim.district)
    hold(connection, claim)
    old = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=KEPT_DAYS)
    connection.execute(sa.delete(ledger).where(ledger.c.district == claim.district, ledger.c.committed_at < old))


def hold(connection: sa.Connection, claim: Claim) -> None:
    """Raise the epoch in the transaction at hand and lock the row; raise `FenceError` when a newer one is there."""
    raised = connection.execute(
        sa.update(claims)
        .where(claims.c.district == claim.district, claims.c.owner == claim.owner, claims.c.epoch <= claim.epoch)
        .values(epoch=claim.epoch)
    )
    if raised.rowcount != 1:
        raise FenceError(f"A newer run of district {claim.district} has written to this sink; this run stops.")


def _foreign(district: str) -> OwnerError:
    return OwnerError(f"Another installation of syncrun owns the rows of district {district} in this sink.")


def confirm_owner(connection: sa.Connection, district: str, owner: str) -> None:
    """Raise `OwnerError` when the district's rows belong to another installation. Only reads."""
    if _is_there(connection, claims):
        query = sa.select(claims.c.owner).where(claims.c.district == district)
        if connection.execute(query).scalar() not in {None, owner}:
            raise _foreign(district)


def latest_run(connection: sa.Connection, district: str) -> str | None:
    """The run whose chunk was committed last, by epoch. Only reads."""
    if not _is_there(connection, ledger):
        return None
    query = sa.select(ledger.c.run).where(ledger.c.district == district).order_by(ledger.c.epoch.desc()).limit(1)
    return connection.execute(query).scalar()


def _is_there(connection: sa.Connection, table: sa.Table) -> bool:
    return sa.inspect(connection).has_table(table.name)


def enter(connection: sa.Connection, batch: Batch, exceptions: Iterable[Outcome]) -> None:
    """Write the ledger row of a chunk into the transaction that holds its data."""
    told = [[each.key, each.status, each.sink_id, each.code, each.reason] for each in exceptions]
    connection.execute(
        sa.insert(ledger).values(
            district=batch.claim.district,
            run=batch.chunk.run,
            chunk=batch.chunk.number,
            plan=batch.chunk.plan,
            epoch=batch.claim.epoch,
            size=batch.size,
            exceptions=json.dumps(told),
            committed_at=datetime.datetime.now(datetime.UTC),
        )
    )


def entries(connection: sa.Connection, district: str, run: str) -> list[LedgerEntry]:
    """The committed chunks of a run, in order."""
    query = sa.select(ledger.c.chunk, ledger.c.exceptions).where(ledger.c.district == district, ledger.c.run == run)
    return [
        LedgerEntry(chunk, tuple(Outcome(*each) for each in json.loads(told)))
        for chunk, told in connection.execute(query.order_by(ledger.c.chunk))
    ]
