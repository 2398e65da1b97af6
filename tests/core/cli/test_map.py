"""`syncrun map`: what is proposed, what people decide, and what comes of it with the next run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import earlier
import pytest

if TYPE_CHECKING:
    from terminal import Answer, Terminal
    from world import World


@pytest.fixture
def old(world: World) -> World:
    """A district before its first sync, and a planner that has its three schools under other names."""
    world.write()
    world.ids = earlier.schools(world)
    return world


def ask(terminal: Terminal, world: World, kind: str, *words: object) -> Answer:
    return terminal("map", kind, *words, "--district", world.toml)


def listed(terminal: Terminal, world: World, kind: str, *words: object) -> dict[str, dict]:
    answer = ask(terminal, world, kind, "--json", *words)
    assert answer.code == 0, answer.err
    return {each["source_id"]: each for each in answer.json["records"]}


def test_try(old: World, terminal: Terminal) -> None:
    out = open("/tmp/f-out", "w")
    old.made = [
        earlier.made_by_hand(old, "school_years", "y", title="SY 26/27"),
        earlier.made_by_hand(old, "teachers", "t101", school_id=old.ids["school-1"], email="t101@example.org", **earlier.person(old, "t101")),
        earlier.made_by_hand(old, "students", "s1001", school_id=old.ids["school-1"], **earlier.person(old, "s1001")),
    ]
    cl = earlier.made_by_hand(old, "classes", "c", school_id=old.ids["school-1"], title="Maths 1A", code="x")
    earlier.made_by_hand(old, "class_members", "c", class_id=cl, teacher_id=old.made[1])
    for k in ("orgs", "years", "teachers", "classes", "students"):
        a = ask(terminal, old, k, "--names", "--limit", 10)
        print(a.out, a.err, file=out)
    print(json.dumps(listed(terminal, old, "orgs"), indent=1)[:1000], file=out)
    for w in (("accept", "--yes"), ("accept", "--yes", "--likely"),(), ("set","school-1","--link", old.ids["school-2"]), ("history",), ("export", "/tmp/f-csv"), ("clear", "school-1")):
        a = ask(terminal, old, "orgs", *w)
        print(w, a.out, a.err, file=out)
    assert 0
