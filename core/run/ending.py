"""How a run ends: its outcome, its exit code, its summary, and what of it still waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from syncrun.errors import EXIT_DEGRADED, EXIT_DONE, EXIT_HELD, StoppedError, SyncError, TransientError
from syncrun.plan.model import Plan
from syncrun.run import summary, telling
from syncrun.run.applying import SinkResult
from syncrun.run.session import Session
from syncrun.run.verdict import Verdict
from syncrun.state.store import Hold

OUTCOMES = {EXIT_DONE: "DONE", EXIT_HELD: "HELD", EXIT_DEGRADED: "DEGRADED"}


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended. `error` when it was refused or failed."""

    run: str
    outcome: str
    exit_code: int
    summary: Mapping[str, Any]
    error: SyncError | None = None


def conclude(
    session: Session, run: str, plan: Plan, verdict: Verdict, results: Mapping[str, SinkResult], told: Mapping[str, Any],
    skipped: Mapping[str, SyncError], *, dry_run: bool,
) -> Result:  # fmt: skip
    """Write down how a run ended. `told` is the part of the summary about its input; `skipped` are sinks that could
    not be served at all, since an earlier run is still open there.

    A run is done only when all that nothing holds is on record as taken; anything else is said. A sink that was passed
    over had no chance to fail: with it out of account, the run ended as the others did. One that was asked to end has
    ended so whatever else became of it, and what was approved stays so."""
    waits = {
        name: [part for part in each.held if part not in verdict.approved[name]] for name, each in plan.sinks.items()
    }
    errors = {**skipped, **{name: each.error for name, each in results.items() if each.error}}
    if not dry_run:
        errors = {**_unserved(session, run, plan, waits, results), **errors}
    stopped = next((each for each in errors.values() if isinstance(each, StoppedError)), None)
    error = stopped or next(iter(errors.values()), None)
    exit_code = stopped.exit_code if stopped else _exit_code(plan, errors, results, told, waits=any(waits.values()))
    outcome = OUTCOMES.get(exit_code) or (error.outcome if error else "")
    found = {
        **told, "outcome": outcome, "exit_code": exit_code, "plan": plan.hash, "advice": list(plan.advice),
        "sinks": {name: summary.sink(each, verdict.approved[name], results.get(name)) for name, each in plan.sinks.items()},
        **{key: True for key, is_so in (("approval_stale", verdict.stale), ("rejected_by_person", verdict.rejected)) if is_so},
        **({"errors": {name: error.as_dict() for name, error in errors.items()}} if errors else {}),
    }  # fmt: skip
    holds = [
        Hold(name, part, plan.sinks[name].parts[part].hash, tuple(r.code for r in plan.sinks[name].parts[part].reasons))
        for name, parts in waits.items() for part in parts
    ]  # fmt: skip
    still_open = any(each.open for each in results.values())
    with session.state.transaction() as transaction:
        session.state.update_run(
            run, transaction, status="applying" if still_open else "ended", outcome=outcome, exit_code=exit_code,
            finished_at=session.clock.now(), summary=found, plan_hash=plan.held_hash if holds else plan.hash,
        )  # fmt: skip
        telling.note_needs(session, transaction, run, found)
        session.state.set_holds(transaction, session.district.name, run, holds)
        if results and not still_open and not stopped and not any(each.skipped for each in results.values()):
            session.state.spend_approvals(transaction, session.district.name)
    return Result(run, outcome, exit_code, found, error)


def _unserved(
    session: Session, run: str, plan: Plan, waits: Mapping[str, list[str]], results: Mapping[str, SinkResult]
) -> dict[str, SyncError]:
    """Sinks that have something to take and did not take it, in this run or an interrupted part of it."""
    recorded = {each.sink for each in session.state.applied(session.district.name) if each.run == run}
    spoken_for = recorded | {name for name, each in results.items() if each.begun or each.skipped}
    return {
        name: TransientError("Nothing of this run reached the sink before it was cut off; the next run plans anew.")
        for name, each in plan.sinks.items()
        if set(each.parts) - set(waits[name]) and name not in spoken_for
    }


def _exit_code(
    plan: Plan, errors: Mapping[str, SyncError], results: Mapping[str, SinkResult], told: Mapping[str, Any], *,
    waits: bool,
) -> int:  # fmt: skip
    passed = {name for name, each in results.items() if each.skipped}
    if errors and len(passed | errors.keys()) >= len(plan.sinks):
        return next(iter(errors.values())).exit_code
    if waits:
        return EXIT_HELD
    rejected = any(each["rejected"] or each.get("unproved") for each in told.get("files", {}).values())
    if errors or rejected or passed or any(each.rejected for each in results.values()):
        return EXIT_DEGRADED
    return EXIT_DONE
