"""Making the next thing while the last one is being worked on."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def ahead_of(items: Iterator[Item], stop: threading.Event) -> Generator[Item, None, None]:
    """The items, each next one made by a thread while the caller has the former; never more than one ahead.

    Errors come where the item would have come. When the iterator is closed or ends, `stop` is set and the thread is
    waited for.
    """
    with ThreadPoolExecutor(1, "syncrun-page") as thread:
        try:
            coming = thread.submit(next, items, None)
            while (item := coming.result()) is not None:
                coming = thread.submit(next, items, None)
                yield item
        finally:
            stop.set()
