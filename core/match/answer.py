"""What a comparison answers: how many proposals of each verdict, and what was not compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Side: TypeAlias = Literal["incoming", "existing"]
Verdict: TypeAlias = Literal["sure", "likely", "doubt"]


@dataclass(frozen=True, slots=True)
class Crowded:
    """Keys of one matcher that too many records share for each to be compared with each: `blocks` such keys, with
    `incoming` and `existing` records under them. These records are compared by their other keys only, and never `sure`."""

    matcher: str
    blocks: int
    incoming: int
    existing: int


@dataclass(frozen=True, slots=True)
class Proposed:
    """Figures of a comparison: incoming records by verdict, records without a proposal, pairs that were compared."""

    sure: int
    likely: int
    doubt: int
    without: int
    pairs: int
    crowded: tuple[Crowded, ...] = ()
