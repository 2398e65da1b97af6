"""A run that adds only: it brings and updates, removes nothing, and the next ordinary run takes up what it left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from world import planned

if TYPE_CHECKING:
    from world import World

    from syncrun.run.ending import Result


def leave(world: World, *pupils: str) -> None:
    """Pupils leave the source."""
    world.drop("users", *pupils)
    world.files["enrollments"] = [each for each in world.rows("enrollments") if each["userSourcedId"] not in pupils]


def kept(result: Result) -> dict[str, int]:
    tables = result.summary["sinks"]["planner"]["tables"]
    return {name: each["kept"] for name, each in tables.items() if each["kept"]}


@pytest.fixture
def changed(settled: World) -> World:
    """One pupil has left, one comes, one has another name."""
    new = {
        **settled.rows("users")[-1],
        "sourcedId": "s9000",
        "username": "s9000",
        "email": "s9000@example.org",
        "identifier": "S9000",
    }
    settled.rows("users").append(new)
    settled.edit("users", "s1001", givenName="Renamed")
    leave(settled, "s1000")
    settled.write()
    return settled


def pupils(world: World) -> set[str]:
    return {row[-2] for row in world.dump()["students"]}


def test_additions_and_updates_are_made_and_nothing_is_removed(changed: World) -> None:
    before = changed.dump()
    result = changed.sync(additions_only=True)
    assert (result.exit_code, result.summary["additions_only"]) == (0, True)
    assert planned(result) == {"create": 1, "update": 1}
    after = changed.dump()
    assert pupils(changed) >= {"s1000", "s9000"}
    assert {row[0] for row in before["students"]} < {row[0] for row in after["students"]}
    assert all({row[0] for row in rows} <= {row[0] for row in after[table]} for table, rows in before.items())


def test_what_stays_is_counted_in_summary_and_advice(changed: World) -> None:
    result = changed.sync(additions_only=True)
    left = kept(result)
    assert left["students"] == 1
    told = ", ".join(f"{count} {name}" for name, count in left.items())
    assert (
        f"planner: This run adds and updates only. What is not wanted any more stays: {told}."
        in result.summary["advice"]
    )
    tables = result.summary["sinks"]["planner"]["tables"]
    assert tables["students"]["unchanged"] == changed.count("students") - 3


def test_ordinary_run_of_the_same_files_takes_up_what_was_left(changed: World) -> None:
    left = kept(changed.sync(additions_only=True))
    again = changed.sync(additions_only=True)
    assert again.summary.get("nothing_to_do")
    result = changed.sync()
    assert result.exit_code == 0
    assert planned(result) == {"archive": sum(left.values())}
    assert "s1000" not in pupils(changed)


def reasons(result: Result) -> set[str]:
    """Why parts of the plan wait."""
    return {each["code"] for part in result.summary["sinks"]["planner"]["held"] for each in part["reasons"]}


@pytest.mark.parametrize("mode", ["full", "incremental"])
def test_school_that_vanishes_breaks_no_limit_and_stays(settled: World, mode: str) -> None:
    gone = {
        each["sourcedId"]
        for each in settled.rows("users")
        if each["orgSourcedIds"] == "school-1" and each["role"] == "student"
    }
    leave(settled, *gone)
    settled.write()
    assert {"P-SCOPE-1", "P-REMOVE-1"} <= reasons(settled.sync(mode=mode, dry_run=True))
    before = settled.dump()
    result = settled.sync(mode=mode, additions_only=True)
    assert reasons(result) == set()
    assert "archive" not in planned(result)
    assert settled.dump() == before


def test_first_run_that_adds_only_is_as_any_first_run(world: World) -> None:
    world.write()
    assert world.sync(additions_only=True).exit_code == 3


def test_plan_that_waits_with_removals_is_not_taken_for_one_without(settled: World) -> None:
    leave(settled, *[f"s{n}" for n in range(1000, 1060)])
    settled.write()
    held = settled.sync()
    assert held.exit_code == 3
    result = settled.sync(additions_only=True)
    assert result.summary["plan"] != held.summary["plan"]
    assert "archive" not in planned(result)
