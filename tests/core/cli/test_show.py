"""`syncrun plan` and `syncrun show`: what would be done and why it waits, without names unless they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from syncrun.demo import roster

if TYPE_CHECKING:
    from terminal import Terminal
    from world import World

CANARY = "Canary-Nachname"


def shown(terminal: Terminal, world: World, *options: str) -> dict[str, Any]:
    """What `show` lists, by sink and table."""
    answer = terminal("show", "--district", world.toml, "--json", *options)
    assert answer.code == 0, answer.err
    found: dict[str, Any] = answer.json["changes"]
    return found


@pytest.fixture
def day_two(settled: World, terminal: Terminal) -> World:
    """One change that goes, and one school that waits."""
    settled.edit("users", "s1001", familyName=CANARY)
    gone = {f"s2{n:03d}" for n in range(20, 40)}
    settled.drop("users", *gone)
    settled.drop(
        "enrollments", *(row["sourcedId"] for row in settled.rows("enrollments") if row["userSourcedId"] in gone)
    )
    settled.write()
    return settled


@pytest.mark.requirement("S4-7", "S2-14")
def test_plan_shows_what_a_run_would_do_and_writes_nothing(day_two: World, terminal: Terminal) -> None:
    before = day_two.dump(archived=True)
    planned = terminal("plan", "--district", day_two.toml, "--json")
    assert planned.code == 3
    assert planned.json["dry_run"] is True
    assert day_two.dump(archived=True) == before
    real = terminal("--district", day_two.toml, "--json").json
    tables = {name: each["planned"] for name, each in planned.json["sinks"]["planner"]["tables"].items()}
    assert {name: each["planned"] for name, each in real["sinks"]["planner"]["tables"].items()} == tables
    assert planned.json["sinks"]["planner"]["held"] == real["sinks"]["planner"]["held"]


def test_plan_that_waits_can_be_approved_as_it_stands(day_two: World, terminal: Terminal) -> None:
    assert terminal("plan", "--district", day_two.toml).code == 3
    assert terminal("approve", "--district", day_two.toml).code == 0
    assert terminal("--district", day_two.toml).code == 0
    assert day_two.count("students") == 178


def test_full_plan_finds_what_has_drifted(settled: World, terminal: Terminal) -> None:
    with settled.planner() as connection:
        connection.execute(sa.text("UPDATE classes SET title = 'by hand' WHERE external_id = 'class-1-0'"))
    answer = terminal("plan", "--district", settled.toml, "--full", "--json")
    assert answer.code == 0
    assert answer.json["sinks"]["planner"]["tables"]["classes"]["planned"] == {"update": 1}
    assert answer.json["advice"] == ["planner: 1 classes differ from what was sent and are put right."]


def test_show_lists_changes_with_their_schools_and_what_became_of_them(day_two: World, terminal: Terminal) -> None:
    assert terminal("--district", day_two.toml).code == 3
    found = shown(terminal, day_two, "--limit", "100")
    assert set(found) == {"planner.students", "planner.class_members"}
    students = found["planner.students"]
    assert [each for each in students if each["action"] == "update"] == [
        {"action": "update", "key": "s1001", "school": "school-1", "fields": "family_name", "status": "applied"},
    ]  # fmt: skip
    assert {(each["school"], each["status"]) for each in students if each["action"] == "archive"} == {
        ("school-2", "held")
    }
    assert len(students) == 21


def test_show_can_be_narrowed_to_a_school_a_table_or_a_number(day_two: World, terminal: Terminal) -> None:
    assert terminal("--district", day_two.toml).code == 3
    assert {each["school"] for rows in shown(terminal, day_two, "--school", "school-1").values() for each in rows} == {
        "school-1"
    }
    assert set(shown(terminal, day_two, "--table", "students")) == {"planner.students"}
    assert set(shown(terminal, day_two, "--table", "planner.students")) == {"planner.students"}
    assert shown(terminal, day_two, "--table", "schools") == {}
    assert [len(rows) for rows in shown(terminal, day_two, "--limit", "3").values()] == [3, 3]


def test_names_are_shown_only_when_they_are_asked_for(day_two: World, terminal: Terminal) -> None:
    assert terminal("--district", day_two.toml).code == 3
    for options in ((), ("--json",)):
        answer = terminal("show", "--district", day_two.toml, "--limit", "100", *options)
        assert "s1001" in answer.out
        assert CANARY not in answer.out
    (row,) = (
        each
        for each in shown(terminal, day_two, "--values", "--limit", "100")["planner.students"]
        if each["key"] == "s1001"
    )
    assert row["values"]["family_name"] == CANARY
    assert row["values"]["was family_name"] == next(
        each["familyName"] for each in roster.first_day()["users"] if each["sourcedId"] == "s1001"
    )
    assert f"family_name = {CANARY}" in terminal("show", "--district", day_two.toml, "--values", "--limit", "100").out


def test_summary_on_the_screen_says_what_waits_and_why_and_what_to_do(day_two: World, terminal: Terminal) -> None:
    answer = terminal("--district", day_two.toml)
    assert answer.out.startswith("HELD  district riverside  run ")
    held = next(line for line in answer.out.splitlines() if "held school school-2" in line)
    assert "P-REMOVE-1 20 of 66 students would go" in held
    assert answer.out.splitlines()[-3:] == [
        f"Next: syncrun show --district {day_two.toml} to look at it;",
        f"      syncrun approve --district {day_two.toml} --run to let it go, or with --school ID a part of it;",
        f"      syncrun reject --district {day_two.toml} to turn it down.",
    ]
    assert CANARY not in answer.out + answer.err


def test_show_of_an_earlier_run(day_two: World, terminal: Terminal) -> None:
    assert terminal("--district", day_two.toml).code == 3
    newest, first = (terminal("runs", "--json").json[n]["run"] for n in (0, 1))
    assert len(shown(terminal, day_two, first, "--limit", "1000")["planner.students"]) == 198
    assert len(shown(terminal, day_two, newest, "--limit", "1000")["planner.students"]) == 21
    answer = terminal("show", "--district", day_two.toml, "1999")
    assert answer.code == 2
    assert "District riverside has no such run." in answer.err
