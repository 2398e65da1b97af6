"""The summary of a run: what `--json` prints, what the screen shows, what the state keeps. It holds counts, codes and
ids of records that a person must look at, never what a cell holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from syncrun.finding import Finding
from syncrun.plan.diff import REGROUPED
from syncrun.plan.model import Plan, SinkPlan, school_of
from syncrun.run.applying import SinkResult
from syncrun.run.reading import FileFigures, describe

if TYPE_CHECKING:
    from collections.abc import Collection

SHOWN_FINDINGS = 50


def files(figures: Mapping[str, FileFigures]) -> dict[str, dict[str, Any]]:
    """By file the rows, how many were rejected, the mode, and whether it is not proved that all came."""
    return {
        name: {"rows": each.rows, "rejected": each.rejected, "mode": each.mode, **({} if each.proved else {"unproved": True})}
        for name, each in figures.items()
    }  # fmt: skip


def findings(found: Sequence[Finding]) -> list[dict[str, Any]]:
    """Findings, `SHOWN_FINDINGS` at most; the report has them all."""
    return [describe(each) for each in found]


def _sent(actions: Mapping[str, int]) -> dict[str, int]:
    """The counts of what a sink is sent."""
    return {action: count for action, count in actions.items() if action != REGROUPED}


def sink(plan: SinkPlan, approved: Collection[str], result: SinkResult | None) -> dict[str, Any]:
    """One sink: its tables, what waits and why, what it did not take."""
    held = [
        {"school": school_of(name) or None, "part": name, "hash": part.hash,
         "reasons": [{"code": reason.code, "words": reason.words} for reason in part.reasons],
         "changes": sum(sum(_sent(actions).values()) for actions in part.counts.values())}
        for name, part in plan.held.items() if name not in approved
    ]  # fmt: skip
    told: dict[str, Any] = {
        "first": plan.first,
        "tables": {
            name: {"planned": _sent(table.counts), "unchanged": table.unchanged, "kept": table.kept,
                   "billable": table.billable}
            for name, table in plan.tables.items()
        },
        "held": held,
        "billable": sum(table.billable for table in plan.tables.values()),
    }  # fmt: skip
    if result is not None and result.skipped:
        told |= {"outcome": "skipped", "reason": result.skipped}
    elif result is not None:
        told["waiting"] = result.waiting
        told["rejected"] = result.rejected
        told["rejections"] = [
            dict(zip(("table", "action", "key", "code", "reason"), each, strict=True)) for each in result.shown
        ]
        if result.error:
            told["error"] = result.error.as_dict()
    return told


def plan_counts(plan: Plan) -> dict[str, dict[str, dict[str, int]]]:
    """Counts by sink, table and action."""
    return {
        name: {table: dict(each.counts) for table, each in made.tables.items()} for name, made in plan.sinks.items()
    }
