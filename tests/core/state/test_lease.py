"""One run a district at a time: whoever comes second is told who is first, and whoever stops is overtaken."""

from __future__ import annotations

import datetime
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import pytest
import sqlalchemy as sa
from crowd import PROGRAM, together

from syncrun.clock import SystemClock
from syncrun.errors import LeaseBusyError, LeaseLostError
from syncrun.state import lease
from syncrun.state.lease import held
from syncrun.state.model import leases

CLOCK = SystemClock()


def row(engine: sa.Engine) -> sa.Row[tuple[object, ...]]:
    """The lease as it stands in the database."""
    with engine.connect() as connection:
        return connection.execute(sa.select(leases)).one()


def change(engine: sa.Engine, **values: object) -> None:
    """Change the lease behind everybody's back."""
    with engine.begin() as connection:
        connection.execute(sa.update(leases).values(**values))


def in_a_moment(so: Callable[[], bool]) -> None:
    """Wait until it is so."""
    until = time.monotonic() + 10
    while not so():
        assert time.monotonic() < until
        time.sleep(0.02)


# -- taking --------------------------------------------------------------------------------------------------------------


def test_second_is_refused_and_told_who_is_first(state_engine: sa.Engine) -> None:
    with held(state_engine, "riverside", "run-1", CLOCK):
        with pytest.raises(LeaseBusyError) as raised, held(state_engine, "riverside", "run-2", CLOCK):
            pass
        assert (raised.value.exit_code, raised.value.code) == (75, "E-LEASE-1")
        since = row(state_engine).taken_at.strftime("%H:%M:%S")
        assert raised.value.message == (
            f"Another run of district riverside is at work: run run-1, process {os.getpid()} on {socket.gethostname()}, "
            f"since {since} UTC."
        )


def test_moment_is_told_in_utc_wherever_the_server_is(state_engine: sa.Engine) -> None:
    if state_engine.dialect.name == "postgresql":
        with state_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            name = connection.execute(sa.text("SELECT current_database()")).scalar()
            connection.execute(sa.text(f"ALTER DATABASE {name} SET timezone = 'Asia/Kathmandu'"))
    before = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    with held(state_engine, "riverside", "run-1", CLOCK), pytest.raises(LeaseBusyError) as raised:
        lease._take(state_engine, "riverside", "run-2", CLOCK)
    told = raised.value.message.rpartition("since ")[2].removesuffix(" UTC.")
    moments = {(before + datetime.timedelta(seconds=n)).strftime("%H:%M:%S") for n in range(5)}
    assert told in moments


def test_epoch_grows_with_each_taking_and_never_falls(state_engine: sa.Engine) -> None:
    epochs = []
    for n in range(3):
        with held(state_engine, "riverside", f"run-{n}", CLOCK) as found:
            epochs.append(found.epoch)
    assert epochs == [1, 2, 3]


def test_districts_do_not_wait_for_each_other(state_engine: sa.Engine) -> None:
    with held(state_engine, "riverside", "run-1", CLOCK), held(state_engine, "lakeside", "run-2", CLOCK) as other:
        assert other.epoch == 1


def test_lease_is_let_go_also_when_the_run_fails(state_engine: sa.Engine) -> None:
    with pytest.raises(ValueError, match="boom"), held(state_engine, "riverside", "run-1", CLOCK):
        raise ValueError("boom")
    found = row(state_engine)
    assert (found.run, found.pid, found.expires_at, found.epoch) == (None, None, None, 1)


def test_state_that_is_gone_at_the_end_does_not_hide_how_the_run_ended(state_engine: sa.Engine) -> None:
    def lose() -> None:
        with state_engine.begin() as connection:
            connection.execute(sa.text("DROP TABLE leases"))
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"), held(state_engine, "riverside", "run-1", CLOCK):
        lose()


# -- overtaking ----------------------------------------------------------------------------------------------------------


def test_lease_that_ran_out_is_taken_over_with_a_higher_epoch(state_engine: sa.Engine) -> None:
    with held(state_engine, "riverside", "run-1", CLOCK):
        change(state_engine, expires_at=datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
        with held(state_engine, "riverside", "run-2", CLOCK) as second:
            assert second.epoch == 2


def test_run_on_another_machine_is_believed_until_its_lease_runs_out(state_engine: sa.Engine) -> None:
    with held(state_engine, "riverside", "run-1", CLOCK):
        change(state_engine, host="elsewhere", pid=1, born="0")
        with pytest.raises(LeaseBusyError, match="on elsewhere"):
            lease._take(state_engine, "riverside", "run-2", CLOCK)


def test_number_of_a_process_that_another_has_now_is_not_taken_for_it(state_engine: sa.Engine) -> None:
    with held(state_engine, "riverside", "run-1", CLOCK):
        change(state_engine, pid=os.getpid(), born="1")
        assert lease._take(state_engine, "riverside", "run-2", CLOCK) == 2


@pytest.fixture
def holder(database_url: str, tmp_path: Path) -> Iterator[Callable[[float], subprocess.Popen[str]]]:
    """Starts a process that takes the lease."""
    started: list[subprocess.Popen[str]] = []

    def start(seconds: float) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, PROGRAM, "hold", database_url, tmp_path / "state-home", str(seconds)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(process)
        assert read(process).startswith("epoch ")
        return process

    yield start
    for process in started:
        process.kill()
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()
        process.wait()


def read(process: subprocess.Popen[str]) -> str:
    """The next line that a process prints."""
    stream: IO[str] | None = process.stdout
    assert stream is not None
    return stream.readline().strip()


def ask(process: subprocess.Popen[str]) -> str:
    """Whether the lease is still the holder's."""
    assert process.stdin is not None
    process.stdin.write("?\n")
    process.stdin.flush()
    return read(process)


@pytest.mark.parametrize("reaped", [True, False], ids=["gone", "gone and nobody asked how it ended"])
def test_dead_holder_on_this_machine_is_overtaken_at_once(
    holder: Callable[[float], subprocess.Popen[str]],
    state_engine: sa.Engine,
    reaped: bool,  # noqa: FBT001 # a parameter
) -> None:
    process = holder(3600)
    with pytest.raises(LeaseBusyError, match=f"process {process.pid} "):
        lease._take(state_engine, "riverside", "run-2", CLOCK)
    process.kill()
    if reaped:
        process.wait()
    else:
        in_a_moment(lambda: Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z")
    assert lease._take(state_engine, "riverside", "run-2", CLOCK) == 2


# -- keeping -------------------------------------------------------------------------------------------------------------


def test_lease_is_renewed_for_as_long_as_the_run_works(
    state_engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "SECONDS", 0.8)
    with held(state_engine, "riverside", "run-1", CLOCK) as found:
        first = row(state_engine).expires_at
        time.sleep(1.5)
        found.confirm()
        assert row(state_engine).expires_at > first
        with pytest.raises(LeaseBusyError):
            lease._take(state_engine, "riverside", "run-2", CLOCK)


def test_run_that_was_overtaken_notices(state_engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "SECONDS", 2)
    with held(state_engine, "riverside", "run-1", CLOCK) as found:
        change(state_engine, epoch=2, run="run-2")
        in_a_moment(found.lost.is_set)
        with pytest.raises(LeaseLostError) as raised:
            found.confirm()
        assert raised.value.exit_code == 75
    assert row(state_engine).run == "run-2"


def test_run_that_cannot_renew_stops_before_another_may_begin(
    state_engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "SECONDS", 0.8)
    with held(state_engine, "riverside", "run-1", CLOCK) as found:
        until = row(state_engine).expires_at
        with state_engine.begin() as connection:
            connection.execute(sa.text("ALTER TABLE leases RENAME TO hidden"))
        found.confirm()
        while CLOCK.now() <= until:
            time.sleep(0.02)
        with pytest.raises(LeaseLostError):
            found.confirm()
        in_a_moment(found.lost.is_set)


def test_run_whose_renewing_fails_in_an_unforeseen_way_counts_as_lost(
    state_engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "SECONDS", 0.4)
    monkeypatch.setattr(threading, "excepthook", lambda arguments: None)

    def fail(*_: object) -> bool:
        raise RuntimeError

    monkeypatch.setattr(lease, "_renewed", fail)
    with held(state_engine, "riverside", "run-1", CLOCK) as found:
        in_a_moment(found.lost.is_set)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_frozen_run_knows_at_once_when_it_wakes(
    holder: Callable[[float], subprocess.Popen[str]], state_engine: sa.Engine
) -> None:
    process = holder(1)
    assert ask(process) == "ours"
    process.send_signal(signal.SIGSTOP)
    time.sleep(1.3)
    assert process.stdin is not None
    process.stdin.write("?\n")
    process.stdin.flush()
    process.send_signal(signal.SIGCONT)
    assert read(process) == "E-LEASE-2"


# -- racing --------------------------------------------------------------------------------------------------------------


def test_of_ten_threads_one_wins(state_engine: sa.Engine) -> None:
    barrier = threading.Barrier(10)

    def take(n: int) -> int:
        barrier.wait()
        try:
            return lease._take(state_engine, "riverside", f"run-{n}", CLOCK)
        except LeaseBusyError:
            return 0

    with ThreadPoolExecutor(10) as pool:
        assert sorted(pool.map(take, range(10))) == [0] * 9 + [1]


@pytest.mark.timeout(150)
def test_of_ten_processes_one_wins(database_url: str, state_engine: sa.Engine, tmp_path: Path) -> None:
    found = together("lease", database_url, tmp_path / "state-home", 10)
    assert sorted(each.get("epoch", 0) for each in found) == [0] * 9 + [1]
    assert all("district riverside is" in each["busy"] for each in found if "epoch" not in each)
