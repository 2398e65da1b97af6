"""What observers and reviewers are shown: frozen, without secrets and without children's data. New facts come as new
fields, never as new arguments of a hook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunView:
    """A run, as hooks see it. `summary` is what `--json` prints, filled in when the run has finished;
    `first_complete` says that the district's first sync is complete with this run, which is said once."""

    id: str
    district: str
    dry_run: bool
    outcome: str = ""
    exit_code: int | None = None
    summary: Mapping[str, object] | None = None
    first_complete: bool = False


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan, as hooks see it. `counts` is keyed by sink, table and action."""

    hash: str
    counts: Mapping[str, Mapping[str, Mapping[str, int]]]
    held: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Objection:
    """A reviewer's objection: the plan of `sink` waits for a person, for this reason. `school` None means all of
    it."""

    reason: str
    sink: str | None = None
    school: str | None = None
