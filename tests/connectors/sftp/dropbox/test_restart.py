"""A set waits for its run whatever becomes of the server."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncssh
import pytest
from harbour import PASSWORD, Harbour, harbour
from nightshift import AFTERNOON, EVENING, Recorder, on_duty, sums, until

from syncrun.connectors.sftp.dropbox.account import Account
from syncrun.connectors.sftp.dropbox.offer import take, waiting
from syncrun.connectors.sftp.dropbox.place import Place
from syncrun.connectors.sftp.dropbox.rule import Rules

MONDAY = {"users": b"users of Monday\n", "classes": b"classes of Monday\n", "enrollments": b"enrollments of Monday\n"}
TUESDAY = {name: body.replace(b"Monday", b"Tuesday") for name, body in MONDAY.items()}


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    found = Recorder(tmp_path / "log", tmp_path / "home" / "sftp" / "ready" / "oak")
    (found.log / "approved").touch()
    return found


def send(port: int, files: dict[str, bytes]) -> None:
    async def sending() -> None:
        async with asyncssh.connect("127.0.0.1", port, username="oak", password=PASSWORD, known_hosts=None, config=None,
                                    agent_path=None, client_keys=None) as connection, connection.start_sftp_client() as sftp:  # fmt: skip
            for name, body in files.items():
                async with sftp.open(f"{name}.csv", "wb") as stream:
                    await stream.write(body)

    asyncio.run(sending())


def events(home: Path) -> list[str]:
    path = Place(home).audit
    return [json.loads(line)["event"] for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.requirement("S2-19", "S2-20")
def test_set_of_the_afternoon_is_run_in_the_evening_by_a_server_that_was_started_anew(
    tmp_path: Path, recorder: Recorder
) -> None:
    home = tmp_path / "home"
    with on_duty(home, recorder.log, AFTERNOON) as (process, port):
        send(port, MONDAY)
        until(lambda: "ready" in events(home))
        process.kill()
    with on_duty(home, recorder.log, AFTERNOON) as (process, _):
        time.sleep(0.4)  # it is still afternoon
        assert recorder.runs == []
    with on_duty(home, recorder.log, EVENING):
        until(lambda: "taken" in events(home))
    with on_duty(home, recorder.log, EVENING):
        time.sleep(0.4)  # it was dealt with
    assert [run.seen for run in recorder.runs] == [sums(**MONDAY)]
    assert events(home).count("ready") == 1


def test_server_that_is_killed_while_a_run_is_at_work_begins_it_again_when_the_first_has_ended(
    tmp_path: Path, recorder: Recorder
) -> None:
    home = tmp_path / "home"
    recorder.hold()
    with on_duty(home, recorder.log, EVENING) as (process, port):
        send(port, MONDAY)
        until(lambda: recorder.runs)
        process.kill()
    with on_duty(home, recorder.log, EVENING) as (_, port):
        time.sleep(0.4)
        assert len(recorder.runs) == 1
        recorder.let_go()
        until(lambda: "taken" in events(home))
    assert [(run.seen, run.code) for run in recorder.runs] == [(sums(**MONDAY), 0)] * 2


def test_newer_set_takes_the_place_of_one_that_waited(tmp_path: Path, recorder: Recorder) -> None:
    home = tmp_path / "home"
    for files in (MONDAY, TUESDAY):
        with on_duty(home, recorder.log, AFTERNOON) as (process, port):
            before = events(home).count("ready")
            send(port, files)
            until(lambda before=before: events(home).count("ready") > before)
            process.kill()
    with on_duty(home, recorder.log, EVENING):
        until(lambda: "taken" in events(home))
        time.sleep(0.3)
    assert [run.seen for run in recorder.runs] == [sums(**TUESDAY)]


@pytest.mark.requirement("S2-16", "S2-18")
def test_set_of_before_the_approval_begins_no_run_later_either(tmp_path: Path, recorder: Recorder) -> None:
    home = tmp_path / "home"
    (recorder.log / "approved").unlink()
    with on_duty(home, recorder.log, EVENING) as (_, port):
        send(port, MONDAY)
        until(lambda: "taken" in events(home))
    (recorder.log / "approved").touch()
    with on_duty(home, recorder.log, EVENING) as (_, port):
        time.sleep(0.4)
        assert recorder.runs == []
        send(port, TUESDAY)
        until(recorder.ended)
    assert [run.seen for run in recorder.runs] == [sums(**TUESDAY)]


def told(home: Path, complete: Callable[[Account, tuple[Path, ...]], Awaitable[None]] | None = None) -> list[object]:
    """Of what a server tells after its start."""
    with harbour(home, Rules(quiet=0.05), complete=complete) as port:
        time.sleep(0.3)
        return list(port.completed)


def test_set_that_nobody_dealt_with_is_told_of_at_each_start_until_somebody_did(tmp_path: Path) -> None:
    home = tmp_path / "home"

    async def fail(account: Account, files: tuple[Path, ...]) -> None:
        raise ValueError("no run")

    async def wait(account: Account, files: tuple[Path, ...]) -> None:
        await asyncio.Event().wait()

    def send_monday(port: Harbour) -> None:
        send(port.port, MONDAY)
        until(lambda: port.completed)

    with harbour(home, Rules(quiet=0.05), complete=wait) as port:
        send_monday(port)
    once = [("oak", tuple(sorted(f"{name}.csv" for name in MONDAY)))]
    assert told(home, fail) == once
    assert "fault" in events(home)
    assert told(home, wait) == once
    assert "taken" not in events(home)
    assert told(home) == once
    assert events(home)[-1] == "taken"
    assert told(home, wait) == []


def test_older_set_that_was_dealt_with_says_nothing_of_the_newest(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.make()
    for name in ("monday", "tuesday"):
        (place.sets / "oak" / name).mkdir(parents=True)
        (place.sets / "oak" / name / "users.csv").touch()
    (place.ready / "oak").symlink_to("../sets/oak/tuesday")
    take(place, "oak", "tuesday")
    take(place, "oak", "monday")
    assert waiting(place, "oak") == ()
    (place.ready / "oak").unlink()
    (place.ready / "oak").symlink_to("../sets/oak/monday")
    assert [path.name for path in waiting(place, "oak")] == ["users.csv"]


def test_withdrawn_account_begins_nothing_after_a_restart(tmp_path: Path) -> None:
    home = tmp_path / "home"

    async def wait(account: Account, files: tuple[Path, ...]) -> None:
        await asyncio.Event().wait()

    with harbour(home, Rules(quiet=0.05), complete=wait) as port:
        send(port.port, MONDAY)
        until(lambda: port.completed)
        oak = port.drop.accounts.get("oak")
        port.drop.accounts.put(Account(oak.name, oak.district, oak.password, enabled=False))
    assert told(home) == []
