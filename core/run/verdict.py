"""What people said of a plan, and what that lets go.

An approval names a hash: of all that waits, or of what waits in one school. It counts only while today's plan has the
same hash, so a plan is never applied in another form than the one that was looked at. The last word counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from syncrun.plan.model import Plan, SinkPlan, school_of
from syncrun.state.store import Approval


@dataclass(frozen=True, slots=True)
class Verdict:
    """By sink the parts that were approved. `stale`: somebody approved a plan, but not this one. `rejected`: this plan
    was looked at and turned down."""

    approved: dict[str, frozenset[str]]
    stale: bool
    rejected: bool


def weigh(plan: Plan, words: Sequence[Approval]) -> Verdict:
    """What the approvals on record let go of a plan."""
    last: dict[tuple[str, str | None], Approval] = {(each.plan_hash, each.school): each for each in words}
    whole = last.get((plan.held_hash, None))
    schools = {
        school_of(part) for sink in plan.sinks.values() for part in sink.held
        if _says(last.get((plan.hash_of(school_of(part)), school_of(part))), "approve")
    }  # fmt: skip
    everything = _says(whole, "approve")
    approved = {
        name: frozenset(sink.held if everything else _of_schools(sink, schools)) for name, sink in plan.sinks.items()
    }
    waits = any(set(sink.held) - approved[name] for name, sink in plan.sinks.items())
    stale = waits and not schools and any(each.verdict == "approve" for each in last.values())
    return Verdict(approved, stale, waits and _says(whole, "reject"))


def _says(word: Approval | None, verdict: str) -> bool:
    return word is not None and word.verdict == verdict


def _of_schools(sink: SinkPlan, schools: Iterable[str]) -> list[str]:
    """The parts of these schools, and with them the district's own rows that they need, if those take nothing away."""
    chosen = set(schools)
    found = [part for part in sink.held if school_of(part) in chosen]
    shared = sink.held.get("")
    if found and shared and not any("archive" in actions for actions in shared.counts.values()):
        found.append("")
    return found
