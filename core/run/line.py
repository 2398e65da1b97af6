"""What stands on a sheet: records of the source, records of the sink, and how they might go together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from syncrun.state.decision import Past

Verdict = Literal["sure", "likely", "doubt", ""]
"""How sure a proposal is; nothing for one that is only among the nearest."""


@dataclass(frozen=True, slots=True)
class Row:
    """A record of the sink. `values` are its columns, references as the sink's ids; `features` what matchers are told.
    `owned`: a sync made it, or took it over."""

    id: str
    owned: bool
    archived: bool
    values: Mapping[str, Any]
    features: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fit:
    """A record of the sink that one of the source might be: how alike (0 to 1), how sure, and why."""

    row: Row
    score: float
    verdict: Verdict
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A record of the source. `taken` is the sink's record where the sync made or took one over already; `linked` the one
    that somebody decided on. `chosen` says that the district file chooses it (a school year). `fits` are what it might
    be, the best first."""

    id: str
    school: str | None
    features: Mapping[str, Any]
    taken: str | None
    decided: Past | None
    linked: Row | None = None
    chosen: bool = False
    fits: tuple[Fit, ...] = ()

    @property
    def best(self) -> Fit | None:
        """The best fit that is proposed."""
        return next((each for each in self.fits if each.verdict), None)

    @property
    def is_open(self) -> bool:
        """Whether nobody decided on it, and nothing of it is in the sink."""
        return self.taken is None and self.decided is None
