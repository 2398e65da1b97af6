"""`syncrun demo`: runs to its end on a fresh machine, and says so again the second time."""

from __future__ import annotations

import os
import re
import shlex
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from syncrun.cli import demo as demo_module
from syncrun.errors import FaultError

if TYPE_CHECKING:
    from terminal import Terminal


def count(table: str, folder: str = "demo") -> int:
    with sqlite3.connect(f"{folder}/planner.db") as connection:
        found = connection.execute(f"SELECT count(*) FROM {table} WHERE archived_at IS NULL").fetchone()[0]
    connection.close()
    return int(found)


@pytest.mark.requirement("S0-22")
def test_demo_runs_to_its_end_and_a_second_time_has_nothing_to_do(
    terminal: Terminal, tmp_path: Path, home: Path
) -> None:
    answer = terminal("demo", "demo")
    assert (answer.code, answer.err) == (0, "")
    outcomes = re.findall(r"^(HELD|DONE|DEGRADED)  district demo", answer.out, re.MULTILINE)
    assert outcomes == ["HELD", "HELD", "DONE", "HELD", "DONE", "DONE"]
    assert "Nothing to do: input, settings and sinks are as they were when all was done." in answer.out
    assert {table: count(table) for table in ("schools", "teachers", "classes", "students")} == {
        "schools": 4, "teachers": 14, "classes": 25, "students": 198,
    }  # fmt: skip
    again = terminal("demo", "demo")
    assert again.code == 0
    assert "Nothing to do" in again.out
    assert again.out.count("$ syncrun") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]
    assert not home.exists()


def test_what_the_demo_proposes_next_works_as_it_is_printed(terminal: Terminal, tmp_path: Path) -> None:
    answer = terminal("demo", "my demo")
    assert answer.code == 0
    lines = answer.out.partition("What to try next:")[2].strip().splitlines()
    script = "\n".join(["set -e", *(line.strip() for line in lines if " rm " not in f" {line}")])
    bin_folder = Path(sys.executable).parent
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path,
                          env={**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}"})  # fmt: skip
    assert done.returncode == 0, done.stderr
    removal = next(line.strip().partition("#")[0] for line in lines if " rm " in f" {line}")
    refused = subprocess.run(["bash", "-c", f"{lines[0].strip()}\n{removal}"], capture_output=True, text=True, check=False,
                             cwd=tmp_path, env={**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}"})  # fmt: skip
    assert refused.returncode == 2
    assert "users.csv" in refused.stderr
    assert count("students", "my demo") == 198
    assert "my demo" in shlex.split(lines[0])[1]


@pytest.mark.slow
def test_demo_that_was_stopped_begins_again(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    run = demo_module._syncrun

    def stopped(expected: int, *arguments: str) -> None:
        if arguments[0] == "approve":
            raise KeyboardInterrupt
        run(expected, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(demo_module, "_syncrun", stopped)
        assert terminal("demo", "demo").code == 130
    assert terminal("demo", "demo").code == 0
    assert count("students") == 198


def test_fresh_demo_forgets_the_one_before(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "demo" / "home").mkdir(parents=True)
    (tmp_path / "demo" / demo_module.MARK).write_text(demo_module.ENDED)
    answer = terminal("demo", "demo", "--fresh")
    assert answer.code == 0
    assert "The first sync always waits for a person" in answer.out


@pytest.mark.parametrize("option", [[], ["--fresh"]])
def test_folder_that_is_no_demo_is_left_alone(terminal: Terminal, tmp_path: Path, option: list[str]) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "letter.txt").write_text("mine")
    answer = terminal("demo", "demo", *option)
    assert answer.code == 2
    assert "is not empty and is not a demo" in answer.err
    assert [path.name for path in (tmp_path / "demo").iterdir()] == ["letter.txt"]


def test_command_of_the_demo_that_ends_otherwise_is_a_fault(terminal: Terminal) -> None:
    with pytest.raises(FaultError, match="ended with 0, not 3"):
        demo_module._syncrun(3, "plugins", "list")
