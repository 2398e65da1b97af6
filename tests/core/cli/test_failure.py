"""From errors to words and exit codes: the last guard before the operator."""

from __future__ import annotations

import json
import re
import stat
import sys
from pathlib import Path

import click
import pytest

from syncrun.cli.failure import guarded, tell
from syncrun.errors import AuthError, ConfigError, ContractError, Problem, SyncError, TransientError
from syncrun.finding import Finding
from syncrun.run.reading import SetRefusedError


def raiser(error: BaseException) -> object:
    def work() -> None:
        raise error

    return work


def code(error: BaseException) -> int:
    return guarded(raiser(error))  # type: ignore[arg-type] # a function


@pytest.mark.parametrize(("error", "number"), [
    (ConfigError([Problem("E-CONFIG-3", "x", "y")]), 2), (AuthError("no"), 2), (ContractError("odd"), 70),
    (TransientError("later"), 75), (click.Abort(), 130), (KeyboardInterrupt(), 130), (click.UsageError("what?"), 2),
    (click.exceptions.Exit(0), 0), (click.exceptions.Exit(4), 4), (RuntimeError("bug"), 70),
], ids=repr)  # fmt: skip
def test_every_way_to_fail_has_its_exit_code(error: BaseException, number: int) -> None:
    assert code(error) == number


def test_command_may_answer_with_a_code_or_with_nothing() -> None:
    assert [guarded(lambda: 3), guarded(lambda: None), guarded(lambda: "text")] == [3, 0, 0]


def test_error_says_what_happened_what_is_safe_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    problems = [
        Problem("E-CONFIG-3", "sinks[0].x", "is not a setting", "did you mean y?"),
        Problem("E-CONFIG-5", "z", "is not set"),
    ]
    tell(ConfigError(problems, source="riverside.toml"), as_json=False)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        "REFUSED  E-CONFIG-3  riverside.toml has 2 problems.",
        "  E-CONFIG-3  sinks[0].x: is not a setting  (did you mean y?)",
        "  E-CONFIG-5  z: is not set",
        "Safe: Nothing was written.",
        "Next: Correct the settings named above and run again; `syncrun check --district` tries them without a sync.",
    ]


def test_set_that_was_refused_names_its_findings(capsys: pytest.CaptureFixture[str]) -> None:
    tell(SetRefusedError([Finding("R-SET-06", "users.csv", 7, words="cut")]), as_json=False)
    assert re.search(r"^  R-SET-06  users\.csv:7  .*: cut$", capsys.readouterr().err, re.MULTILINE)


def test_fault_keeps_its_trace_in_a_file_of_the_operators_own(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert code(RuntimeError("canary-4f7b")) == 70
    printed = capsys.readouterr().err
    assert "canary-4f7b" not in printed
    assert "Traceback" not in printed
    (path,) = tmp_path.glob("syncrun-fault-*.txt")
    assert str(path) in printed
    assert "canary-4f7b" in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("error", [AuthError("no"), RuntimeError("bug"), click.UsageError("what?")], ids=repr)
def test_error_is_json_on_stdout_where_json_was_asked_for(
    error: Exception, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["syncrun", "x", "--json"])
    number = code(error)
    printed = capsys.readouterr()
    assert printed.err == ""
    told = json.loads(printed.out)
    assert told["exit_code"] == number
    assert set(told["error"]) == {"code", "title", "outcome", "message", "safe", "next_step"}


def test_all_errors_derive_from_exception_so_that_no_guard_misses_them() -> None:
    assert issubclass(SyncError, Exception)
