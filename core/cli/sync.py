"""`syncrun --district X`."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from syncrun.apply.stop import Stop
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
    district decide it by the day. SIGTERM asks the run to end."""
    stop = Stop()
    signal.signal(signal.SIGTERM, _asking(stop))
    journal = _journal(as_json=log_json)
    try:
        session = stop.at_once(
            lambda: _opened(district, stop, mode=mode, dry_run=dry_run, upload=upload, additions_only=additions_only)
        )
        result = _logged(session, journal) if journal else _watched(session)
    except SyncError as error:
        if journal:
            journal.refused(error)
        if _is_for_programs(journal) and not as_json:
            return error.exit_code
        raise
    _tell(session, result, asked=district, again=again, as_json=as_json, quiet=_is_for_programs(journal))
    return _left(stop, result.exit_code)


def _opened(district: str, stop: Stop, *, additions_only: bool | None, **options: Any) -> Session:
    """The session, with the schedules of the district's file taken over."""
    from syncrun.schedule import timetable

    session = open_session(district, stop=stop, **options)
    state, name = session.state, session.district.name
    if not session.dry_run:
        timetable.adopt(state, name, session.district.schedule)
    if additions_only is None:
        known = timetable.overlaid(timetable.entries(state, name), session.district.schedule)
        arrival = session.district.arrival
        additions_only = timetable.adds_only([*known.values(), *([arrival] if arrival else [])], session.clock.now())
    session.additions_only = additions_only
    return session


def _tell(session: Session, result: Result, *, asked: str, again: str, as_json: bool, quiet: bool) -> None:
    """How it went and when the district runs next. `quiet`: an error is told on stdout or not at all."""
    from syncrun.cli.coming import line, told_next
    from syncrun.schedule import timetable

    faults = [
        f"{each.plugin} ({each.distribution.name} {each.distribution.version}) in {each.stage}: {each.reason}"
        for each in session.registry.faults if each.stage.startswith("syncrun_")
    ]  # fmt: skip
    told = {**result.summary, **({"faults": faults} if faults else {})}
    scheduled = [] if session.dry_run else timetable.entries(session.state, session.district.name)
    if scheduled:
        told["next_run"] = told_next(scheduled)
    if as_json:
        click.echo(json.dumps(told, indent=2))
    elif result.error is None or "sinks" in result.summary:
        show_summary(console(), told, asked=asked, again=again)
    elif not quiet:
        tell(result.error, as_json=False)
    if scheduled and not as_json:
        click.echo(line(scheduled, session.clock.now(), session.district.arrival))


def _journal(*, as_json: bool) -> Journal | None:
    """The log, if one is asked for."""
    if not as_json and not os.environ.get("SYNCRUN_LOG"):
        return None
    from syncrun.run.journal import Journal, chosen

    form = chosen(as_json=as_json)
    return Journal(form) if form else None


def _is_for_programs(journal: Journal | None) -> bool:
    """Whether stderr is a log that programs read line by line: then nothing else is written there."""
    return journal is not None and journal.form == "json"


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


def _asking(stop: Stop) -> Callable[[int, FrameType | None], None]:
    """What SIGTERM does: ask the run to end. Asked again, as a service manager does that sends it to all processes of a
    service, it goes on ending; Ctrl-C ends it at once."""

    def ask(number: int, frame: FrameType | None) -> None:
        stop.ask()

    return ask


def _left(stop: Stop, exit_code: int) -> int:
    """The exit code; where reading was broken off, the process ends with it here: threads of the source may still wait
    minutes for an answer that nobody needs, and the interpreter would wait for them."""
    if stop.has_broken_off:
        with contextlib.suppress(OSError):  # who would read it has gone
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(exit_code)
    return exit_code
