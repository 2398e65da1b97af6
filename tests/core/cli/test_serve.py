"""`syncrun serve` as an operator has it: real processes, a real database, and what is killed is killed."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from syncrun.clock import SystemClock
from syncrun.config.district import load
from syncrun.demo import roster
from syncrun.registry import Registry
from syncrun.schedule import timetable
from syncrun.state import job, lease, server
from syncrun.state.database import open_state
from syncrun.state.model import leases, schedules
from syncrun.state.store import State

if TYPE_CHECKING:
    from terminal import Terminal
    from world import World

HOUR = datetime.timedelta(hours=1)
TITLE = "Mathematics in the evening"


class Evening:
    """A district after its first sync whose files have changed, with a schedule that is due now, by the real clock. Its
    runs take `slow` seconds more, since the files are young."""

    def __init__(self, world: World, log: Path, slow: float = 0) -> None:
        self.world, self.log = world, log
        self.state = State(open_state(world.home), SystemClock())
        text = world.toml.read_text(encoding="utf-8").replace("settle_seconds = 0", f"settle_seconds = {slow:g}")
        due = self.state.clock.now() - datetime.timedelta(minutes=2)
        world.toml.write_text(
            f'{text}\n[schedule]\nfull = {{ every = "day", at = "{due:%H:%M}", time_zone = "UTC" }}\n', encoding="utf-8"
        )
        self.change(TITLE)
        district = load(str(world.toml), Registry(), fetch_secrets=False)
        timetable.adopt(self.state, district.name, district.schedule, due - datetime.timedelta(minutes=2))

    def change(self, title: str) -> None:
        """Other files come."""
        self.world.edit("classes", self.world.rows("classes")[0]["sourcedId"], title=title)
        self.world.write()

    @contextlib.contextmanager
    def serving(self, *options: str) -> Iterator[subprocess.Popen[bytes]]:
        """A server; it is killed at the end, and what it began ends by itself."""
        with self.log.open("ab") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", "syncrun", "serve", "--log-json", "--no-digests", *options], stderr=stream
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def told(self, event: str) -> list[dict[str, Any]]:
        """The lines of the log of all servers and runs that tell of an event."""
        lines = self.log.read_text(encoding="utf-8").splitlines(keepends=True) if self.log.exists() else []
        found = [json.loads(line) for line in lines if line.endswith("\n") and line.startswith("{")]
        return [each for each in found if each["event"] == event]

    def outcomes(self) -> list[str | None]:
        """How all runs since the first sync ended, the oldest first; None for one that was cut off."""
        return [each.outcome for each in reversed(self.state.runs("riverside", limit=100))][2:]

    def is_there(self, title: str = TITLE) -> bool:
        """Whether what came is in the planner."""
        return title in repr(self.world.dump()["classes"])


@pytest.fixture
def evening(settled: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Evening]:
    monkeypatch.setenv("SYNCRUN_DISTRICTS", str(settled.folder))
    return lambda slow=0: Evening(settled, tmp_path / "log", slow)


def until(holds: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


@pytest.mark.requirement("S0-25", "S2-19", "S3-1", "S3-4", "S3-5")
def test_due_run_is_carried_out_once_and_the_next_one_shown(
    evening: Callable[..., Evening], terminal: Terminal
) -> None:
    found = evening()
    with found.serving("--once") as process:
        assert process.wait(timeout=60) == 0
    assert found.outcomes() == ["DONE"]
    assert found.is_there()
    (ended,) = found.told("job ended")
    assert (ended["ending"], ended["exit_code"], ended["run"]) == ("ended", 0, found.state.runs("riverside")[0].id)
    assert [each["mode"] for each in found.told("run started")] == ["full"]
    (shown,) = terminal("status", "--json").json
    assert datetime.datetime.fromisoformat(shown["next_run"]) > SystemClock().now() + datetime.timedelta(hours=23)
    with found.serving("--once") as process:
        assert process.wait(timeout=60) == 0
    assert found.outcomes() == ["DONE"]


def test_bad_ending_shows_in_the_exit_code_of_one_look(evening: Callable[..., Evening], terminal: Terminal) -> None:
    found = evening()
    found.world.toml.write_text(found.world.toml.read_text().replace('"planner"', '"plannr"'), encoding="utf-8")
    with found.serving("--once") as process:
        assert process.wait(timeout=60) == 4
    (shown,) = terminal("status", "--json").json
    assert [each["code"] for each in shown["needs"]] == ["N-FILE-1"]
    found.world.toml.write_text(found.world.toml.read_text().replace('"plannr"', '"planner"'), encoding="utf-8")
    (shown,) = terminal("status", "--json").json
    assert [each["code"] for each in shown["needs"]] == ["N-JOB-1"]
    assert shown["needs"][0]["words"] == "It was refused before it began (exit code 2)."


@pytest.mark.requirement("S3-18")
def test_server_that_is_asked_to_leave_does_and_its_run_is_finished_by_the_next(
    evening: Callable[..., Evening],
) -> None:
    found = evening(slow=5)
    with found.serving() as process:
        until(lambda: found.told("run started"))
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    owed = job.last(found.state, "riverside")
    assert owed is not None
    assert (owed.is_open, owed.server, owed.tries) == (True, None, 0)
    assert server.living(found.state) == []
    assert not found.is_there()
    with found.serving("--once") as process:
        assert process.wait(timeout=60) == 0
    assert found.outcomes()[-1] == "DONE"
    assert found.outcomes().count("DONE") == 1
    assert found.is_there()


@pytest.mark.requirement("S3-18")
def test_run_of_a_server_that_was_killed_is_not_begun_a_second_time(evening: Callable[..., Evening]) -> None:
    found = evening(slow=4)
    with found.serving() as process:
        until(lambda: found.told("run started"))
        process.kill()
        process.wait()
        with found.serving() as other:  # while the run of the first goes on
            until(lambda: found.told("job ended"))
            other.send_signal(signal.SIGTERM)
            assert other.wait(timeout=30) == 0
    assert found.outcomes() == ["DONE"]
    assert len(found.told("run begun")) == 1
    assert found.is_there()


@pytest.mark.slow
def test_run_that_was_killed_with_its_server_is_begun_again(evening: Callable[..., Evening]) -> None:
    found = evening(slow=4)
    with found.serving() as process:
        until(lambda: found.told("run started"))
        process.kill()
        os.kill(found.state.runs("riverside")[0].pid, signal.SIGKILL)
    with found.serving("--once") as process:
        assert process.wait(timeout=60) == 0
    assert found.outcomes() == [None, "DONE"]
    assert found.is_there()


@pytest.mark.slow
def test_run_that_is_killed_again_and_again_is_carried_out_once(evening: Callable[..., Evening]) -> None:
    found = evening(slow=2)
    with found.serving() as process:
        for count in (1, 2, 3):
            until(lambda count=count: len(found.outcomes()) == count)
            os.kill(found.state.runs("riverside")[0].pid, signal.SIGKILL)
        until(lambda: found.told("job ended"), 90)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    assert found.outcomes() == [None, None, None, "DONE"]
    assert [each["tries"] for each in found.told("run begun")] == [1, 2, 3, 4]
    assert found.is_there()


@pytest.mark.slow
@pytest.mark.requirement("S3-13")
def test_two_servers_begin_a_run_once(evening: Callable[..., Evening]) -> None:
    found = evening(slow=1)
    with found.serving() as one, found.serving() as other:
        until(lambda: found.told("job ended"))
        time.sleep(3)  # both have looked again
        for each in (one, other):
            each.send_signal(signal.SIGTERM)
            assert each.wait(timeout=30) == 0
    assert found.outcomes() == ["DONE"]
    assert len(found.told("run begun")) == 1


@pytest.mark.requirement("S2-20")
def test_files_that_come_begin_a_run(evening: Callable[..., Evening]) -> None:
    found = evening()
    text = found.world.toml.read_text(encoding="utf-8")
    schedule = text.index("[schedule]")
    found.world.toml.write_text(text[:schedule] + "[schedule]\narrival = { quiet_seconds = 1 }\n", encoding="utf-8")
    with found.serving() as process:
        until(lambda: len(found.told("job ended")) == 1)
        found.change("Mathematics at night")
        until(lambda: len(found.told("job ended")) == 2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    assert [(each["cause"], each["mode"]) for each in found.told("run begun")] == [("arrival", "incremental")] * 2
    assert found.outcomes() == ["DONE", "DONE"]
    assert found.is_there("Mathematics at night")


def test_run_that_is_asked_to_end_twice_lets_go_of_its_lease_all_the_same(
    settled: World, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As systemd does it, which sends SIGTERM to the server and to its runs, and the server asks them too."""
    state, release = State(open_state(settled.home), SystemClock()), lease._release

    def asked(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    def asked_again(*arguments: Any) -> None:
        asked()
        release(*arguments)

    monkeypatch.setattr("syncrun.run.runner._sync", asked)
    monkeypatch.setattr(lease, "_release", asked_again)
    assert terminal("--district", settled.toml).code == 130
    with state.transaction() as connection:
        assert connection.execute(sa.select(leases.c.run)).scalar_one() is None


def test_options_are_checked_and_the_log_can_be_for_people(evening: Callable[..., Evening], terminal: Terminal) -> None:
    assert terminal("serve", "--at-once", "0").code == 2
    assert "SYNCRUN_MEMORY_MB" in terminal("serve", "--help").out
    found = evening()
    told = subprocess.run([sys.executable, "-m", "syncrun", "serve", "--once", "--no-digests"], check=True, text=True,
                          capture_output=True, timeout=60)  # fmt: skip
    assert told.stdout == ""
    assert 'level=info event="service started" at_once=2 districts=1' in told.stderr
    assert 'event="job ended" district=riverside ending=ended exit_code=0' in told.stderr
    assert found.outcomes() == ["DONE"]


# -- one after the other -------------------------------------------------------------------------------------------------


def due_again(found: Evening) -> None:
    """Both schedules are due once more."""
    moment = found.state.clock.now() - datetime.timedelta(minutes=1)
    with found.state.transaction() as connection:
        connection.execute(
            sa.update(schedules).where(schedules.c.current).values(next_at=moment, settled=moment - HOUR)
        )


@pytest.mark.slow
@pytest.mark.requirement("S3-6", "S3-8", "S3-19")
@pytest.mark.timeout(300)
def test_export_of_another_district_comes_after_its_import_or_says_why_not(
    evening: Callable[..., Evening], terminal: Terminal
) -> None:
    """The exporting district reads the same files into a folder of its own; the import is slow, then held, refused, hung."""
    found = evening(slow=2)
    world = found.world
    schedule = world.toml.read_text(encoding="utf-8").partition("[schedule]")[2]
    (world.folder / "export.toml").write_text(
        'district = "export"\nafter = ["riverside"]\n[source]\nconnector = "oneroster_csv"\npath = "inbox"\n'
        'settle_seconds = 0\n[[sinks]]\nsink = "oneroster_csv"\npath = "out"\n[schedule]' + schedule, encoding="utf-8"
    )  # fmt: skip
    (world.folder / "out").mkdir()
    assert terminal("--district", "export").code == 3
    assert terminal("approve", "--district", "export").code == 0
    assert terminal("--district", "export").code == 0

    def once(*options: str) -> list[str]:
        """The districts whose runs began."""
        due_again(found)
        before = len(found.told("run begun"))
        with found.serving("--once", "--at-once", "2", *options) as process:
            process.wait(timeout=120)
        return [each["district"] for each in found.told("run begun")[before:]]

    def needs() -> str:
        return " ".join(need["words"] for each in terminal("status", "--json").json for need in each["needs"])

    assert once() == ["riverside", "export"]
    slow, export = found.told("job ended")
    assert (slow["district"], export["district"]) == ("riverside", "export")
    world.drop("users", *(f"s1{n:03d}" for n in range(20)))
    kept = world.rows("enrollments")
    world.drop("enrollments", *(row["sourcedId"] for row in kept if row["userSourcedId"].startswith("s10")))
    world.write()
    assert once() == ["riverside"]
    assert "export" not in [each["district"] for each in found.told("job ended")[2:]]
    assert "skipped: riverside ended with HELD" in needs()
    (world.inbox / "users.csv").unlink()
    assert once() == ["riverside"]
    assert "skipped: riverside ended with REFUSED" in needs()
    world.write(roster.first_day())
    world.toml.write_text(
        world.toml.read_text().replace("settle_seconds = 2", "settle_seconds = 500"), encoding="utf-8"
    )
    assert once("--minutes", "0.1", "--grace-seconds", "1") == ["riverside"]
    assert "It took longer than it may" in needs()
    assert "skipped: riverside" in needs()
    world.toml.write_text(
        world.toml.read_text().replace("settle_seconds = 500", "settle_seconds = 0"), encoding="utf-8"
    )
    assert once() == ["riverside", "export"]
    assert needs() == ""
