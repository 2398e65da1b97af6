"""The timetable and the order of districts: the next run on show, and overlaps that are pointed out when one is saved."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import pytest
from diary import Diary

from syncrun.clock import SystemClock
from syncrun.testing.clock import FixedClock

if TYPE_CHECKING:
    from terminal import Terminal
    from world import World

MAPS = """
district = "maps"
time_zone = "America/New_York"
after = ["riverside"]
[source]
connector = "oneroster_csv"
path = "inbox"
[[sinks]]
sink = "planner"
database_url = "sqlite:///maps.db"
create_tables = true
"""


@pytest.fixture
def two(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Two districts, of which `riverside` takes 45 minutes and `maps` comes after it."""
    (world.folder / "maps.toml").write_text(MAPS)
    monkeypatch.setenv("SYNCRUN_DISTRICTS", str(world.folder))
    clock = FixedClock(SystemClock().now())
    clock.move(days=-1)
    state = world.state()
    state.clock = clock
    Diary(state, clock).ran("riverside", minutes=45, mode="full")
    return world


@pytest.mark.requirement("S3-8")
def test_overlap_is_pointed_out_when_a_schedule_is_saved_and_shown(two: World, terminal: Terminal) -> None:
    assert terminal("schedule", "set", "full", "-d", "riverside", "--every", "day", "--at", "19:30").code == 0
    saved = terminal("schedule", "set", "full", "-d", "maps", "--every", "day", "--at", "20:00")
    assert saved.code == 0
    words = "of riverside, which begins at 19:30 and takes up to 45 minutes, may still be at work."
    assert words in saved.out
    assert words in terminal("schedule", "show", "-d", "riverside").out
    (told,) = terminal("schedule", "show", "-d", "maps", "--json").json["overlaps"]
    assert words in told
    later = terminal("schedule", "set", "full", "-d", "maps", "--every", "day", "--at", "20:15")
    assert "overlap" not in later.out


@pytest.mark.requirement("S3-5")
def test_next_run_is_on_show_in_the_status_and_follows_each_change(two: World, terminal: Terminal) -> None:
    def shown() -> str | None:
        found = {each["district"]: each["next_run"] for each in terminal("status", "--json").json}
        return found["maps"]  # type: ignore[no-any-return] # JSON

    assert shown() is None
    terminal("schedule", "set", "full", "-d", "maps", "--every", "day", "--at", "20:00", "--time-zone", "UTC")
    first = shown()
    assert first is not None
    moment = datetime.datetime.fromisoformat(first)
    assert moment.astimezone(datetime.UTC).hour == 20
    assert moment.utcoffset()  # it is shown in the district's time
    assert " 20:00 " not in terminal("status").out
    terminal("schedule", "pause", "-d", "maps")
    assert shown() is None
    terminal("schedule", "resume", "-d", "maps")
    assert shown() == first
