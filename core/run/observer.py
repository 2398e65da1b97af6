"""Telling plug-ins about a run, and asking the reviewers. A plug-in that raises stops nothing, except that a reviewer
who raises counts as one who objects."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from syncrun.plan.model import Plan, Reason, school_of
from syncrun.run.session import Session
from syncrun.run.summary import plan_counts
from syncrun.sdk import Objection, PlanView, RunView
from syncrun.sdk.info import Fault


def tell(
    session: Session,
    hook: str,
    outcome: str = "",
    exit_code: int | None = None,
    summary: Mapping[str, Any] | None = None,
) -> None:
    """Call an observing hook about the run."""
    session.registry.call(hook, run=_run(session, outcome, exit_code, summary))


def _run(
    session: Session, outcome: str = "", exit_code: int | None = None, summary: Mapping[str, Any] | None = None
) -> RunView:
    first = bool(summary and summary.get("first_sync_complete"))
    return RunView(session.run, session.district.name, session.dry_run, outcome, exit_code, summary, first)


def _plan(plan: Plan) -> PlanView:
    held = tuple(f"{name}/{part}" for name, each in plan.sinks.items() for part in each.held)
    return PlanView(plan.hash, plan_counts(plan), held)


def tell_plan(session: Session, plan: Plan) -> None:
    """Tell the observers that the plan is judged."""
    session.registry.call("syncrun_plan_made", run=_run(session), plan=_plan(plan))


def objections(session: Session, plan: Plan) -> Plan:
    """The plan with the parts held that a reviewer objects to."""
    found = list(_objections(session, plan))
    if not found:
        return plan
    sinks = {}
    for name, each in plan.sinks.items():
        parts = {
            part: dataclasses.replace(one, reasons=(*one.reasons, *_reasons(found, name, part)))
            for part, one in each.parts.items()
        }
        sinks[name] = dataclasses.replace(each, parts=parts)
    return dataclasses.replace(plan, sinks=sinks)


def _objections(session: Session, plan: Plan) -> Iterator[tuple[str, Objection]]:
    for plugin, answer in session.registry.call("syncrun_review_plan", run=_run(session), plan=_plan(plan)):
        if isinstance(answer, Fault):
            yield plugin, Objection(f"the reviewer failed: {answer.reason}")
        for each in answer if isinstance(answer, list | tuple) else ():
            if isinstance(each, Objection):
                yield plugin, each
            else:
                yield plugin, Objection(f"the reviewer gave {type(each).__name__}, not an Objection")


def _reasons(found: list[tuple[str, Objection]], sink: str, part: str) -> list[Reason]:
    return [
        Reason("P-REVIEW-1", f"{plugin}: {each.reason}")
        for plugin, each in found
        if each.sink in {None, sink} and each.school in {None, school_of(part)}
    ]
