"""Addresses: e-mail, user name, telephone. Families share them, schools pass them on, so they only support a name."""

from __future__ import annotations

from collections.abc import Sequence

from syncrun.sdk import Form, MatchKind, Record, Score


def small(text: str) -> str:
    """An address as it is compared: in small letters."""
    return text.casefold()


def local(email: str) -> str | None:
    """What stands before the @, in small letters: districts change their domains."""
    return email.partition("@")[0].casefold() or None


def digits(phone: str) -> str | None:
    """The last ten digits of a telephone number; None for fewer than seven."""
    found = "".join(each for each in phone if each.isdecimal())[-10:]
    return found if len(found) >= 7 else None


SAME = {each: Score(1.0, (f"same:{each}",)) for each in ("email", "username")}
LOCAL = Score(0.8, ("alike:email",))
PHONE = Score(0.7, ("same:phone",))
OTHER = {each: Score(0.2, (f"other:{each}",)) for each in ("email", "username")}


class Addresses:
    """The best of e-mail address, user name and telephone. Another address says little: people change them."""

    kinds: Sequence[MatchKind] = ("teachers", "students")
    features = ("email", "username", "phone")
    forms = (Form("smallEmail", "email", small), Form("localEmail", "email", local), Form("smallUsername", "username", small),
             Form("phoneDigits", "phone", digits))  # fmt: skip
    keys = ("'e' || smallEmail", "'l' || localEmail", "'l' || smallUsername")
    weight = 2.0

    def score(self, incoming: Record, existing: Record) -> Score | None:
        """The first of these that are the same; another, when none is and some are known on both sides."""
        known = None
        for feature, form in (("email", "smallEmail"), ("username", "smallUsername")):
            ours, theirs = incoming[form], existing[form]
            if ours is not None and theirs is not None:
                if ours == theirs:
                    return SAME[feature]
                known = known or feature
        if known == "email" and incoming["localEmail"] == existing["localEmail"]:
            return LOCAL
        ours, theirs = incoming["phoneDigits"], existing["phoneDigits"]
        if ours is not None and ours == theirs:
            return PHONE
        return OTHER[known] if known else None
