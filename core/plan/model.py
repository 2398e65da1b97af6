"""A plan: what would be done to each sink, in which parts, which of them wait for a person and why.

The changes themselves are Parquet files, one a table; here is everything that is said about them. A part is a school's
changes (its sourcedId), the district's own (''), the new rows of a school that cost money (`<school>|new`), or its
removals that protect somebody (`<school>|prompt`).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

NEW = "|new"
"""Suffix of the part that holds a school's new rows that cost money."""
PROMPT = "|prompt"
"""Suffix of the part that holds a school's removals that protect somebody, and do not wait with others."""


def school_of(part: str) -> str:
    """The school that a part belongs to, '' for the district's own."""
    return part.removesuffix(NEW).removesuffix(PROMPT)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a part waits. `words` hold counts and names of tables, nothing personal."""

    code: str
    words: str


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a plan. `hash` is over its changes, values before them included; `counts` by table and action."""

    hash: str
    counts: Mapping[str, Mapping[str, int]]
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class TablePlan:
    """What would be done to one table. `base` and `unchanged` count active rows; `kept` rows that the source no longer
    has and that stay."""

    path: str
    counts: Mapping[str, int]
    base: int
    unchanged: int
    kept: int = 0
    billable: int = 0


@dataclass(frozen=True, slots=True)
class SinkPlan:
    """The plan for one sink. `first` says that it has taken nothing before."""

    sink: str
    first: bool
    tables: Mapping[str, TablePlan]
    parts: Mapping[str, Part]

    @property
    def held(self) -> dict[str, Part]:
        """The parts that wait."""
        return {name: part for name, part in self.parts.items() if part.reasons}


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of one run over all sinks. `base` stands for what the sinks had taken when it was made; `advice` is for
    the operator to read."""

    run: str
    base: str
    sinks: Mapping[str, SinkPlan]
    advice: tuple[str, ...] = ()

    @property
    def hash(self) -> str:
        """The hash over every change of every sink."""
        return digest(
            f"{sink}/{name}={part.hash}" for sink, plan in self.sinks.items() for name, part in plan.parts.items()
        )

    @property
    def held_hash(self) -> str:
        """The hash over all that waits: what an approval of the whole names."""
        return digest(
            f"{sink}/{name}={part.hash}" for sink, plan in self.sinks.items() for name, part in plan.held.items()
        )

    def hash_of(self, school: str) -> str:
        """The hash over one school's parts in every sink: what an approval of that school names."""
        return digest(
            f"{sink}/{name}={part.hash}"
            for sink, plan in self.sinks.items() for name, part in plan.held.items() if school_of(name) == school
        )  # fmt: skip

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not any(plan.parts for plan in self.sinks.values())

    def to_json(self) -> str:
        """The plan as the run's folder keeps it."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """The reverse of `to_json`."""
        raw: dict[str, Any] = json.loads(text)
        sinks = {
            name: SinkPlan(
                sink["sink"], sink["first"], {table: TablePlan(**each) for table, each in sink["tables"].items()},
                {part: Part(each["hash"], each["counts"], tuple(Reason(**reason) for reason in each["reasons"]))
                 for part, each in sink["parts"].items()},
            ) for name, sink in raw["sinks"].items()
        }  # fmt: skip
        return cls(raw["run"], raw["base"], sinks, tuple(raw["advice"]))


def digest(lines: Iterable[str]) -> str:
    """SHA-256 over sorted lines."""
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
