"""`syncrun existing`: what was in a sink before, and what people choose for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import earlier
import pytest

from syncrun.state import policy
from syncrun.state.decision import Decision, put
from syncrun.state.policy import Policy

if TYPE_CHECKING:
    from terminal import Answer, Terminal
    from vendor import Site
    from world import World

PLUGIN = """
from syncrun.sdk import ConnectorInfo, hookimpl
from syncrun.sinks.planner.plugin import syncrun_sinks as planner

@hookimpl
def syncrun_sinks():
    (info,) = planner()
    yield ConnectorInfo(name="asker", title="A planner that asks", cls="asker_of_vendor.asking:Asker",
                        settings=info.settings, caps=info.caps)
"""
SINK = """
from dataclasses import replace
from syncrun.sinks.planner.sink import Planner

class Asker(Planner):
    tables = tuple(replace(each, existing={"classes": "require", "students": "offer"}.get(each.name, "ignore"))
                   for each in Planner.tables)
"""


@pytest.fixture
def old(world: World, site: Site) -> World:
    """A planner that asks what becomes of what was there: two classrooms of a school and one of another, a student."""
    site.install("vendor-asker", {"asker": "asker_of_vendor.plugin"},
                 {"asker_of_vendor.plugin": PLUGIN, "asker_of_vendor.asking": SINK})  # fmt: skip
    world.configure()
    world.toml.write_text(world.toml.read_text().replace('sink = "planner"', 'sink = "asker"'))
    world.write()
    world.made = earlier.schools(world)
    put(world.state(), "riverside", "asker",
        [Decision("orgs", key, "link", row) for key, row in world.made.items()], "tester")  # fmt: skip
    world.rooms = [
        earlier.made_by_hand(world, "classes", title, school_id=world.made[school], title=title)
        for title, school in (("Apples", "school-1"), ("Bears", "school-1"), ("Cats", "school-2"))
    ]
    world.pupil = earlier.made_by_hand(world, "students", "s", school_id=world.made["school-1"], given_name="Ana",
                                       family_name="Canary")  # fmt: skip
    earlier.made_by_hand(world, "class_members", "s", class_id=world.rooms[0], student_id=world.pupil)
    return world


def say(terminal: Terminal, world: World, *words: object) -> Answer:
    return terminal("existing", *words, "--district", world.toml)


def chosen(world: World) -> list[Policy]:
    return policy.current(world.state(), "riverside", "asker")


def listed(terminal: Terminal, world: World, *words: object) -> dict[str, dict]:
    answer = say(terminal, world, *words, "--json")
    assert answer.code == 0, answer.out
    return {each["sink_id"]: each for each in answer.json}


@pytest.mark.requirement("S1-3", "S1-8")
def test_rows_are_listed_with_the_choice_that_is_nearest(old: World, terminal: Terminal) -> None:
    first, second, third = old.rooms
    found = listed(terminal, old)
    assert set(found) == {*old.rooms, old.pupil}
    assert {each["policy"] for each in found.values()} == {None}
    assert (found[first]["members"], found[second]["members"]) == (1, 0)
    assert say(terminal, old, "set", "archive", "--table", "classes").code == 0
    assert say(terminal, old, "set", "leave", "--table", "classes", "--school", "school-1").code == 0
    assert say(terminal, old, "set", "connect", "--row", second).code == 0
    found = listed(terminal, old, "list", "--table", "classes")
    assert {key: (each["policy"], each["scope"]) for key, each in found.items()} == {
        first: ("leave", "school"), second: ("connect", "row"), third: ("archive", "district"),
    }  # fmt: skip
    assert chosen(old) == [
        Policy("classes", "district", "", "archive"), Policy("classes", "row", second, "connect"),
        Policy("classes", "school", "school-1", "leave"),
    ]  # fmt: skip


def test_one_school_is_listed_by_either_id_and_titles_but_no_names_of_persons(old: World, terminal: Terminal) -> None:
    for school in ("school-1", old.made["school-1"]):
        assert set(listed(terminal, old, "--school", school)) == {*old.rooms[:2], old.pupil}
    shown = say(terminal, old).out
    assert "Apples" in shown
    assert "Canary" not in shown
    assert "4 rows, 4 without a choice." in shown
    assert "Canary" in say(terminal, old, "list", "--names").out


@pytest.mark.requirement("S1-1")
def test_first_sync_waits_for_a_choice_that_the_commands_make(old: World, terminal: Terminal) -> None:
    result = old.sync()
    assert (result.exit_code, result.error.code) == (2, "E-EXIST-1")
    say(terminal, old, "set", "leave")
    assert old.sync().exit_code == 3


@pytest.mark.requirement("S1-2", "S1-13")
def test_archived_rows_are_listed_and_brought_back(old: World, terminal: Terminal) -> None:
    say(terminal, old, "set", "archive", "--table", "classes")
    assert old.sync().exit_code == 3
    old.approve()
    assert old.sync().exit_code == 0
    assert listed(terminal, old, "list", "--table", "classes") == {}
    assert set(listed(terminal, old, "list", "--archived")) == set(old.rooms)
    assert say(terminal, old, "restore", old.rooms[0]).code == 0
    assert Policy("classes", "row", old.rooms[0], "leave") in chosen(old)
    code = old.sync().exit_code
    if code == 3:
        old.approve()
        code = old.sync().exit_code
    assert code == 0
    assert set(listed(terminal, old, "list", "--archived")) == set(old.rooms[1:])
    assert set(listed(terminal, old, "list", "--table", "classes")) == {old.rooms[0]}


def test_connection_is_listed_with_who_made_it(old: World, terminal: Terminal) -> None:
    terminal("connect", old.rooms[0], "class-1-0", "--as", "Ann", "--district", old.toml)
    assert listed(terminal, old)[old.rooms[0]]["connected"] == "class-1-0"
    assert "class-1-0: link" in say(terminal, old).out


@pytest.mark.requirement("S1-14")
def test_members_whom_the_source_has_not_are_kept_removed_or_asked_for(old: World, terminal: Terminal) -> None:
    answer = say(terminal, old, "members", "keep")
    assert answer.code == 0
    assert "Saved: 1 choice." in answer.out
    say(terminal, old, "members", "remove", "--school", "school-2")
    assert chosen(old) == [
        Policy("class_members", "district", "", "keep"), Policy("class_members", "school", "school-2", "remove"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("set", "archive", "--row", "nobody"), "The sink has no row nobody in classes, students."),
        (("set", "archive", "--school", "school-9"), "Neither the source nor the sink has a school school-9."),
        (("set", "archive", "--table", "schools"), "leaves nothing to choose for rows of schools"),
        (("restore", "nobody"), "The sink has no row nobody"),
    ],
)
def test_what_is_not_there_is_refused(old: World, terminal: Terminal, words: tuple[str, ...], told: str) -> None:
    answer = say(terminal, old, *words)
    assert (answer.code, chosen(old)) == (2, [])
    assert told in answer.err


def test_sink_that_does_not_ask_says_so(world: World, terminal: Terminal) -> None:
    world.write()
    assert "leaves nothing to choose" in say(terminal, world).err
