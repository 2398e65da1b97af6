"""A run that stops itself at a point, as a machine does that is put to sleep, and goes on when it is told (SIGCONT).

    python frozen.py DISTRICT_FILE POINT NUMBER SECONDS

It stops when it comes to a point (see `POINTS`) for the so-maniest time, with a lease that has so many seconds left.
Prints how it ended, as JSON.
"""

# ruff: noqa: T201 # a program of its own prints

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

from gradebook import FencedGradebook
from kill_sweep import small_chunks

import syncrun.run.applying
import syncrun.run.runner
import syncrun.sdk.sql.ledger
from syncrun.clock import SystemClock
from syncrun.config.district import home, load
from syncrun.registry import Registry
from syncrun.run.runner import sync
from syncrun.run.session import Session
from syncrun.sdk.file.sink import FileSink
from syncrun.sdk.sql.sink import SqlSink
from syncrun.state import lease
from syncrun.state.database import open_state
from syncrun.state.store import State

POINTS: dict[str, tuple[Any, str, bool]] = {
    "before a chunk": (SqlSink, "apply_bulk", False),
    "in a chunk": (syncrun.sdk.sql.ledger, "hold", True),
    "after a chunk": (SqlSink, "apply_bulk", True),
    "before a row": (FencedGradebook, "_one", False),
    "before it publishes": (FileSink, "publish", False),
    "before it is accepted": (syncrun.run.applying, "intend", False),
    "before it is on record": (syncrun.run.applying, "_record", False),
    "before it ends": (syncrun.run.runner, "conclude", False),
}
"""What is called there, and whether the run stops behind it rather than before it."""


class Sleeper:
    """Stops this process, once."""

    def __init__(self, number: int, seconds: float, state: State) -> None:
        self.number, self.seconds, self.state = number, seconds, state
        self.held: lease.Lease | None = None

    def come(self) -> None:
        """A point is there."""
        self.number -= 1
        if self.number == 0:
            assert self.held
            lease.SECONDS = self.seconds  # type: ignore[assignment] # parts of a second, too
            until = time.monotonic() + self.seconds
            lease._renewed(self.state.engine, self.held, self.state.clock)
            self.held.until = until
            os.kill(os.getpid(), signal.SIGSTOP)

    def wire(self, owner: Any, name: str, *, behind: bool) -> None:
        """Stop before or behind a function; and learn of the lease."""
        function, held = getattr(owner, name), lease.held

        def called(*arguments: Any, **named: Any) -> Any:
            if not behind:
                self.come()
            found = function(*arguments, **named)
            if behind:
                self.come()
            return found

        @contextlib.contextmanager
        def known(*arguments: Any) -> Iterator[lease.Lease]:
            with held(*arguments) as found:
                self.held = found
                yield found

        setattr(owner, name, called)
        lease.held = known


def main(district_file: str, point: str, number: int, seconds: float) -> None:
    """Run the district once."""
    registry, state = Registry(), State(open_state(home()), SystemClock())
    owner, name, behind = POINTS[point]
    Sleeper(number, seconds, state).wire(owner, name, behind=behind)
    result = sync(Session(load(district_file, registry), registry, state, "tester"))
    errors: dict[str, Any] = result.summary.get("errors", {})
    codes = sorted({each["code"] for each in errors.values()} | ({result.error.code} if result.error else set()))
    print(json.dumps({"run": result.run, "code": result.exit_code, "codes": codes}))


if __name__ == "__main__":
    small_chunks()
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
