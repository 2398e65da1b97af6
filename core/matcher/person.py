"""Names of persons, whichever way round and however much of them is written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from syncrun.matcher.name_part import Likeness, core, family, given, words
from syncrun.matcher.nickname import main_group
from syncrun.sdk import Form, MatchKind, Record, Score

GIVEN, FAMILY = 0.45, 0.55
"""What each part says: many share a given name."""
SWAPPED = 0.92
"""What is left of the score when given and family name are in each other's place."""
ASIDE = 0.97
"""What is left when it is not the given name that fits, but a preferred or a middle one."""
FITS = frozenset(("same", "alike"))
_GRADE = (
    "coalesce(try_cast(grade AS INTEGER), CASE upper(grade) WHEN 'KG' THEN 0 WHEN 'K' THEN 0 WHEN 'PK' THEN -1 END)"
)
"""Twins without birthdays share a family name and a grade, or are one apart where lists of two years meet."""
_FAMILY_ONLY = 0.5
_DROPPED = re.compile("[aeiouyhw]")
_DOUBLED = re.compile(r"(.)\1+")
_SOUNDS = str.maketrans({"c": "k", "q": "k", "z": "s", "v": "b", "j": "g", "d": "t", "m": "n"})


@lru_cache(maxsize=1 << 16)
def sound(word: str) -> str:
    """What is left of a folded word when vowels and differences of spelling go: `sound("smyth")` and `sound("smith")` are
    the same."""
    first = "f" + word[2:] if word.startswith("ph") else word
    plain = first.replace("ck", "k").replace("ph", "f").translate(_SOUNDS)
    return _DOUBLED.sub(r"\1", plain[:1] + _DROPPED.sub("", plain[1:]))


def first_sound(text: str) -> str | None:
    """The sound of the first word of a family name that is no particle."""
    return sound(core(text)[0]) if core(text) else None


def last_sound(text: str) -> str | None:
    """The sound of the last word of a family name."""
    return sound(core(text)[-1]) if core(text) else None


def root(text: str) -> str | None:
    """One name for all of a group of nicknames: `root("Bill")` and `root("William")` are the same."""
    found = words(text)
    if not found:
        return None
    return main_group(found[0]) or found[0]


def initial(text: str) -> str | None:
    """The first letter of a name, folded."""
    return words(text)[0][0] if words(text) else None


def core_initial(text: str) -> str | None:
    """The first letter of a family name behind its particles."""
    return core(text)[0][0] if core(text) else None


class Names:
    """Given, middle, preferred and family names."""

    kinds: Sequence[MatchKind] = ("teachers", "students")
    features = ("givenName", "familyName", "middleName", "preferredName")
    forms = (
        Form("familySound", "familyName", first_sound), Form("givenSound", "givenName", first_sound),
        Form("familyLastSound", "familyName", last_sound, scored=False),
        Form("familyInitial", "familyName", core_initial, scored=False),
        Form("givenRoot", "givenName", root, scored=False), Form("givenInitial", "givenName", initial, scored=False),
        Form("preferredInitial", "preferredName", initial, scored=False),
        Form("preferredRoot", "preferredName", root, scored=False),
    )  # fmt: skip
    keys = (
        "'n' || least(givenSound, familySound) || '|' || greatest(givenSound, familySound)",
        "'r' || givenRoot || '|' || familySound",
        "'r' || givenRoot || '|' || familySound || '|' || coalesce(school, '')",
        "'r' || preferredRoot || '|' || familySound || '|' || coalesce(school, '')",
        "'f' || familySound || '|' || givenInitial || '|' || school",
        "'f' || familyLastSound || '|' || givenInitial || '|' || school",
        "'g' || givenRoot || '|' || familyInitial || '|' || school",
        f"'t' || familySound || '|' || school || '|' || {_GRADE}", f"'t' || familySound || '|' || school || '|' || ({_GRADE} + 1)",
        "'b' || birthDate || familyInitial", "'b' || birthDate || givenInitial", "'b' || birthDate || preferredInitial",
    )  # fmt: skip
    weight = 4.0

    def score(self, incoming: Record, existing: Record) -> Score | None:
        """How alike two names are; None where one has no family name or neither part is known of both."""
        if incoming["familyName"] is None or existing["familyName"] is None:
            return None
        straight = family(*_ordered(incoming["familyName"], existing["familyName"]))
        if incoming["givenName"] is None or existing["givenName"] is None:
            return _only(straight)
        called = _given(incoming, existing)
        if called.way in FITS and straight.way in FITS:
            return _both(called, straight)
        return _crossed(incoming, existing) or _both(called, straight)


def _ordered(one: str, other: str) -> tuple[str, str]:
    """In one order, so that a pair and its mirror are one entry in the caches, and get one answer."""
    return (one, other) if one <= other else (other, one)


def _given(incoming: Record, existing: Record) -> Likeness:
    """The best of given, preferred and middle names beside each other."""
    best = given(*_ordered(incoming["givenName"], existing["givenName"]))
    if best.way in FITS:
        return best
    ours = [name for each in ("givenName", "preferredName", "middleName") if (name := incoming[each]) is not None]
    theirs = [name for each in ("givenName", "preferredName", "middleName") if (name := existing[each]) is not None]
    if len(ours) + len(theirs) == 2:
        return best
    for mine in ours:
        for other in theirs:
            found = given(*_ordered(mine, other))
            if found.way in FITS and len(mine) > 1 and found.value * ASIDE > best.value:
                best = Likeness(round(found.value * ASIDE, 4), "alike")
    return best


def _crossed(incoming: Record, existing: Record) -> Score | None:
    """The score of names in each other's place, or None when they are not."""
    if incoming["givenSound"] != existing["familySound"] and incoming["familySound"] != existing["givenSound"]:
        return None  # quick: most pairs are two persons with one birthday
    one = family(*_ordered(incoming["givenName"], existing["familyName"]))
    other = family(*_ordered(incoming["familyName"], existing["givenName"]))
    if one.way in FITS and other.way in FITS:
        return _swapped(min(one.value, other.value))
    return None


@lru_cache(maxsize=1 << 10)
def _swapped(value: float) -> Score:
    return Score(round(SWAPPED * value, 4), ("swapped:name",))


@lru_cache(maxsize=1 << 10)
def _only(straight: Likeness) -> Score:
    return Score(_FAMILY_ONLY * straight.value, (f"{straight.way}:familyName",))


@lru_cache(maxsize=1 << 16)
def _both(called: Likeness, straight: Likeness) -> Score:
    """The score and the reasons of two parts. One part that is another's makes it another person, more or less."""
    value = round(GIVEN * called.value + FAMILY * straight.value, 4)
    if called.way == "other" and straight.way == "other":
        return Score(round(0.5 * value, 4), ("other:name",))
    if called.way == "other":
        return Score(round(0.7 * value, 4), (f"{straight.way}:familyName", "other:givenName"))
    if straight.way == "other":
        return Score(round(0.9 * value, 4), (f"{called.way}:givenName", "other:familyName"))
    if called.way == straight.way == "same":
        return Score(value, ("same:name",))
    if called.way in FITS and straight.way in FITS:
        return Score(value, ("alike:name",))
    return Score(value, ("close:name",))
