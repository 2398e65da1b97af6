"""`syncrun approve` and `syncrun reject`."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import click

from syncrun.cli.opening import district_option, json_option, open_session, person
from syncrun.errors import UsageError

if TYPE_CHECKING:
    from syncrun.plan.model import Plan
    from syncrun.run.session import Session
    from syncrun.state.store import Run


@click.command()
@district_option
@click.option("--school", "schools", metavar="ID", multiple=True, help="Only this school's part; may be given again.")
@click.option("--plan", "plan_hash", metavar="HASH", help="Refuse unless the plan's hash begins so.")
@click.option("--as", "who", metavar="NAME", help="Who approves, for the audit (default: you).")
@click.option("--run", "run_now", is_flag=True, help="Run the district at once.")
@json_option
def approve(
    district: str | None, schools: tuple[str, ...], plan_hash: str | None, who: str | None, run_now: bool, as_json: bool
) -> int:
    """Let a held plan go, whole or by school.

    The approval is for the plan as it is: if the input, the settings or the sink change before it is applied, it does
    not count. It runs out after 24 hours. The next run of the district applies it.
    """
    session = open_session(district)
    held = waiting(session)[0]
    uploaded = held.mode == "upload"
    if uploaded and run_now:
        raise UsageError("What waits was uploaded, and the files are not kept.",
                         next_step="Approve it without --run, then upload the same files again.")  # fmt: skip
    told = _decide(session, "approve", schools, plan_hash, who or person())
    if not (as_json and run_now):  # there is one answer, and with --run it is the run's
        _say(told, as_json=as_json, word="Approved")
    if not (as_json or run_now):
        click.echo(
            "Next: upload the same files again."
            if uploaded
            else f"Next: syncrun --district {shlex.quote(str(district))}"
        )
    if run_now:
        from syncrun.cli.sync import run

        adds_only = bool((held.summary or {}).get("additions_only"))
        return run(
            str(session.district.path), mode="incremental", dry_run=False, as_json=as_json, additions_only=adds_only
        )
    return 0


@click.command()
@district_option
@click.option("--as", "who", metavar="NAME", help="Who turns it down, for the audit (default: you).")
@json_option
def reject(district: str | None, who: str | None, as_json: bool) -> int:
    """Turn a held plan down. Nothing is written; a plan of other input is a new one and asks anew."""
    session = open_session(district)
    _say(_decide(session, "reject", (), None, who or person()), as_json=as_json, word="Turned down")
    return 0


def waiting(session: Session) -> tuple[Run, Plan]:
    """The newest run of the district and its plan, which must wait for a person."""
    from syncrun.plan.model import Plan

    runs = session.state.runs(session.district.name, limit=1)
    path = session.folders.plan(runs[0].plan_run) if runs and runs[0].plan_run else None
    if not runs or runs[0].outcome != "HELD" or path is None or not path.exists():
        how = f": its last run ended {runs[0].outcome or 'without an outcome'}" if runs else ", since it never ran"
        raise UsageError(f"Nothing of district {session.district.name} waits{how}.",
                         next_step=f"Run `syncrun plan --district {session.district.name}` to see what would be done.")  # fmt: skip
    return runs[0], Plan.from_json(path.read_text(encoding="utf-8"))


def _decide(
    session: Session, verdict: str, schools: tuple[str, ...], plan_hash: str | None, who: str
) -> dict[str, object]:
    from syncrun.plan.model import school_of

    run, plan = waiting(session)
    holds = session.state.holds(run.id)
    held = {school_of(hold.part) for hold in holds}
    if plan_hash and not plan.held_hash.startswith(plan_hash):
        raise UsageError(f"The plan that waits has the hash {plan.held_hash[:12]}, not {plan_hash[:12]}.",
                         next_step="Look at it with `syncrun show` first.")  # fmt: skip
    unknown = [school for school in schools if school not in held]
    if unknown:
        raise UsageError(f"Nothing of school {', '.join(unknown)} waits.",
                         next_step=f"Schools with held parts: {', '.join(sorted(held - {''})[:20]) or 'none'}.")  # fmt: skip
    hashes: list[tuple[str, str | None]] = [(plan.hash_of(school), school) for school in schools]
    session.state.decide(
        session.district.name, run.id, "approve" if verdict == "approve" else "reject",
        hashes or [(plan.held_hash, None)], who,
    )  # fmt: skip
    return {"run": run.id, "district": session.district.name, "verdict": verdict, "plan": plan.held_hash,
            "schools": list(schools) or None, "who": who}  # fmt: skip


def _say(told: dict[str, object], *, as_json: bool, word: str) -> None:
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    schools = told["schools"]
    what = f"school {', '.join(schools)} of " if isinstance(schools, list) else ""
    click.echo(f"{word}: {what}plan {str(told['plan'])[:12]} of run {told['run']}, by {told['who']}.")
