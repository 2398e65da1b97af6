"""What a run writes to the log: that it began, each phase with its seconds, what each sink took, how it ended.

Only the fields of `FIELDS` are written, each a number or a word that could be a name of ours; all else is left out before
a line is made. So no cell of a roster, no message of a driver and no secret can be in the log, whatever happens.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, TextIO, cast, get_args

import structlog

from syncrun.errors import SyncError, UsageError
from syncrun.run.progress import Progress, Silent

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from structlog.typing import FilteringBoundLogger, Processor, WrappedLogger

    from syncrun.run.ending import Result
    from syncrun.run.session import Session

Form = Literal["json", "text"]
VARIABLE: Final = "SYNCRUN_LOG"
"""The environment variable that asks for a log, as `json` or as `text` (logfmt)."""

FIELDS: Final = frozenset({
    "event", "level", "timestamp", "run", "district", "mode", "dry_run", "phase", "seconds", "outcome", "exit_code", "code",
    "sink", "rows", "rejected", "unchanged", "held_parts", "waiting", "findings", "files", "nothing_to_do",
    "create", "link", "restore", "update", "archive", "move", "retire", "release",
    "cause", "ending", "tries", "again_seconds", "late_seconds", "at_once", "districts",
})  # fmt: skip
"""What a line may hold."""
_WORD = re.compile(r"[A-Za-z0-9_.:+ -]{0,80}")


def chosen(environment: Mapping[str, str] = os.environ, *, as_json: bool = False) -> Form | None:
    """Which log is asked for, by the option or the environment. Raises `UsageError` for a word that is none."""
    word = environment.get(VARIABLE, "")
    if word and word not in get_args(Form):
        raise UsageError(f"{VARIABLE} is neither json nor text.", next_step=f"Set {VARIABLE}=json or {VARIABLE}=text.")
    return "json" if as_json else cast("Form", word) if word else None


class Journal:
    """Listens to a run, writes the log in its `form`, and passes on what it hears."""

    def __init__(
        self, form: Form, stream: TextIO | None = None, listener: Progress | None = None,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.form, self._stream = form, stream or sys.stderr
        self._listener: Progress = listener or Silent()
        self._timer = timer
        self._began = self._phase_began = timer()
        self._phase = ""
        self._log = log_to(form, self._stream, [])

    def begin(self, session: Session) -> None:
        """The run is about to start."""

        def stamp(logger: WrappedLogger, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
            event["timestamp"] = session.clock.now().isoformat(timespec="milliseconds")
            return event

        self._log = log_to(self.form, self._stream, [stamp]).bind(run=session.run, district=session.district.name)
        self._began = self._phase_began = self._timer()
        self._log.info("run started", mode=session.mode, dry_run=session.dry_run)

    def end(self, result: Result) -> None:
        """The run has ended, however it ended."""
        self._close_phase()
        told = result.summary
        for name, sink in told.get("sinks", {}).items():
            counts: dict[str, int] = {}
            for table in sink["tables"].values():
                for action, count in table["planned"].items():
                    counts[action] = counts.get(action, 0) + count
            self._log.info(
                "sink ended", sink=name, outcome=sink.get("outcome"), held_parts=len(sink["held"]),
                unchanged=sum(table["unchanged"] for table in sink["tables"].values()),
                rejected=sink.get("rejected"), waiting=sink.get("waiting"),
                code=told.get("errors", {}).get(name, {}).get("code"), **counts,
            )  # fmt: skip
        level = (
            self._log.info if result.exit_code == 0 else self._log.warning if result.error is None else self._log.error
        )
        level(
            "run ended", outcome=result.outcome, exit_code=result.exit_code, code=result.error.code if result.error else None,
            seconds=self._since(self._began), files=len(told.get("files", {})), findings=len(told.get("findings", ())),
            rows=sum(each["rows"] for each in told.get("files", {}).values()), nothing_to_do=told.get("nothing_to_do"),
        )  # fmt: skip

    def refused(self, error: SyncError) -> None:
        """No run came of it: the district cannot be opened, or another run of it is at work."""
        self._log.error("run not started", outcome=error.outcome, exit_code=error.exit_code, code=error.code)

    def phase(self, name: str) -> None:
        """A phase begins, and the one before has ended."""
        self._close_phase()
        self._phase, self._phase_began = name, self._timer()
        self._listener.phase(name)

    def page(self, collection: str, rows: int) -> None:
        """More records came; the log does not tell of each."""
        self._listener.page(collection, rows)

    def chunk(self, sink: str, table: str, action: str, rows: int) -> None:
        """More rows are in a sink; the log does not tell of each."""
        self._listener.chunk(sink, table, action, rows)

    def total(self, sink: str, rows: int) -> None:
        """So many rows are to be sent to a sink."""
        self._log.info("sink begins", sink=sink, rows=rows)
        self._listener.total(sink, rows)

    def _close_phase(self) -> None:
        if self._phase:
            self._log.info("phase ended", phase=self._phase, seconds=self._since(self._phase_began))
        self._phase = ""

    def _since(self, moment: float) -> float:
        return round(self._timer() - moment, 3)


def log_to(form: Form, stream: TextIO, processors: list[Processor]) -> FilteringBoundLogger:
    """A logger of its own: nothing global is set, so that plug-ins that use structlog are left alone."""
    renderer: Processor = (
        structlog.processors.JSONRenderer() if form == "json"
        else structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], drop_missing=True, bool_as_flag=False)
    )  # fmt: skip
    return cast("FilteringBoundLogger", structlog.wrap_logger(
        structlog.PrintLogger(cast("TextIO", _Surviving(stream))), wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        processors=[structlog.processors.add_log_level, *processors, allowed, renderer],
    ))  # fmt: skip


class _Surviving:
    """A stream for a log. That a disk is full, a reader went away or there is none ends neither a run half-way nor a
    service."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        if self._stream:
            with contextlib.suppress(OSError):
                self._stream.write(text)

    def flush(self) -> None:
        if self._stream:
            with contextlib.suppress(OSError):
                self._stream.flush()


def allowed(logger: WrappedLogger, name: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """The fields that may be written; texts that are no plain words become `?`."""
    return {key: _plain(value) for key, value in event.items() if key in FIELDS and value is not None}


def _plain(value: object) -> str | int | float | bool:
    if isinstance(value, bool | int | float):
        return value
    text = str(value)
    return text if _WORD.fullmatch(text) else "?"
