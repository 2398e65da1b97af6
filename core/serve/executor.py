"""Who carries runs out. A service begins tasks and asks what has ended; where they are at work is not known to it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Cause = Literal["ended", "too long", "too large"]


class BusyError(Exception):
    """The task of this key is still at work; another server began it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What runs may take: `at_once` runs side by side, `per_source` of them from one server, each `memory_mb` millions of
    bytes and `minutes`; `grace_seconds` after being asked to end."""

    at_once: int = 2
    per_source: int = 2
    memory_mb: int = 4096
    minutes: float = 360
    grace_seconds: float = 60


@dataclass(frozen=True, slots=True)
class Task:
    """A command of `syncrun` to carry out: `arguments` are what follows its name. No two of one `key` are at work at
    once."""

    key: str
    arguments: Sequence[str]


@dataclass(frozen=True, slots=True)
class Ended:
    """A task that is not at work any more. `exit_code` is negative for the number of a signal; `cause` says whether it was
    ended for a limit."""

    key: str
    exit_code: int
    cause: Cause = "ended"


class Executor(Protocol):
    """Carries tasks out, each apart from the others."""

    def begin(self, task: Task) -> None:
        """Begin a task. Raises `BusyError` when one of its key is at work, `OSError` when the machine cannot."""

    def is_free(self, key: str) -> bool:
        """Whether no task of this key is at work here, whoever began it."""

    @property
    def at_work(self) -> Collection[str]:
        """The keys of tasks that were begun here and not given back by `ended` yet."""

    def ended(self, seconds: float) -> list[Ended]:
        """The tasks that ended since this was asked last. Waits for one so many seconds at most, or until `wake`."""

    def wake(self) -> None:
        """Let `ended` come back at once; may be called in a signal handler."""

    def stop(self) -> list[Ended]:
        """Ask all tasks to end, and make those end that do not in time; how each ended."""
