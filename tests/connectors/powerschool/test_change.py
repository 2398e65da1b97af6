"""A plug-in that was built anew in another way, from one night to the next: nobody is removed before a person has said so."""

from __future__ import annotations

import copy
import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from syncrun.demo import roster
from syncrun.run.ending import Result

if TYPE_CHECKING:
    from world import World

SHORT: Mapping[str, Sequence[str]] = {
    "users": (
        "sourcedId",
        "orgSourcedIds",
        "role",
        "username",
        "givenName",
        "familyName",
        "identifier",
        "email",
        "grades",
    ),
    "classes": ("sourcedId", "title", "grades", "classCode", "location", "schoolSourcedId", "periods"),
    "enrollments": ("sourcedId", *roster.COLUMNS["enrollments"]),
}
"""What the data sets of a plug-in have that gives three."""


def six(world: World, files: roster.Files) -> None:
    """All data sets, as one night brings them."""
    world.write(files)


def three(world: World, files: roster.Files) -> None:
    """Users, classes and enrollments alone."""
    for old in world.inbox.glob("*"):
        old.unlink()
    world.inbox.mkdir(exist_ok=True)
    for name, header in SHORT.items():
        with (world.inbox / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, header, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(files[name])


def numbered(files: roster.Files) -> roster.Files:
    """The same people and classes, known by their numbers."""
    found = copy.deepcopy(files)
    new = {row["sourcedId"]: f"N-{n}" for n, row in enumerate(files["users"])}
    for row in found["users"]:
        row["sourcedId"] = new[row["sourcedId"]]
    for row in found["enrollments"]:
        row["userSourcedId"] = new[row["userSourcedId"]]
    return found


@dataclass(frozen=True, slots=True)
class Way:
    """One of two ways to build the plug-in: how its files come, and which school year they name."""

    sends: Callable[[World, roster.Files], None]
    year: str


SIX, THREE = Way(six, "year-2027"), Way(three, "schoolYear-2027")


@dataclass(frozen=True, slots=True)
class Begun:
    """A district after a good first night, and the way in which the plug-in is built after it."""

    world: World
    way: Way
    other: Way


@pytest.fixture(params=[(SIX, THREE), (THREE, SIX)], ids=["six files first", "three files first"])
def begun(world: World, request: pytest.FixtureRequest) -> Begun:
    way, other = request.param
    world.configure(years=f'["{way.year}"]')
    way.sends(world, roster.first_day())
    assert world.sync().exit_code == 3
    world.approve()
    assert world.sync().exit_code == 0
    return Begun(world, way, other)


def waits(world: World, result: Result, before: object) -> str:
    """Nothing was changed; why."""
    assert result.exit_code == 3, result.summary
    assert world.dump(archived=True) == before
    return str(result.summary)


def test_other_data_sets_than_the_night_before_are_refused(begun: Begun) -> None:
    world, before = begun.world, begun.world.dump(archived=True)
    begun.other.sends(world, roster.first_day())
    for _ in range(2):  # each night, until somebody says so
        result = world.sync()
        assert result.exit_code == 2
        assert result.error is not None
        assert "R-FORM-06 The files are of another format" in str(result.error)
        assert ("without academicSessions.csv, courses.csv, orgs.csv" in str(result.error)) is (begun.way is SIX)
        assert world.dump(archived=True) == before
    begun.way.sends(world, roster.next_day())
    assert world.sync().exit_code == 0


def test_other_data_sets_wait_where_their_school_year_is_named(begun: Begun) -> None:
    world, before = begun.world, begun.world.dump(archived=True)
    begun.other.sends(world, roster.first_day())
    world.configure(years=f'["{begun.other.year}"]')
    assert "P-SET-1" in waits(world, world.sync(), before)
    assert "R-FORM-06" in waits(world, world.sync(), before)
    world.approve()
    assert world.sync().exit_code == 0
    assert world.count("students") == 198
    begun.other.sends(world, roster.next_day())
    result = world.sync()
    assert result.exit_code == 0, result.summary
    assert "R-FORM-06" not in str(result.summary)


@pytest.mark.parametrize("day", [pytest.param(roster.first_day, marks=pytest.mark.slow), roster.next_day])
def test_people_who_are_known_by_other_ids_wait(begun: Begun, day: Callable[[], roster.Files]) -> None:
    world, before = begun.world, begun.world.dump(archived=True)
    begun.way.sends(world, numbered(day()))
    said = waits(world, world.sync(), before)
    assert "P-REKEY-1" in said
    assert "P-REMOVE-1" in said
