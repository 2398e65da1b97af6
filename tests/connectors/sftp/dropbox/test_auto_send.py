"""Three files as PowerSchool's AutoSend sends them: each by itself, minutes apart, in any order, some of them badly. One run
begins, and it sees the right files; or nothing begins.

A minute is a fraction of a second here: the server waits for `QUIET` instead of five minutes, or for `LONG` where two files
must come within that time on a busy machine too.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import itertools
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from harbour import Harbour, auto_send, harbour, new_key, sending
from nightshift import Recorder, sums, until

from syncrun.connectors.sftp.dropbox.place import Place
from syncrun.connectors.sftp.dropbox.rule import Rules
from syncrun.connectors.sftp.dropbox.start import Starter

QUIET, LONG = 0.2, 1.5
NAMES = ("users", "classes", "enrollments")
ORDERS = list(itertools.permutations(NAMES))
DAY = 24 * 3600


class Desk:
    """A district's side: a folder with an export, and OpenSSH's client that sends from it."""

    def __init__(self, port: Harbour, key: Path, folder: Path, recorder: Recorder) -> None:
        self.port, self.key, self.folder, self.recorder = port, key, folder, recorder
        self.quiet = port.drop.rules.quiet
        self.files: dict[str, bytes] = {}

    def export(self, night: str, *names: str, size: int = 1000) -> None:
        """Write files that no other night has."""
        for name in names or NAMES:
            self.files[name] = (f"{name} of {night}\n" * size).encode()[:size]
            (self.folder / f"{name}.csv").write_bytes(self.files[name])

    def send(self, *names: str) -> None:
        """Send files in one session."""
        done = auto_send(self.port, self.key, *(f"put {self.folder}/{name}.csv" for name in names))
        assert done.returncode == 0, done.stderr

    def rest(self) -> None:
        """Let more time go by than the server waits."""
        time.sleep(1.5 * self.quiet)

    def yesterday(self) -> None:
        """An export that came and was run a day ago."""
        self.export("yesterday")
        self.send(*NAMES)
        until(self.recorder.ended)
        for path in (self.port.place.boxes / "oak").iterdir():
            os.utime(path, (path.stat().st_mtime - DAY,) * 2)

    def saw(self) -> list[dict[str, str]]:
        """What the runs saw, when they have ended."""
        until(self.recorder.ended)
        self.rest()
        return [run.seen for run in self.recorder.runs]


@contextlib.contextmanager
def at_work(folder: Path, quiet: float) -> Iterator[Desk]:
    home, export = folder / "home", folder / "export"
    export.mkdir()
    place = Place(home)
    recorder = Recorder(folder / "log", place.ready / "oak")
    starter = Starter(lambda district: True, None, place.running, now=lambda: datetime.datetime.now(datetime.UTC),
                      command=recorder.command)  # fmt: skip
    with harbour(home, Rules(quiet=quiet), complete=starter) as port:
        accounts = port.drop.accounts
        accounts.put(dataclasses.replace(accounts.get("oak"), keys=(new_key(folder / "key"),)))
        yield Desk(port, folder / "key", export, recorder)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with at_work(tmp_path, QUIET) as found:
        yield found


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[Desk]:
    with at_work(tmp_path, LONG) as found:
        yield found


@pytest.mark.requirement("S2-3", "S2-4", "S2-24", "S2-25")
@pytest.mark.parametrize("evening", [pytest.param("first", marks=pytest.mark.slow), "second"])
@pytest.mark.parametrize("order", [ORDERS[0], ORDERS[-1], *(pytest.param(each, marks=pytest.mark.slow) for each in ORDERS[1:-1])],
                         ids="-".join)  # fmt: skip
def test_files_minutes_apart_in_any_order_make_one_run(desk: Desk, order: tuple[str, ...], evening: str) -> None:
    if evening == "second":
        desk.yesterday()
    before = len(desk.recorder.runs)
    desk.export("today")
    for name in order[:-1]:
        desk.send(name)
        desk.rest()
        assert len(desk.recorder.runs) == before  # one is missing, and yesterday's does not stand in for it
    desk.send(order[-1])
    until(lambda: desk.recorder.ended(before + 1))
    assert desk.saw()[before:] == [sums(**desk.files)]


@pytest.mark.parametrize("again", NAMES)
def test_file_that_is_sent_once_more_counts_as_it_came_last(patient: Desk, again: str) -> None:
    patient.export("today")
    (patient.folder / "first.csv").write_bytes(b"too early\n")
    early = f"put {patient.folder}/first.csv {again}.csv"
    done = auto_send(patient.port, patient.key, early, *(f"put {patient.folder}/{name}.csv" for name in NAMES))
    assert done.returncode == 0, done.stderr
    assert patient.saw() == [sums(**patient.files)]


@pytest.mark.parametrize("again", NAMES)
def test_file_that_is_sent_once_more_after_the_run_makes_another(desk: Desk, again: str) -> None:
    desk.export("today")
    desk.send(*NAMES)
    until(desk.recorder.ended)
    early = sums(**desk.files)
    desk.export("tonight", again)
    desk.send(again)
    until(lambda: desk.recorder.ended(2))
    assert desk.saw() == [early, sums(**desk.files)]


@pytest.mark.requirement("S2-25")
@pytest.mark.parametrize("evening", [pytest.param("first", marks=pytest.mark.slow), "second"])
@pytest.mark.parametrize("cut", NAMES)
def test_file_that_was_cut_is_waited_for_until_it_is_sent_again(desk: Desk, cut: str, evening: str) -> None:
    if evening == "second":
        desk.yesterday()
    before = len(desk.recorder.runs)
    desk.export("today", size=500_000)
    with sending(desk.port, desk.key, desk.folder / f"{cut}.csv") as process:
        process.kill()
        process.wait()
    desk.send(*(name for name in NAMES if name != cut))
    desk.rest()
    desk.rest()
    assert len(desk.recorder.runs) == before
    desk.send(cut)
    until(lambda: desk.recorder.ended(before + 1))
    assert desk.saw()[before:] == [sums(**desk.files)]


@pytest.mark.requirement("S2-20")
@pytest.mark.parametrize("slow", NAMES)
def test_file_that_still_grows_is_waited_for(desk: Desk, slow: str) -> None:
    desk.export("today", size=500_000)
    with sending(desk.port, desk.key, desk.folder / f"{slow}.csv") as process:
        desk.send(*(name for name in NAMES if name != slow))
        desk.rest()
        desk.rest()
        assert desk.recorder.runs == []
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=20)
        assert process.returncode == 0
    assert desk.saw() == [sums(**desk.files)]


def test_file_that_grows_in_place_of_a_whole_one_is_waited_for(desk: Desk) -> None:
    """All three are there, and one is on its way once more."""
    desk.export("today", size=500_000)
    desk.send("classes", "enrollments")
    desk.export("early", "users")
    with sending(desk.port, desk.key, desk.folder / "classes.csv") as process:
        desk.send("users")
        desk.rest()
        desk.rest()
        assert desk.recorder.runs == []
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=20)
    assert desk.saw() == [sums(**desk.files)]


def test_run_reads_what_it_began_with_while_the_next_files_come(patient: Desk) -> None:
    patient.export("today")
    patient.recorder.hold()
    patient.send(*NAMES)
    until(lambda: patient.recorder.runs)
    held = (patient.port.place.ready / "oak").resolve()
    early = sums(**patient.files)
    patient.export("tomorrow")
    patient.send(*NAMES)
    patient.rest()
    assert sums(**{path.stem: path.read_bytes() for path in held.iterdir()}) == early
    patient.recorder.let_go()
    until(lambda: patient.recorder.ended(2))
    assert patient.saw() == [early, sums(**patient.files)]
