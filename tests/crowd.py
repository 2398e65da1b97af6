"""Several processes at once, for tests of what they share. A program of its own: it forks from a process that has
opened nothing yet.

    python crowd.py open|lease URL HOME COUNT     COUNT processes do it at the same moment; a JSON list of results
    python crowd.py killed URL HOME STATEMENT     open the state, and die at the so-maniest statement
    python crowd.py hold URL HOME SECONDS         take a lease; for each line read say whether it is still ours
"""

# ruff: noqa: T201 # a program of its own prints

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command

from syncrun.clock import SystemClock
from syncrun.errors import LeaseBusyError, SyncError
from syncrun.state import lease
from syncrun.state.database import open_state
from syncrun.state.store import State

FORK = multiprocessing.get_context("fork")
PROGRAM = Path(__file__)


def together(*arguments: object) -> Any:
    """Run this program; what it found. For tests."""
    done = subprocess.run(
        [sys.executable, PROGRAM, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def opened(url: str, home: Path) -> State:
    """The state."""
    return State(open_state(home, {"SYNCRUN_DATABASE_URL": url} if url else {}), SystemClock())


def open_at_once(url: str, home: Path, barrier: Barrier) -> dict[str, Any]:
    """Open a new state: whether this process migrated it, and whom it takes itself for."""
    upgraded = []
    upgrade = command.upgrade
    command.upgrade = lambda *arguments: upgraded.append(upgrade(*arguments))
    barrier.wait()
    state = opened(url, home)
    return {"migrated": len(upgraded), "owner": state.owner()}


def take_at_once(url: str, home: Path, barrier: Barrier) -> dict[str, Any]:
    """Take a lease and keep it until all have tried."""
    state = opened(url, home)
    barrier.wait()
    try:
        with lease.held(state.engine, "riverside", f"run-{os.getpid()}", state.clock) as found:
            barrier.wait()
            return {"epoch": found.epoch}
    except LeaseBusyError as error:
        barrier.wait()
        return {"busy": error.message}


def crowd(work: Any, url: str, home: Path, count: int) -> list[dict[str, Any]]:
    """The results of so many processes."""
    barrier, results = FORK.Barrier(count, timeout=60), FORK.SimpleQueue()

    def one() -> None:
        try:
            results.put(work(url, home, barrier))
        except SyncError as error:
            results.put({"error": str(error.as_dict())})

    processes = [FORK.Process(target=one) for _ in range(count)]
    for process in processes:
        process.start()
    found = [results.get() for _ in processes]
    for process in processes:
        process.join()
    return found


def die_at(statement: int) -> None:
    """End this process as the kernel would, before the so-maniest statement."""
    seen = 0

    def count(*_: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == statement:
            os.kill(os.getpid(), signal.SIGKILL)

    sa.event.listen(sa.Engine, "before_cursor_execute", count)


def hold(url: str, home: Path, seconds: float) -> None:
    """Take a lease of so many seconds, and say for each line read whether it is still ours."""
    lease.SECONDS = seconds
    state = opened(url, home)
    with lease.held(state.engine, "riverside", "run-of-the-holder", state.clock) as found:
        print(f"epoch {found.epoch}", flush=True)
        for _ in sys.stdin:
            try:
                found.confirm()
                print("ours", flush=True)
            except SyncError as error:
                print(error.code, flush=True)


if __name__ == "__main__":
    what, url, home, number = sys.argv[1], sys.argv[2], Path(sys.argv[3]), float(sys.argv[4])
    if what == "killed":
        die_at(int(number))
        opened(url, home)
        print("lived")
    elif what == "hold":
        hold(url, home, number)
    else:
        print(json.dumps(crowd(open_at_once if what == "open" else take_at_once, url, home, int(number))))
