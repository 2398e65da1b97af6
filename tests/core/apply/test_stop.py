"""Asking a run to end: where it may be broken off it is at once, elsewhere it is when it can go on later."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import duckdb
import pytest

from syncrun.apply.stop import BrokenOffError, Stop
from syncrun.errors import ContractError, StoppedError


@pytest.fixture
def stop() -> Iterator[Stop]:
    """One that SIGTERM asks."""
    found = Stop()
    before = signal.signal(signal.SIGTERM, lambda number, frame: found.ask())
    yield found
    signal.signal(signal.SIGTERM, before)


def terminate() -> None:
    """As a service manager does it."""
    os.kill(os.getpid(), signal.SIGTERM)


def test_nothing_happens_until_it_is_asked_whether_to_go_on(stop: Stop) -> None:
    stop.confirm()
    terminate()
    assert stop.asked
    with pytest.raises(StoppedError) as raised:
        stop.confirm()
    assert (raised.value.exit_code, raised.value.outcome, raised.value.code) == (75, "RETRY", "E-STOP-1")


def test_wait_is_cut_short(stop: Stop) -> None:
    threading.Timer(0.05, terminate).start()
    begun = time.monotonic()
    with pytest.raises(StoppedError):
        stop.pause(50)
    assert time.monotonic() - begun < 5
    with pytest.raises(StoppedError):
        stop.pause(50)
    assert time.monotonic() - begun < 5


def test_wait_ends_by_itself(stop: Stop) -> None:
    begun = time.monotonic()
    stop.pause(0.01)
    stop.pause(0)
    assert 0.01 <= time.monotonic() - begun < 5


def test_work_that_may_be_broken_off_is(stop: Stop) -> None:
    done = []

    def work() -> None:
        done.append("begun")
        terminate()
        done.append("ended")

    with pytest.raises(StoppedError):
        stop.at_once(work)
    assert (done, stop.has_broken_off) == (["begun"], True)


def test_other_work_is_not_broken_off(stop: Stop) -> None:
    assert stop.at_once(lambda: 3) == 3
    terminate()
    assert not stop.has_broken_off
    with pytest.raises(StoppedError):
        stop.at_once(lambda: pytest.fail("was begun"))


def test_what_a_plugin_makes_of_it_is_no_fault(stop: Stop) -> None:
    def work() -> None:
        try:
            terminate()
        except BrokenOffError:
            raise ContractError("The source raised BrokenOffError.") from None

    with pytest.raises(StoppedError):
        stop.at_once(work)


def test_who_takes_no_notice_is_stopped_at_the_end(stop: Stop) -> None:
    def work() -> None:
        try:
            terminate()
        except BrokenOffError:
            return

    with pytest.raises(StoppedError):
        stop.at_once(work)


def test_query_of_duckdb_is_broken_off(stop: Stop) -> None:
    """It raises an error of its own, which says nothing of the signal; now and then it ends what its threads do first, for
    which this one has an end."""

    def work() -> None:
        threading.Timer(0.1, terminate).start()
        connection.execute("SELECT count(*) FROM range(1000000000) AS t(n) WHERE hash(n) % 7 = 3")

    with duckdb.connect() as connection, pytest.raises(StoppedError):
        stop.at_once(work)
    assert stop.has_broken_off


def test_errors_of_the_work_are_its_own(stop: Stop) -> None:
    with pytest.raises(ZeroDivisionError):
        stop.at_once(lambda: 1 / 0)


def test_interrupt_from_the_keyboard_stays_one(stop: Stop) -> None:
    def work() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop.at_once(work)
