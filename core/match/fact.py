"""What follows from the reasons of one pair, before other pairs are looked at.

Scores only put pairs in order. Whether a pair may be accepted without a look is a matter of facts that do not hang
together: an identifier and a name; a name, a birth date and a school. An e-mail address is made from the name and is
passed on, so it is never enough.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from syncrun.sdk import MatchKind

Facts = frozenset[str]


class Standing(NamedTuple):
    """What the facts of a pair amount to."""

    strong: bool
    """Facts enough to accept it, if nothing else fits as well."""
    exact: bool
    """Strong also beside a twin: the same identifier and the very same name."""
    barred: bool
    """Not to be proposed: another person of the same family, or a fact that contradicts another."""
    claimed: bool
    """The identifier is the same, so nothing else may be accepted for either without a look."""
    addressed: bool
    """The e-mail address or user name is the same."""
    fitting: bool
    """It could be meant by its name; when there are two such, neither is accepted."""
    twin: bool
    """A brother or sister of the same age at the same school."""

    @property
    def counts(self) -> bool:
        """Whether other pairs are judged by this one, however low its score."""
        return self.claimed or self.addressed or self.fitting or self.twin


def _either(field: str, codes: str) -> Facts:
    return frozenset(f"{code}:{field}" for code in codes.split())


SAME_NAME = _either("name", "same")
FITTING_NAME = _either("name", "same alike swapped")
NEAR_NAME = _either("name", "same alike swapped close")
SAME_ADDRESS = frozenset(("same:email", "same:username"))
OTHER_NAME = frozenset(("other:name", "other:givenName", "other:familyName"))
AGAINST_PERSON = OTHER_NAME | frozenset(
    ("other:birthDate", "close:birthDate", "swapped:birthDate", "other:school", "other:grade", "other:identifier")
)
AGAINST_CLASS = frozenset(
    (
        "other:title",
        "other:school",
        "other:classCode",
        "other:roster",
        "other:teachers",
        "other:course",
        "other:identifier",
    )
)


def person(facts: Facts) -> Standing:
    """Students and teachers."""
    identifier, fitting = "same:identifier" in facts, bool(facts & FITTING_NAME)
    address, school = bool(facts & SAME_ADDRESS), "same:school" in facts
    strong = not facts & AGAINST_PERSON and (
        (identifier and bool(facts & NEAR_NAME))
        or (fitting and "same:birthDate" in facts and school)
        or (fitting and address and school)
    )
    sibling = "other:givenName" in facts
    age = (
        {"same:birthDate"}
        if facts & _either("birthDate", "same close swapped other")
        else {"same:grade", "close:grade"}
    )
    contradicted = identifier and ("other:name" in facts or "other:birthDate" in facts)
    return Standing(
        strong=strong,
        exact=strong and identifier and bool(facts & SAME_NAME),
        barred=contradicted or ("other:name" in facts and not address) or (sibling and not (identifier or address)),
        claimed=identifier,
        addressed=address,
        fitting=fitting and "other:school" not in facts,
        twin=sibling and bool(facts & age) and "other:school" not in facts,
    )


def course_section(facts: Facts) -> Standing:
    """Classes."""
    code, title = bool(facts & {"same:classCode", "same:identifier"}), bool(facts & _either("title", "same alike"))
    roster = bool(facts & _either("roster", "same alike"))
    known = bool(facts & _either("roster", "same alike close other"))
    hours = {"same:title", "same:teachers", "same:period", "same:school"} <= facts
    strong = title and not facts & AGAINST_CLASS and (code or roster or (hours and not known))
    return Standing(
        strong=strong,
        exact=strong and code and roster,
        barred="other:school" in facts or ("other:roster" in facts and not code),
        claimed="same:identifier" in facts,
        addressed=False,
        fitting=title and "other:school" not in facts and (
            bool(facts & _either("roster", "same alike close")) if known
            else not facts & {"other:teachers", "other:period", "other:classCode"}
        ),
        twin=False,
    )  # fmt: skip


def school(facts: Facts) -> Standing:
    """Orgs."""
    identifier, fitting = "same:identifier" in facts, bool(facts & _either("name", "same alike"))
    strong = identifier and fitting
    return Standing(strong=strong, exact=strong and bool(facts & SAME_NAME), barred=identifier and "other:name" in facts,
                    claimed=identifier, addressed=False, fitting=fitting, twin=False)  # fmt: skip


def year(facts: Facts) -> Standing:
    """School years."""
    dates = {"same:startDate", "same:endDate"} <= facts
    strong = dates and bool(facts & _either("title", "same alike"))
    return Standing(strong=strong, exact=False, barred=not facts & _either("title", "same alike close") and not dates,
                    claimed="same:identifier" in facts, addressed=False,
                    fitting=dates or "same:title" in facts, twin=False)  # fmt: skip


JUDGES: Mapping[MatchKind, Callable[[Facts], Standing]] = {
    "orgs": school,
    "teachers": person,
    "years": year,
    "classes": course_section,
    "students": person,
}
