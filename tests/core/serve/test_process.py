"""Tasks as processes of this machine: begun once, bounded in time and memory, and ended when they are asked to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from syncrun.serve.executor import BusyError, Ended, Limits, Task
from syncrun.serve.process import Processes
from syncrun.serve.process import command as syncrun_command

WAIT = "import time; time.sleep(60)"
STUBBORN = "import pathlib, signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: None); pathlib.Path(sys.argv[1]).touch(); time.sleep(60)"
OBEDIENT = (
    "import pathlib, signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(75)); "
    "pathlib.Path(sys.argv[1]).touch(); time.sleep(60)"
)
GREEDY = "import time; taken = bytearray(400_000_000); time.sleep(60)"
BOUNDLESS = "taken = bytearray(8_000_000_000)"


def python(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-c", *arguments]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Processes]]:
    """Makes executors whose tasks are lines of Python; what is left at the end is killed."""
    made: list[Processes] = []

    def executor(**limits: float) -> Processes:
        wanted = {"grace_seconds": 20.0, "memory_mb": 200, **limits}
        made.append(Processes(tmp_path / "serve", Limits(**wanted), command=python))  # type: ignore[arg-type] # whole numbers
        return made[-1]

    yield executor
    for each in made:
        for child in each._children.values():
            child.process.kill()
        each.stop()


def one(executor: Processes, seconds: float = 20) -> Ended:
    (found,) = executor.ended(seconds)
    return found


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


def test_task_is_begun_as_the_command_line_that_people_use() -> None:
    arguments = ["--district", "elm", "--full"]
    assert syncrun_command(arguments) == [sys.executable, "-m", "syncrun", *arguments]
    assert subprocess.run(syncrun_command(["--version"]), check=True, capture_output=True).stdout.startswith(b"syncrun")


@pytest.mark.parametrize("code", [0, 3, 75])
def test_exit_code_is_heard_of_as_soon_as_it_is_there(make: Callable[..., Processes], code: int) -> None:
    executor = make()
    began = time.monotonic()
    executor.begin(Task("elm", (f"raise SystemExit({code})",)))
    assert list(executor.at_work) == ["elm"]
    assert one(executor) == Ended("elm", code)
    assert time.monotonic() - began < 15
    assert not executor.at_work
    assert executor.is_free("elm")
    assert executor.ended(0) == []


def test_several_that_ended_are_told_at_once(make: Callable[..., Processes]) -> None:
    executor = make()
    for key in "abc":
        executor.begin(Task(key, ("",)))
    found: list[Ended] = []
    while len(found) < 3:
        found += executor.ended(20)
    assert sorted(each.key for each in found) == ["a", "b", "c"]


def test_no_two_of_one_key_are_at_work_whoever_began_them(make: Callable[..., Processes]) -> None:
    one_server, other = make(), make()
    one_server.begin(Task("elm", (WAIT,)))
    for each in (one_server, other):
        assert not each.is_free("elm")
        with pytest.raises(BusyError):
            each.begin(Task("elm", (WAIT,)))
    other.begin(Task("oak", ("",)))
    assert one(other).key == "oak"


def test_task_of_a_server_that_was_killed_is_known_to_be_at_work_while_it_is(
    make: Callable[..., Processes], tmp_path: Path
) -> None:
    """The server is a process of its own here, which begins a task and is killed."""
    server = (
        "import pathlib, sys, time; from syncrun.serve.executor import *; from syncrun.serve.process import *; "
        "found = Processes(pathlib.Path(sys.argv[1]), Limits(), command=lambda each: [sys.executable, '-c', *each]); "
        "found.begin(Task('elm', ('import os, pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); "
        "time.sleep(60)', sys.argv[2]))); time.sleep(60)"
    )
    told = tmp_path / "pid"
    with subprocess.Popen([sys.executable, "-c", server, str(tmp_path / "serve"), str(told)]) as process:
        until(lambda: told.exists() and told.read_text())
        process.kill()
    executor = make()
    assert not executor.is_free("elm")
    os.kill(int(told.read_text()), signal.SIGKILL)
    until(lambda: executor.is_free("elm"))


def test_task_that_takes_too_long_is_asked_to_end_and_then_made_to(
    make: Callable[..., Processes], tmp_path: Path
) -> None:
    executor = make(minutes=1 / 600, grace_seconds=0.1)
    executor.begin(Task("elm", (STUBBORN, str(tmp_path / "there"))))
    assert one(executor) in {Ended("elm", -signal.SIGKILL, "too long"), Ended("elm", -signal.SIGTERM, "too long")}


def test_task_that_is_frozen_is_ended_too(make: Callable[..., Processes]) -> None:
    executor = make(minutes=1 / 60, grace_seconds=0.1)
    executor.begin(Task("elm", (WAIT,)))
    os.kill(executor._children["elm"].process.pid, signal.SIGSTOP)
    assert one(executor) == Ended("elm", -signal.SIGKILL, "too long")


def test_task_that_takes_too_much_memory_is_ended_at_once(make: Callable[..., Processes]) -> None:
    executor = make(memory_mb=200)
    executor.begin(Task("elm", (GREEDY,)))
    executor.begin(Task("oak", (WAIT,)))
    assert one(executor) == Ended("elm", -signal.SIGKILL, "too large")
    assert list(executor.at_work) == ["oak"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process be bounded from without")
def test_task_that_takes_memory_faster_than_anybody_looks_gets_none(make: Callable[..., Processes]) -> None:
    executor = make(memory_mb=1024)
    executor.begin(Task("elm", ("import time; time.sleep(0.5)\n" + BOUNDLESS,)))
    assert one(executor) == Ended("elm", 1)


def test_all_are_asked_to_end_and_those_that_do_not_are_made_to(make: Callable[..., Processes], tmp_path: Path) -> None:
    executor = make(grace_seconds=1)
    for key, work in (("elm", OBEDIENT), ("oak", STUBBORN)):
        executor.begin(Task(key, (work, str(tmp_path / key))))
        until((tmp_path / key).exists)
    found = sorted(executor.stop(), key=lambda each: each.key)
    assert found == [Ended("elm", 75), Ended("oak", -signal.SIGKILL)]


def test_who_waits_is_woken(make: Callable[..., Processes]) -> None:
    executor = make()
    executor.begin(Task("elm", (WAIT,)))
    executor.wake()
    began = time.monotonic()
    assert executor.ended(30) == []
    assert time.monotonic() - began < 10


def test_task_gets_no_input_and_the_environment_it_is_given(tmp_path: Path) -> None:
    executor = Processes(tmp_path / "serve", Limits(), {**os.environ, "SYNCRUN_LOG": "text"}, command=python)
    executor.begin(
        Task("elm", ("import os, sys; raise SystemExit(os.environ['SYNCRUN_LOG'] != 'text' or len(sys.stdin.read()))",))
    )
    assert one(executor) == Ended("elm", 0)
    assert (tmp_path / "serve").stat().st_mode & 0o777 == 0o700
