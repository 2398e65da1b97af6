"""The sink's own memory: who writes, and which chunks are in."""

from __future__ import annotations

import dataclasses
import datetime

import pytest
import sqlalchemy as sa
from estate import ME, batch, row

from syncrun.errors import FenceError, OwnerError
from syncrun.sdk import Action, LedgerEntry, Outcome
from syncrun.sdk.sql import ledger

REJECTED = Outcome("k1", "rejected", code="S-CHECK-1", reason="a value is outside what the sink allows")
GONE = Outcome("k2", "conflict", sink_id="7", code="S-GONE-1", reason="gone")


@pytest.fixture
def connection(engine: sa.Engine) -> sa.Connection:
    found = engine.connect()
    ledger.create(found)
    ledger.create(found)
    return found


def epoch(connection: sa.Connection) -> int | None:
    """The highest epoch on record."""
    return connection.execute(sa.select(ledger.claims.c.epoch).where(ledger.claims.c.district == "riverside")).scalar()


def test_claim_is_noted_and_grows(connection: sa.Connection) -> None:
    with connection:
        ledger.stake(connection, ME)
        assert epoch(connection) == 1
        ledger.stake(connection, dataclasses.replace(ME, epoch=4))
        ledger.hold(connection, dataclasses.replace(ME, epoch=4))
        assert epoch(connection) == 4


def test_lower_epoch_is_refused_and_does_not_lower_the_mark(connection: sa.Connection) -> None:
    with connection:
        ledger.stake(connection, dataclasses.replace(ME, epoch=4))
        for refuse in (ledger.stake, ledger.hold):
            with pytest.raises(FenceError, match="newer run"):
                refuse(connection, dataclasses.replace(ME, epoch=3))
        assert epoch(connection) == 4


def test_other_installation_is_refused_whatever_its_epoch(connection: sa.Connection) -> None:
    stranger = dataclasses.replace(ME, owner="installation-2", epoch=99)
    with connection:
        ledger.stake(connection, ME)
        with pytest.raises(OwnerError, match="Another installation"):
            ledger.stake(connection, stranger)
        with pytest.raises(FenceError):
            ledger.hold(connection, stranger)
        assert epoch(connection) == 1


def test_districts_do_not_fence_each_other(connection: sa.Connection) -> None:
    other = dataclasses.replace(ME, district="lakeside", owner="installation-2", epoch=1)
    with connection:
        ledger.stake(connection, dataclasses.replace(ME, epoch=9))
        ledger.stake(connection, other)
        ledger.hold(connection, other)
        assert epoch(connection) == 9


def test_writing_without_a_claim_is_refused(connection: sa.Connection) -> None:
    with connection, pytest.raises(FenceError):
        ledger.hold(connection, ME)


def test_chunks_come_back_in_order_with_their_exceptions(connection: sa.Connection) -> None:
    with connection:
        ledger.enter(connection, batch(Action.CREATE, [row("k3")], chunk=10), [])
        ledger.enter(connection, batch(Action.CREATE, [row("k1"), row("k2")], chunk=2), [REJECTED, GONE])
        ledger.enter(connection, batch(Action.CREATE, [row("k4")], run="run-2"), [REJECTED])
        assert ledger.entries(connection, "riverside", "run-1") == [
            LedgerEntry(2, (REJECTED, GONE)), LedgerEntry(10, ()),
        ]  # fmt: skip
        assert ledger.entries(connection, "lakeside", "run-1") == []


def test_chunk_is_entered_once(connection: sa.Connection) -> None:
    with connection:
        ledger.enter(connection, batch(Action.CREATE, [row("k1")]), [])
        with pytest.raises(sa.exc.IntegrityError):
            ledger.enter(connection, batch(Action.CREATE, [row("k1")]), [])


def test_old_entries_of_the_district_go_and_those_of_others_stay(connection: sa.Connection) -> None:
    days = ledger.KEPT_DAYS
    with connection:
        for number, (district, age) in enumerate(
            [("riverside", days + 1), ("riverside", days - 1), ("lakeside", days + 1)]
        ):
            claim = dataclasses.replace(ME, district=district)
            ledger.enter(connection, batch(Action.CREATE, [row("k")], claim=claim, chunk=number), [])
            then = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=age)
            connection.execute(
                sa.update(ledger.ledger).where(ledger.ledger.c.chunk == number).values(committed_at=then)
            )
        ledger.stake(connection, ME)
        ledger.stake(connection, ME)
        found = connection.execute(sa.select(ledger.ledger.c.chunk).order_by(ledger.ledger.c.chunk)).scalars()
        assert list(found) == [1, 2]
