"""School years: what they are called, and when they begin and end."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from functools import lru_cache

from syncrun.sdk import Form, MatchKind, Record, Score, folded

NEAR = datetime.timedelta(days=21)
"""Two lists may count the days before school, or not."""
_YEAR = re.compile(r"(?<!\d)(?:(20\d\d)|(\d\d))(?!\d)")


@lru_cache(maxsize=1 << 12)
def years(title: str) -> tuple[int, ...]:
    """The calendar years of a title: `2026-27`, `26/27` and `SY 2026-2027` are the same. A single one is the year in which
    the school year ends, as OneRoster's `schoolYear` has it."""
    found = [int(long or f"20{short}") for long, short in _YEAR.findall(title)]
    return (found[0] - 1, found[0]) if len(found) == 1 else tuple(found[:2])


class Years:
    """Titles and dates of school years; the mean of what is known of both."""

    kinds: Sequence[MatchKind] = ("years",)
    features = ("title", "startDate", "endDate")
    forms: Sequence[Form] = ()
    keys = ("'a'",)
    weight = 4.0

    def score(self, incoming: Record, existing: Record) -> Score | None:
        """How alike two school years are."""
        known = [found for found in (_titles(incoming["title"], existing["title"]),
                                     _days("startDate", incoming["startDate"], existing["startDate"]),
                                     _days("endDate", incoming["endDate"], existing["endDate"])) if found]  # fmt: skip
        if not known:
            return None
        return Score(round(sum(value for value, _ in known) / len(known), 4), tuple(reason for _, reason in known))


def _titles(one: str | None, other: str | None) -> tuple[float, str] | None:
    if one is None or other is None:
        return None
    if one == other:
        return 1.0, "same:title"
    if folded(one) == folded(other):
        return 0.98, "same:title"
    ours, theirs = years(one), years(other)
    if not ours or not theirs:
        return None
    return (0.95, "alike:title") if ours == theirs else (0.0, "other:title")


def _days(field: str, one: str | None, other: str | None) -> tuple[float, str] | None:
    if one is None or other is None:
        return None
    if one == other:
        return 1.0, f"same:{field}"
    try:
        apart = abs(datetime.date.fromisoformat(one[:10]) - datetime.date.fromisoformat(other[:10]))
    except ValueError:
        return None
    return (0.8, f"close:{field}") if apart <= NEAR else (0.0, f"other:{field}")
