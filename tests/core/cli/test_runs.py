"""`syncrun runs`: what ran, when, and how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from terminal import Terminal
    from world import World


def test_no_runs_yet(terminal: Terminal) -> None:
    assert terminal("runs").out == "No runs yet. `syncrun demo` shows one.\n"
    assert terminal("runs", "--json").json == []


def test_runs_are_listed_newest_first_with_their_ends(settled: World, terminal: Terminal) -> None:
    (settled.inbox / "users.csv").unlink()
    assert terminal("--district", settled.toml, "--full").code == 2
    settled.write()
    assert terminal("--district", settled.toml, "--dry-run").code == 0
    found = terminal("runs", "--json").json
    assert [(run["outcome"], run["exit_code"], run["mode"], run["dry_run"]) for run in found] == [
        ("DONE", 0, "incremental", True), ("REFUSED", 2, "full", False), ("DONE", 0, "incremental", False),
        ("HELD", 3, "incremental", False),
    ]  # fmt: skip
    assert all(run["started_at"] <= run["finished_at"] and run["status"] == "ended" for run in found)
    lines = terminal("runs").out.splitlines()[1:]
    assert [line.split()[0] for line in lines] == [run["run"] for run in found]
    assert "dry run" in lines[0]
    assert "full" in lines[1]


def test_list_can_be_narrowed_to_a_district_and_a_number(settled: World, terminal: Terminal) -> None:
    assert len(terminal("runs", "--json", "--limit", "1").json) == 1
    assert len(terminal("runs", "--json", "--district", "riverside").json) == 2
    assert terminal("runs", "--json", "--district", "lakeside").json == []


def test_run_that_was_cut_off_is_said_to_be(settled: World, terminal: Terminal) -> None:
    settled.state().start_run("cut", "riverside", "incremental", 99, dry_run=False)
    line = terminal("runs", "--district", "riverside").out.splitlines()[1]
    assert line.split()[0] == "cut"
    assert "at work or cut off" in line
