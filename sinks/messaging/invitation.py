"""Invitations to the app, in the outbox: one for each teacher and guardian whom a sync brings after the first.

Nobody is invited by the run that first brings the teachers, or the guardians, of their school, whenever that is: a first
sync is quiet, and so is the night on which one more school or a first school year takes part. Nobody is invited twice,
and an invitation that was not sent yet follows its account: it gets the address of the day, and is withdrawn from
whoever is set aside or may not sign in.

Nothing is sent here; the app sends what stands in the outbox with neither `sent_at` nor `withdrawn_at`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from syncrun.sdk import Action, Batch
from syncrun.sinks.messaging.database import launches, metadata, outbox, schools

KIND = "invitation"
RECIPIENTS = MappingProxyType({"teachers": "schools", "guardians": "students"})
"""Who is invited, and what comes to a school together with the first of them."""
BLOCK = 5_000
"""As many ids are bound to one statement; SQLite takes 32,766."""


def follow(connection: sa.Connection, batch: Batch, recipients: Sequence[str]) -> None:
    """What a batch that has just been written means for the outbox. `recipients` are the tables that the sync has."""
    for recipient in recipients:
        if batch.table.name in {recipient, RECIPIENTS[recipient]}:
            _note_launches(connection, batch, recipient)
    if batch.table.name in recipients:
        table = metadata.tables[batch.table.name]
        if batch.action is Action.CREATE and not batch.quiet:
            for ids in _blocks(batch):
                _invite(connection, batch, table, ids)
        elif batch.action is not Action.CREATE and _any_unsent(connection, table):
            for ids in _blocks(batch):
                _bring_up_to_date(connection, table, ids)


def _blocks(batch: Batch) -> Iterator[list[str]]:
    """The ids of a batch, in blocks."""
    rows = (sink_id for (sink_id,) in batch.rows(["id"]))
    while ids := list(islice(rows, BLOCK)):
        yield ids


def _note_launches(connection: sa.Connection, batch: Batch, recipient: str) -> None:
    """Note this run for schools that have such rows, or what comes with them, for the first time."""
    brought = metadata.tables[batch.table.name].alias("brought")
    school = brought.c.id if batch.table.name == schools.name else brought.c.school_id
    noted = sa.exists().where(launches.c.school_id == schools.c.id, launches.c.recipient_table == recipient)
    has_some = sa.exists().where(school == schools.c.id, brought.c.managed_by == batch.claim.district)
    found = sa.select(schools.c.id, sa.literal(recipient), sa.literal(batch.chunk.run)).where(~noted, has_some)
    connection.execute(sa.insert(launches).from_select(["school_id", "recipient_table", "run"], found))


def _channel(table: sa.Table) -> sa.Case[Any]:
    """How somebody is reached: by e-mail where there is an address, else by text message."""
    return sa.case((table.c.email.is_not(None), "email"), (table.c.login_phone.is_not(None), "sms"))


def _address(table: sa.Table) -> sa.ColumnElement[Any]:
    return sa.func.coalesce(table.c.email, table.c.login_phone)


def _may_be_invited(table: sa.Table) -> sa.ColumnElement[bool]:
    """An active account with a contact, which nobody has claimed and which is none for tests."""
    return sa.and_(
        table.c.archived_at.is_(None), table.c.claimed_at.is_(None), table.c.is_test.is_(False),
        table.c.can_sign_in.is_(True), _address(table).is_not(None),
    )  # fmt: skip


def _invite(connection: sa.Connection, batch: Batch, table: sa.Table, ids: Sequence[str]) -> None:
    """Write the invitations of new accounts at schools that were launched by another run."""
    launched = sa.exists().where(
        launches.c.school_id == table.c.school_id, launches.c.recipient_table == table.name,
        launches.c.run != batch.chunk.run,
    )  # fmt: skip
    invited = sa.exists().where(
        outbox.c.kind == KIND, outbox.c.recipient_table == table.name, outbox.c.recipient_id == table.c.id
    )
    found = sa.select(
        sa.literal(KIND), sa.literal(table.name), table.c.id, _channel(table), _address(table), table.c.school_id,
        sa.func.now(),
    ).where(table.c.id.in_(ids), table.c.managed_by == batch.claim.district, _may_be_invited(table), launched, ~invited)  # fmt: skip
    columns = ["kind", "recipient_table", "recipient_id", "channel", "address", "school_id", "created_at"]
    connection.execute(sa.insert(outbox).from_select(columns, found))


def _any_unsent(connection: sa.Connection, table: sa.Table) -> bool:
    query = sa.select(1).where(outbox.c.recipient_table == table.name, outbox.c.sent_at.is_(None)).limit(1)
    return connection.execute(query).first() is not None


def _bring_up_to_date(connection: sa.Connection, table: sa.Table, ids: Sequence[str]) -> None:
    """Give unsent invitations the address and the school of the day, or withdraw them."""
    own = table.c.id == outbox.c.recipient_id
    stands = sa.exists().where(own, _may_be_invited(table))
    connection.execute(
        sa.update(outbox)
        .where(outbox.c.recipient_table == table.name, outbox.c.recipient_id.in_(ids), outbox.c.sent_at.is_(None))
        .values(
            channel=sa.select(_channel(table)).where(own).scalar_subquery(),
            address=sa.select(_address(table)).where(own).scalar_subquery(),
            school_id=sa.select(table.c.school_id).where(own).scalar_subquery(),
            withdrawn_at=sa.case((stands, None), else_=sa.func.coalesce(outbox.c.withdrawn_at, sa.func.now())),
        )
    )
