"""Given names beside given names, family names beside family names: how alike two are, from 0 to 1, and in which way.

Only the very same text is worth 1. What is written otherwise (marks, capitals, hyphens) is worth a little less, what is
called otherwise (a nickname, one of two family names) less again, what is misspelt less still.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from rapidfuzz.distance import OSA, JaroWinkler

from syncrun.matcher.nickname import groups
from syncrun.sdk import folded

PARTICLES = frozenset((
    "van", "von", "der", "den", "de", "del", "della", "di", "da", "do", "dos", "das", "du", "la", "las", "le", "les", "lo", "los", "el", "al", "ul", "bin", "ibn", "ben", "bint", "abu", "bou", "y", "e", "zu", "zur", "zum", "ter", "ten", "te", "af", "av", "st", "san", "santa", "mac", "mc", "ap", "o", "d",
))  # fmt: skip
"""Words in family names that come and go. `Mac` and `O` stand alone only where a blank has been typed in."""
SUFFIXES = frozenset((
    "jr", "sr", "ii", "iii", "iv", "junior", "senior",
))  # fmt: skip
_CACHED = 1 << 17


class Likeness(NamedTuple):
    """How alike two parts of a name are: `way` is one of `syncrun.sdk.match.CODES`."""

    value: float
    way: str


SAME = Likeness(1.0, "same")
WRITTEN = Likeness(0.98, "same")
JOINED = Likeness(0.96, "alike")
CORE = Likeness(0.94, "alike")
CALLED = Likeness(0.9, "alike")
PART = Likeness(0.88, "alike")
SHARED = Likeness(0.7, "close")
INITIAL = Likeness(0.75, "close")
SLIP = 0.7
ONE_OF_TWO = 0.78
"""What one word of two family names is worth at most when it is misspelt."""
NOTHING = Likeness(0.0, "other")


@lru_cache(maxsize=_CACHED)
def words(text: str) -> tuple[str, ...]:
    """The words of a name, folded, without suffixes."""
    found = tuple(folded(text).split())
    return tuple(each for each in found if each not in SUFFIXES) or found


@lru_cache(maxsize=_CACHED)
def core(text: str) -> tuple[str, ...]:
    """The words of a family name without particles, unless there is nothing else: `van der Berg` gives `berg`, as does
    `Al-Berg`."""
    found = words(text)
    return tuple(each for each in found if each not in PARTICLES) or found


def misspelt(one: str, other: str) -> float:
    """How likely two words are one with a slip of the pen: from `SLIP` for one letter in four or more, two in eight or
    more, or a few more towards the end of long ones; less for other words."""
    shorter = min(len(one), len(other))
    if shorter < 3:
        return 0.0
    most = 1 if shorter < 8 else 2
    if shorter >= 4:
        apart = OSA.distance(one, other, score_cutoff=most)
        if apart <= most:
            return 0.86 - 0.04 * apart
    likeness = JaroWinkler.similarity(one, other)
    return 0.8 * likeness if likeness >= 0.93 else 0.4 * likeness


def _judged(value: float) -> Likeness:
    return Likeness(round(value, 2), "close" if value >= SLIP else "other")


@lru_cache(maxsize=_CACHED)
def family(one: str, other: str) -> Likeness:
    """How alike two family names are."""
    if one == other:
        return SAME
    ours, theirs = words(one), words(other)
    if ours == theirs:
        return WRITTEN
    if "".join(ours) == "".join(theirs):
        return JOINED
    ours, theirs = core(one), core(other)
    if ours == theirs or "".join(ours) == "".join(theirs):
        return CORE
    shared = set(ours) & set(theirs)
    if shared and (shared == set(ours) or shared == set(theirs)):
        return PART
    if shared:
        return SHARED
    if len(ours) == len(theirs) == 1:
        return _judged(misspelt(ours[0], theirs[0]))
    parts = max(misspelt(mine, other) for mine in ours for other in theirs)
    return _judged(max(misspelt("".join(ours), "".join(theirs)), min(parts, ONE_OF_TWO)))


@lru_cache(maxsize=_CACHED)
def given(one: str, other: str) -> Likeness:
    """How alike two given names are; each may be several words."""
    if one == other:
        return SAME
    ours, theirs = words(one), words(other)
    if ours == theirs:
        return WRITTEN
    if not ours or not theirs:
        return NOTHING
    if "".join(ours) == "".join(theirs):
        return JOINED
    if ours[0] == theirs[0]:
        return CORE if len(ours) == 1 or len(theirs) == 1 else CALLED
    if groups(ours[0]) & groups(theirs[0]) or groups("".join(ours)) & groups("".join(theirs)):
        return CALLED
    if len(ours) + len(theirs) > 2 and (set(ours) <= set(theirs) or set(theirs) <= set(ours)):
        return PART
    if min(len(ours[0]), len(theirs[0])) == 1 and ours[0][0] == theirs[0][0]:
        return INITIAL
    if len(ours) == len(theirs) == 1:
        return _judged(misspelt(ours[0], theirs[0]))
    return _judged(max(misspelt("".join(ours), "".join(theirs)), misspelt(ours[0], theirs[0])))
