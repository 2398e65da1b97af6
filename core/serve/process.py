"""Runs as child processes of this one, each with real limits: it can be ended whatever it does.

A process holds a lock on a file of its task as long as it lives, also when the server that began it was killed: so another
server of this machine knows that the task is at work.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import queue
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from syncrun.serve.executor import BusyError, Cause, Ended, Limits, Task

LOOK_SECONDS = 0.5
"""How often time and memory of processes are looked at."""
MILLION = 1_000_000


def command(arguments: Sequence[str]) -> list[str]:
    """The command line of a task."""
    return [sys.executable, "-m", "syncrun", *arguments]


@dataclass(slots=True)
class _Child:
    process: subprocess.Popen[bytes]
    lock: int
    until: float
    cause: Cause = "ended"
    kill_at: float | None = None


class Processes:
    """An executor on this machine. `folder` is where the locks are; `environment` is that of the processes."""

    def __init__(
        self, folder: Path, limits: Limits, environment: Mapping[str, str] = os.environ, *,
        command: Callable[[Sequence[str]], list[str]] = command,
    ) -> None:  # fmt: skip
        self._folder, self._limits, self._environment, self._command = folder, limits, dict(environment), command
        self._children: dict[str, _Child] = {}
        self._over: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    @property
    def at_work(self) -> Collection[str]:
        """The keys of tasks that are at work."""
        return self._children.keys()

    def is_free(self, key: str) -> bool:
        """Whether nobody holds the lock of a task."""
        try:
            os.close(self._locked(key))
        except BusyError:
            return False
        return True

    def begin(self, task: Task) -> None:
        """Begin a task. Raises `BusyError` when its lock is held, `OSError` when no process can be made."""
        lock = self._locked(task.key)
        try:
            process = subprocess.Popen(  # noqa: S603 # ourselves
                self._command(task.arguments), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                env=self._environment, pass_fds=(lock,), start_new_session=True,  # Ctrl-C is ours to pass on
            )  # fmt: skip
        except OSError:
            os.close(lock)
            raise
        self._bound(process)
        self._children[task.key] = _Child(process, lock, time.monotonic() + 60 * self._limits.minutes)
        threading.Thread(target=self._await, args=(task.key, process), daemon=True).start()

    def ended(self, seconds: float) -> list[Ended]:
        """What ended since. Looks at limits meanwhile."""
        until = time.monotonic() + seconds
        found: list[Ended] = []
        while True:
            self._watch()
            left = until - time.monotonic()
            with contextlib.suppress(queue.Empty):
                key = self._over.get(timeout=max(0.0, min(left, LOOK_SECONDS if self._children else left)))
                if key is None:
                    return found
                found.append(self._closed(key))
                while not self._over.empty():
                    key = self._over.get()
                    found += [self._closed(key)] if key else []
                return found
            if left <= 0:
                return found

    def wake(self) -> None:
        """Let `ended` come back."""
        self._over.put(None)

    def stop(self) -> list[Ended]:
        """Ask all to end with SIGTERM; after the time of grace, make them."""
        for child in self._children.values():
            self._ask(child)
        found: list[Ended] = []
        while self._children:
            found += self.ended(LOOK_SECONDS)
        return found

    def _await(self, key: str, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        self._over.put(key)

    def _closed(self, key: str) -> Ended:
        child = self._children.pop(key)
        os.close(child.lock)
        return Ended(key, child.process.wait(), child.cause)

    def _watch(self) -> None:
        """Ask those to end that take too long; end those that take too much memory or were asked too long ago."""
        now = time.monotonic()
        for child in self._children.values():
            if child.kill_at is None and now > child.until:
                child.cause = "too long"
                self._ask(child)
            if _memory(child.process.pid) > self._limits.memory_mb * MILLION:
                child.cause, child.kill_at = "too large", now
            if child.kill_at is not None and now >= child.kill_at:
                child.process.kill()

    def _ask(self, child: _Child) -> None:
        if child.kill_at is None:
            child.kill_at = time.monotonic() + self._limits.grace_seconds
            child.process.terminate()

    def _bound(self, process: subprocess.Popen[bytes]) -> None:
        """A bound that the kernel keeps, should memory grow faster than it is looked at; not on every system."""
        if hasattr(resource, "prlimit"):
            most = 2 * max(self._limits.memory_mb, 1024) * MILLION
            with contextlib.suppress(OSError):
                resource.prlimit(process.pid, resource.RLIMIT_DATA, (most, most))

    def _locked(self, key: str) -> int:
        """The lock of a task, held. Raises `BusyError` when it is held already."""
        name = hashlib.sha256(key.encode()).hexdigest()[:32]
        lock = os.open(self._folder / f"{name}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise BusyError from None
        return lock


def _memory(pid: int) -> int:
    try:
        found: int = psutil.Process(pid).memory_info().rss
    except psutil.Error:
        return 0
    return found
