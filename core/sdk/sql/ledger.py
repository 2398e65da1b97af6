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

from syncrun.errors import FenceError
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
    """Note the claim, or raise `FenceError` when another installation or a newer run was here."""
    seen = connection.execute(sa.select(claims).where(claims.c.district == claim.district)).one_or_none()
    if seen is None:
        connection.execute(sa.insert(claims).values(district=claim.district, owner=claim.owner, epoch=claim.epoch))
        return
    if seen.owner != claim.owner:
        raise FenceError(
            f"Another installation of syncrun owns the rows of district {claim.district} in this sink.",
            next_step="Run from that installation, or restore its state here; two installations must not share a sink.",
        )
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
        raise FenceError(
            f"A newer run of district {claim.district} has written to this sink, or the state here is older than the "
            "sink's; this run stops.",
            next_step="If the state was restored from a backup, restore the newest one; otherwise just run again.",
        )


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
