"""Asking a run to end: it is said once, and the run ends at the next moment at which nothing is half done.

While a run sends to sinks, that is between two chunks; while it only reads and plans, it is at once.
"""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Callable
from typing import TypeVar

from syncrun.errors import StoppedError

T = TypeVar("T")


class BrokenOffError(KeyboardInterrupt):
    """Ends what may be broken off. It is an interrupt, so that whatever lets Ctrl-C pass lets this pass: plug-ins are
    not blamed for it, drivers cancel their queries, and nothing tries again."""


class Stop:
    """Whether a run was asked to end. `asked` says so from then on, `has_broken_off` that something was broken off."""

    def __init__(self) -> None:
        self.asked = False
        self.has_broken_off = False
        # whose `put` may interrupt its own `get`; an Event that is set by a handler while it is waited for may lock itself
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._may_break_off = False

    def ask(self) -> None:
        """Ask the run to end, from the thread that runs it; a signal handler may. Raises `BrokenOffError` when the run is
        where it may be broken off."""
        self.asked = True
        self._bell.put(None)
        if self._may_break_off:
            self._may_break_off, self.has_broken_off = False, True
            raise BrokenOffError

    def confirm(self) -> None:
        """Raise `StoppedError` when the run was asked to end; asked wherever it can go on later."""
        if self.asked:
            raise StoppedError("The run was asked to end.")

    def pause(self, seconds: float) -> None:
        """Wait; raises `StoppedError` as soon as the run is asked to end."""
        self.confirm()
        with contextlib.suppress(queue.Empty):
            self._bell.get(timeout=max(seconds, 0))
        self.confirm()

    def at_once(self, work: Callable[[], T]) -> T:
        """Do what may be broken off at any moment; raises `StoppedError` when it was.

        A function, since a signal can come between any two steps: also between a `with` and its block.
        """
        try:
            try:
                self._may_break_off = True
                self.confirm()
                found = work()
            finally:
                self._may_break_off = False
        except (Exception, BrokenOffError):
            if self.has_broken_off:  # whatever was made of it on the way: DuckDB raises a RuntimeError in its place
                self.confirm()
            raise
        self.confirm()
        return found
