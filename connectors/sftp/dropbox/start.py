"""What follows a whole set: a run of its district, as a process of its own, when it is due and the first sync was
approved by a person.

What is not done with yet is begun again: by itself when a run says so, and by the server's next start when the server was
stopped meanwhile. A run that is begun once too often finds nothing to do.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import datetime
import fcntl
import hashlib
import itertools
import os
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

from syncrun.connectors.sftp.dropbox.account import Account
from syncrun.connectors.sftp.dropbox.schedule import Window, due
from syncrun.errors import (
    EXIT_DEGRADED,
    EXIT_DONE,
    EXIT_FAULT,
    EXIT_HELD,
    EXIT_REFUSED,
    EXIT_RETRY,
    SyncError,
)

AT_ONCE = 2
"""Runs side by side; all districts' windows begin at one hour."""
FINAL = frozenset({EXIT_DONE, EXIT_REFUSED, EXIT_HELD, EXIT_DEGRADED, EXIT_FAULT})
"""How a run may end that the same files would give again. After all others it is tried again: it asked for that, or was
killed."""
PAUSES = (60.0, 120.0, 240.0, 480.0, 960.0, *[1800.0] * 19)
"""Seconds between one try and the next; with a window of two hours they reach over five evenings."""


def command(district: str) -> Sequence[str]:
    """The run of a district."""
    return (sys.executable, "-m", "syncrun", "--district", district)


def untold(district: str, code: int, again: float | None) -> None:
    """Nobody hears how a run ended."""


class Starter:
    """Starts runs. Sets that come before one begins share it; two of a district never run side by side, even when a server
    that was killed left one behind: `running` is a folder with a lock a district, which the run holds too.

    Whether the first sync was done is asked when a run would begin. A set for which it was not begins none, then or later.
    `ended` is told of each run: its district, its exit code, and in how many seconds it is tried again, if it is.
    """

    def __init__(
        self, approved: Callable[[str], bool], window: Window | None, running: Path, *,
        now: Callable[[], datetime.datetime], pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
        command: Callable[[str], Sequence[str]] = command, pauses: Sequence[float] = PAUSES,
        ended: Callable[[str, int, float | None], None] = untold,
    ) -> None:  # fmt: skip
        self._approved, self._window, self._running, self._now = approved, window, running, now
        self._pause, self._command, self._pauses, self._ended = pause, command, pauses, ended
        self._order = itertools.count(1)
        # by district, when in that order the last run began that is done with
        self._read: dict[str, int] = collections.defaultdict(int)
        self._busy: dict[str, asyncio.Lock] = collections.defaultdict(asyncio.Lock)
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def __call__(self, account: Account, files: tuple[Path, ...]) -> None:
        """A whole set of the account is ready. Comes back when it was dealt with."""
        district, came = account.district, next(self._order)
        async with self._busy[district]:
            if self._read[district] < came:  # else the run of an older set began after this one came, and read it
                await self._try(district)

    async def _try(self, district: str) -> None:
        for again in (*self._pauses, None):
            await self._pause(due(self._now(), self._window))
            async with self._slots:
                began = next(self._order)
                code = await self._run(district)
            if code is None:
                return
            if code in FINAL:
                self._read[district] = began
                self._ended(district, code, None)
                return
            self._ended(district, code, again)
            if again is not None:
                await self._pause(again)

    async def _run(self, district: str) -> int | None:
        """A run's exit code; None when there must be none. It is asked to end when the server stops."""
        try:
            if not await asyncio.to_thread(self._approved, district):
                return None
            with self._alone(district) as lock:
                process = await asyncio.create_subprocess_exec(
                    *self._command(district), stdin=asyncio.subprocess.DEVNULL, pass_fds=(lock,)
                )
                try:
                    return await process.wait()
                except asyncio.CancelledError:
                    with contextlib.suppress(ProcessLookupError):
                        process.terminate()
                    await process.wait()
                    raise
        except (SyncError, OSError):  # the state or the machine has trouble now, or the lock is taken
            return EXIT_RETRY

    @contextlib.contextmanager
    def _alone(self, district: str) -> Iterator[int]:
        """A lock that is held as long as the run or this has it open. Raises `BlockingIOError` when another holds it."""
        name = hashlib.sha256(district.encode()).hexdigest()[:32]  # a district may be given as the path of its file
        lock = os.open(self._running / name, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield lock
        finally:
            os.close(lock)
