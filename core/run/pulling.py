"""Pulling records from a source: page by page, several collections at a time, onto disk, until all have ended.

A pull counts as one look at the source only when all its pages have the same revision; when it moves meanwhile, all is
read again, `RESTARTS` times at most. A pull that was cut off goes on where it was if nothing it rests on has changed and it
is not too old.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from syncrun.clock import Clock
from syncrun.errors import ContractError, LeaseLostError, NoDeltasError, StartOverError, SyncError, TransientError
from syncrun.finding import Finding
from syncrun.intake.arrival import Arrival, ArrivedFile
from syncrun.intake.scan import Scan, stamp
from syncrun.intake.spool import INDEX, Spool, facts, note_facts
from syncrun.run.folder import made
from syncrun.run.progress import Progress
from syncrun.sdk import FileSource, Mark, RecordSource

RESTARTS = 3
WORKERS = 4
RESUMED_FOR = datetime.timedelta(hours=6)
RESUMED_BLINDLY_FOR = datetime.timedelta(minutes=30)
"""An older pull is begun anew: what it has read may have changed. Of a source without revisions nothing would tell."""


class MovedError(TransientError):
    """The source's data changed again and again while it was read."""

    code = "E-PULL-1"
    next_step = "Run again when the source is quiet, for instance at night."


@dataclass(frozen=True, slots=True)
class Pulled:
    """What is kept with an accepted roster of the pull that it came by: the source's `revision`, the `moment` from which
    changes are asked for next (ISO 8601), from when on everything was read last (`full`), and what it `rests_on`: the
    district file and the engine that read it. With others, changes alone would say nothing of what they read anew."""

    revision: str | None
    moment: str
    full: str
    rests_on: str = ""
    no_deltas: bool = False
    """Whether the source turned out not to send changes alone."""
    version: str | None = None
    """Where changes are asked for by version: the one from which they are asked for next."""


def sends_records(source: FileSource | RecordSource) -> TypeGuard[RecordSource]:
    """Whether a source sends records, not files."""
    return hasattr(source, "read")


def since(
    source: RecordSource, before: Pulled | None, now: datetime.datetime, rests_on: str
) -> datetime.datetime | str | None:
    """From which moment, or version, on changes are asked for; None: everything is read."""
    if source.deltas is None or before is None or before.rests_on != rests_on or before.no_deltas:
        return None
    if now - datetime.datetime.fromisoformat(before.full) >= source.deltas.full_every:
        return None
    if source.deltas.by_version:
        return before.version
    return datetime.datetime.fromisoformat(before.moment) - source.deltas.overlap


class Pull:
    """One pull into a folder, which it leaves when it is cut off, for the next one to go on with."""

    def __init__(
        self, source: RecordSource, folder: Path, mark: Mark, from_: datetime.datetime | str | None, *, clock: Clock,
        progress: Progress, rests_on: str, confirm: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        """`confirm` raises `LeaseLostError` when the folder belongs to another run by now."""
        self.source, self.folder, self.mark, self.since = source, folder, mark, from_
        self.clock, self.progress = clock, progress
        self._rests_on = rests_on
        self._confirm = confirm
        self._stop = threading.Event()
        self._proved = False
        self.no_deltas = ""
        self.for_good = False

    def arrival(self) -> Arrival:
        """Read what is not there yet; the collections as an arrival.

        Raises what the source raises, and `MovedError`.
        """
        for _ in range(1 + RESTARTS):
            spool = self._spool()
            try:
                self._read_all(spool)
            except NoDeltasError as error:
                if self.since is None:
                    raise
                self.no_deltas, self.since = error.message, None
                self.for_good = not isinstance(error, StartOverError)
                spool = self._spool()
                self._read_all(spool)
            if not self._moved(spool):
                return self._arrival(spool)
            self._clear()
            self.mark = self.source.mark()
        raise MovedError(f"The source's data changed {RESTARTS + 1} times while it was read.")

    def pulled(self, before: Pulled | None, *, proved: bool) -> Pulled | None:
        """What to keep of it with the roster, once that is accepted; `proved` says whether landing found nothing against
        it. After a pull that is not proved to have read everything, changes are asked for from the same moment again."""
        if not (self._proved and proved):
            return dataclasses.replace(before, revision=None) if before else None
        noted = facts(self.folder)
        begun = str(noted["moment"])
        known = before is not None and before.rests_on == self._rests_on and before.no_deltas
        return Pulled(self.mark.revision, begun, before.full if before and self.since else begun, self._rests_on,
                      no_deltas=known or self.for_good, version=noted["version"])  # fmt: skip

    def drop(self) -> None:
        """Remove its pages."""
        with contextlib.suppress(LeaseLostError):  # then they are another run's
            self._confirm()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _clear(self) -> None:
        """Remove the pages of another pull, all of them: one that stayed would count as one of this."""
        self._confirm()
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def _spool(self) -> Spool:
        """The pages that there are of this very pull; none when what there is, is of another."""
        self._confirm()
        now = self.clock.now()
        moment = self.mark.moment or now
        told = {"since": str(self.since) if self.since else None, "rests_on": self._rests_on,
                "revision": self.mark.revision}  # fmt: skip
        found = facts(self.folder)
        same = {key: found.get(key) for key in told} == told
        most = RESUMED_FOR if self.mark.revision else RESUMED_BLINDLY_FOR
        if not same or now - datetime.datetime.fromisoformat(found["begun"]) > most:
            self._clear()
            noted = {"begun": now.isoformat(), "moment": moment.isoformat(), "version": self.mark.version}
            note_facts(made(self.folder), {**told, **noted})
        return Spool(self.folder)

    def _read_all(self, spool: Spool) -> None:
        """Read all collections that have not ended, some at a time; when one fails, the others stop after their page. When
        the run is broken off, they are left where they are, and what they still get is kept like other pages."""
        self._stop.clear()
        left = [each.entity for each in self.source.format.kinds if not spool.ended(each.entity)]
        pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="pull")
        try:
            reading = [pool.submit(self._read, spool, collection) for collection in left]
            wait(reading, return_when=FIRST_EXCEPTION)
            self._stop.set()  # what still reads is of no use any more, or there is nothing left to read
            wait(reading)
        finally:
            self._stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
        errors = [error for each in reading if (error := each.exception())]
        for error in sorted(errors, key=lambda each: isinstance(each, TransientError)):
            raise error

    def _read(self, spool: Spool, collection: str) -> None:
        if self._stop.is_set():
            return
        last = spool.last(collection)
        cursor = last.cursor if last else None
        try:
            for page in self.source.read(collection, self.since, cursor):
                self._confirm()
                kept = spool.add(collection, page)
                self.progress.page(collection.removeprefix("sent_"), kept.count)
                if kept.revision is not None and self.mark.revision not in {None, kept.revision}:
                    self._stop.set()
                if kept.cursor is None or self._stop.is_set():
                    return
        except SyncError:
            self._stop.set()  # at once, so that this thread does not begin another collection with refused credentials
            raise
        except Exception as error:
            self._stop.set()
            raise ContractError(f"The source raised {type(error).__name__} on reading {collection}.") from error
        raise ContractError(f"The source ended {collection} without a last page.")

    def _moved(self, spool: Spool) -> bool:
        """Whether pages were read of different states of the source. One that does not tell its own is of the state
        that held before and after."""
        if self.mark.revision is None:
            return False
        found = {page.revision for each in self.source.format.kinds for page in spool.pages(each.entity)}
        if None in found:
            found.add(self.source.mark().revision)
        return found - {None} != {self.mark.revision}

    def _arrival(self, spool: Spool) -> Arrival:
        files, findings = {}, []
        if self.no_deltas:
            findings.append(Finding("R-PULL-03", words=f"{self.no_deltas.removesuffix('.')}: everything was read"))
        form = self.source.format
        self._proved = True
        for each in form.kinds:
            last = spool.pages(each.entity)[-1]
            notes = {note for page in spool.pages(each.entity) for note in page.notes}
            findings += [Finding("R-PULL-03", each.name, words=note) for note in sorted(notes)]
            self._proved = self._proved and last.complete
            if not last.complete:
                findings.append(Finding("R-PULL-01", each.name, words=last.doubt))
            path = self.folder / INDEX
            scan = Scan(path, path.stat().st_size, spool.sha256(each.entity), spool.rows(each.entity), "\n", ended=True,
                        commas=0, ascii=True, stamp=stamp(path))  # fmt: skip
            files[each.entity] = ArrivedFile(
                each, scan, "delta" if self.since else "bulk", pages=spool.paths(each.entity), proved=last.complete
            )
        return Arrival(files, partial=False, findings=findings, scans=(), absent=frozenset(), form=form)
