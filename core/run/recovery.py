"""Sending plans to sinks, today's and those of runs that were cut off while they applied."""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Collection, Mapping, Sequence

from syncrun.errors import StoppedError, SyncError
from syncrun.plan.model import Plan
from syncrun.run import applying
from syncrun.run.applying import SinkResult
from syncrun.run.ending import conclude
from syncrun.run.session import Session
from syncrun.run.turn import passed_over
from syncrun.run.verdict import Verdict
from syncrun.sdk import Cap, Sink
from syncrun.state.lease import Lease
from syncrun.state.store import AppliedFile, Run


def apply_all(
    session: Session, held: Lease, run: str, plan: Plan, sinks: Mapping[str, Sink], files: Sequence[AppliedFile],
    approved: Mapping[str, Collection[str]], failed: Collection[str] = (), *, resume: bool = False,
    late: Collection[str] = (),
) -> dict[str, SinkResult]:  # fmt: skip
    """Send to each sink what is let go, one after the other by stage; a sink that fails stops those of later stages, and
    no others. `failed` are sinks that could not be served at all. Sinks that have the run on record already are left
    out. With `resume`, what was begun is finished; `late` are sinks that were passed over then, and are served now. Once
    the run is asked to end, no further sink is begun."""
    desk = applying.Desk(
        session.district.name, session.state, session.folders, held, run, session.progress, _begun(session, run),
        session.stop,
    )  # fmt: skip
    results: dict[str, SinkResult] = {}
    for config in session.district.served:
        mine = [each for each in files if each.sink == config.name]
        if config.name not in sinks or config.name not in plan.sinks or any(each.run == run for each in mine):
            continue
        unserved = {*failed, *(name for name, each in results.items() if each.error)}
        skipped = passed_over(session.district, plan, approved, unserved).get(config.name)
        if session.stop.asked:
            results[config.name] = SinkResult(error=StoppedError("The run was asked to end."), begun=False)
        elif skipped:
            results[config.name] = skipped
        else:
            results[config.name] = applying.apply_sink(
                desk, plan, config, sinks[config.name], approved[config.name], mine,
                resume=resume and config.name not in late,
            )  # fmt: skip
    return results


def publish_again(
    session: Session, held: Lease, run: str, plan: Plan, sinks: Mapping[str, Sink], files: Sequence[AppliedFile]
) -> dict[str, SyncError]:
    """Where nothing is sent, sinks that publish whole tables still look whether what they published is there, and as the
    settings want it; by sink, why it could not be put right."""
    whole = {
        each.name: sinks[each.name] for each in session.district.sinks
        if each.name in sinks and Cap.WHOLE in each.info.caps and any(file.sink == each.name for file in files)
    }  # fmt: skip
    results = apply_all(session, held, run, plan, whole, files, dict.fromkeys(whole, ()))
    return {name: each.error for name, each in results.items() if each.error}


def _begun(session: Session, run: str) -> datetime.datetime:
    """When a run began, in the district's time zone."""
    found = session.state.run(run)
    moment = found.started_at if found else session.clock.now()
    return moment.astimezone(zoneinfo.ZoneInfo(session.district.time_zone))


def finish_interrupted(session: Session, held: Lease) -> dict[str, SyncError]:
    """Finish what earlier runs began and could not end; by sink, why one is still open. Raises `StoppedError` when this
    run is asked to end meanwhile: they are then as open as they were, with more of them in the sinks."""
    still_open: dict[str, SyncError] = {}
    if session.dry_run:  # finishing writes to sinks
        return still_open
    for run in session.state.interrupted(session.district.name):
        session.stop.confirm()
        session.progress.phase("resume")
        results = _finish(session, held, run)
        still_open |= {name: each.error for name, each in results.items() if each.open and each.error}
    return still_open


def _finish(session: Session, held: Lease, run: Run) -> dict[str, SinkResult]:
    plan = Plan.from_json(session.folders.plan(run.plan_run or run.id).read_text(encoding="utf-8"))
    approved = applying.intended(session.folders, run.id)
    files = session.state.applied(session.district.name)
    late = {name for name, each in (run.summary or {}).get("sinks", {}).items() if each.get("outcome") == "skipped"}
    results = apply_all(session, held, run.id, plan, session.sinks(), files, approved, resume=True, late=late)
    if any(isinstance(each.error, StoppedError) for each in results.values()):
        session.stop.confirm()
    done = {name: each for name, each in results.items() if each.begun or each.skipped}
    told = {key: value for key, value in (run.summary or {}).items() if key not in {"outcome", "exit_code"}}
    conclude(
        session,
        run.id,
        plan,
        Verdict(approved, stale=False, rejected=False),
        done,
        {**told, "resumed": True},
        {},
        dry_run=False,
    )
    return results
