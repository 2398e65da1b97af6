"""Names of schools, which every list abbreviates in its own way."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from rapidfuzz import fuzz

from syncrun.sdk import Form, MatchKind, Record, Score, folded

WORDS = {
    "hs": "high", "ms": "middle", "es": "elementary", "elem": "elementary", "el": "elementary", "jhs": "junior high",
    "shs": "senior high", "mshs": "middle high", "jshs": "junior senior high", "jr": "junior", "sr": "senior",
    "st": "saint", "ste": "saint", "mt": "mount", "mtn": "mountain", "ft": "fort", "acad": "academy", "ctr": "center",
    "centre": "center", "cntr": "center", "prep": "preparatory", "prim": "primary", "int": "intermediate",
    "interm": "intermediate", "is": "intermediate", "tech": "technical", "voc": "vocational", "alt": "alternative",
    "chtr": "charter", "cs": "charter", "kg": "kindergarten", "pk": "prekindergarten", "n": "north", "s": "south",
    "e": "east", "w": "west", "no": "north", "so": "south", "ne": "northeast", "nw": "northwest", "se": "southeast",
    "sw": "southwest", "hts": "heights", "spgs": "springs", "vly": "valley", "vlg": "village", "univ": "university",
    "comm": "community", "cmty": "community", "intl": "international", "mid": "middle",
    "ps": "public", "twp": "township", "co": "county", "cnty": "county", "wm": "william", "geo": "george", "jas": "james",
    "chas": "charles", "thos": "thomas",
}  # fmt: skip
"""Abbreviations, folded, and what they stand for."""
NOISE = frozenset((
    "school", "schools", "the", "of", "at", "for", "and", "public", "no", "number", "campus", "district",
))  # fmt: skip
"""Words that come and go."""
LEVELS = frozenset((
    "high", "middle", "elementary", "primary", "intermediate", "junior", "senior", "kindergarten", "prekindergarten",
))  # fmt: skip
TELLING = LEVELS | frozenset((
    "north", "south", "east", "west", "northeast", "northwest", "southeast", "southwest", "upper", "lower",
))  # fmt: skip
"""Words that must be the same where both names have one of their sort: North High is not South High."""
_NUMBERS = {word: str(n) for n, word in enumerate((
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
))}  # fmt: skip


@lru_cache(maxsize=1 << 16)
def spelled(text: str) -> tuple[str, ...]:
    """The words of a school's name, spelled out, in their order, without noise: `spelled("P.S. 012 N. Elem")` gives `12`,
    `north`, `elementary`."""
    dotless = folded(text.replace(".", "") if _initials(text) else text)
    out: list[str] = []
    for word in dotless.replace("martin luther king", "mlk").split():
        for each in WORDS.get(word, word).split():
            plain = _NUMBERS.get(each, each.lstrip("0") or "0" if each.isdecimal() else each)
            if plain not in NOISE:
                out.append(plain)
    return tuple(out)


def _initials(text: str) -> bool:
    """Whether dots stand between single letters, as in P.S. 12."""
    parts = text.split(".")
    return len(parts) > 2 and any(len(each.strip()) == 1 for each in parts[:2])


def plain(text: str) -> str | None:
    """The words in alphabetical order."""
    return " ".join(sorted(set(spelled(text)) - LEVELS)) or " ".join(spelled(text)) or None


def first_word(text: str) -> str | None:
    """The first word that says which school it is."""
    return next((each for each in spelled(text) if each not in TELLING), None)


class SchoolNames:
    """Names of orgs. Numbers, levels and points of the compass must agree."""

    kinds: Sequence[MatchKind] = ("orgs",)
    features = ("name",)
    forms = (Form("plainSchool", "name", plain), Form("schoolWord", "name", first_word))
    keys = ("'a'",)
    """Districts have few orgs: each is compared with each, as long as there are not too many."""
    weight = 4.0

    def score(self, incoming: Record, existing: Record) -> Score | None:
        """How alike two names of schools are."""
        if incoming["name"] is None or existing["name"] is None:
            return None
        return likeness(*sorted((incoming["name"], existing["name"])))


@lru_cache(maxsize=1 << 18)
def likeness(one: str, other: str) -> Score:
    """The score of two names."""
    if one == other:
        return Score(1.0, ("same:name",))
    ours, theirs = spelled(one), spelled(other)
    if not ours or not theirs:
        return Score(0.0, ("other:name",))
    if folded(one) == folded(other):
        return Score(0.98, ("same:name",))
    if sorted(ours) == sorted(theirs):
        return Score(0.95, ("alike:name",))
    if _contradict(ours, theirs):
        return Score(round(0.4 * fuzz.token_sort_ratio(" ".join(ours), " ".join(theirs)) / 100, 4), ("other:name",))
    if set(ours) - LEVELS == set(theirs) - LEVELS and set(ours) - LEVELS:
        return Score(0.88, ("alike:name",))
    ratio = fuzz.token_set_ratio(" ".join(ours), " ".join(theirs)) / 100
    strict = fuzz.token_sort_ratio(" ".join(ours), " ".join(theirs)) / 100
    value = (ratio + strict) / 2
    return (
        Score(round(0.9 * value, 4), ("close:name",)) if value >= 0.8 else Score(round(0.5 * value, 4), ("other:name",))
    )


def _contradict(ours: Sequence[str], theirs: Sequence[str]) -> bool:
    """Whether numbers, points of the compass or levels are different; a level may be missing on one side."""
    numbers = {each for each in ours if each.isdecimal()}, {each for each in theirs if each.isdecimal()}
    points = set(ours) & (TELLING - LEVELS), set(theirs) & (TELLING - LEVELS)
    levels = set(ours) & LEVELS, set(theirs) & LEVELS
    return (
        numbers[0] != numbers[1] or points[0] != points[1] or bool(levels[0] and levels[1] and levels[0] != levels[1])
    )
