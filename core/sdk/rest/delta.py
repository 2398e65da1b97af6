"""Asking for what changed since a moment, and checking that the other side understood (OneRoster 1.2, REST, filtering)."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

OVERLAP = datetime.timedelta(minutes=10)
"""How far back a delta reaches behind the last pull's beginning: clocks differ, and transactions end late."""


def window(since: datetime.datetime, overlap: datetime.timedelta = OVERLAP) -> datetime.datetime:
    """The moment from which to ask again, for a last good pull that began at `since`."""
    return since.astimezone(datetime.UTC) - overlap


def changed_since(since: datetime.datetime) -> str:
    """The filter for records that changed at or after a moment, to be escaped by `query`:
    `dateLastModified>='2024-09-01T00:00:00.000Z'`. Milliseconds are cut, which asks for a little more, never less."""
    text = since.astimezone(datetime.UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
    return f"dateLastModified>='{text}Z'"


def fits(record: Mapping[str, Any], since: datetime.datetime) -> bool:
    """Whether a record may be in the answer to `changed_since`. One that does not fit shows that the other side did not
    filter. A record without a readable date does not fit; a date without a time stands for its whole day."""
    text = record.get("dateLastModified")
    if not isinstance(text, str):
        return False
    try:
        found = datetime.datetime.fromisoformat(text.strip())
    except ValueError:
        return False
    if len(text.strip()) <= len("2024-09-01"):
        found = found.replace(hour=23, minute=59, second=59, microsecond=999_999)
    found = found.replace(tzinfo=found.tzinfo or datetime.UTC).astimezone(datetime.UTC)
    since = since.astimezone(datetime.UTC)
    return found >= since.replace(microsecond=since.microsecond // 1000 * 1000)
