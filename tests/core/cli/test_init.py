"""`syncrun init`: a file that loads, or none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from syncrun.config.district import load
from syncrun.demo import roster
from syncrun.registry import Registry

if TYPE_CHECKING:
    from terminal import Terminal

CANARY = "canary-4f7b"


def test_file_that_is_written_loads_and_runs(terminal: Terminal, tmp_path: Path) -> None:
    answer = terminal("init", "riverside")
    assert answer.code == 0
    assert answer.out.splitlines() == [
        "Wrote districts/riverside.toml.",
        "Next: put the files into districts/inbox, then syncrun check --district riverside",
    ]
    found = load("riverside", Registry())
    assert (found.name, found.path) == ("riverside", tmp_path / "districts" / "riverside.toml")
    roster.write(roster.first_day(), tmp_path / "districts" / "inbox")
    assert terminal("check", "--district", "riverside").code == 0
    assert terminal("--district", "riverside").code == 3


def test_options_go_into_the_file_as_they_are(terminal: Terminal) -> None:
    odd = 'in "box"\\x'
    answer = terminal(
        "init", "riverside", "--path", odd, "--database-url", "env:PLANNER_URL", "--time-zone", "America/New_York"
    )
    assert answer.code == 0, answer.err
    found = load("riverside", Registry(), fetch_secrets=False)
    assert found.source.settings["path"] == odd
    assert found.sinks[0].settings["database_url"] == "env:PLANNER_URL"
    assert found.time_zone == "America/New_York"


@pytest.mark.parametrize(("arguments", "words"), [
    (["River Side"], "district: must be small letters"), (["../evil"], "district: must be small letters"),
    (["riverside", "--time-zone", "Nowhere"], "time_zone: is not a time zone"),
    (["riverside", "--database-url", f"postgresql://me:{CANARY}@host/db"], "E-CONFIG-6"),
    (["riverside", "--database-url", CANARY], "is neither a reference nor a database address"),
])  # fmt: skip
def test_what_would_not_load_is_not_written(
    terminal: Terminal, tmp_path: Path, arguments: list[str], words: str
) -> None:
    answer = terminal("init", *arguments)
    assert answer.code == 2
    assert words in answer.err
    assert CANARY not in answer.err
    assert not (tmp_path / "districts").exists()
    assert list(tmp_path.parent.glob("**/evil*")) == []


def test_file_that_is_there_is_kept_unless_told_otherwise(terminal: Terminal) -> None:
    assert terminal("init", "riverside").code == 0
    Path("districts/riverside.toml").write_text("mine")
    answer = terminal("init", "riverside")
    assert answer.code == 2
    assert "is there already" in answer.err
    assert Path("districts/riverside.toml").read_text() == "mine"
    assert terminal("init", "riverside", "--force").code == 0
    assert load("riverside", Registry()).name == "riverside"


def test_file_goes_where_districts_are_looked_for(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCRUN_DISTRICTS", str(tmp_path / "elsewhere"))
    assert terminal("init", "riverside").code == 0
    assert (tmp_path / "elsewhere" / "riverside.toml").is_file()


def test_set_that_is_there_is_named_as_seen_from_the_file(terminal: Terminal, tmp_path: Path) -> None:
    roster.write(roster.first_day(), tmp_path / "incoming")
    answer = terminal("init", "riverside", "--path", "incoming")
    assert answer.code == 0
    assert answer.out.splitlines()[1] == "Next: syncrun check --district riverside"
    assert load(str(tmp_path / "districts" / "riverside.toml"), Registry()).source.settings["path"] == "../incoming"
    assert terminal("check", "--district", "riverside").code == 0
