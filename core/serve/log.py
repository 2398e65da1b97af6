"""What a service writes to the log, in the form and with the fields of the log of runs."""

from __future__ import annotations

import datetime
import sys
from typing import TYPE_CHECKING, Any, TextIO

from syncrun.run.journal import Form, log_to
from syncrun.state.job import Ending, Job

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from structlog.typing import WrappedLogger

    from syncrun.clock import Clock


class Log:
    """Writes a line for each thing that a service does."""

    def __init__(self, form: Form, clock: Clock, stream: TextIO | None = None) -> None:
        def stamp(_: WrappedLogger, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
            event["timestamp"] = clock.now().isoformat(timespec="milliseconds")
            return event

        self._log = log_to(form, stream or sys.stderr, [stamp])

    def started(self, at_once: int, districts: int) -> None:
        """It is there."""
        self._log.info("service started", at_once=at_once, districts=districts)

    def left(self) -> None:
        """It is not there any more."""
        self._log.info("service ended")

    def begun(self, job: Job, now: datetime.datetime) -> None:
        """A run was begun."""
        late = (now - job.due_at).total_seconds()
        self._log.info("run begun", district=job.district, mode=job.mode, cause=job.cause, tries=job.tries,
                       late_seconds=round(late, 1))  # fmt: skip

    def skipped(self, district: str) -> None:
        """A run that was due was passed over."""
        self._log.warning("run skipped", district=district)

    def missed(self, district: str) -> None:
        """A run was missed, and is too late to be made up for."""
        self._log.warning("run missed", district=district)

    def again(self, job: Job, exit_code: int, seconds: float) -> None:
        """A run is tried again."""
        self._log.warning(
            "run tried again", district=job.district, exit_code=exit_code, tries=job.tries, again_seconds=seconds
        )

    def ended(self, job: Job, ending: Ending, exit_code: int | None, run: str | None) -> None:
        """A job came to its end."""
        level = self._log.info if run and exit_code == 0 else self._log.warning
        level("job ended", district=job.district, ending=ending, exit_code=exit_code, run=run, tries=job.tries)

    def taken_over(self, job: Job) -> None:
        """The job of a server that is gone is ours."""
        self._log.warning("job taken over", district=job.district)

    def given_away(self, job: Job) -> None:
        """Another server took a job of ours, since it took us for dead."""
        self._log.warning("job given away", district=job.district)

    def released(self, job: Job) -> None:
        """A run was asked to end, and goes on when a server is there."""
        self._log.info("job released", district=job.district)

    def unfiled(self, district: str) -> None:
        """A run is due of a district that has no file here."""
        self._log.warning("no file", district=district)

    def unusable(self, district: str) -> None:
        """A district file cannot be used; `syncrun check` says why."""
        self._log.error("file unusable", district=district)

    def trouble(self, code: str) -> None:
        """The state database cannot be used at the moment."""
        self._log.error("state out of reach", code=code)

    def errand(self, name: str, exit_code: int) -> None:
        """A digest was not sent as it should."""
        self._log.warning(name, exit_code=exit_code)
