"""What people are to be told: notices, each written with what it tells of in one transaction, and their deliveries.

A notice has a key of its own, so that it is written once whatever is repeated. Each channel gets it by a delivery, which
is tried until it succeeds or is given up. What goes to one place at one time is a batch; a batch that is tried again is
the same one, with the same id, by which the receiver knows what it has already.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from syncrun.state.model import deliveries, notices
from syncrun.state.store import State

Status = Literal["waiting", "sent", "given up", "settled"]
CLAIM = datetime.timedelta(minutes=10)
"""For so long nobody else tries what one process is sending; after that it is taken for dead."""
NOBODY = "nobody"
"""The channel of a notice that need not be sent."""
ATTEMPTS = 12
FIRST_PAUSE = datetime.timedelta(minutes=5)
LONGEST_PAUSE = datetime.timedelta(hours=12)
KEEP = datetime.timedelta(days=7)
"""A notice for which there was no channel so long is not sent any more when there is one."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell of a district. `path` is its file, which says whom to tell; `needs` what a person needs to
    know, as `Need.as_dict` has it."""

    id: int
    key: str
    district: str
    path: str
    needs: Sequence[Mapping[str, Any]]
    at: datetime.datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far a notice is on a channel."""

    notice: Notice
    channel: str
    status: Status
    batch: str | None
    attempts: int
    next_at: datetime.datetime
    sent_at: datetime.datetime | None
    error: str | None


def add(
    state: State, connection: sa.Connection, key: str, district: str, path: str, needs: Iterable[Mapping[str, Any]]
) -> bool:  # fmt: skip
    """Write a notice in the transaction given, unless one of its key is there; whether it was written."""
    if connection.execute(sa.select(notices.c.id).where(notices.c.key == key)).first():
        return False
    values = {"key": key, "district": district, "path": path, "needs": json.dumps(list(needs)), "at": state.clock.now()}
    try:
        with connection.begin_nested():
            connection.execute(sa.insert(notices).values(**values))
    except sa.exc.IntegrityError:  # another process wrote it this very moment
        return False
    return True


def unplanned(state: State) -> list[Notice]:
    """Notices that no channel has, from the last days, oldest first."""
    planned = sa.select(deliveries.c.notice)
    query = sa.select(notices).where(notices.c.id.not_in(planned), notices.c.at > state.clock.now() - KEEP)
    with state.transaction() as connection:
        return [_notice(row) for row in connection.execute(query.order_by(notices.c.id))]


def plan(state: State, notice: int, channels: Iterable[str]) -> None:
    """Send a notice on these channels."""
    with state.transaction() as connection:
        for channel in channels:
            mine = (deliveries.c.notice == notice) & (deliveries.c.channel == channel)
            if not connection.execute(sa.select(deliveries).where(mine).with_for_update()).first():
                connection.execute(sa.insert(deliveries).values(
                    notice=notice, channel=channel, status="waiting", attempts=0, next_at=state.clock.now()))  # fmt: skip


def settle(state: State, notice: int) -> None:
    """Note that a notice need not be sent any more: what it asks for was done before anybody was told."""
    with state.transaction() as connection:
        mine = (deliveries.c.notice == notice) & (deliveries.c.channel == NOBODY)
        if not connection.execute(sa.select(deliveries).where(mine)).first():
            connection.execute(sa.insert(deliveries).values(
                notice=notice, channel=NOBODY, status="settled", attempts=0, next_at=state.clock.now()))  # fmt: skip


def due(state: State) -> list[Delivery]:
    """Deliveries that are to be tried now, oldest first."""
    return [each for each in listed(state, "waiting") if each.next_at <= state.clock.now()]


def listed(state: State, status: Status | None = None, limit: int = 1000) -> list[Delivery]:
    """Deliveries of a status, or all, oldest first; the newest `limit` of them."""
    query = sa.select(deliveries, notices).join(notices, notices.c.id == deliveries.c.notice)
    if status:
        query = query.where(deliveries.c.status == status)
    query = query.order_by(notices.c.id.desc(), deliveries.c.channel).limit(limit)
    with state.transaction() as connection:
        rows = connection.execute(query).all()
    return [
        Delivery(_notice(row), row.channel, row.status, row.batch, row.attempts, row.next_at, row.sent_at, row.error)
        for row in reversed(rows)
    ]


def claim(state: State, wanted: Collection[Delivery], batch: str) -> bool:
    """Take deliveries for this process, as one batch; False, and none is taken, when another has one of them."""
    with state.transaction() as connection, connection.begin_nested() as all_of_them:
        for each in wanted:
            mine = (deliveries.c.notice == each.notice.id) & (deliveries.c.channel == each.channel)
            same = (deliveries.c.status == "waiting") & (deliveries.c.next_at == each.next_at)
            changed = connection.execute(
                sa.update(deliveries).where(mine & same).values(batch=batch, next_at=state.clock.now() + CLAIM)
            )
            if changed.rowcount != 1:
                all_of_them.rollback()
                return False
    return True


def sent(state: State, batch: str) -> None:
    """Note that a batch has arrived."""
    with state.transaction() as connection:
        mine = sa.update(deliveries).where(deliveries.c.batch == batch)
        connection.execute(mine.values(status="sent", sent_at=state.clock.now(), error=None))


def failed(state: State, batch: str, error: str, attempts: int) -> Status:
    """Note that a batch did not arrive, by the code of the error; when it is tried again is set. `attempts` are those
    before this one."""
    over = attempts + 1 >= ATTEMPTS
    pause = min(FIRST_PAUSE * 2**attempts, LONGEST_PAUSE)
    status: Status = "given up" if over else "waiting"
    with state.transaction() as connection:
        mine = sa.update(deliveries).where(deliveries.c.batch == batch)
        connection.execute(mine.values(
            status=status, error=error, attempts=attempts + 1, next_at=state.clock.now() + pause))  # fmt: skip
    return status


def _notice(row: sa.Row[Any]) -> Notice:
    return Notice(row.id, row.key, row.district, row.path, json.loads(row.needs), row.at)
