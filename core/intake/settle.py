"""Whether files are still being written: two looks at them, some moments apart where they are young.

A file that is quiet for long is looked at without any wait, so that a nightly run loses nothing.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from syncrun.clock import Clock, SystemClock
from syncrun.errors import ArrivingError
from syncrun.intake.scan import stamp


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a file must have been quiet, in seconds, before it is taken for whole; 0 never waits."""

    seconds: float = 0
    clock: Clock = field(default_factory=SystemClock)
    pause: Callable[[float], None] = time.sleep


@contextlib.contextmanager
def steady(paths: Iterable[Path], patience: Patience) -> Iterator[None]:
    """Look at the files before and after what is done with them; the second look comes no earlier than the youngest of
    them has been quiet for long enough. Raises `ArrivingError` when one is another by then."""
    first = {path: stamp(path) for path in paths}
    yield
    youngest = max((modified for _, modified, _ in first.values()), default=0) / 1e9
    rest = min(youngest - patience.clock.now().timestamp(), 0) + patience.seconds
    if rest > 0:
        patience.pause(rest)
    if any(stamp(path) != seen for path, seen in first.items()):
        raise ArrivingError("A file is still being written.")
