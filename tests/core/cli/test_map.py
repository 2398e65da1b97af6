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
    print(ask(terminal, old, "orgs").out)
    print(ask(terminal, old, "years").out)
    print(ask(terminal, old, "teachers").out)
    print(ask(terminal, old, "classes").out)
    print(json.dumps(listed(terminal, old, "orgs"), indent=1))
    a = ask(terminal, old, "orgs", "accept", "--yes")
    print(a)
    print(ask(terminal, old, "orgs").out)
    assert 0
