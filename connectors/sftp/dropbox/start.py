"""What follows a whole set: a run of its district, as a process of its own, when it is due and the first sync was
approved by a person."""

from __future__ import annotations

import asyncio
import collections
import datetime
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from syncrun.connectors.sftp.dropbox.account import Account
from syncrun.connectors.sftp.dropbox.schedule import Window, due

AT_ONCE = 2
"""Runs side by side; all districts' windows begin at one hour."""


def command(district: str) -> Sequence[str]:
    """The run of a district."""
    return (sys.executable, "-m", "syncrun", "--district", district)


class Starter:
    """Starts runs. A district whose first sync nobody approved gets none; one that waits for its window gets one for all
    sets that come meanwhile; two never run side by side."""

    def __init__(
        self, approved: Callable[[str], bool], window: Window | None, *,
        now: Callable[[], datetime.datetime], pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
        command: Callable[[str], Sequence[str]] = command, ended: Callable[[str, int], None] = lambda district, code: None,
    ) -> None:  # fmt: skip
        self._approved, self._window, self._now, self._pause = approved, window, now, pause
        self._command, self._ended = command, ended
        self._waiting: set[str] = set()
        self._busy: dict[str, asyncio.Lock] = collections.defaultdict(asyncio.Lock)
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def __call__(self, account: Account, files: tuple[Path, ...]) -> None:
        """A whole set of the account is ready."""
        district = account.district
        if district in self._waiting or not await asyncio.to_thread(self._approved, district):
            return
        self._waiting.add(district)
        try:
            await self._pause(due(self._now(), self._window))
            await self._busy[district].acquire()
        finally:
            self._waiting.discard(district)
        try:
            async with self._slots:
                process = await asyncio.create_subprocess_exec(
                    *self._command(district), stdin=asyncio.subprocess.DEVNULL
                )
                self._ended(district, await process.wait())
        finally:
            self._busy[district].release()
