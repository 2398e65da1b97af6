"""Classes by what is written of them. Which of two sections of one course is meant is told by their rosters, which the
engine compares, or else by teacher and period."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from rapidfuzz import fuzz

from syncrun.sdk import Form, MatchKind, Record, Score, folded

WORDS = {
    "alg": "algebra", "geom": "geometry", "eng": "english", "lang": "language", "la": "language arts", "ela": "english language arts",
    "sci": "science", "bio": "biology", "chem": "chemistry", "phys": "physics", "hist": "history", "soc": "social",
    "ss": "social studies", "pe": "physical education", "ed": "education", "math": "mathematics", "maths": "mathematics",
    "span": "spanish", "fr": "french", "gov": "government", "govt": "government", "econ": "economics", "lit": "literature",
    "intro": "introduction", "adv": "advanced", "hon": "honors", "hnrs": "honors", "h": "honors", "honours": "honors",
    "comp": "composition", "calc": "calculus", "trig": "trigonometry", "stats": "statistics", "stat": "statistics",
    "us": "united states", "psych": "psychology", "env": "environmental", "gr": "grade", "hr": "homeroom",
}  # fmt: skip
NOISE = frozenset((
    "the", "of", "and", "to", "in", "section", "sec", "class", "period", "per", "s",
))  # fmt: skip
_NUMERALS = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "a": "a", "b": "b"}
_ORDINAL = re.compile(r"^(\d+)(?:st|nd|rd|th)$")


@lru_cache(maxsize=1 << 16)
def spelled(title: str) -> tuple[str, ...]:
    """The words of a title, spelled out, without noise: `Alg. II (H)` gives `algebra`, `2`, `honors`."""
    out = []
    for word in folded(title).split():
        for each in WORDS.get(word, word).split():
            plain = _NUMERALS.get(each, _ORDINAL.sub(r"\1", each))
            plain = (plain.lstrip("0") or "0") if plain.isdecimal() else plain
            if plain not in NOISE:
                out.append(plain)
    return tuple(out)


def subject(title: str) -> str | None:
    """The longest word of a title, which both lists are likely to have."""
    return max(
        (each for each in spelled(title) if not each.isdecimal()), key=lambda each: (len(each), each), default=None
    )


class Sections:
    """Title, code, course, teachers and period of classes."""

    kinds: Sequence[MatchKind] = ("classes",)
    features = ("title", "classCode", "course", "teachers", "period", "school")
    forms = (Form("titleWord", "title", subject), Form("plainTitle", "title", lambda title: " ".join(sorted(spelled(title)))),
             Form("plainCode", "classCode", folded), Form("plainPeriod", "period", folded))  # fmt: skip
    keys = (
        "'c' || plainCode || '|' || coalesce(school, '')", "'t' || plainTitle || '|' || school",
        "'w' || titleWord || '|' || school || '|' || coalesce(period, '')",
        "'w' || titleWord || '|' || school || '|' || list_min(teachers)",
        "'w' || titleWord || '|' || school || '|' || list_max(teachers)",
    )  # fmt: skip
    weight = 5.0

    def score(self, incoming: Record, existing: Record) -> Score | None:
        """The mean, by weight, of what is known of both."""
        known = [
            found for found in (
                _titles(incoming["title"], existing["title"]),
                _equal("classCode", 3, incoming["plainCode"], existing["plainCode"]),
                _equal("course", 1, incoming["course"], existing["course"]),
                _teachers(incoming["teachers"], existing["teachers"]),
                _equal("period", 1.5, incoming["plainPeriod"], existing["plainPeriod"]),
                _equal("school", 2, incoming["school"], existing["school"]),
            ) if found
        ]  # fmt: skip
        if not known:
            return None
        value = sum(weight * value for weight, value, _ in known) / sum(weight for weight, _, _ in known)
        return Score(round(value, 4), tuple(reason for _, _, reason in known))


Part = tuple[float, float, str]
"""Weight, value, reason."""


def _equal(field: str, weight: float, one: str | None, other: str | None) -> Part | None:
    if one is None or other is None:
        return None
    return (weight, 1.0, f"same:{field}") if one == other else (weight, 0.0, f"other:{field}")


def _titles(one: str | None, other: str | None) -> Part | None:
    return None if one is None or other is None else _likeness(*sorted((one, other)))


@lru_cache(maxsize=1 << 18)
def _likeness(one: str, other: str) -> Part:
    if one == other:
        return 3, 1.0, "same:title"
    ours, theirs = spelled(one), spelled(other)
    if folded(one) == folded(other):
        return 3, 0.98, "same:title"
    if sorted(ours) == sorted(theirs):
        return 3, 0.95, "alike:title"
    if {each for each in ours if each.isdecimal()} != {each for each in theirs if each.isdecimal()}:
        return 3, 0.2, "other:title"  # Algebra 1 is not Algebra 2
    ratio = fuzz.token_set_ratio(" ".join(ours), " ".join(theirs)) / 100
    if ratio >= 0.95:
        return 3, 0.85, "alike:title"
    return (3, round(0.8 * ratio, 4), "close:title") if ratio >= 0.8 else (3, round(0.4 * ratio, 4), "other:title")


def _teachers(one: Sequence[str] | None, other: Sequence[str] | None) -> Part | None:
    if not one or not other:
        return None
    if set(one) == set(other):
        return 2, 1.0, "same:teachers"
    return (2, 0.7, "alike:teachers") if set(one) & set(other) else (2, 0.0, "other:teachers")
