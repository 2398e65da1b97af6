"""A district from its first upload on: AutoSend's three files at the real server, runs by the real command."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from export import SHORT, exported
from harbour import new_key, sftp_command
from nightshift import until
from world import World

from syncrun.demo import roster

NAMES = ("users", "classes", "enrollments")
AT_ONCE = ("--at-once",)
ENDED = re.compile(r"^The run of riverside ended with exit (.*)\.$", re.MULTILINE)


class District:
    """`riverside`, whose source is the set that is ready in its box."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        self.sftp = self.world.home / "sftp"
        self.world.toml = self.world.home / "districts" / "riverside.toml"
        self.world.toml.parent.mkdir(parents=True)
        self.world.configure(years='["schoolYear-2027"]')
        text = self.world.toml.read_text().replace('path = "inbox"', f'path = "{self.sftp / "ready" / "riverside"}"')
        self.world.toml.write_text(text)
        self.key, self.export, self.told = folder / "key", folder / "export", folder / "told"
        new_key(self.key)
        assert self.world.syncrun("sftp", "user", "add", "riverside", "--key", f"{self.key}.pub")[0] == 0
        self.port = 0

    @contextlib.contextmanager
    def serving(self, *options: str) -> Iterator[subprocess.Popen[bytes]]:
        """The server, which is killed at the end. `told` holds what it says on stderr, from all of its starts."""
        command = [sys.executable, "-m", "syncrun", "sftp", "serve", "--port=0", "--quiet=0.5", "--json", *options]
        with self.told.open("a") as error, subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=error, cwd=self.world.folder, env=self.world.environment()
        ) as process:  # fmt: skip
            try:
                self.port = json.loads(process.stdout.readline())["port"]
                yield process
            finally:
                process.kill()

    def send(self, files: roster.Files | None = None) -> None:
        """An evening's export, each file in a session of its own."""
        if files is not None:
            exported(self.export, SHORT, files, prefixes=True, language="languages", dcid=True)
        for name in NAMES:
            done = subprocess.run(sftp_command(self.port, self.key, "riverside"), input=f"put {self.export}/{name}.csv\n",
                                  text=True, capture_output=True, check=False, timeout=60)  # fmt: skip
            assert done.returncode == 0, done.stderr

    def events(self, event: str) -> int:
        """How often something happened."""
        return sum(json.loads(line)["event"] == event for line in (self.sftp / "audit.jsonl").read_text().splitlines())

    def ends(self, count: int) -> list[str]:
        """How the runs ended that the server began, when there are so many."""
        until(lambda: len(ENDED.findall(self.told.read_text())) >= count, 60)
        return ENDED.findall(self.told.read_text())

    def outcomes(self) -> list[str | None]:
        """How all runs ended, the newest first."""
        return [run.outcome for run in self.world.state().runs("riverside", limit=100)]

    def settle(self) -> roster.Files:
        """The first sync, sent, approved and carried out; its files."""
        files = roster.first_day()
        with self.serving(*AT_ONCE):
            self.send(files)
            until(lambda: self.events("taken"))
        assert self.world.sync().exit_code == 3
        self.world.approve()
        assert self.world.sync().exit_code == 0
        return files


@pytest.fixture
def district(tmp_path: Path, home: Path) -> District:
    return District(tmp_path)


@pytest.mark.requirement("S2-1", "S2-3", "S2-16", "S2-18", "S2-19")
@pytest.mark.timeout(180)
def test_first_sync_by_hand_and_from_the_next_evening_by_itself(district: District) -> None:
    world, files = district.world, roster.first_day()
    with district.serving(*AT_ONCE) as server:
        district.send(files)
        until(lambda: district.events("taken") == 1)
        assert district.outcomes() == []
        assert world.syncrun("--district", "riverside")[0] == 3
        assert district.outcomes() == ["HELD"]
        assert not any(world.dump().values())
        district.send(files)  # the evening passes without an approval
        until(lambda: district.events("taken") == 2)
        assert district.outcomes() == ["HELD"]
        assert world.syncrun("--district", "riverside")[0] == 3
        assert world.syncrun("approve", "--district", "riverside")[0] == 0
        assert world.syncrun("--district", "riverside")[0] == 0
        assert world.count("class_members") == len(files["enrollments"])
        files["classes"][0]["title"] = "Mathematics in the evening"
        district.send(files)
        assert district.ends(1) == ["0"]
        until(lambda: district.events("taken") == 3)
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=30) == 0
    assert district.outcomes() == ["DONE", "DONE", "HELD", "HELD"]
    assert "Mathematics in the evening" in repr(world.dump()["classes"])


@pytest.mark.slow
@pytest.mark.requirement("S2-20")
@pytest.mark.parametrize("end", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_set_that_waits_for_the_window_is_run_after_a_restart(district: District, end: signal.Signals) -> None:
    files = district.settle()
    hour = (time.gmtime().tm_hour + 6) % 24
    closed = (f"--window={hour:02}:00-{(hour + 1) % 24:02}:00", "--zone=UTC")
    with district.serving(*closed) as server:
        files["classes"][0]["title"] = "Mathematics in the evening"
        district.send(files)
        until(lambda: district.events("ready") == 2)
        os.kill(server.pid, end)
        server.wait(timeout=30)
    assert district.outcomes() == ["DONE", "HELD"]
    with district.serving(*AT_ONCE):
        assert district.ends(1) == ["0"]
        until(lambda: district.events("taken") == 2)
    assert district.outcomes() == ["DONE", "DONE", "HELD"]
    assert "Mathematics in the evening" in repr(district.world.dump()["classes"])


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def header_only(path: Path) -> None:
    path.write_bytes(path.read_bytes().split(b"\r")[0] + b"\r")


@pytest.mark.slow
@pytest.mark.requirement("S2-25")
@pytest.mark.timeout(180)
def test_bad_sets_take_nothing_away(district: District) -> None:
    good = district.settle()
    before = district.world.dump(archived=True)
    spoilt = [(cut, "users"), (header_only, "enrollments")]
    with district.serving(*AT_ONCE):
        for n, (spoil, name) in enumerate(spoilt, start=1):
            exported(district.export, SHORT, copy.deepcopy(good), prefixes=True, language="languages", dcid=True)
            spoil(district.export / f"{name}.csv")
            district.send()
            assert district.ends(n)[-1] in {"2", "3"}
            until(lambda n=n: district.events("taken") == n + 1)
            assert district.world.dump(archived=True) == before
        district.send(good)
        assert district.ends(len(spoilt) + 1)[-1] == "0"
    assert district.world.dump(archived=True) == before
    assert set(district.outcomes()[1:3]) <= {"HELD", "REFUSED"}
