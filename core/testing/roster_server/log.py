"""What was asked of a server, without secrets, and the figures that tests look at."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One request that was answered, though its answer may have been cut. `query` is as it was sent, and blank for the
    token endpoint, where it may hold a secret; `word` names the records that were asked for, as `students`."""

    method: str
    path: str
    query: str
    status: int
    authorised: bool
    when: datetime.datetime
    word: str = ""
    token: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """How many requests there were: all, for tokens, answered with records, and refused or failed in each way."""

    total: int
    tokens: int
    answered: int
    unauthorised: int
    forbidden: int
    throttled: int
    failed: int


def figures(log: Iterable[Entry]) -> Figures:
    """The figures of a log."""
    entries = list(log)
    records = [each.status for each in entries if not each.token]
    return Figures(
        total=len(entries), tokens=len(entries) - len(records), answered=records.count(200),
        unauthorised=records.count(401), forbidden=records.count(403), throttled=records.count(429),
        failed=sum(status >= 500 for status in records),
    )  # fmt: skip
