"""CSV as RFC 4180 has it, read with Python's library where a file is gone through line by line."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager

MAX_LINE = 1 << 21
"""Longer lines are no rows; the engine's own limit is about the same."""
ENDS = "\r\n"


@contextmanager
def long_cells() -> Iterator[None]:
    """Let the library read cells as long as a line may be; it raises at 128 KB otherwise."""
    limit = csv.field_size_limit(MAX_LINE)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def cells(line: str) -> list[str]:
    """The cells of one line, whatever it is; nothing for a blank one."""
    with long_cells():
        return next(csv.reader([line]), [])
