"""A run that is frozen past its lease, and wakes when another has taken over: nothing that it writes late counts."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from exporter import Exporter
from gradebook import Gradebook, shown
from kill_sweep import MachineClock
from messenger import Messenger
from world import World

from syncrun.demo import roster
from syncrun.sdk.sql.ledger import claims, ledger
from syncrun.state import lease

if TYPE_CHECKING:
    from vendor import Site

    from syncrun.testing.postgres import PostgresServer

PROGRAM = Path(__file__).parents[2] / "frozen.py"
SECONDS = 2
"""So much of its lease a run has left when it is frozen."""


@contextmanager
def frozen(world: World, point: str, number: int = 1) -> Iterator[subprocess.Popen[str]]:
    """A run in a process of its own that sleeps at a point."""
    command = [sys.executable, str(PROGRAM), str(world.toml), point, str(number), str(SECONDS)]
    with subprocess.Popen(
        command, cwd=PROGRAM.parent, env=world.environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        found = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        assert found
        assert found.si_code == os.CLD_STOPPED, "it did not come to the point"
        assert lease.holder(world.state().engine, "riverside", world.clock), "it is not believed to be alive"
        try:
            yield process
        finally:
            process.send_signal(signal.SIGKILL)


def woken(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Wake it; how it ended."""
    process.send_signal(signal.SIGCONT)
    assert process.stdout
    found: dict[str, Any] = json.loads(process.stdout.readline())
    assert process.wait() == 0
    return found


def wait_until_free(world: World) -> None:
    """Until the lease has run out."""
    until = time.monotonic() + 20
    while lease.holder(world.state().engine, "riverside", world.clock):
        assert time.monotonic() < until
        time.sleep(0.05)


def runs_of(world: World) -> list[tuple[Any, ...]]:
    """How the runs ended, as the state has it."""
    return [(each.id, each.status, each.outcome, each.exit_code) for each in world.state().runs("riverside")]


def everything(world: World) -> dict[str, Any]:
    """What the planner has and remembers, and what the state remembers of it."""
    with world.planner() as connection:
        memory = {table.name: sorted(map(tuple, connection.execute(sa.select(table)))) for table in (claims, ledger)}
    state = world.state()
    return {"rows": world.dump(archived=True), **memory, "runs": runs_of(world), "taken": state.applied("riverside"),
            "accepted": state.snapshot("riverside"), "audit": state.audit("riverside")}  # fmt: skip


def renamed(world: World, name: str) -> None:
    """The next day of the demo; a pupil has this name."""
    world.files = roster.next_day()
    world.edit("users", "s2010", familyName=name)
    world.write()


def name_of(world: World) -> str:
    """The name that the pupil has in the planner."""
    with world.planner() as connection:
        query = "SELECT family_name FROM students WHERE external_id = 's2010' AND archived_at IS NULL"
        return str(connection.execute(sa.text(query)).scalar_one())


def at_rest(world: World) -> None:
    """The next runs find nothing to do."""
    assert world.sync().summary.get("nothing_to_do") is True
    full = world.sync(mode="full")
    tables = full.summary["sinks"]["planner"]["tables"]
    assert (full.exit_code, {name for name, each in tables.items() if each["planned"]}) == (0, set())


POINTS = [
    pytest.param("before a chunk", 1, id="before the first chunk"),
    pytest.param("before a chunk", 3, id="before the third chunk", marks=pytest.mark.slow),
    pytest.param("after a chunk", 3, id="after the third chunk", marks=pytest.mark.slow),
    pytest.param("before it is accepted", 1, id="before it is accepted", marks=pytest.mark.slow),
    pytest.param("before it is on record", 1, id="before it is on record"),
    pytest.param("before it ends", 1, id="before it ends", marks=pytest.mark.slow),
]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def night(request: pytest.FixtureRequest) -> World:
    """A district after its first sync, by the machine's clock."""
    on_sqlite = request.param == "sqlite"
    found: World = request.getfixturevalue("settled" if on_sqlite else "served")
    found.clock = MachineClock()
    return found if on_sqlite else found.settled()


@pytest.fixture
def served(tmp_path: Path, home: Path, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> World:
    """A district whose planner and state are on PostgreSQL."""
    monkeypatch.setenv("SYNCRUN_DATABASE_URL", postgres_server.create())
    return World(tmp_path, postgres_server.create())


@pytest.mark.requirement("S3-13")
@pytest.mark.parametrize(("point", "number"), POINTS)
def test_late_writes_of_a_frozen_run_are_refused(night: World, point: str, number: int) -> None:
    """The other run has seen newer data; what the first had in hand would undo it."""
    renamed(night, "Okafor-Old")
    with frozen(night, point, number) as process:
        renamed(night, "Okafor-New")
        wait_until_free(night)
        second = night.sync()
        assert (second.exit_code, name_of(night)) == (0, "Okafor-New"), second.summary
        after = everything(night)
        first = woken(process)
    assert (first["code"], first["codes"]) == (75, ["E-LEASE-2"])
    assert everything(night) == after
    at_rest(night)


@pytest.mark.slow
def test_messages_of_a_frozen_run_are_refused(tmp_path: Path, home: Path) -> None:
    """Nobody is invited twice, and nobody who is gone."""
    app = Messenger(tmp_path)
    app.clock = MachineClock()
    app.guardian("g1", "s1001")
    app.settled()
    app.guardian("g2", "s1002")
    app.write()
    with frozen(app, "before a chunk") as process:
        app.drop("users", "g2")
        app.guardian("g3", "s1003")
        app.write()
        wait_until_free(app)
        assert app.sync().exit_code == 0
        after = app.whole()
        first = woken(process)
    assert (first["code"], first["codes"]) == (75, ["E-LEASE-2"])
    assert app.whole() == after
    assert "g2@home.example.org" not in {address for _, address, _ in app.outbox()}


BOOK = """
from syncrun.sdk import Cap, ConnectorInfo, hookimpl

@hookimpl
def syncrun_sinks():
    yield ConnectorInfo("book", "A gradebook", "gradebook:FencedGradebook", "gradebook:Settings",
                        Cap.ARCHIVE | Cap.RESTORE)
"""


@pytest.mark.slow
def test_a_sink_that_takes_rows_can_refuse_late_ones(world: World, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told the fence with each change; the run sleeps in the middle of a list of changes."""
    Gradebook.fresh()
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site.folder), str(PROGRAM.parent)]))
    site.plugin("book", BOOK)
    world.clock = MachineClock()
    world.toml.write_text(re.sub(r"(?s)\[\[sinks\]\].*", '[[sinks]]\nsink = "book"\nschool_years = ["year-2027"]\n',
                                 world.toml.read_text()))  # fmt: skip
    world.settled()
    book = world.folder / "book.json"
    for key in ("s1001", "s1002", "s1003"):
        world.edit("users", key, familyName="Old")
    world.write()
    with frozen(world, "before a row", 2) as process:
        for key in ("s1001", "s1002", "s1003"):
            world.edit("users", key, familyName="New")
        world.write()
        wait_until_free(world)
        assert world.sync().exit_code == 0
        assert {shown(book)[key]["name"] for key in ("s1001", "s1002", "s1003")} == {"New"}
        after, runs = book.read_text(), runs_of(world)
        first = woken(process)
    assert (first["code"], first["codes"]) == (75, ["E-LEASE-2"])
    assert (book.read_text(), runs_of(world)) == (after, runs)


@pytest.mark.slow
def test_a_late_export_is_refused(tmp_path: Path, home: Path) -> None:
    world = Exporter(tmp_path)
    world.clock = MachineClock()
    world.first()
    world.edit("users", "s1001", familyName="Old")
    world.write()
    with frozen(world, "before it publishes") as process:
        world.edit("users", "s1001", familyName="New")
        world.write()
        wait_until_free(world)
        assert world.sync().exit_code == 0
        after = [(each, (world.outbox / each).read_bytes()) for each in world.published()]
        first = woken(process)
    assert (first["code"], first["codes"]) == (75, ["E-LEASE-2"])
    assert [(each, (world.outbox / each).read_bytes()) for each in world.published()] == after
