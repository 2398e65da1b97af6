"""The outbox: written once, claimed by one, tried again with growing pauses, on both databases."""

from __future__ import annotations

import contextlib
import datetime
import threading
from typing import TYPE_CHECKING

import pytest
from diary import EVENING

from syncrun.state import outbox
from syncrun.state.store import State
from syncrun.testing.clock import FixedClock

if TYPE_CHECKING:
    import sqlalchemy as sa


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(EVENING)


@pytest.fixture
def state(state_engine: sa.Engine, clock: FixedClock) -> State:
    return State(state_engine, clock)


def noted(state: State, key: str) -> bool:
    with state.transaction() as connection:
        return outbox.add(state, connection, key, "riverside", "/riverside.toml", [{"asks": "act"}])


def test_notice_of_a_key_is_written_once_and_goes_with_its_transaction(state: State) -> None:
    assert noted(state, "one")
    assert not noted(state, "one")

    with contextlib.suppress(KeyError), state.transaction() as connection:
        assert outbox.add(state, connection, "two", "riverside", "/riverside.toml", [])
        raise KeyError
    assert [each.key for each in outbox.unplanned(state)] == ["one"]


def test_notice_without_a_channel_waits_for_some_days(state: State, clock: FixedClock) -> None:
    noted(state, "one")
    clock.move(days=6)
    assert len(outbox.unplanned(state)) == 1
    clock.move(days=2)
    assert outbox.unplanned(state) == []


def test_of_many_who_claim_one_gets_it(state: State) -> None:
    noted(state, "one")
    noted(state, "two")
    for notice in outbox.unplanned(state):
        outbox.plan(state, notice.id, ["mail"])
        outbox.plan(state, notice.id, ["mail"])
    wanted = outbox.due(state)
    assert len(wanted) == 2
    barrier, got = threading.Barrier(8), []

    def claim(number: int) -> None:
        barrier.wait()
        if outbox.claim(state, wanted if number % 2 else wanted[1:], f"batch-{number}"):
            got.append(number)

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(got) == 1
    taken = {each.batch for each in outbox.listed(state) if each.batch}
    assert taken == {f"batch-{got[0]}"}


def test_pauses_grow_to_half_a_day_and_it_is_given_up(state: State, clock: FixedClock) -> None:
    noted(state, "one")
    outbox.plan(state, outbox.unplanned(state)[0].id, ["webhook"])
    pauses = []
    while due := outbox.listed(state, "waiting"):
        clock.moment = max(due[0].next_at, clock.moment)
        assert outbox.claim(state, due, "batch")
        assert outbox.due(state) == []
        status = outbox.failed(state, "batch", "E-NET-1", due[0].attempts)
        (after,) = outbox.listed(state)
        pauses.append((after.next_at - clock.now()) / datetime.timedelta(minutes=1))
    assert pauses[:9] == [5, 10, 20, 40, 80, 160, 320, 640, 720]
    assert (len(pauses), status, after.status, after.error) == (outbox.ATTEMPTS, "given up", "given up", "E-NET-1")


def test_settled_notice_is_sent_to_nobody(state: State) -> None:
    noted(state, "one")
    (notice,) = outbox.unplanned(state)
    outbox.settle(state, notice.id)
    outbox.settle(state, notice.id)
    assert (outbox.unplanned(state), outbox.due(state)) == ([], [])
