"""A run that is asked to end (SIGTERM): it finishes its chunk and leaves, and the next one goes on."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from exporter import Exporter
from gradebook import Gradebook, shown
from stages import staged

from syncrun.apply.stop import Stop
from syncrun.demo import roster
from syncrun.errors import ServerError
from syncrun.sdk.sql.sink import SqlSink

if TYPE_CHECKING:
    from vendor import Site
    from world import World

    from syncrun.state.store import Run

TERMINATED = """
import os, signal, sys
import syncrun.apply.outgoing, syncrun.apply.step, syncrun.run.applying
from syncrun.cli import main
from syncrun.run import reading
from syncrun.sdk.sql.sink import SqlSink

for module in (syncrun.apply.step, syncrun.apply.outgoing, syncrun.run.applying):
    module.CHUNK_ROWS = 150
where, times = sys.argv.pop(1), int(sys.argv.pop(1))
place = {"sending": SqlSink, "reading": reading}[where]
name = {"sending": "apply_bulk", "reading": "read"}[where]
real, called = getattr(place, name), []

def terminated(*arguments, **named):
    called.append(name)
    if len(called) == 3 or where == "reading":
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGTERM)
    return real(*arguments, **named)

setattr(place, name, terminated)
main()
"""
"""`syncrun`, with SIGTERM once or more at the beginning of the third chunk, or of reading what was fetched."""


def terminated(world: World, where: str, times: int = 1) -> tuple[int, str]:
    """Run the district in a process of its own that is terminated meanwhile; its exit code and what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", TERMINATED, where, str(times), "--district", str(world.toml), "--json"],
        check=False, capture_output=True, text=True, cwd=world.folder, env=world.environment(), timeout=60,
    )  # fmt: skip
    return done.returncode, done.stdout


def newest(world: World) -> Run:
    """The last run."""
    return world.state().runs("riverside", limit=1)[0]


def lease_of(world: World) -> str | None:
    """Whose lease the district's is, also of one who is dead."""
    with world.state().engine.connect() as connection:
        found: str | None = connection.execute(sa.text("SELECT run FROM leases")).scalar_one()
        return found


def ledger(world: World) -> list[int]:
    """The chunks of the last run that are in the planner."""
    with world.planner() as connection:
        query = sa.text("SELECT chunk FROM syncrun_ledger WHERE run = :run ORDER BY chunk")
        return list(connection.execute(query, {"run": newest(world).id}).scalars())


def uninterrupted(world: World) -> dict[str, list[tuple[Any, ...]]]:
    """The planner after a run that nobody stops, which is then undone."""
    before = world.folder.with_name("before")
    shutil.copytree(world.folder, before)
    assert world.syncrun("--district", str(world.toml))[0] == 0
    found = world.dump(archived=True)
    shutil.rmtree(world.folder)
    before.rename(world.folder)
    return found


class Asking:
    """Asks a run to end when a phase begins, a chunk is in a sink, or it is known how much it is to be sent."""

    def __init__(self, stop: Stop, at: str) -> None:
        self.stop, self.at = stop, at
        self.begun: list[str] = []

    def phase(self, name: str) -> None:
        self.chunk(name)

    def chunk(self, name: str, *_: object) -> None:
        if name == self.at and not self.stop.asked:
            self.stop.ask()

    def total(self, sink: str, rows: int) -> None:
        self.begun.append(sink)
        self.chunk("total")

    def page(self, collection: str, rows: int) -> None: ...


def asked_at(world: World, at: str, **options: Any) -> Any:
    """Run the district, and ask it to end at a phase, after a chunk of a sink, or at `total`."""
    stop = Stop()
    return world.sync(stop=stop, progress=Asking(stop, at), **options)


# -- in a process of its own ---------------------------------------------------------------------------------------------


def test_terminated_run_finishes_its_chunk_and_the_next_run_the_rest(settled: World) -> None:
    settled.write(roster.next_day())
    settled.clock.move(days=1)
    code, printed = terminated(settled, "sending")
    assert code == 75
    told = json.loads(printed)
    assert (told["outcome"], told["exit_code"]) == ("RETRY", 75)
    assert told["errors"]["planner"]["code"] == "E-STOP-1"
    left = newest(settled)
    assert (left.status, left.outcome, left.exit_code, left.finished_at is None) == ("applying", "RETRY", 75, False)
    assert len(ledger(settled)) == 3
    assert lease_of(settled) is None
    assert settled.sync().exit_code == 0
    assert settled.state().interrupted("riverside") == []
    stopped = settled.dump(archived=True)
    assert settled.sync(mode="full").exit_code == 0
    assert settled.dump(archived=True) == stopped


@pytest.mark.slow
def test_planner_of_a_terminated_run_is_that_of_one_that_nobody_stopped(world: World) -> None:
    world.write()
    assert world.syncrun("--district", str(world.toml))[0] == 3
    assert world.syncrun("approve", "--district", str(world.toml))[0] == 0
    expected = uninterrupted(world)
    assert terminated(world, "sending")[0] == 75
    assert len(ledger(world)) == 3
    assert world.syncrun("--district", str(world.toml))[0] == 0
    assert world.dump(archived=True) == expected


@pytest.mark.slow
def test_run_that_is_terminated_while_it_reads_ends_at_once(settled: World) -> None:
    settled.write(roster.next_day())
    before = settled.dump(archived=True)
    code, printed = terminated(settled, "reading")
    assert (code, json.loads(printed)["error"]["code"]) == (75, "E-STOP-1")
    left = newest(settled)
    assert (left.status, left.outcome, left.exit_code, left.finished_at is None) == ("ended", "RETRY", 75, False)
    assert lease_of(settled) is None
    assert settled.dump(archived=True) == before


@pytest.mark.slow
def test_second_signal_disturbs_nothing(settled: World) -> None:
    """A service manager may send it to the server and to its runs, and the server asks them too."""
    settled.write(roster.next_day())
    code, _ = terminated(settled, "sending", times=3)
    assert code == 75
    assert newest(settled).outcome == "RETRY"
    assert len(ledger(settled)) == 3
    assert lease_of(settled) is None


# -- at a moment of choice -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "phase", [*(pytest.param(each, marks=pytest.mark.slow) for each in ("fetch", "land")), "shape"]
)
def test_while_it_reads_and_plans_nothing_is_left_open(settled: World, phase: str) -> None:
    settled.write(roster.next_day())
    before = settled.dump(archived=True)
    result = asked_at(settled, phase)
    assert (result.exit_code, result.outcome, result.error.code) == (75, "RETRY", "E-STOP-1")
    left = newest(settled)
    assert (left.status, left.finished_at is None, left.plan_run) == ("ended", False, None)
    assert lease_of(settled) is None
    assert settled.dump(archived=True) == before


@pytest.mark.slow
def test_asked_before_the_first_chunk_what_was_approved_stays_so(world: World) -> None:
    world.write()
    assert world.sync().exit_code == 3
    world.approve()
    result = asked_at(world, "apply")
    assert (result.exit_code, result.error.code) == (75, "E-STOP-1")
    assert newest(world).status == "ended"
    assert not any(world.dump().values())
    assert world.sync().exit_code == 0


@pytest.mark.slow
def test_who_is_asked_too_late_has_ended_by_itself(settled: World) -> None:
    settled.write(roster.next_day())
    assert asked_at(settled, "record").exit_code == 0
    assert settled.sync().summary["nothing_to_do"]


@pytest.mark.slow
def test_no_further_sink_is_begun(world: World, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    staged(world, site, monkeypatch)
    assert world.sync().exit_code == 3
    world.approve()
    stop = Stop()
    asking = Asking(stop, "record")  # when it is noted what the first has taken
    result = world.sync(stop=stop, progress=asking)
    assert (result.exit_code, result.outcome, set(result.summary["errors"])) == (75, "RETRY", {"planner"})
    assert asking.begun == ["ledger"]
    assert len(shown(world.folder / "book.json")) > 1
    assert not any(world.dump().values())
    again = world.sync()
    while again.exit_code == 3:  # it waits for a person again, since another plan is left
        world.approve()
        again = world.sync()
    assert again.exit_code == 0
    assert world.count("class_members") > 0
    Gradebook.fresh()


@pytest.mark.slow
def test_tables_that_are_published_whole_are_not_when_it_was_asked_before(tmp_path: Path, home: Path) -> None:
    exporter = Exporter(tmp_path)
    exporter.first()
    before = exporter.published()
    exporter.write(roster.next_day())
    exporter.clock.move(days=1)
    assert asked_at(exporter, "total").exit_code == 75
    assert (exporter.published(), exporter.state().interrupted("riverside")) == (before, [])
    assert exporter.sync().exit_code == 0
    assert len(exporter.published()) == len(before) + 1


# -- asked to end, or unable to go on, while an earlier run is finished ------------------------------------------------------


def half_done(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of the next day that was stopped after its first chunk."""
    for module in ("apply.step", "apply.outgoing", "run.applying"):
        monkeypatch.setattr(f"syncrun.{module}.CHUNK_ROWS", 150)
    world.write(roster.next_day())
    assert asked_at(world, "planner").exit_code == 75
    assert len(ledger(world)) == 1


@pytest.mark.slow
def test_run_that_finishes_another_may_be_asked_to_end_as_well(settled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    half_done(settled, monkeypatch)
    (open_,) = settled.state().interrupted("riverside")
    for _ in range(2):
        result = asked_at(settled, "planner")  # which comes for chunks that are in, too
        assert (result.exit_code, result.error.code) == (75, "E-STOP-1")
        assert (newest(settled).status, newest(settled).exit_code) == ("ended", 75)
        assert settled.state().interrupted("riverside") == [open_]
    assert settled.sync().exit_code == 0
    assert settled.state().interrupted("riverside") == []
    stopped = settled.dump(archived=True)
    assert settled.sync(mode="full").exit_code == 0
    assert settled.dump(archived=True) == stopped


@pytest.mark.slow
def test_what_is_open_stays_open_until_the_sink_has_said_what_it_has(
    settled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    half_done(settled, monkeypatch)
    (open_,) = settled.state().interrupted("riverside")

    def away(sink: SqlSink, claim: object) -> None:
        raise ServerError("The planner is busy.", status=503)

    with monkeypatch.context() as patch:
        patch.setattr(SqlSink, "claim", away)
        patch.setattr(Stop, "pause", lambda stop, seconds: None)
        assert settled.sync().exit_code == 75
    assert [each.id for each in settled.state().interrupted("riverside")] == [open_.id]
    assert settled.sync().exit_code == 0
    stopped = settled.dump(archived=True)
    assert settled.sync(mode="full").exit_code == 0
    assert settled.dump(archived=True) == stopped
