"""`syncrun approve` and `syncrun reject`: of the plan as it is, by whom, and on record."""

from __future__ import annotations

import datetime
import getpass
import json
import shlex
import socket
from typing import TYPE_CHECKING, Any

import pytest

from syncrun.demo import roster

if TYPE_CHECKING:
    from terminal import Answer, Terminal
    from world import World


def waiting(world: World, terminal: Terminal, *schools: int) -> dict[str, Any]:
    """A day on which these schools lose twenty pupils each; the run's summary."""
    for school in schools:
        gone = {f"s{school}{n:03d}" for n in range(20, 40)}
        world.drop("users", *gone)
        world.drop(
            "enrollments", *(row["sourcedId"] for row in world.rows("enrollments") if row["userSourcedId"] in gone)
        )
    world.write()
    answer = terminal("--district", world.toml, "--json")
    assert answer.code == 3
    found: dict[str, Any] = answer.json
    return found


def say(terminal: Terminal, world: World, command: str, *options: str) -> Answer:
    return terminal(command, "--district", world.toml, *options)


def audit(world: World, action: str) -> list[tuple[str, Any]]:
    """Who did it, and to what."""
    return [(each["who"], each["detail"]) for each in world.state().audit("riverside") if each["action"] == action]


def pupils(world: World, school: int) -> int:
    return sum(1 for row in world.dump()["students"] if f"S{school}" in str(row))


@pytest.mark.requirement("S0-22", "S2-18")
def test_approved_plan_goes_with_the_next_run(settled: World, terminal: Terminal) -> None:
    waiting(settled, terminal, 1)
    answer = say(terminal, settled, "approve")
    assert answer.code == 0
    assert answer.out.splitlines()[1] == f"Next: syncrun --district {settled.toml}"
    assert settled.count("students") == 198
    assert terminal("--district", settled.toml).code == 0
    assert settled.count("students") == 178


def test_approval_by_school_lets_that_school_go_and_no_other(settled: World, terminal: Terminal) -> None:
    waiting(settled, terminal, 1, 2)
    assert say(terminal, settled, "approve", "--school", "school-2").code == 0
    assert terminal("--district", settled.toml).code == 3
    assert (pupils(settled, 1), pupils(settled, 2)) == (66, 46)
    assert say(terminal, settled, "approve", "--school", "school-1", "--run").code == 0
    assert (pupils(settled, 1), pupils(settled, 2)) == (46, 46)


def test_several_schools_may_be_approved_at_once(settled: World, terminal: Terminal) -> None:
    waiting(settled, terminal, 1, 2, 3)
    answer = say(terminal, settled, "approve", "--school", "school-1", "--school", "school-3", "--json")
    assert answer.json["schools"] == ["school-1", "school-3"]
    assert terminal("--district", settled.toml).code == 3
    assert [pupils(settled, school) for school in (1, 2, 3)] == [46, 66, 46]


def test_audit_says_who_approved_which_plan_and_until_when(settled: World, terminal: Terminal) -> None:
    told = waiting(settled, terminal, 1, 2)
    before = len(audit(settled, "approve"))
    assert say(terminal, settled, "approve", "--as", "Ann of the office", "--school", "school-1").code == 0
    assert say(terminal, settled, "approve").code == 0
    (by_school, whole) = audit(settled, "approve")[before:]
    assert (by_school[0], by_school[1]["school"]) == ("Ann of the office", "school-1")
    assert (whole[0], whole[1]["school"]) == (f"{getpass.getuser()}@{socket.gethostname()}", None)
    shown = terminal("show", "--district", settled.toml, "--json").json
    assert whole[1]["plan"] != by_school[1]["plan"]
    left = datetime.datetime.fromisoformat(whole[1]["expires_at"]) - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(hours=23) < left <= datetime.timedelta(hours=24)
    assert told["run"] == shown["run"]


def test_audit_can_be_taken_out_with_the_report(settled: World, terminal: Terminal) -> None:
    waiting(settled, terminal, 1)
    say(terminal, settled, "reject", "--as", "Bob")
    folder = settled.folder / "out"
    assert terminal("report", "--district", settled.toml, "--out", folder, "--audit").code == 0
    lines = json.loads((folder / "audit.json").read_text())
    assert (lines[-1]["who"], lines[-1]["action"]) == ("Bob", "reject")


def test_rejected_plan_is_not_applied_and_says_so_until_the_input_changes(settled: World, terminal: Terminal) -> None:
    waiting(settled, terminal, 1)
    answer = say(terminal, settled, "reject", "--as", "Bob")
    assert answer.code == 0
    assert answer.out.startswith("Turned down: plan ")
    again = terminal("--district", settled.toml, "--json")
    assert (again.code, again.json["rejected_by_person"]) == (3, True)
    assert settled.count("students") == 198
    settled.write(roster.first_day())
    assert terminal("--district", settled.toml).code == 0


def test_last_word_counts(settled: World, terminal: Terminal) -> None:
    waiting(settled, terminal, 1)
    say(terminal, settled, "reject")
    say(terminal, settled, "approve")
    assert terminal("--district", settled.toml).code == 0
    assert settled.count("students") == 178


def test_plan_that_changed_since_it_was_approved_waits_again(settled: World, terminal: Terminal) -> None:
    waiting(settled, terminal, 1)
    say(terminal, settled, "approve")
    settled.drop("users", "s1050")
    settled.drop(
        "enrollments", *(row["sourcedId"] for row in settled.rows("enrollments") if row["userSourcedId"] == "s1050")
    )
    settled.write()
    answer = terminal("--district", settled.toml)
    assert answer.code == 3
    assert "A plan was approved, but the input has changed since" in answer.out
    assert settled.count("students") == 198


def test_hash_that_is_named_must_be_the_plans(settled: World, terminal: Terminal) -> None:
    waiting(settled, terminal, 1)
    answer = say(terminal, settled, "approve", "--plan", "ffff")
    assert answer.code == 2
    assert ", not ffff." in answer.err
    found = answer.err.partition("has the hash ")[2][:12]
    assert say(terminal, settled, "approve", "--plan", found).code == 0


@pytest.mark.parametrize("command", ["approve", "reject"])
def test_nothing_that_waits_cannot_be_decided_on(settled: World, terminal: Terminal, command: str) -> None:
    answer = say(terminal, settled, command)
    assert answer.code == 2
    assert "Nothing of district riverside waits: its last run ended DONE." in answer.err


def test_district_that_never_ran_has_nothing_that_waits(world: World, terminal: Terminal) -> None:
    assert "since it never ran" in say(terminal, world, "approve").err


def test_school_that_does_not_wait_cannot_be_approved(settled: World, terminal: Terminal) -> None:
    waiting(settled, terminal, 1)
    answer = say(terminal, settled, "approve", "--school", "school-2")
    assert answer.code == 2
    assert "Nothing of school school-2 waits." in answer.err
    assert "Schools with held parts: school-1." in answer.err
    assert audit(settled, "approve")[1:] == []


def test_district_in_a_path_with_blanks_is_named_so_that_it_can_be_copied(settled: World, terminal: Terminal) -> None:
    folder = settled.folder / "my districts"
    folder.mkdir()
    text = settled.toml.read_text().replace('path = "inbox"', 'path = "../inbox"')
    (folder / "river side.toml").write_text(text)
    settled.toml = folder / "river side.toml"
    gone = {f"s1{n:03d}" for n in range(20, 40)}
    settled.drop("users", *gone)
    settled.drop(
        "enrollments", *(row["sourcedId"] for row in settled.rows("enrollments") if row["userSourcedId"] in gone)
    )
    settled.write()
    held = terminal("--district", settled.toml)
    assert held.code == 3
    (line,) = (line for line in held.out.splitlines() if line.startswith("Next: "))
    first = shlex.split(line.removeprefix("Next: ").partition(" to look")[0])
    assert first == ["syncrun", "show", "--district", str(settled.toml)]
    assert terminal(*first[1:]).code == 0
    said = say(terminal, settled, "approve").out.splitlines()[1]
    assert shlex.split(said)[1:] == ["syncrun", "--district", str(settled.toml)]
