"""What a matcher is: it says how alike a record of the source and one of the sink are, and in which fields.

It proposes nothing by itself. The engine (`syncrun.match.propose`) finds the pairs that share a key, asks every matcher
about each of them, weighs the answers, and judges from the reasons whether a person must look. So a matcher may be wrong
about one field and nothing is merged for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from syncrun.errors import ContractError

MatchKind: TypeAlias = Literal["orgs", "teachers", "years", "classes", "students"]
"""What is matched. Each run of the engine is about one of them."""
FEATURES = (
    "givenName", "familyName", "middleName", "preferredName", "email", "username", "identifier", "phone", "grade",
    "birthDate", "school", "name", "title", "classCode", "startDate", "endDate", "teachers", "course", "period",
)  # fmt: skip
"""The words for what is known of a record; a side may lack any of them. All are texts, dates as ISO 8601 writes them, but
`teachers`, which is a list of ids. Ids (`school, course, teachers`) mean the same on both sides."""
Record: TypeAlias = Mapping[str, Any]
"""A record as a matcher sees it: the features that it asked for and its forms, None where nothing is known."""
CODES = ("same", "alike", "close", "swapped", "other")
"""How two fields agree: the same; another way of writing the same, such as a nickname; nearly, as after a slip of the
pen; the same but in each other's place; not at all."""
_REASON = re.compile(rf"({'|'.join(CODES)}):[a-z][A-Za-z]*")


@dataclass(frozen=True, slots=True)
class Score:
    """How alike two records are in what one matcher looks at: `value` from 0 to 1, and why.

    A reason is a code of `CODES`, a colon and a field, like `same:identifier` or `other:givenName`, never a value.
    Raises `ContractError` for a value out of range, for no reason, and for one of another form.
    """

    value: float
    reasons: tuple[str, ...]

    def __post_init__(self) -> None:
        if not 0 <= self.value <= 1:
            raise ContractError("A matcher gave a score that is not from 0 to 1.")
        if not self.reasons or not all(map(_REASON.fullmatch, self.reasons)):
            raise ContractError("A matcher gave a score without reasons of the form code:field.")


@dataclass(frozen=True, slots=True)
class Form:
    """A text derived from one feature, made once for each different text of it: `Form("root", "givenName", root)`.

    It is a column for the keys and a field of the records. `make` gives None where there is nothing to derive.
    """

    name: str
    of: str
    make: Callable[[str], str | None]
    scored: bool = True
    """Whether `score` reads it; one that only the keys need is not handed to it, which saves time."""


@runtime_checkable
class Matcher(Protocol):
    """One opinion on whether two records are the same.

    `score` gives None when it has nothing to go by, such as when the field is missing on one side. It must be symmetric,
    depend on nothing but its two records, and be quick: it is called for millions of pairs.
    """

    kinds: Sequence[MatchKind]
    """What it can judge."""
    features: Sequence[str]
    """What it reads, from `FEATURES`. Where no two records could have one in common it is not asked at all."""
    forms: Sequence[Form]
    """What it derives from them."""
    keys: Sequence[str]
    """DuckDB expressions over features and forms that give a text or NULL. Two records are compared when any key of one
    equals any key of the other; so expressions of different meaning begin with different letters."""
    weight: float
    """How much its fields say, beside other matchers': 4 for an identifier, 1 for a grade."""

    def score(self, incoming: Record, existing: Record) -> Score | None:
        """How alike the two are, or None."""
        ...
