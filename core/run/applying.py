"""Applying a judged plan, and finishing one that was cut off: the same code, from the plan's files."""

from __future__ import annotations

import datetime
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncrun.apply import settle
from syncrun.apply.execute import EXCEPTIONS, Course, Work, carry_out, counted, told
from syncrun.apply.release import WAITING, release
from syncrun.apply.step import CHUNK_ROWS, Step, steps
from syncrun.apply.stop import Stop
from syncrun.config.district import SinkConfig
from syncrun.errors import SyncError
from syncrun.plan import diff
from syncrun.plan.model import Plan, SinkPlan
from syncrun.run.folder import Folders, made, write_whole
from syncrun.run.planning import open_applied
from syncrun.run.progress import Progress
from syncrun.scratch import publish, renew_schema, scratch
from syncrun.sdk import Claim, Sink
from syncrun.state.lease import Lease
from syncrun.state.store import AppliedFile, State

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SHOWN = 20
"""So many rejected rows stand in the summary; the report has them all."""


@dataclass(frozen=True, slots=True)
class SinkResult:
    """What became of one sink's plan. `exceptions` by table and action; `error` when the sink could not be served, and
    then `begun` says that a part of the plan may be in it. `skipped`: why it was not its turn."""

    waiting: int = 0
    exceptions: Mapping[tuple[str, str], int] | None = None
    shown: Sequence[tuple[str, str, str, str, str]] = ()
    error: SyncError | None = None
    begun: bool = True
    skipped: str = ""

    @property
    def open(self) -> bool:
        """Whether the next run must finish what was begun here."""
        return self.error is not None and self.begun

    @property
    def rejected(self) -> int:
        """How many changes the sink did not take."""
        return sum((self.exceptions or {}).values())


@dataclass(frozen=True, slots=True)
class Desk:
    """What applying works with. `run` is the run that began to apply."""

    district: str
    state: State
    folders: Folders
    lease: Lease
    run: str
    progress: Progress
    moment: datetime.datetime
    """When that run began, in the district's time zone."""
    stop: Stop


def intend(folders: Folders, run: str, approved: Mapping[str, Collection[str]]) -> None:
    """Write down which parts were let go, before the first write, so that a crash leaves no doubt about it."""
    told = json.dumps({sink: sorted(parts) for sink, parts in approved.items()})
    write_whole(folders.run(run) / "released.json", told)


def intended(folders: Folders, run: str) -> dict[str, frozenset[str]]:
    """The reverse of `intend`."""
    found: dict[str, list[str]] = json.loads((folders.run(run) / "released.json").read_text(encoding="utf-8"))
    return {sink: frozenset(parts) for sink, parts in found.items()}


def apply_sink(
    desk: Desk, plan: Plan, config: SinkConfig, sink: Sink, approved: Collection[str], files: Sequence[AppliedFile], *,
    resume: bool = False,
) -> SinkResult:  # fmt: skip
    """Send what is released to one sink and note what it has taken. Errors of the sink are in the result.

    `resume`: finish what an earlier run began; a run of which nothing is in the sink is dropped (`begun` False). Until
    the sink has said so, something may be in it.
    """
    course = Course(begun=resume)
    try:
        found = _apply(desk, plan, config, sink, approved, files, course, resume=resume)
        return found or SinkResult(begun=False)
    except SyncError as error:
        return SinkResult(error=error, begun=course.begun)
    finally:
        sink.close()


def _apply(
    desk: Desk, plan: Plan, config: SinkConfig, sink: Sink, approved: Collection[str], files: Sequence[AppliedFile],
    course: Course, *, resume: bool,
) -> SinkResult | None:  # fmt: skip
    mine, home, folder = plan.sinks[config.name], desk.folders.home, desk.folders.run(desk.run)
    with scratch(folder / "spill", [home]) as connection:
        open_applied(connection, sink.tables, files, home)
        renew_schema(connection, diff.SCHEMA)
        for table in sink.tables:
            diff.open_table(connection, table, home / mine.tables[table.name].path)
        waiting = release(connection, mine, sink.tables, approved)
        desk.progress.total(config.name, sum(step.rows for step in steps(connection, sink.tables)))
        claim = Claim(desk.district, desk.state.owner(), desk.lease.epoch)
        work = Work(desk.district, config.name, sink, config.info.caps, sink.tables, desk.run, plan.hash, claim,
                    mine.first, folder, desk.moment, desk.stop)  # fmt: skip

        def progress(step: Step, number: int) -> None:
            desk.progress.chunk(config.name, step.table.name, step.action, _rows(step, number))

        if not carry_out(connection, work, desk.lease, progress, course, resume=resume):
            return None
        publish(connection, f"FROM {EXCEPTIONS}", folder / f"exceptions-{config.name}.parquet")
        publish(connection, f"FROM {WAITING}", folder / f"waiting-{config.name}.parquet")
        desk.progress.phase("record")
        _record(desk, connection, mine, config, sink, files, all_released=not waiting)
        return SinkResult(waiting, counted(connection), list(told(connection, SHOWN)))


def _rows(step: Step, number: int) -> int:
    return min(CHUNK_ROWS, step.rows - (number - step.first_chunk) * CHUNK_ROWS)


def _record(
    desk: Desk, connection: DuckDBPyConnection, mine: SinkPlan, config: SinkConfig, sink: Sink,
    files: Sequence[AppliedFile], *, all_released: bool,
) -> None:  # fmt: skip
    """Add what was taken to the files of the sink's tables, in one transaction."""
    home, folder = desk.folders.home, made(desk.folders.applied(config.name))
    lists: dict[str, list[tuple[int, str, str]]] = {}
    for table in sink.tables:
        known = [(each.seq, each.path, each.run) for each in files if each.table == table.name]
        seq = known[-1][0] + 1 if known else 1
        target = folder / f"{table.name}-{seq}-{desk.run}.parquet"
        if not settle.taken(connection, table, mine, config.info.caps, target, home, all_released=all_released):
            continue
        found = [*known, (seq, str(target.relative_to(home)), desk.run)]
        whole = folder / f"{table.name}-{seq + 1}-{desk.run}.parquet"
        if settle.folded(connection, table, [home / path for _, path, _ in found], whole):
            found = [(seq + 1, str(whole.relative_to(home)), desk.run)]
        lists[table.name] = found
    there = {table: list(folder.glob(f"{table}-*.parquet")) for table in lists}  # not what another run adds from now on
    with desk.state.transaction() as transaction:
        for table_name, found in lists.items():
            desk.state.set_applied(transaction, desk.district, config.name, table_name, found)
    used = {path for found in lists.values() for _, path, _ in found}
    for path in (path for paths in there.values() for path in paths):
        if str(path.relative_to(home)) not in used:
            path.unlink(missing_ok=True)
