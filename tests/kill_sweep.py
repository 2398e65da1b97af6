"""Kill a run at every point where something becomes durable, run again, and compare the planner with that of a run that
nobody killed. A program of its own: it forks from a process that has opened nothing yet.

    python kill_sweep.py SCENARIO FOLDER [PLANNER_URL STATE_URL] [--every N] [--signal SIGTERM]

With SIGTERM the run is asked to end instead: it must end by itself, and leave neither a lease nor a run without an end.

Prints one JSON line: how many points there were, and what went wrong. The points: begin and end of each transaction of
the state, each file's rename, each claim and each chunk of the sink, and each phase of the run.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from world import World

import syncrun.apply.outgoing
import syncrun.apply.step
import syncrun.run.applying
import syncrun.scratch
from syncrun.apply.stop import Stop
from syncrun.clock import SystemClock
from syncrun.demo import roster
from syncrun.sdk.sql.sink import SqlSink
from syncrun.state.model import leases
from syncrun.state.store import State


def small_chunks() -> None:
    """Let chunks have few rows, so that a small district has several; for a process of its own."""
    for module in (syncrun.apply.step, syncrun.apply.outgoing, syncrun.run.applying):
        module.CHUNK_ROWS = 150


class MachineClock(SystemClock):
    """The real clock; tests that move theirs have nothing to move here."""

    def move(self, **difference: float) -> None:
        """Nothing."""


class Fuse:
    """Counts points, and kills the process at one of them, or sends it another signal."""

    def __init__(self, burn_at: int | None, number: int = signal.SIGKILL) -> None:
        self.burn_at = burn_at
        self.number = number
        self.points = 0

    def point(self) -> None:
        self.points += 1
        if self.points == self.burn_at:
            os.kill(os.getpid(), self.number)

    def phase(self, name: str) -> None:
        self.point()

    def chunk(self, sink: str, table: str, action: str, rows: int) -> None:
        self.point()

    def total(self, sink: str, rows: int) -> None:
        self.point()


def wire(fuse: Fuse) -> None:
    """Put points around everything that makes something durable."""

    def around(function: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **named: Any) -> Any:
            fuse.point()
            found = function(*arguments, **named)
            fuse.point()
            return found

        return called

    real = State.transaction

    @contextlib.contextmanager
    def transaction(self: State) -> Iterator[Any]:
        with real(self) as connection:
            yield connection
            fuse.point()
        fuse.point()

    State.transaction = transaction
    for name in ("claim", "apply_bulk"):
        setattr(SqlSink, name, around(getattr(SqlSink, name)))
    settle = around(syncrun.scratch.settle)
    syncrun.scratch.settle = settle
    sys.modules["syncrun.run.folder"].settle = settle
    syncrun.run.applying.settle.os.link = around(os.link)


def in_child(work: Callable[[], int]) -> int:
    """Run in a forked process; its exit code, or minus the signal that ended it."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            code = work()
        except BaseException:  # noqa: BLE001 # whatever it was, it is told
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class Scenario:
    """A world made ready, and the run that is to be killed."""

    def __init__(self, name: str, folder: Path, planner: str | None, state: str | None) -> None:
        self.name, self.folder, self.planner, self.state = name, folder, planner, state
        self.template = folder / "template"

    def world(self, folder: Path, planner: str | None) -> World:
        os.environ["SYNCRUN_HOME"] = str(folder / "home")
        world = World(folder, planner)
        world.clock = MachineClock()
        return world

    def prepare(self) -> int:
        """Bring the template to the moment before the run."""
        world = self.world(self.template, self.planner)
        world.write()
        if self.name == "first":
            return 0
        result = world.sync()
        if result.exit_code != 3:
            print("not held:", result.summary, file=sys.stderr)
            return 1
        self.approve(world)
        if self.name == "next-day":
            result = world.sync()
            if result.exit_code != 0:
                print("not approved:", result.summary, file=sys.stderr)
                return 1
            world.write(roster.next_day())
        return 0

    def approve(self, world: World) -> None:
        state = world.state()
        run = state.runs("riverside", limit=1)[0]
        state.decide("riverside", run.id, "approve", [(str(run.plan_hash), None)], "tester")

    def run(self, folder: Path, planner: str | None, fuse: Fuse) -> int:
        world = self.world(folder, planner)
        wire(fuse)
        stop = Stop()
        signal.signal(signal.SIGTERM, lambda number, frame: stop.ask())
        result = world.sync(progress=fuse, stop=stop)
        if result.error:
            print(result.error.as_dict(), file=sys.stderr)
        return result.exit_code

    def left(self, folder: Path, planner: str | None) -> int:
        """Whether a run that ended by itself has left all as it should: 0 where it has."""
        world = self.world(folder, planner)
        runs = world.state().runs("riverside")
        with world.state().engine.connect() as connection:
            lease = connection.execute(sa.select(leases.c.run)).scalar_one()
        return int(lease is not None or any(run.finished_at is None or run.outcome is None for run in runs))

    def finish(self, folder: Path, planner: str | None) -> int:
        """Run until all is done, approving what waits; then once more, which must find nothing to do."""
        world = self.world(folder, planner)
        for _ in range(4):
            result = world.sync()
            if result.exit_code == 3:
                self.approve(world)
            elif result.exit_code == 0:
                break
        else:
            print("never done:", result.summary, file=sys.stderr)
            return 1
        if not world.sync().summary.get("nothing_to_do"):
            print("not at rest", file=sys.stderr)
            return 1
        full = world.sync(mode="full")
        if full.exit_code or any(table["planned"] for table in full.summary["sinks"]["planner"]["tables"].values()):
            print("a full run found differences:", full.summary, file=sys.stderr)
            return 1
        (folder / "dump.json").write_text(json.dumps(world.dump(archived=True), default=str), encoding="utf-8")
        return 0


def copied(database: str | None, name: str) -> str | None:
    """A copy of a PostgreSQL database under another name."""
    if database is None:
        return None
    import sqlalchemy as sa

    from syncrun.sdk.sql.connect import normal_url, open_engine

    source = normal_url(database)
    engine = open_engine(source.set(database="postgres")).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        connection.execute(sa.text(f'CREATE DATABASE "{name}" TEMPLATE "{source.database}"'))
    engine.dispose()
    return source.set(drivername="postgresql", database=name).render_as_string(hide_password=False)


def main() -> None:
    small_chunks()
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("scenario", choices=["first", "approved", "next-day"])
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("planner", nargs="?")
    arguments.add_argument("state", nargs="?")
    arguments.add_argument("--every", type=int, default=1)
    arguments.add_argument("--signal", choices=["SIGKILL", "SIGTERM"], default="SIGKILL")
    given = arguments.parse_args()
    number = signal.Signals[given.signal]
    scenario = Scenario(given.scenario, given.folder, given.planner, given.state)
    scenario.template.mkdir()

    def use_state(url: str | None) -> None:
        if url:
            os.environ["SYNCRUN_DATABASE_URL"] = url

    use_state(given.state)
    if in_child(scenario.prepare):
        sys.exit("the scenario could not be prepared")

    def trial(name: str, burn_at: int | None) -> tuple[Path, str | None, int]:
        folder = given.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(scenario.template, folder)
        planner = copied(given.planner, "trial_planner")
        use_state(copied(given.state, "trial_state"))
        counted = folder / "points"

        def work() -> int:
            fuse = Fuse(burn_at, number)
            code = scenario.run(folder, planner, fuse)
            counted.write_text(str(fuse.points), encoding="utf-8")
            return code

        return folder, planner, in_child(work)

    folder, planner, whole = trial("whole", None)
    expected_codes = {-number} if number == signal.SIGKILL else {75, whole}  # it may have been all but at its end
    points = int((folder / "points").read_text(encoding="utf-8"))
    faults: list[str] = []
    if in_child(lambda: scenario.finish(folder, planner)):
        faults.append("without a kill")
    expected = (folder / "dump.json").read_text(encoding="utf-8") if not faults else ""
    tried = 0
    for point in range(1 + points % given.every, points + 1, given.every):
        folder, planner, code = trial("killed", point)
        tried += 1
        if code not in expected_codes:
            faults.append(f"point {point}: ended with {code}")
        elif code >= 0 and in_child(lambda: scenario.left(folder, planner)):  # noqa: B023 # run at once
            faults.append(f"point {point}: left a lease, or a run without an end")
        elif in_child(lambda: scenario.finish(folder, planner)):  # noqa: B023 # run at once
            faults.append(f"point {point}: did not come to rest")
        elif (folder / "dump.json").read_text(encoding="utf-8") != expected:
            faults.append(f"point {point}: another planner")
    print(json.dumps({"points": points, "tried": tried, "faults": faults}))


if __name__ == "__main__":
    main()
