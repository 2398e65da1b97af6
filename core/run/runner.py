"""One run of one district: what `syncrun --district X` does.

A crash at any point leaves either what was before or something that the next run finishes: the plan, the parts that
were let go, and what of them is in the sink are each written down before the step that needs them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import syncrun
from syncrun.clock import today
from syncrun.config.mapping import read_mapping
from syncrun.errors import EXIT_DEGRADED, EXIT_DONE, FaultError, LeaseLostError, OwnerError, StateLostError, SyncError
from syncrun.plan.model import Plan, digest
from syncrun.rules import table as rule_table
from syncrun.run import applying, planning, reading, summary, telling, uploading
from syncrun.run.aside import Aside
from syncrun.run.ending import Result, conclude
from syncrun.run.folder import KEPT_SNAPSHOTS, made, write_whole
from syncrun.run.input import Input, input_of
from syncrun.run.observer import objections, tell, tell_plan
from syncrun.run.recovery import apply_all, finish_interrupted, publish_again
from syncrun.run.session import Session
from syncrun.run.turn import passed_over
from syncrun.run.verdict import Verdict, weigh
from syncrun.scratch import publish, scratch
from syncrun.sdk import BulkSink, Cap, Sink
from syncrun.snapshot.merge import DELETIONS
from syncrun.snapshot.table import Snapshot
from syncrun.state import decision, lease, policy
from syncrun.state.lease import Lease
from syncrun.state.store import AppliedFile, Run


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan and what it was made from. `told` is the part of the summary about the input; `doubtful` says that the
    roster counts as accepted only once a person has approved the plan."""

    plan: Plan
    identity: str
    snapshot: Snapshot
    doubtful: bool
    told: Mapping[str, Any]


def sync(session: Session) -> Result:
    """Run the district once. Every error of ours ends up in the result; anything else is a fault with a trace in a
    file of the run's folder."""
    state, district = session.state, session.district.name
    with lease.held(state.engine, district, session.run, session.clock) as held, _under(session, held):
        made(session.folders.run(session.run))
        first = not state.applied(district)
        state.start_run(session.run, district, session.mode, held.epoch, dry_run=session.dry_run)
        tell(session, "syncrun_run_started")
        try:
            result = _sync(session, held)
        except SyncError as error:
            result = _failed(session, error)
        except Exception:  # noqa: BLE001 # the last guard: an operator never sees a traceback
            result = _failed(session, _fault(session))
        session.progress.phase("finish")
        if first and result.exit_code in {EXIT_DONE, EXIT_DEGRADED} and state.applied(district):
            result = _first_complete(session, result)
        tell(session, "syncrun_run_finished", result.outcome, result.exit_code, result.summary)
        with contextlib.suppress(LeaseLostError):  # whoever took over tidies
            _tidy(session)
    return result


@contextlib.contextmanager
def _under(session: Session, held: Lease) -> Iterator[None]:
    """While the block runs, nothing is written to the state once another run has taken over."""
    state = session.state
    session.state = state.under(held)
    try:
        yield
    finally:
        session.state = state


def _first_complete(session: Session, result: Result) -> Result:
    """Say once that the district's first sync is complete: in the summary, from which observers may tell people."""
    told = {**result.summary, "first_sync_complete": True}
    with session.state.transaction() as transaction:
        session.state.update_run(session.run, transaction, summary=told)
        telling.note_complete(session, transaction, session.run)
    return dataclasses.replace(result, summary=told)


def _fault(session: Session) -> FaultError:
    """Keep the trace in a file that only the operator can read."""
    target = session.folders.run(session.run) / "fault.txt"
    target.touch(mode=0o600)
    target.write_text(traceback.format_exc(), encoding="utf-8")
    return FaultError("A fault in syncrun stopped the run.",
                      next_step=f"Report it with the file {target}, after a look for names in it.")  # fmt: skip


def _failed(session: Session, error: SyncError) -> Result:
    told = {"run": session.run, "district": session.district.name, "outcome": error.outcome,
            "exit_code": error.exit_code, "error": error.as_dict()}  # fmt: skip
    with contextlib.suppress(LeaseLostError):  # whoever took over has noted what became of this run
        _note_failed(session, error, told)
    return Result(session.run, error.outcome, error.exit_code, told, error)


def _note_failed(session: Session, error: SyncError, told: Mapping[str, Any]) -> None:
    found = session.state.run(session.run)
    with session.state.transaction() as transaction:
        if found is None or found.status != "applying":  # an interrupted apply is finished by the next run
            session.state.update_run(session.run, transaction, status="ended")
        session.state.update_run(session.run, transaction, outcome=error.outcome, exit_code=error.exit_code,
                                 finished_at=session.clock.now(), summary=told)  # fmt: skip
        telling.note_needs(session, transaction, session.run, told)


def _tidy(session: Session) -> None:
    """Remove what a run needs only while it is at work, and what is too old to keep."""
    content = session.state.snapshot(session.district.name)
    current = {table.path.split("/")[-2] for table in Snapshot.from_json(content).tables.values()} if content else set()
    recent = session.state.runs(session.district.name, limit=KEPT_SNAPSHOTS)
    needed = {
        plan for run in (*recent, *session.state.interrupted(session.district.name)) for plan in (run.id, run.plan_run)
    }
    session.folders.sweep()
    session.folders.prune(session.clock.now(), {session.run, *current, *filter(None, needed)})


def _sync(session: Session, held: Lease) -> Result:
    """Finish what is open; read and plan; apply. Reading and planning may be broken off at any moment."""
    skipped = finish_interrupted(session, held)
    session.progress.phase("fetch")
    sinks = {name: sink for name, sink in session.sinks().items() if name not in skipped}
    if not sinks:
        raise next(iter(skipped.values()))
    files = session.state.applied(session.district.name)

    def read() -> Prepared | Result:
        with contextlib.closing(input_of(session)) as given:
            return _planned(session, given, sinks, files, skipped)

    found = session.stop.at_once(read)
    return found if isinstance(found, Result) else _decide(session, held, found, sinks, files, skipped)


def _planned(
    session: Session, given: Input, sinks: Mapping[str, Sink], files: Sequence[AppliedFile],
    skipped: Mapping[str, SyncError],
) -> Prepared | Result:  # fmt: skip
    """Read and plan; a result when all is as it was."""
    decisions = _decisions(session)
    policies = {
        sink.name: policy.current(session.state, session.district.name, sink.name) for sink in session.district.sinks
    }
    identity = reading.identity(
        given.content(), session.district.fingerprint, syncrun.__version__,
        *(f"{name}:{each}" for name, found in decisions.items() for each in found),
        *(f"{name}:{each}" for name, found in policies.items() for each in found),
        *((f"school:{session.upload.school}",) if session.upload else ()),
        *(("additions only",) if session.additions_only else ()),
    )  # fmt: skip
    last = next(
        (run for run in session.state.runs(session.district.name) if run.id != session.run and not run.dry_run), None
    )
    if session.mode != "full" and not skipped and last and last.identity == identity and last.outcome == "DONE":
        given.drop()
        return _nothing(session, last, identity)
    _confirm_files(session, files)
    _confirm_lineage(session, sinks)
    prepared = None if session.mode == "full" else _again(session, identity, _base(files))
    if prepared is not None:
        given.drop()
        return prepared
    return _prepare(session, given, sinks, decisions, policies, identity, files)


def _confirm_files(session: Session, files: Sequence[AppliedFile]) -> None:
    """Refuse to go on when what the sinks have taken, or what was accepted last, is gone from the home folder."""
    content = session.state.snapshot(session.district.name)
    paths = {table.path for table in Snapshot.from_json(content).tables.values()} if content else set()
    lost = [
        path for path in sorted({*paths, *(each.path for each in files)}) if not (session.folders.home / path).exists()
    ]
    if lost:
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        raise StateLostError(f"The home folder lacks {lost[0]}{more}, which the state names.")


def _confirm_lineage(session: Session, sinks: Mapping[str, Sink]) -> None:
    """Refuse to go on with a state that is older than a sink: what it believes the sink to have is not so."""
    for config in session.district.sinks:
        if config.name in sinks and Cap.BULK in config.info.caps:
            latest = cast("BulkSink", sinks[config.name]).latest_run()
            if latest and session.state.run(latest) is None:
                raise OwnerError(
                    f"The sink {config.name} has taken run {latest}, of which the state here knows nothing."
                )


def _decisions(session: Session) -> dict[str, list[decision.Decision]]:
    """The decisions for each sink; a mapping file is taken over into the state first."""
    found = {}
    for sink in session.district.sinks:
        if sink.mapping and not session.dry_run:
            decision.replace(session.state, session.district.name, sink.name, read_mapping(sink.mapping), session.who)
        found[sink.name] = decision.current(session.state, session.district.name, sink.name)
        if sink.mapping and session.dry_run:
            found[sink.name] = decision.overlaid(found[sink.name], read_mapping(sink.mapping))
    return found


def _base(files: Sequence[AppliedFile]) -> str:
    """What stands for all that the sinks have taken."""
    return digest(f"{each.sink}/{each.table}/{each.seq}/{each.path}" for each in files)


def _nothing(session: Session, last: Run, identity: str) -> Result:
    """The input, the settings and the sinks are as they were when all was done."""
    told = {**_head(session), "outcome": "DONE", "exit_code": EXIT_DONE, "nothing_to_do": True,
            "files": (last.summary or {}).get("files", {}), "plan": last.plan_hash}  # fmt: skip
    session.state.update_run(
        session.run, status="ended", outcome="DONE", exit_code=EXIT_DONE, finished_at=session.clock.now(),
        identity=identity, plan_hash=last.plan_hash, plan_run=last.plan_run, snapshot=last.snapshot, summary=told,
    )  # fmt: skip
    return Result(session.run, "DONE", EXIT_DONE, told)


def _head(session: Session) -> dict[str, Any]:
    told = {"run": session.run, "district": session.district.name, "mode": session.mode, "dry_run": session.dry_run}
    told |= {"additions_only": True} if session.additions_only else {}
    upload = session.upload
    return {**told, "upload": {"school": upload.school, "complete": upload.complete}} if upload else told


def _again(session: Session, identity: str, base: str) -> Prepared | None:
    """The plan of the run before, when nothing that it was made from has changed: it need not be made again. A run of
    other files in between may have changed the accepted roster."""
    for run in session.state.runs(session.district.name, limit=5):
        if run.id != session.run and run.identity not in {None, identity} and not run.dry_run:
            return None
        if run.id == session.run or run.plan_run is None or run.identity != identity or run.outcome != "HELD":
            continue
        path = session.folders.plan(run.plan_run)
        if not path.exists() or not run.snapshot:
            return None
        plan = Plan.from_json(path.read_text(encoding="utf-8"))
        if plan.base != base:
            return None
        told = {
            key: (run.summary or {})[key] for key in ("files", "findings", "doubtful") if key in (run.summary or {})
        }
        return Prepared(plan, identity, Snapshot.from_json(run.snapshot), bool(told.get("doubtful")), told)
    return None


def _prepare(
    session: Session, given: Input, sinks: Mapping[str, Sink],
    decisions: Mapping[str, Sequence[decision.Decision]], policies: Mapping[str, Sequence[policy.Policy]], identity: str,
    files: Sequence[AppliedFile],
) -> Prepared:  # fmt: skip
    """Read the source and make the plan. A sink that cannot be read makes the run fail before anything is written."""
    for sink in sinks.values():
        sink.check()
    district, folder, home = session.district, session.folders.run(session.run), session.folders.home
    content = session.state.snapshot(district.name)
    before = Snapshot.from_json(content) if content else None
    scope = uploading.scope(session.upload, decisions, before, session.folders) if session.upload else None
    arrival = given.arrival()
    try:
        with scratch(folder / "spill", [home, *{each.path.parent for each in arrival.scans}]) as connection:
            read = reading.read(
                connection, arrival, before, limits=district.limits,
                staged=planning.staged(sinks.values(), [each for sink in district.sinks for each in sink.routes]),
                today=today(session.clock, district.time_zone), home=home,
                snapshots=session.folders.snapshot(session.run), run=session.run, progress=session.progress, scope=scope,
                missed_since=given.changes_since(),
            )  # fmt: skip
            rule_table.write(connection, folder / "findings.parquet")
            publish(connection, f"FROM {DELETIONS}", folder / "deletions.parquet")
            told = {"files": summary.files(read.figures), "findings": summary.findings(rule_table.read(connection, summary.SHOWN_FINDINGS)),
                    "doubtful": bool(read.doubts)}  # fmt: skip
            session.progress.phase("shape")
            plans, advice = {}, []
            for position, config in enumerate(district.sinks):
                if config.name not in sinks:
                    continue
                mine = [each for each in files if each.sink == config.name]
                desk = planning.Desk(
                    district.name, config, sinks[config.name], district.limits, decisions[config.name],
                    policies[config.name], mine, home, folder,
                    session.mode == "full" and bool(mine),
                    Aside(session.folders.applied(config.name) / "aside.json", not session.dry_run),
                    additions_only=session.additions_only,
                )  # fmt: skip
                with reading.first_of_all(read.doubts):
                    plans[config.name], more = planning.make(
                        connection, desk, [reading.doubt(each) for each in read.doubts], f"sinks[{position}]"
                    )
                advice += [f"{config.name}: {each}" for each in more]
        snapshot = given.kept(read.snapshot, proved=all(each.proved for each in read.figures.values()))
    finally:
        given.drop()
    plan = objections(session, Plan(session.run, _base(files), plans, tuple(advice)))
    write_whole(session.folders.plan(session.run), plan.to_json())
    return Prepared(plan, identity, snapshot, bool(read.doubts), told)


def _decide(
    session: Session, held: Lease, prepared: Prepared, sinks: Mapping[str, Sink], files: Sequence[AppliedFile],
    skipped: Mapping[str, SyncError],
) -> Result:  # fmt: skip
    """Weigh what people said of the plan; note it; then apply what nothing holds, unless this is a dry run."""
    session.progress.phase("judge")
    plan, district = prepared.plan, session.district.name
    verdict = weigh(plan, session.state.approvals(district))
    tell_plan(session, plan)
    results = passed_over(session.district, plan, verdict.approved, skipped)
    go = not session.dry_run and any(
        set(each.parts) - (set(each.held) - verdict.approved[name]) for name, each in plan.sinks.items()
        if name not in results
    )  # fmt: skip
    applying.intend(session.folders, session.run, verdict.approved)
    with session.state.transaction() as transaction:
        if not session.dry_run and (not prepared.doubtful or go):
            session.state.accept(transaction, district, session.run, prepared.snapshot.to_json())
        session.state.update_run(
            session.run, transaction, status="applying" if go else "started", identity=prepared.identity,
            plan_hash=plan.held_hash if _waits(plan, verdict) else plan.hash, plan_run=plan.run,
            snapshot=prepared.snapshot.to_json(), summary={**_head(session), **prepared.told},
        )  # fmt: skip
    if go:
        session.progress.phase("apply")
        results = apply_all(session, held, session.run, plan, sinks, files, verdict.approved, skipped)
    elif not session.dry_run:
        served = {name: sink for name, sink in sinks.items() if name not in results}
        skipped = {**publish_again(session, held, session.run, plan, served, files), **skipped}
    return conclude(
        session,
        session.run,
        plan,
        verdict,
        results,
        {**_head(session), **prepared.told},
        skipped,
        dry_run=session.dry_run,
    )


def _waits(plan: Plan, verdict: Verdict) -> bool:
    return any(set(each.held) - verdict.approved[name] for name, each in plan.sinks.items())
