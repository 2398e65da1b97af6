"""Identifiers: numbers and codes that somebody gave to exactly one record."""

from __future__ import annotations

from collections.abc import Sequence

from syncrun.sdk import Form, MatchKind, Record, Score

SAME = Score(1.0, ("same:identifier",))
CLOSE = Score(0.6, ("close:identifier",))
OTHER = Score(0.0, ("other:identifier",))


def plain(identifier: str) -> str:
    """An identifier without what programs lose or change: case, zeros at the start, signs. `A-007` gives `a007`, `007`
    gives `7`."""
    return "".join(each for each in identifier.casefold() if each.isalnum()).lstrip("0")


class Identifiers:
    """Two identifiers are the same when they are so letter by letter. Ones that differ in case, zeros at the start or signs
    are close: they may be one number that a spreadsheet has damaged, or two."""

    kinds: Sequence[MatchKind] = ("orgs", "teachers", "students", "years", "classes")
    features = ("identifier",)
    forms = (Form("plainIdentifier", "identifier", plain),)
    keys = ("'x' || identifier", "'p' || plainIdentifier")
    weight = 4.0

    def score(self, incoming: Record, existing: Record) -> Score | None:
        """The same, close, another; None where one has no identifier."""
        ours, theirs = incoming["identifier"], existing["identifier"]
        if ours is None or theirs is None:
            return None
        if ours == theirs:
            return SAME
        alike = incoming["plainIdentifier"] is not None and incoming["plainIdentifier"] == existing["plainIdentifier"]
        return CLOSE if alike else OTHER
