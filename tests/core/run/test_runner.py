"""A district's runs from first to last: what the issue of the main job asks to be shown."""

from __future__ import annotations

import pytest
from syncrun.demo import roster
from world import World, planned


@pytest.mark.requirement("S0-22", "S2-16")
def test_first_sync_waits_for_a_person_and_writes_nothing(each_world: World) -> None:
    each_world.write()
    result = each_world.sync()
    assert (result.outcome, result.exit_code) == ("HELD", 3)
    assert not any(each_world.dump().values())
    again = each_world.sync()
    assert again.exit_code == 3
    assert not any(each_world.dump().values())


@pytest.mark.requirement("S0-19", "S0-25")
def test_approved_first_sync_fills_the_planner(each_world: World) -> None:
    each_world.settled()
    counts = {table: len(rows) for table, rows in each_world.dump().items()}
    assert counts == {
        "schools": 3, "school_years": 1, "teachers": 12, "teacher_years": 12, "classes": 24, "students": 198,
        "class_members": 552,
    }  # fmt: skip


@pytest.mark.requirement("S4-18", "S3-11")
def test_same_day_twice_changes_nothing(each_world: World) -> None:
    each_world.settled()
    before = each_world.dump(archived=True)
    result = each_world.sync()
    assert result.summary["nothing_to_do"]
    full = each_world.sync(mode="full")
    assert full.exit_code == 0
    assert planned(full) == {}
    assert each_world.dump(archived=True) == before


@pytest.mark.requirement("S3-4")
def test_day_one_day_two_day_one_again_gives_the_first_planner(each_world: World) -> None:
    each_world.settled()
    first = each_world.dump()
    each_world.write(roster.next_day())
    assert each_world.sync().exit_code == 0
    assert each_world.dump() != first
    each_world.write(roster.first_day())
    assert each_world.sync().exit_code == 0
    assert each_world.dump() == first
