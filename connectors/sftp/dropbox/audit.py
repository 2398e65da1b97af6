"""A line of JSON for each thing that happened at the drop box: who, what, when and from where, never what was in it.

Names of accounts that do not exist are not written: people type passwords into the wrong field.
"""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Callable
from pathlib import Path


class Audit:
    """Appends to a file, mode 0600; each line is one write, so that lines of several never mix."""

    def __init__(self, path: Path, now: Callable[[], datetime.datetime]) -> None:
        self._now = now
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)

    def note(self, event: str, *, account: str | None, address: str, **facts: str | int) -> None:
        """Write a line."""
        told = {"when": self._now().isoformat(timespec="milliseconds"), "event": event, "account": account,
                "address": address, **facts}  # fmt: skip
        os.write(self._file, json.dumps(told).encode() + b"\n")

    def close(self) -> None:
        """No more lines come."""
        os.close(self._file)
