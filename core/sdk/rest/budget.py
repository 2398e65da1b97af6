"""How much a host is asked at once, how often, and when it is left alone; and how often a pull may repeat itself.

A host is one for all districts of a process: what one of them is told (too many requests, come back later) holds for
all.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

AT_ONCE = 4
CALM = 8
"""Good answers, for each request at once, after which one more is allowed again."""

Wait = Callable[[float], object]


class HostBudget:
    """At most `at_once` requests to a host at a time, at most `per_second` of them begun, and none while it is quiet.

    After a 429 half as many are allowed at once, down to one; each `CALM` good answers a place bring one back.
    """

    def __init__(
        self, at_once: int = AT_ONCE, per_second: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._free = threading.Condition()
        self._most = at_once
        self._allowed = at_once
        self._busy = 0
        self._good = 0
        self._gap = 1 / per_second if per_second else 0.0
        self._next = 0.0
        self._quiet_until = 0.0

    @property
    def allowed(self) -> int:
        """Requests that are allowed at once, at the moment."""
        return self._allowed

    @contextmanager
    def place(self, wait: Wait) -> Iterator[None]:
        """Hold a place for one request; `wait` is called with seconds where there is something to wait for, and may
        raise to give up."""
        with self._free:
            while self._busy >= self._allowed:
                self._free.wait()
            self._busy += 1
        try:
            while (seconds := self._due()) > 0:
                wait(seconds)
            yield
        finally:
            with self._free:
                self._busy -= 1
                self._free.notify_all()

    def _due(self) -> float:
        """Seconds until a request may begin; 0 takes the turn."""
        with self._free:
            now = self._clock()
            begin = max(self._quiet_until, self._next)
            if begin <= now:
                self._next = now + self._gap
                return 0.0
            return begin - now

    def quiet(self, seconds: float) -> None:
        """The host asked to be left alone for so long."""
        with self._free:
            self._quiet_until = max(self._quiet_until, self._clock() + seconds)

    def slow_down(self) -> None:
        """The host had too many requests: allow half as many at once."""
        with self._free:
            self._allowed = max(1, self._allowed // 2)
            self._good = 0

    def went_well(self) -> None:
        """A good answer: after enough of them, allow one more at once."""
        with self._free:
            self._good += 1
            if self._allowed < self._most and self._good >= CALM * self._allowed:
                self._allowed += 1
                self._good = 0
                self._free.notify_all()

    def tighten(self, at_once: int, per_second: float | None) -> None:
        """Take over bounds that are closer than those there are."""
        with self._free:
            self._most = min(self._most, at_once)
            self._allowed = min(self._allowed, self._most)
            self._gap = max(self._gap, 1 / per_second if per_second else 0.0)


_HOSTS: dict[str, HostBudget] = {}
_LOCK = threading.Lock()


def host_budget(host: str, at_once: int = AT_ONCE, per_second: float | None = None) -> HostBudget:
    """The budget of a host (with its port), one a process. Of several wishes the closest counts."""
    with _LOCK:
        found = _HOSTS.get(host)
        if found is None:
            found = _HOSTS[host] = HostBudget(at_once, per_second)
        else:
            found.tighten(at_once, per_second)
        return found


class PullBudget:
    """How often one pull may repeat itself: repeats are at most `share` of all that it sends, and at least `spare`.

    `seconds` bounds its whole time.
    """

    def __init__(
        self,
        spare: int = 20,
        share: float = 0.5,
        seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spare, self._share = spare, share
        self._clock = clock
        self._until = None if seconds is None else clock() + seconds
        self._lock = threading.Lock()
        self.sent = 0
        self.repeats = 0

    def send(self) -> None:
        """One more request goes out."""
        with self._lock:
            self.sent += 1

    def repeat(self) -> bool:
        """Take one repeat out of the budget; False where there is none left."""
        with self._lock:
            if self.repeats >= max(self._spare, self._share * self.sent):
                return False
            self.repeats += 1
            return True

    @property
    def over(self) -> bool:
        """Whether the pull's time is over."""
        return self._until is not None and self._clock() >= self._until
