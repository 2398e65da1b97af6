"""Sending the chunks of a plan to one sink: fenced, retried within a budget, and resumed from what the sink has.

What becomes of the changes is kept as exceptions: a change that no exception names was applied.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import tenacity

from syncrun.apply import whole
from syncrun.apply.outgoing import FAILED, KNOWN, Outgoing, prepare
from syncrun.apply.release import SCHEMA as RELEASED
from syncrun.apply.step import Step, steps
from syncrun.apply.stop import Stop
from syncrun.errors import ContractError, FenceError, SyncError, TransientError
from syncrun.sdk import (
    Action,
    Batch,
    BulkSink,
    Cap,
    Change,
    Chunk,
    Claim,
    Outcome,
    RowSink,
    Sink,
    Table,
    Whole,
    WholeSink,
)
from syncrun.sdk.sql.rejection import REJECTIONS
from syncrun.sqltext import name
from syncrun.state.lease import Lease

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

EXCEPTIONS = "exceptions"
"""What was not simply applied: (step, "table", action, key, status, sink_id, code, reason)."""
ATTEMPTS = 5
LONGEST_WAIT = 60.0
PATIENCE = 600.0
"""Seconds that one chunk may be kept waiting in all."""

Progress = Callable[[Step, int], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Work:
    """Who sends what where. `run` is the run that began to apply, also when a later one resumes it."""

    district: str
    name: str
    sink: Sink
    caps: Cap
    tables: Sequence[Table]
    run: str
    plan: str
    claim: Claim
    quiet: bool
    folder: Path
    moment: datetime.datetime
    """When the run began, in the district's time zone."""
    stop: Stop


@dataclass(slots=True)
class Course:
    """How far sending has come: `begun` once a chunk may be in the sink."""

    begun: bool = False


def carry_out(
    connection: DuckDBPyConnection, work: Work, lease: Lease, progress: Progress, course: Course, *, resume: bool
) -> bool:
    """Send everything that is released (`syncrun.apply.release`) and leave the exceptions in their table.

    With `resume`, an earlier attempt is finished; False when there is nothing of it in the sink, so that it is better
    dropped: the world may have moved on. Raises `TransientError` when the sink cannot be reached within the budget, `FenceError` when it takes nothing from
    us, `StoppedError` between two chunks when the run was asked to end; what is committed stays committed and is
    recognised the next time.
    """
    prepare(connection, work.tables)
    connection.execute(f"""
        CREATE OR REPLACE TABLE {EXCEPTIONS} (step INTEGER, "table" VARCHAR, action VARCHAR, key VARCHAR, status VARCHAR,
            sink_id VARCHAR, code VARCHAR, reason VARCHAR)""")
    if Cap.WHOLE in work.caps:
        return _hand_over(connection, work, lease, progress, course, resume=resume)
    taker = _BulkTaker(work) if Cap.BULK in work.caps else _RowTaker(work)
    _patiently(taker.begin, work.stop)
    course.begun = taker.has_some()
    if resume and not course.begun:
        return False
    with _made_ahead(connection, work, steps(connection, work.tables)) as made:
        for outgoing in made:
            step = outgoing.step
            for number in step.chunks:
                work.stop.confirm()
                lease.confirm()
                _note(connection, step, [_orphan(key) for key in outgoing.failing(number)])
                if outgoing.size(number):
                    course.begun = True
                    _note(connection, step, _send(taker, outgoing, step, number))
                progress(step, number)
    return True


def _hand_over(
    connection: DuckDBPyConnection, work: Work, lease: Lease, progress: Progress, course: Course, *, resume: bool
) -> bool:
    """Give a sink that publishes whole tables all that it is to have. A mark in the run's folder says that it may be out:
    then the same is published again before anything else is planned, so that no change between the two is lost."""
    mark = work.folder / f"sent-{work.name}-0"
    course.begun = mark.exists()
    if resume and not course.begun:
        return False
    if not whole.show(connection, work.tables):
        return True
    offered = Whole(work.claim, work.run, work.moment, lambda query: whole.rows(connection, query))

    def publish() -> None:
        lease.confirm()
        with _guarded(work):
            cast("WholeSink", work.sink).publish(offered)

    work.stop.confirm()
    mark.touch(mode=0o600)
    course.begun = True
    _patiently(publish, work.stop)
    for step in steps(connection, work.tables):
        for number in step.chunks:
            progress(step, number)
    return True


@contextmanager
def _made_ahead(connection: DuckDBPyConnection, work: Work, todo: Sequence[Step]) -> Iterator[Iterator[Outgoing]]:
    """The rows of each step; while one is sent, the next is made, unless its references wait for the sink's ids."""
    made: list[Outgoing] = []

    def make(cursor: DuckDBPyConnection, step: Step) -> Outgoing:
        outgoing = Outgoing(cursor, step, work.district, work.name, work.caps, work.folder)
        made.append(outgoing)
        return outgoing

    def one_after_the_other() -> Iterator[Outgoing]:
        ahead = Cap.CLIENT_IDS in work.caps
        following: Future[Outgoing] | None = None
        for place, step in enumerate(todo):
            outgoing = following.result() if following else make(connection.cursor(), step)
            following = None
            if ahead and place + 1 < len(todo):
                following = pool.submit(make, connection.cursor(), todo[place + 1])  # a connection serves one thread
            yield outgoing
            outgoing.close()

    with ThreadPoolExecutor(1) as pool:
        try:
            yield one_after_the_other()
        finally:
            pool.shutdown(cancel_futures=True)
            for each in made:
                each.close()


def _orphan(key: str) -> Outcome:
    return Outcome(key, "rejected", code="S-PARENT-1", reason=REJECTIONS["S-PARENT-1"])


def _send(taker: _BulkTaker | _RowTaker, outgoing: Outgoing, step: Step, number: int) -> Sequence[Outcome]:
    """The exceptions of one chunk. After an error the sink is asked whether the chunk is in: a lost answer is not a
    lost write."""

    def attempt() -> Sequence[Outcome]:
        known = taker.done(number)
        return known if known is not None else taker.take(outgoing, step, number)

    return _patiently(attempt, taker.work.stop)


def _patiently(work: Callable[[], T], stop: Stop) -> T:
    """Do it, and again after transient errors: growing waits with jitter, or as long as the other side asks. A run that
    is asked to end waits no longer."""
    growing = tenacity.wait_exponential(multiplier=0.5, max=LONGEST_WAIT) + tenacity.wait_random(0, 0.5)

    asked = Asked()

    def wait(state: tenacity.RetryCallState) -> float:
        seconds = asked.seconds(state)
        return growing(state) if seconds is None else seconds

    retrying = tenacity.Retrying(
        stop=asked.is_too_much, wait=wait, sleep=stop.pause,
        retry=tenacity.retry_if_exception(_may_pass), reraise=True,
    )  # fmt: skip
    return retrying(work)


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, TransientError) and not isinstance(error, FenceError)


class Asked:
    """What the other side asked us to wait. Waiting as told spends no attempt; but where it asks for more than
    `LONGEST_WAIT` at once, or than `PATIENCE` in all, we give up: asking too early would be worse."""

    def __init__(self) -> None:
        self.obeyed = 0
        self.total = 0.0

    @staticmethod
    def seconds(state: tenacity.RetryCallState) -> float | None:
        """How long we are to wait, None where nothing was said."""
        error = state.outcome.exception() if state.outcome else None
        return error.retry_after if isinstance(error, TransientError) else None

    def is_too_much(self, state: tenacity.RetryCallState) -> bool:
        """Whether to give up."""
        seconds = self.seconds(state)
        if seconds is None:
            return state.attempt_number - self.obeyed >= ATTEMPTS
        self.obeyed += 1
        self.total += seconds
        return seconds > LONGEST_WAIT or self.total > PATIENCE


def _note(connection: DuckDBPyConnection, step: Step, outcomes: Sequence[Outcome]) -> None:
    if not outcomes:
        return
    rows = [
        (step.first_chunk, step.table.name, str(step.action), o.key, o.status, o.sink_id, o.code, o.reason)
        for o in outcomes
    ]
    connection.executemany(f"INSERT INTO {EXCEPTIONS} VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    ids = [(step.table.name, o.key, o.sink_id) for o in outcomes if o.sink_id and step.action is Action.CREATE]
    if ids:
        connection.executemany(f"INSERT INTO {KNOWN} VALUES (?, ?, ?)", ids)
    failed = [(step.table.name, o.key) for o in outcomes if o.status in {"rejected", "conflict"}]
    if failed and step.action in {Action.CREATE, Action.LINK, Action.RESTORE, Action.MOVE}:
        connection.executemany(f"INSERT INTO {FAILED} VALUES (?, ?)", failed)
    elif failed and step.action is Action.RELEASE:
        # what could not be given back stays ours, so its record stays that row until both can be done
        connection.executemany(
            f"INSERT INTO {FAILED} SELECT ?, key FROM {RELEASED}.{name(step.table.name)} WHERE from_key = ?", failed
        )


class _BulkTaker:
    """A sink that takes columns and keeps its own ledger."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.sink = cast("BulkSink", work.sink)
        self.entries: dict[int, Sequence[Outcome]] = {}
        self.fresh = False

    def begin(self) -> None:
        """Claim the sink and read what of this run is in it."""
        self.sink.claim(self.work.claim)
        self._refresh()

    def _refresh(self) -> None:
        self.entries = {entry.chunk: entry.exceptions for entry in self.sink.ledger(self.work.run)}
        self.fresh = True

    def has_some(self) -> bool:
        """Whether something of this run is in the sink."""
        return bool(self.entries)

    def done(self, number: int) -> Sequence[Outcome] | None:
        """The exceptions of a chunk that is in, None for one that is not."""
        if not self.fresh:
            self._refresh()
        return self.entries.get(number)

    def take(self, outgoing: Outgoing, step: Step, number: int) -> Sequence[Outcome]:
        """Send a chunk."""
        work = self.work
        batch = Batch(
            step.table, step.action, step.fields, outgoing.size(number), Chunk(work.run, number, work.plan), work.claim,
            work.quiet, lambda columns: outgoing.rows(number, columns), lambda columns: outgoing.csv(number, columns),
        )  # fmt: skip
        self.fresh = False
        with _guarded(work):
            exceptions = list(self.sink.apply_bulk(batch))
        self.fresh = True
        return exceptions


class _RowTaker:
    """A sink that takes changes one by one. Its ledger is a file a chunk in the run's folder; a chunk whose answer was
    lost is sent again, which the contract of such a sink allows."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.sink = cast("RowSink", work.sink)

    def begin(self) -> None:
        """Nothing to claim: there is no ledger in the sink."""

    def has_some(self) -> bool:
        """Whether something of this run may be in the sink."""
        return any(self.work.folder.glob(f"sent-{self.work.name}-*"))

    def _file(self, number: int) -> Path:
        return self.work.folder / f"outcomes-{self.work.name}-{number}.json"

    def done(self, number: int) -> Sequence[Outcome] | None:
        """The outcomes of a chunk that was answered."""
        if not self._file(number).exists():
            return None
        return [Outcome(**each) for each in json.loads(self._file(number).read_text(encoding="utf-8"))]

    def take(self, outgoing: Outgoing, step: Step, number: int) -> Sequence[Outcome]:
        """Send a chunk; every change must have its outcome."""
        (self.work.folder / f"sent-{self.work.name}-{number}").touch(mode=0o600)
        origin = ["from_id"] if step.action is Action.MOVE else []
        changes = [self._change(step, row) for row in outgoing.rows(number, ["id", "key", *origin, *step.fields])]
        with _guarded(self.work):
            outcomes = list(self.sink.apply(changes))
        _confirm(changes, outcomes, self.work.name)
        part = self._file(number).with_suffix(".part")
        part.touch(mode=0o600)
        part.write_text(json.dumps([asdict(each) for each in outcomes]), encoding="utf-8")
        part.replace(self._file(number))
        return outcomes

    def _change(self, step: Step, row: Sequence[Any]) -> Change:
        sink_id, key, *values = row
        origin = values.pop(0) if step.action is Action.MOVE else None
        return Change(
            f"{self.work.run}/{step.table.name}/{step.action}/{key}", step.table.name, step.action, key, sink_id,
            dict(zip(step.fields, values, strict=True)), self.work.quiet, self.work.claim.epoch, origin,
        )  # fmt: skip


def _confirm(changes: Iterable[Change], outcomes: Iterable[Outcome], sink: str) -> None:
    wanted, given = sorted(change.key for change in changes), sorted(outcome.key for outcome in outcomes)
    if wanted != given:
        raise ContractError(f"The sink {sink} answered {len(given)} outcomes for {len(wanted)} changes.")


@contextmanager
def _guarded(work: Work) -> Iterator[None]:
    """Errors that a sink should not raise become its maintainer's."""
    try:
        yield
    except SyncError:
        raise
    except (Exception, SystemExit) as error:
        raise ContractError(f"The sink {work.name} raised {type(error).__name__} while applying.") from error


def counted(connection: DuckDBPyConnection) -> Mapping[tuple[str, str], int]:
    """How many changes of a table and action were rejected or in conflict."""
    found = connection.execute(f"""
        SELECT "table", action, count(*) FROM {EXCEPTIONS} WHERE status IN ('rejected', 'conflict') GROUP BY ALL
    """).fetchall()
    return {(table, action): count for table, action, count in found}


def told(connection: DuckDBPyConnection, limit: int) -> Iterator[tuple[str, str, str, str, str]]:
    """Table, action, key, code and reason of changes that the sink did not take; at most `limit`."""
    yield from connection.execute(
        f"""SELECT "table", action, key, code, reason FROM {EXCEPTIONS} WHERE status IN ('rejected', 'conflict')
        ORDER BY step, key LIMIT ?""", [limit]
    ).fetchall()  # fmt: skip
