"""Schools split and merged by rule, in whole runs: who moves keeps the row in the sink."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from world import planned

from syncrun.report.source import opened
from syncrun.report.why import Ground, lay, stand, why_not
from syncrun.roster.route import Route
from syncrun.run import planning
from syncrun.sinks.planner.database import classes, schools, students, teachers

if TYPE_CHECKING:
    from world import World

    from syncrun.run.ending import Result

UPPER = """
[[sinks.routes]]
from = ["school-2"]
grades = ["8"]
to = "school-2-upper"
name = "Linden Upper School"
identifier = "S002U"
"""
MERGE = """
[[sinks.routes]]
from = ["school-2", "school-3"]
to = "school-2"
"""
"""The second school of the demo has the grades 06 to 08, each class one of them."""


def schools_of(world: World, table: sa.Table) -> dict[str, str]:
    """By the source's key, the source's key of the school that the active rows of a table are in."""
    query = sa.select(table.c.external_id, schools.c.external_id).join(schools, schools.c.id == table.c.school_id)
    with world.planner() as connection:
        return {row[0]: row[1] for row in connection.execute(query.where(table.c.archived_at.is_(None)))}


def ids(world: World, table: sa.Table) -> dict[str, str]:
    """By the source's key, the planner's own id of active rows."""
    with world.planner() as connection:
        found = connection.execute(sa.select(table.c.external_id, table.c.id).where(table.c.archived_at.is_(None)))
        return {row[0]: row[1] for row in found}


def pupils(world: World) -> Counter[str]:
    """How many pupils each school has."""
    return Counter(schools_of(world, students).values())


def reasons(result: Result) -> set[tuple[str, str]]:
    """Part and code of all that waits."""
    return {
        (part["part"], each["code"]) for part in result.summary["sinks"]["planner"]["held"] for each in part["reasons"]
    }


def test_school_is_split_at_a_grade_and_every_pupil_is_in_one_target(each_world: World) -> None:
    each_world.configure(sink=UPPER)
    each_world.settled()
    found = schools_of(each_world, students)
    by_grade = {row["sourcedId"]: row["grades"] for row in each_world.rows("users") if row["role"] == "student"}
    assert found.keys() == by_grade.keys()
    assert {key for key, school in found.items() if school == "school-2-upper"} == {
        key for key, grade in by_grade.items() if grade == "08" and key.startswith("s2")
    }  # fmt: skip
    assert pupils(each_world) == {"school-1": 66, "school-2": 44, "school-2-upper": 22, "school-3": 66}
    assert (each_world.count("class_members"), each_world.count("students")) == (552, 198)
    with each_world.planner() as connection:
        upper = connection.execute(
            sa.select(schools.c.name, schools.c.code).where(schools.c.external_id == "school-2-upper")
        ).one()
    assert tuple(upper) == ("Linden Upper School", "S002U")


def test_pupil_who_moves_up_is_moved_and_not_made_again(world: World) -> None:
    world.configure(sink=UPPER)
    world.settled()
    (pupil,) = (row for row in world.rows("users") if row["sourcedId"] == "s2001")
    assert (pupil["grades"], schools_of(world, students)["s2001"]) == ("07", "school-2")
    before = ids(world, students)["s2001"]
    old = [row for row in world.rows("enrollments") if row["userSourcedId"] == "s2001"]
    (there,) = {row["classSourcedId"] for row in world.rows("enrollments") if row["userSourcedId"] == "s2002"} & {
        "class-2-0",
        "class-2-1",
        "class-2-2",
    }
    pupil["grades"] = "08"
    old[0]["classSourcedId"] = there
    world.write()
    result = world.sync()
    assert result.exit_code == 0
    assert planned(result) == {"update": 2}
    assert (schools_of(world, students)["s2001"], ids(world, students)["s2001"]) == ("school-2-upper", before)
    assert schools_of(world, classes)[there] == "school-2-upper"


def test_first_night_of_a_route_moves_pupils_and_archives_nobody(world: World) -> None:
    world.settled()
    before = ids(world, students), ids(world, classes), ids(world, teachers)
    world.configure(sink=UPPER)
    result = world.sync()
    assert result.exit_code == 0
    tables = {
        name: each["planned"] for name, each in result.summary["sinks"]["planner"]["tables"].items() if each["planned"]
    }
    assert tables.keys() == {"schools", "classes", "students"} | (tables.keys() & {"teachers"})
    assert (tables["schools"], tables["students"]) == ({"create": 1}, {"update": 22})
    assert (ids(world, students), ids(world, classes), ids(world, teachers)) == before
    world.configure()
    result = world.sync()
    assert "archive" not in planned(result)
    assert pupils(world) == {"school-1": 66, "school-2": 66, "school-3": 66}


@pytest.mark.requirement("SX-5", "SX-9")
def test_two_schools_become_one_and_the_second_is_not_made(each_world: World) -> None:
    each_world.configure(sink=MERGE)
    each_world.settled()
    assert pupils(each_world) == {"school-1": 66, "school-2": 132}
    assert set(ids(each_world, schools)) == {"school-1", "school-2"}
    assert (each_world.count("teachers"), each_world.count("classes"), each_world.count("class_members")) == (
        12,
        24,
        552,
    )


def test_limits_look_at_the_school_that_the_sink_has(world: World) -> None:
    world.configure(sink=UPPER)
    world.settled()
    upper = [key for key, school in schools_of(world, students).items() if school == "school-2-upper"]
    world.drop("users", *upper)
    world.drop("enrollments", *(row["sourcedId"] for row in world.rows("enrollments") if row["userSourcedId"] in upper))
    world.write()
    result = world.sync()
    assert result.exit_code == 3
    assert ("school-2-upper", "P-SCOPE-1") in reasons(result)
    assert {part for part, _ in reasons(result)} == {"school-2-upper"}


def test_routes_that_fit_nothing_leave_the_plan_as_it_was(world: World) -> None:
    world.write()
    before = world.sync().summary["plan"]
    world.configure(sink=UPPER.replace('"8"', '"12"'))
    result = world.sync()
    assert result.summary["plan"] == before
    assert result.summary["advice"] == ["planner: sinks[0].routes[0] fits nobody and no class."]


def test_grades_are_read_for_a_route_where_no_sink_asks_for_them() -> None:
    assert planning.staged([], [Route(("a",), "b", ("06",))]) == {"structure", "profile"}
    assert planning.staged([], [Route(("a",), "b")]) == {"structure"}


def test_each_sink_has_its_own_routes(world: World) -> None:
    other = f'[[sinks]]\nsink = "planner"\nname = "second"\ndatabase_url = "sqlite:///{world.folder}/second.db"\n' \
            'create_tables = true\nschool_years = ["year-2027"]\nnew_teachers = "add"\n'  # fmt: skip
    world.configure(sink=MERGE + other)
    world.settled()
    assert pupils(world) == {"school-1": 66, "school-2": 132}
    world.planner_url = f"sqlite:///{world.folder}/second.db"
    assert pupils(world) == {"school-1": 66, "school-2": 66, "school-3": 66}


def test_route_to_a_school_that_is_not_there_stops_the_run_before_anything_is_written(world: World) -> None:
    world.configure(sink=MERGE.replace('to = "school-2"', 'to = "school-9"'))
    world.write()
    result = world.sync()
    assert (result.exit_code, result.outcome) == (2, "REFUSED")
    assert result.summary["error"]["problems"][0]["path"] == "sinks[0].routes[0].to"


@pytest.mark.requirement("SX-5")
def test_school_joins_another_by_decision_and_leaves_it_again(world: World) -> None:
    (world.folder / "map.csv").write_text(
        "kind,sourcedId,decision,sinkId\norgs,school-1,add,\norgs,school-2,link,7\norgs,school-3,join,7\n"
    )
    world.configure(sink='mapping = "map.csv"')
    world.write()
    with world.planner() as connection:
        schools.metadata.create_all(connection)
        connection.execute(sa.insert(schools), [{"id": "7", "name": "Linden and Oak"}])
    assert world.sync().exit_code == 3
    world.approve()
    assert world.sync().exit_code == 0
    assert ids(world, schools)["school-2"] == "7"
    assert pupils(world) == {"school-1": 66, "school-2": 132}
    (world.folder / "map.csv").write_text(
        "kind,sourcedId,decision,sinkId\norgs,school-1,add,\norgs,school-2,link,7\norgs,school-3,add,\n"
    )
    before = ids(world, students)
    assert world.sync().exit_code == 0
    assert pupils(world) == {"school-1": 66, "school-2": 66, "school-3": 66}
    assert ids(world, students) == before


def test_two_teachers_share_an_account_by_decision_and_are_two_again(world: World) -> None:
    (world.folder / "map.csv").write_text(
        "kind,sourcedId,decision,sinkId\nteachers,t100,link,9\nteachers,t101,join,9\n"
    )
    world.configure(sink='mapping = "map.csv"')
    world.write()
    with world.planner() as connection:
        schools.metadata.create_all(connection)
        connection.execute(sa.insert(schools), [{"id": "5", "name": "Old", "code": None}])
        connection.execute(sa.insert(teachers), [{"id": "9", "school_id": "5", "given_name": "A", "family_name": "B"}])
    assert world.sync().exit_code == 3
    world.approve()
    assert world.sync().exit_code == 0
    assert ids(world, teachers)["t100"] == "9"
    assert (world.count("teachers"), world.count("class_members")) == (11, 552)
    (world.folder / "map.csv").write_text("kind,sourcedId,decision,sinkId\nteachers,t100,link,9\n")
    assert world.sync().exit_code == 0
    assert (world.count("teachers"), world.count("class_members")) == (12, 552)


def test_why_somebody_is_not_there_is_asked_of_the_routed_roster(world: World) -> None:
    (world.folder / "map.csv").write_text("kind,sourcedId,decision,sinkId\norgs,school-2-upper,skip,\n")
    world.configure(sink='mapping = "map.csv"' + UPPER)
    world.write()
    world.sync()
    session = world.session()
    (run,) = session.state.runs("riverside", limit=1)
    (config,), sinks = session.district.sinks, session.sinks()
    from syncrun.state.decision import current

    ground = Ground("planner", sinks["planner"].tables, current(session.state, "riverside", "planner"), config.school_years, [],
                    session.folders.home, "sinks[0]", config.routes)  # fmt: skip
    with opened(session.folders, run, {}) as files:
        lay(files)
        stand(files, ground)
        assert why_not(files, ground, "users", "s2002") == ["school school-2-upper takes no part: the mapping skips it"]
