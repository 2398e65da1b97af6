"""The command as a whole: quick help, exit codes, pure JSON, completion, and never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

from syncrun import __version__
from syncrun.cli.app import COMMANDS, app

if TYPE_CHECKING:
    from pathlib import Path

    from terminal import Terminal
    from world import World

HEAVY = ("duckdb", "sqlalchemy", "marshmallow", "rich", "alembic", "apispec", "psycopg", "tenacity",
         "structlog", "requests")  # fmt: skip
KIND = "orgs"
"""What one types where the usage of `map` says KIND."""


def child(code: str) -> str:
    """What a Python process prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every command, as one types it."""
    found = []
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        found.append((*path, name))
        if isinstance(command, click.Group) and name != "x":
            words = [KIND] * any(isinstance(each, click.Argument) for each in command.params)
            found += commands(command, (*path, name, *words))
    return found


@pytest.mark.parametrize("command", [(), *commands(app)], ids=" ".join)
def test_every_command_has_help(terminal: Terminal, command: tuple[str, ...]) -> None:
    answer = terminal(*command, "--help")
    assert (answer.code, answer.err) == (0, "")
    words = ["KIND" if word == KIND else word for word in command]
    assert answer.out.startswith(f"Usage: {' '.join(['syncrun', *words])}")
    assert "Options:" in answer.out


@pytest.mark.parametrize("line", [
    "existing -d riverside --help", "existing --help -d riverside", "existing --archived -d riverside --help",
    "existing -d riverside set --help", "schedule -d riverside --help", "schedule --json --help", "map orgs -d riverside --help",
    "map -d riverside orgs --help", "map --help orgs", "existing set archive -d riverside --help",
    "schedule set full -d riverside --help", "map orgs set school-1 -d riverside --help",
])  # fmt: skip
def test_help_is_shown_wherever_it_is_asked_for(terminal: Terminal, line: str) -> None:
    answer = terminal(*line.split())
    assert (answer.code, answer.err) == (0, "")
    words = line.split()
    named = (
        words[1] if words[1] == "set" else "KIND set" if words[2:3] == ["set"] and words[0] == "map" else "[OPTIONS]"
    )
    assert answer.out.startswith(f"Usage: syncrun {words[0]} {named}")


def test_help_lists_every_command_with_what_it_is_for(terminal: Terminal) -> None:
    answer = terminal("--help")
    for name, (_, words) in COMMANDS.items():
        assert f"  {name}" in answer.out
        assert words in answer.out
    assert {path[0] for path in commands(app)} == set(COMMANDS)


def test_help_of_a_command_begins_as_the_list_says(terminal: Terminal) -> None:
    for name, (_, words) in COMMANDS.items():
        command = app.get_command(click.Context(app), name)
        assert command is not None
        assert (command.help or "").startswith(words[:11])


def test_help_loads_nothing_heavy() -> None:
    code = ("import sys; sys.argv = ['syncrun', '--help']\nfrom syncrun.cli import main\ntry: main()\nexcept SystemExit: pass\n"
            f"print('LOADED', sorted(each for each in {HEAVY} if each in sys.modules))")  # fmt: skip
    assert child(code).rpartition("LOADED")[2].strip() == "[]"


def test_nothing_asked_is_answered_with_help(terminal: Terminal) -> None:
    answer = terminal()
    assert answer.code == 0
    assert answer.out == terminal("--help").out


def test_version(terminal: Terminal) -> None:
    assert terminal("--version").out == f"syncrun, version {__version__}\n"


@pytest.mark.parametrize("arguments", [
    ("chek",), ("--distrct", "x"), ("report", "--nonsense"), ("plugins", "info"), ("check", "no-such-file.csv"), ("x", "nobody"),
    ("completion", "powershell"), ("explain",), ("runs", "--limit", "many"),
], ids=" ".join)  # fmt: skip
def test_command_that_is_no_command_is_refused_in_words_and_in_json(
    terminal: Terminal, arguments: tuple[str, ...]
) -> None:
    answer = terminal(*arguments)
    assert (answer.code, answer.out) == (2, "")
    assert "Error: " in answer.err
    found = terminal(*arguments, "--json")
    assert (found.code, found.err) == (2, "")
    assert (found.json["error"]["code"], found.json["exit_code"]) == ("E-USAGE-1", 2)


@pytest.mark.parametrize("command", ["approve", "reject", "show", "report", "explain x", "plan", "check"])
def test_command_that_needs_a_district_says_so(terminal: Terminal, command: str) -> None:
    answer = terminal(*command.split())
    assert (answer.code, answer.out) == (2, "")
    assert "E-USAGE-1" in answer.err
    assert "--district X" in answer.err


@pytest.mark.parametrize("command", ["approve", "reject", "show", "report", "explain x", "plan", "check", "runs"])
def test_district_may_stand_before_or_after_the_command(terminal: Terminal, command: str) -> None:
    first, *rest = command.split()
    before = terminal("--district", "nobody", first, *rest, "--json")
    after = terminal(first, "--district", "nobody", *rest, "--json")
    assert (before.code, before.out) == (after.code, after.out)
    if first != "runs":
        assert before.json["error"]["problems"][0]["path"] == "nobody"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_is_printed(terminal: Terminal, shell: str) -> None:
    answer = terminal("completion", shell)
    assert answer.code == 0
    assert "_SYNCRUN_COMPLETE" in answer.out
    assert "syncrun" in answer.out.splitlines()[0] or shell in answer.out


def test_completion_completes_commands_and_districts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("riverside", "lakeside"):
        (tmp_path / f"{name}.toml").touch()
    monkeypatch.setenv("SYNCRUN_DISTRICTS", str(tmp_path))
    monkeypatch.setenv("_SYNCRUN_COMPLETE", "bash_complete")
    for words, cword, found in (
        ("syncrun exp", "1", ["plain,explain"]),
        ("syncrun --district r", "2", ["plain,riverside"]),
        ("syncrun map orgs wa", "3", ["plain,walk"]),
        ("syncrun existing rest", "2", ["plain,restore"]),
    ):
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", cword)
        assert child("import sys; sys.argv = ['syncrun']\nfrom syncrun.cli import main; main()").splitlines() == found


JSON = ["check {toml}", "plan {toml}", "show {toml}", "approve {toml}", "reject {toml}", "report {toml}", "explain {toml} s2010", "runs",
        "plugins list", "plugins info planner", "{toml}"]  # fmt: skip


@pytest.mark.parametrize("command", JSON)
def test_json_is_json_and_nothing_else(settled: World, terminal: Terminal, command: str) -> None:
    settled.edit("users", "s1001", familyName="New")
    gone = {f"s2{n:03d}" for n in range(20, 40)}
    settled.drop("users", *gone)
    settled.drop(
        "enrollments", *(row["sourcedId"] for row in settled.rows("enrollments") if row["userSourcedId"] in gone)
    )
    settled.write()
    if command.split(maxsplit=1)[0] in {"approve", "reject", "show"}:
        assert terminal("--district", settled.toml).code == 3
    answer = terminal(*command.replace("{toml}", f"--district {settled.toml}").split(), "--json")
    assert answer.json
    assert answer.code in {0, 3}


def test_approving_and_running_at_once_gives_one_json_answer(settled: World, terminal: Terminal) -> None:
    settled.rows("users").append({**settled.rows("users")[20], "sourcedId": "x1", "username": "x1", "identifier": "x1"})
    gone = {f"s2{n:03d}" for n in range(20, 40)}
    settled.drop("users", *gone)
    settled.drop(
        "enrollments", *(row["sourcedId"] for row in settled.rows("enrollments") if row["userSourcedId"] in gone)
    )
    settled.write()
    assert terminal("--district", settled.toml).code == 3
    answer = terminal("approve", "--district", settled.toml, "--run", "--json")
    assert answer.code == 0
    assert answer.json["outcome"] == "DONE"


def test_schema_is_json(terminal: Terminal) -> None:
    assert terminal("schema").json["title"] == "A district of syncrun"


def test_module_runs_as_the_command_does(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "syncrun", "plugins", "list", "--json"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert {row["name"] for row in json.loads(done.stdout)} >= {"planner", "oneroster_csv"}


def test_reader_who_has_seen_enough_is_no_fault() -> None:
    code = f"import subprocess, sys; sys.exit(subprocess.run([{sys.executable!r}, '-m', 'syncrun', 'schema'], stdout=open('/dev/full', 'w')).returncode)"
    closed = subprocess.run(["bash", "-c", f"set -o pipefail; {sys.executable} -m syncrun schema | head -c 10"], capture_output=True,
                            text=True, check=False)  # fmt: skip
    assert "Traceback" not in closed.stderr
    assert closed.returncode in {0, 141}
    full = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "Traceback" not in full.stderr


@pytest.mark.parametrize("wrong", ['path = "nowhere"', 'pth = "inbox"'])
def test_log_for_programs_has_nothing_else_in_it(world: World, wrong: str) -> None:
    """Neither a run that was refused nor a file that cannot be used writes words for people between the lines."""
    world.write()
    world.toml.write_text(world.toml.read_text(encoding="utf-8").replace('path = "inbox"', wrong), encoding="utf-8")
    code, _, err = world.syncrun("--district", str(world.toml), "--log-json")
    assert code == 2
    assert json.loads(err.splitlines()[-1])["exit_code"] == 2
    assert all(json.loads(line) for line in err.splitlines())
