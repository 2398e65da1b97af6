"""`syncrun --district X`."""

from __future__ import annotations

import json
import os
import signal
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from syncrun.cli.failure import tell
from syncrun.cli.opening import open_session
from syncrun.cli.screen import Live, console, show_summary
from syncrun.errors import SyncError

if TYPE_CHECKING:
    from syncrun.intake.upload import Upload
    from syncrun.run.ending import Result
    from syncrun.run.journal import Journal
    from syncrun.run.session import Session


def run(
    district: str, *, mode: str, dry_run: bool, as_json: bool, upload: Upload | None = None, again: str = "",
    additions_only: bool | None = None, log_json: bool = False,
) -> int:  # fmt: skip
    """Run a district, from its source or with what a person uploads, and tell how it went and when it runs next; the exit
    code. `again` is the command that does the same once more. Unless `additions_only` is said, the schedules of the
    district decide it by the day."""
    from syncrun.cli.coming import line, told_next
    from syncrun.schedule import timetable

    signal.signal(signal.SIGTERM, _stop)
    journal = _journal(as_json=log_json)
    try:
        session = open_session(district, mode=mode, dry_run=dry_run, upload=upload)
        state, name = session.state, session.district.name
        if not dry_run:
            timetable.adopt(state, name, session.district.schedule)
        if additions_only is None:
            known = timetable.overlaid(timetable.entries(state, name), session.district.schedule)
            additions_only = timetable.adds_only(known.values(), session.clock.now())
        session.additions_only = additions_only
        result = _logged(session, journal) if journal else _watched(session)
    except SyncError as error:
        if journal:
            journal.refused(error)
        raise
    faults = [
        f"{each.plugin} ({each.distribution.name} {each.distribution.version}) in {each.stage}: {each.reason}"
        for each in session.registry.faults if each.stage.startswith("syncrun_")
    ]  # fmt: skip
    told = {**result.summary, **({"faults": faults} if faults else {})}
    scheduled = [] if dry_run else timetable.entries(state, name)
    if scheduled:
        told["next_run"] = told_next(scheduled)
    if result.error is not None and "sinks" not in result.summary:
        tell_error(told, result.error, as_json=as_json)
    elif as_json:
        click.echo(json.dumps(told, indent=2))
    else:
        show_summary(console(), told, asked=district, again=again)
    if scheduled and not as_json:
        click.echo(line(scheduled, session.clock.now()))
    return result.exit_code


def _journal(*, as_json: bool) -> Journal | None:
    """The log, if one is asked for."""
    if not as_json and not os.environ.get("SYNCRUN_LOG"):
        return None
    from syncrun.run.journal import Journal, chosen

    form = chosen(as_json=as_json)
    return Journal(form) if form else None


def _logged(session: Session, journal: Journal) -> Result:
    """Run with a log on stderr, where nothing else is then shown."""
    from syncrun.run.runner import sync

    session.progress = journal
    journal.begin(session)
    result = sync(session)
    journal.end(result)
    return result


def _watched(session: Session) -> Result:
    """Run with progress for who looks on."""
    from syncrun.run.runner import sync

    with Live() as live:
        session.progress = live
        return sync(session)


def tell_error(summary: Any, error: Any, *, as_json: bool) -> None:
    """A run that was refused or failed."""
    if as_json:
        click.echo(json.dumps(summary, indent=2))
    else:
        tell(error, as_json=False)


def _stop(number: int, frame: FrameType | None) -> None:
    """SIGTERM ends the run as Ctrl-C does: the lease is let go, and the next run finishes what was begun. A second one,
    such as systemd sends to all of a service, must not disturb that."""
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
