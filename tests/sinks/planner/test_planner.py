"""The planner in whole runs, on both of its databases: taking over, leaving alone, rejecting, coming back."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from syncrun.apply.identity import derived
from syncrun.plan.model import Plan
from syncrun.sinks.planner.database import classes, metadata, schools, teachers

if TYPE_CHECKING:
    from pathlib import Path

    from world import World

    from syncrun.run.ending import Result


def number(name: str) -> str:
    """An id of the planner's own."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def furnish(world: World) -> None:
    """What people made in the planner before the first sync."""
    with world.planner() as connection:
        metadata.create_all(connection)
        connection.execute(sa.insert(schools), [
            {"id": number("oak"), "name": "Oak", "code": "S003"}, {"id": number("birch"), "name": "Birch", "code": None},
            {"id": number("art"), "name": "Art School", "code": None},
        ])  # fmt: skip
        connection.execute(sa.insert(teachers), [
            {"id": number("rossi"), "school_id": number("oak"), "given_name": "T.", "family_name": "R", "email": None, "number": "T300"},
            {"id": number("chen"), "school_id": number("oak"), "given_name": "C.", "family_name": "C", "email": "t100@example.org", "number": None},
            {"id": number("vera"), "school_id": number("art"), "given_name": "Vera", "family_name": "L", "email": "v@example.org", "number": None},
        ])  # fmt: skip
        connection.execute(
            sa.insert(classes), [{"id": number("pottery"), "school_id": number("art"), "title": "Pottery"}]
        )


def rows(world: World, table: sa.Table) -> dict[str, dict[str, Any]]:
    """The rows of a table by id."""
    with world.planner() as connection:
        return {each.id: dict(each._mapping) for each in connection.execute(sa.select(table))}


def approve(world: World) -> None:
    """Say yes to all that waits, by the clock of the test."""
    state = world.state()
    (run,) = state.runs("riverside", limit=1)
    plan = Plan.from_json(world.session().folders.plan(str(run.plan_run)).read_text())
    state.decide("riverside", run.id, "approve", [(plan.held_hash, None)], "tester")


def settle(world: World) -> Result:
    """Write, run, approve, run."""
    world.write()
    assert world.sync().exit_code == 3
    approve(world)
    return world.sync()


def decide(world: World, *lines: str) -> None:
    """Write the mapping file and have the district name it."""
    (world.folder / "map.csv").write_text("\n".join(["kind,sourcedId,decision,sinkId", *lines]))
    world.configure(sink='mapping = "map.csv"')


def ours(table: str, key: str) -> str:
    return derived("riverside", "planner", table, key)


# -- what was there before -------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S0-6", "S0-9")
def test_rows_with_the_same_code_are_taken_over_under_their_ids_and_others_are_left(each_world: World) -> None:
    furnish(each_world)
    each_world.drop("users", "t100")
    before = rows(each_world, schools), rows(each_world, teachers), rows(each_world, classes)
    each_world.write()
    assert each_world.sync().exit_code == 3
    assert (rows(each_world, schools), rows(each_world, teachers), rows(each_world, classes)) == before
    approve(each_world)
    assert each_world.sync().exit_code == 4  # the enrollment of the teacher who was taken out
    oak, rossi = rows(each_world, schools)[number("oak")], rows(each_world, teachers)[number("rossi")]
    assert (oak["managed_by"], oak["external_id"], oak["name"]) == ("riverside", "school-3", "Oak High School")
    assert (rossi["managed_by"], rossi["external_id"]) == ("riverside", "t300")
    assert {each["school_id"] for each in rows(each_world, classes).values() if each["external_id"] == "class-3-0"} == {
        number("oak")
    }
    for found, was, key in zip((rows(each_world, schools), rows(each_world, teachers), rows(each_world, classes)), before,
                               ("art", "vera", "pottery"), strict=True):  # fmt: skip
        assert found[number(key)] == was[number(key)]


@pytest.mark.requirement("S0-7", "S0-8", "S0-12", "S0-13")
def test_person_decides_what_is_taken_over_and_what_is_added(each_world: World) -> None:
    furnish(each_world)
    decide(each_world, f"orgs,school-1,link,{number('birch')}", "orgs,school-2,add,", "orgs,school-3,add,",
           f"teachers,t100,link,{number('chen')}", "teachers,t300,add,")  # fmt: skip
    assert settle(each_world).exit_code == 0
    found = rows(each_world, schools)
    assert found[number("birch")]["external_id"] == "school-1"
    assert found[ours("schools", "school-3")]["name"] == "Oak High School"
    assert found[number("oak")]["managed_by"] is None
    people = rows(each_world, teachers)
    assert people[number("chen")]["external_id"] == "t100"
    assert people[ours("teachers", "t300")]["number"] == people[number("rossi")]["number"] == "T300"
    assert people[number("rossi")]["managed_by"] is None


@pytest.mark.requirement("S0-5", "S0-29")
def test_schools_that_are_not_picked_stay_out_with_all_they_have(world: World) -> None:
    decide(world, "orgs,school-2,add,", "teachers,t201,skip,")
    assert settle(world).exit_code == 0
    assert {each["external_id"] for each in rows(world, schools).values()} == {"school-2"}
    assert {each["external_id"] for each in rows(world, teachers).values()} == {"t200", "t202", "t203"}
    assert world.count("students") == 66


def test_decision_that_names_nothing_free_is_told_and_waits(world: World) -> None:
    furnish(world)
    decide(world, f"orgs,school-1,link,{number('nothing')}", "orgs,school-2,add,")
    world.write()
    result = world.sync()
    (part,) = (each for each in result.summary["sinks"]["planner"]["held"] if each["school"] == "school-1")
    assert {"code": "P-MATCH-1", "words": "1 schools are linked to rows that the sink does not have or that are not free; "
                                          "correct the mapping file"} in part["reasons"]  # fmt: skip


# -- what the planner does not take ------------------------------------------------------------------------------------------


def test_account_with_the_same_address_is_rejected_alone_and_taken_over_once_somebody_says_so(
    each_world: World,
) -> None:
    furnish(each_world)
    result = settle(each_world)
    assert result.exit_code == 4
    rejections = result.summary["sinks"]["planner"]["rejections"]
    assert {(each["table"], each["key"], each["code"]) for each in rejections} >= {("teachers", "t100", "S-UNIQUE-1")}
    (reason,) = (each["reason"] for each in rejections if each["table"] == "teachers")
    assert reason == "a teacher account with this e-mail address is already there; link it in the mapping file"
    assert {each["code"] for each in rejections if each["table"] != "teachers"} == {"S-PARENT-1"}
    assert "example.org" not in str(result.summary)
    assert each_world.count("students") == 198
    decide(each_world, f"teachers,t100,link,{number('chen')}")
    result = each_world.sync()
    assert result.exit_code == 0
    assert rows(each_world, teachers)[number("chen")]["managed_by"] == "riverside"
    assert not result.summary["sinks"]["planner"]["rejected"]


def test_row_that_is_rejected_is_tried_again_every_time_and_goes_in_when_it_is_mended(each_world: World) -> None:
    each_world.edit("classes", "class-1-0", title="x" * 201)
    assert settle(each_world).exit_code == 4
    assert each_world.sync().exit_code == 4
    assert each_world.count("classes") == 23
    each_world.edit("classes", "class-1-0", title="x" * 200)
    each_world.write()
    assert each_world.sync().exit_code == 0
    assert (each_world.count("classes"), each_world.count("class_members")) == (24, 552)


# -- teachers cost money -----------------------------------------------------------------------------------------------------


def newcomer(world: World) -> None:
    world.rows("users").append({**world.rows("users")[0], "sourcedId": "t900", "username": "t900", "identifier": "T900",
                                "email": "t900@example.org"})  # fmt: skip


@pytest.mark.requirement("S0-23", "S0-31")
def test_new_teacher_is_counted_and_asked_for_while_the_rest_goes(world: World) -> None:
    assert settle(world).summary["sinks"]["planner"]["billable"] == 12
    world.configure(world.toml.read_text().replace('new_teachers = "add"', ""))
    newcomer(world)
    world.edit("classes", "class-1-0", title="New")
    world.write()
    result = world.sync()
    assert (result.exit_code, result.summary["sinks"]["planner"]["billable"]) == (3, 1)
    (held,) = result.summary["sinks"]["planner"]["held"]
    assert (held["part"], held["changes"]) == ("school-1|new", 1)
    assert world.count("teachers") == 12
    assert "New" in str(world.dump()["classes"])
    approve(world)
    assert world.sync().exit_code == 0
    assert (world.count("teachers"), world.count("teacher_years")) == (13, 13)


def test_new_teacher_is_added_where_the_district_says_so(world: World) -> None:
    settle(world)
    newcomer(world)
    world.write()
    assert world.sync().exit_code == 0
    assert world.count("teachers") == 13


# -- years -----------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S0-15", "S0-16", "S0-28")
def test_year_may_be_chosen_later_and_brings_classes_and_students(world: World) -> None:
    world.configure(years="[]")
    result = settle(world)
    assert result.exit_code == 0
    assert {table: len(found) for table, found in world.dump().items() if found} == {"schools": 3, "teachers": 12}
    assert "only schools and teachers are synced" in str(result.summary["advice"])
    world.configure()
    assert world.sync().exit_code == 0
    assert (world.count("classes"), world.count("students"), world.count("teacher_years")) == (24, 198, 12)


# -- coming back, and others -------------------------------------------------------------------------------------------------


@pytest.mark.requirement("SX-2")
def test_pupil_who_leaves_is_archived_and_comes_back_under_the_same_id(each_world: World) -> None:
    from syncrun.sinks.planner.database import students

    settle(each_world)
    files = {name: list(found) for name, found in each_world.files.items()}
    before = rows(each_world, students)[ours("students", "s1001")]
    each_world.drop("users", "s1001")
    each_world.drop(
        "enrollments", *(row["sourcedId"] for row in files["enrollments"] if row["userSourcedId"] == "s1001")
    )
    each_world.write()
    assert each_world.sync().exit_code == 0
    assert rows(each_world, students)[ours("students", "s1001")]["archived_at"] is not None
    each_world.write(files)
    assert each_world.sync().exit_code == 0
    assert rows(each_world, students)[ours("students", "s1001")] == before


def test_two_districts_share_a_planner_and_neither_touches_the_other(each_world: World) -> None:
    settle(each_world)
    before = each_world.dump(archived=True)
    text = each_world.toml.read_text()
    other = text.replace('district = "riverside"', 'district = "lakeside"')
    for row in each_world.rows("users"):
        row["email"] = ""
    each_world.configure(other)
    each_world.write()
    assert each_world.sync().exit_code == 3
    state = each_world.state()
    (run,) = state.runs("lakeside", limit=1)
    plan = Plan.from_json(each_world.session().folders.plan(str(run.plan_run)).read_text())
    state.decide("lakeside", run.id, "approve", [(plan.held_hash, None)], "tester")
    assert each_world.sync().exit_code == 0
    after = each_world.dump(archived=True)
    assert {table: len(found) for table, found in after.items()} == {
        table: 2 * len(found) for table, found in before.items()
    }
    assert all(row in after[table] for table, found in before.items() for row in found)


def test_other_installation_is_refused_and_nothing_is_changed(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(world)
    before = world.dump(archived=True)
    monkeypatch.setenv("SYNCRUN_HOME", str(tmp_path / "elsewhere"))
    world.home = tmp_path / "elsewhere"
    result = world.sync()
    assert (result.exit_code, result.outcome) == (2, "REFUSED")
    assert result.error is not None
    assert result.error.code == "E-OWNER-1"
    assert world.dump(archived=True) == before
