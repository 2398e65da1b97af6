"""Pupils who move between sections of a course: one change where the sink can, and at no moment without a class."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import pytest
import sqlalchemy as sa
from world import World, planned

from syncrun.demo.roster import _enrolled, _person
from syncrun.registry import Registry
from syncrun.sdk import Batch, Cap, ConnectorInfo, Outcome
from syncrun.sdk.sql.sink import SqlSink
from syncrun.sinks.planner import database

MANY = 500
PUPILS = [f"m{n:03d}" for n in range(MANY)]
members = database.class_members.c


def fill(world: World) -> None:
    """As many more pupils in one section."""
    world.files["users"] += [_person(key, n, "student", "school-1", "04") for n, key in enumerate(PUPILS)]
    world.files["enrollments"] += [_enrolled("class-1-0", "school-1", key, "student") for key in PUPILS]


def move(world: World, pupils: Iterable[str], to: str = "class-1-4", of: str = "class-1-0") -> None:
    """They are in another section now, by other enrollments."""
    gone = {f"{of}-{key}" for key in pupils}
    world.drop("enrollments", *gone)
    world.files["enrollments"] += [_enrolled(to, "school-1", key, "student") for key in pupils]
    world.write()


def settle(world: World) -> Any:
    result = world.sync()
    if result.exit_code == 3:
        world.approve()
        result = world.sync()
    assert result.exit_code == 0, result.summary
    return result


def without(world: World) -> int:
    """How many of the pupils have no active membership."""
    with world.planner() as connection:
        ids = sa.select(database.students.c.id).where(database.students.c.external_id.in_(PUPILS))
        there = sa.select(sa.func.count(members.student_id.distinct())).where(
            members.student_id.in_(ids), members.archived_at.is_(None)
        )
        return MANY - connection.execute(there).scalar_one()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def full(world: World, request: pytest.FixtureRequest) -> World:
    if request.param == "postgresql":
        world.planner_url = request.getfixturevalue("postgres_server").create()
        world.configure()
    fill(world)
    world.write()
    settle(world)
    return world


@pytest.fixture
def watched(full: World, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """After each batch that is in, how many pupils were in no class."""
    seen: list[int] = []
    way = SqlSink.apply_bulk

    def noted(self: SqlSink, batch: Batch) -> Iterable[Outcome]:
        outcomes = way(self, batch)
        seen.append(without(full))
        return outcomes

    monkeypatch.setattr(SqlSink, "apply_bulk", noted)
    return seen


@pytest.mark.parametrize("can", [True, False], ids=["sink that moves", "sink that does not"])
def test_many_pupils_move_and_are_never_without_a_class(
    full: World, watched: list[int], can: bool, monkeypatch: pytest.MonkeyPatch  # noqa: FBT001 # a parameter of a test
) -> None:  # fmt: skip
    if not can:
        monkeypatch.setattr(Registry, "connector", lesser(Registry.connector))
    move(full, PUPILS)
    result = settle(full)
    assert planned(result) == ({"move": MANY} if can else {"create": MANY, "archive": MANY})
    assert set(watched) == {0}
    assert len(watched) >= (1 if can else 2)
    with full.planner() as connection:
        classes = dict(connection.execute(sa.select(database.classes.c.external_id, database.classes.c.id)).all())
        ids = sa.select(database.students.c.id).where(database.students.c.external_id.in_(PUPILS))
        active = connection.execute(sa.select(members.class_id, sa.func.count()).where(
            members.student_id.in_(ids), members.archived_at.is_(None)).group_by(members.class_id)).all()  # fmt: skip
    assert active == [(classes["class-1-4"], MANY)]
    assert full.sync().summary.get("nothing_to_do")
    # back again: the rows of the first day
    before = full.count("class_members")
    move(full, PUPILS, "class-1-0", "class-1-4")
    settle(full)
    assert full.count("class_members") == before
    assert without(full) == 0


def lesser(way: Any) -> Any:
    """A registry whose connectors cannot move."""

    def connector(self: Registry, kind: Any, name: str, path: str) -> ConnectorInfo:
        found: ConnectorInfo = way(self, kind, name, path)
        return dataclasses.replace(found, caps=found.caps & ~Cap.MOVE)

    return connector


def test_moves_are_no_removals_and_a_class_that_shrinks_still_waits(full: World) -> None:
    move(full, PUPILS)
    result = full.sync()
    assert result.exit_code == 3
    (held,) = result.summary["sinks"]["planner"]["held"]
    assert [each["code"] for each in held["reasons"]] == ["P-SHRINK-1"]


def test_change_of_course_is_a_leave_and_a_join(full: World) -> None:
    move(full, PUPILS[:3], "class-1-1")
    assert planned(settle(full)) == {"create": 3, "archive": 3}


def test_pupil_who_joins_two_sections_and_leaves_one_does_not_move(full: World) -> None:
    move(full, PUPILS[:1])
    full.files["enrollments"].append(
        {**_enrolled("class-1-4", "school-1", PUPILS[0], "student"), "sourcedId": "second"}
    )
    full.write()
    assert planned(settle(full)) == {"create": 2, "archive": 1}
