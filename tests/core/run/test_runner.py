"""A district's runs from first to last: what the issue of the main job asks to be shown."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from world import World, planned

from syncrun.clock import SystemClock
from syncrun.demo import roster
from syncrun.run.ending import Result
from syncrun.state import decision, lease

if TYPE_CHECKING:
    from vendor import Site


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


@pytest.mark.requirement("S0-23")
def test_plan_counts_the_teachers_that_will_be_billed(world: World) -> None:
    world.write()
    assert world.sync().summary["sinks"]["planner"]["billable"] == 12
    assert "billable teachers: 12 more" in world.syncrun("show", "--district", str(world.toml))[1]


@pytest.mark.requirement("S0-15", "S0-16")
def test_without_a_school_year_only_schools_and_teachers_are_synced(world: World) -> None:
    world.configure(years="[]")
    world.settled()
    filled = {table for table, rows in world.dump().items() if rows}
    assert filled == {"schools", "teachers"}


@pytest.mark.requirement("S0-17", "S0-28")
def test_choosing_a_year_later_is_planned_and_adds_classes_and_students(world: World) -> None:
    world.configure(years="[]")
    world.settled()
    world.configure()
    result = world.sync()
    assert result.exit_code == 0
    assert (world.count("classes"), world.count("students"), world.count("teacher_years")) == (24, 198, 12)


@pytest.mark.requirement("S0-18", "S0-19")
def test_more_than_one_year_draws_advice_and_each_goes_to_every_teacher(world: World) -> None:
    world.write()
    world.rows("academicSessions").append(
        {"sourcedId": "year-2028", "title": "2027-2028", "type": "schoolYear", "startDate": "2027-08-16",
         "endDate": "2028-06-10", "schoolYear": "2028"}
    )  # fmt: skip
    world.configure(years='["year-2027", "year-2028"]')
    world.write()
    result = world.sync()
    assert any("Choose one" in line for line in result.summary["advice"])
    world.approve()
    assert world.sync().exit_code == 0
    assert world.count("teacher_years") == 2 * world.count("teachers")


def test_unknown_school_year_is_refused_and_the_known_ones_are_named(world: World) -> None:
    world.write()
    world.configure(years='["year-1999"]')
    result = world.sync()
    assert result.exit_code == 2
    assert "year-2027 (2026-2027)" in str(result.summary["error"])


def test_approved_plan_is_not_applied_when_the_input_changed_since(world: World) -> None:
    world.write()
    world.sync()
    world.approve()
    world.edit("users", "s1001", familyName="Another")
    world.write()
    result = world.sync()
    assert (result.outcome, result.exit_code) == ("HELD", 3)
    assert result.summary["approval_stale"]
    assert not any(world.dump().values())


def test_approved_plan_is_not_applied_when_a_setting_changed_what_it_does(world: World) -> None:
    world.write()
    world.sync()
    world.approve()
    world.configure(years="[]")
    assert world.sync().exit_code == 3
    assert not any(world.dump().values())


def test_approval_runs_out_after_a_day(world: World) -> None:
    world.write()
    world.sync()
    state = world.state()
    run = state.runs("riverside")[0]
    state.decide("riverside", run.id, "approve", [(str(run.plan_hash), None)], "tester")
    world.clock.move(hours=24)
    assert world.sync().exit_code == 3
    assert not any(world.dump().values())


def test_plan_that_was_turned_down_stays_down_until_the_input_changes(world: World) -> None:
    world.write()
    world.sync()
    assert world.syncrun("reject", "--district", str(world.toml))[0] == 0
    again = world.sync()
    assert again.exit_code == 3
    assert again.summary["rejected_by_person"]
    world.edit("users", "s1001", familyName="Another")
    world.write()
    assert "rejected_by_person" not in world.sync().summary


def district_of(schools: int) -> roster.Files:
    """A district with so many small schools, each with four pupils in one class."""
    files: roster.Files = {name: [] for name in roster.COLUMNS}
    first = roster.first_day()
    files["orgs"], files["academicSessions"] = first["orgs"][:1], first["academicSessions"]
    files["courses"] = first["courses"]
    for n in range(schools):
        school = f"school-{n:03d}"
        files["orgs"].append({"sourcedId": school, "name": f"School {n}", "type": "school", "identifier": school})
        files["users"] += [
            {"sourcedId": f"{school}-{m}", "enabledUser": "true", "orgSourcedIds": school, "username": f"{school}-{m}",
             "role": "student" if m else "teacher", "givenName": "Ana", "familyName": f"Number {m}"}
            for m in range(7)
        ]  # fmt: skip
        files["classes"].append(
            {"sourcedId": f"class-{n:03d}", "title": "Everything", "courseSourcedId": "course-0",
             "classType": "scheduled", "schoolSourcedId": school, "termSourcedIds": "fall-2026"}
        )  # fmt: skip
        files["enrollments"] += [
            {"sourcedId": f"{school}-{m}", "classSourcedId": f"class-{n:03d}", "schoolSourcedId": school,
             "userSourcedId": f"{school}-{m}", "role": "student" if m else "teacher"}
            for m in range(7)
        ]  # fmt: skip
    return files


@pytest.mark.requirement("S0-29")
def test_one_school_of_a_hundred_that_loses_its_pupils_is_held_alone(each_world: World) -> None:
    each_world.write(district_of(100))
    each_world.settled()
    for row in each_world.rows("classes"):
        row["location"] = "Moved"
    lost = [
        row["sourcedId"]
        for row in each_world.rows("users")
        if row["orgSourcedIds"] == "school-042" and row["role"] == "student"
    ]
    each_world.drop("users", *lost)
    each_world.drop("enrollments", *lost)
    each_world.write()
    result = each_world.sync()
    assert result.exit_code == 3
    held = result.summary["sinks"]["planner"]["held"]
    assert [part["school"] for part in held] == ["school-042"]
    assert "P-SCOPE-1" in {reason["code"] for reason in held[0]["reasons"]}
    dump = each_world.dump()
    assert len(dump["students"]) == 600
    rooms = {row[-4] for row in dump["classes"]}
    assert rooms == {"Moved", None}, "the other ninety-nine are applied, the one is not"
    each_world.approve("school-042")
    assert each_world.sync().exit_code == 0
    assert each_world.count("students") == 594
    assert each_world.count("class_members") == 694


def test_second_run_at_once_is_told_who_has_the_lease(world: World) -> None:
    world.write()
    with lease.held(world.state().engine, "riverside", "other-run", SystemClock()):
        code, _, err = world.syncrun("--district", str(world.toml))
    assert code == 75
    assert "E-LEASE-1" in err
    assert "other-run" in err
    assert str(os.getpid()) in err


@pytest.mark.requirement("S4-14", "S4-15")
def test_row_that_the_planner_rejects_fails_alone_and_comes_again(each_world: World) -> None:
    each_world.write()
    twin = {"email": "same@example.org"}
    each_world.edit("users", "t100", **twin)
    each_world.edit("users", "t201", **twin)
    each_world.write()
    assert each_world.sync().exit_code == 3
    each_world.approve()
    result = each_world.sync()
    assert (result.outcome, result.exit_code) == ("DEGRADED", 4)
    told = result.summary["sinks"]["planner"]["rejections"]
    rejected = [each for each in told if each["table"] == "teachers"]
    assert len(rejected) == 1
    assert rejected[0]["code"] == "S-UNIQUE-1"
    assert "e-mail address" in rejected[0]["reason"]
    assert "same@example.org" not in str(result.summary)
    assert {each["code"] for each in told if each["table"] != "teachers"} == {"S-PARENT-1"}
    assert each_world.count("teachers") == 11
    assert each_world.count("students") == 198
    loser = rejected[0]["key"]
    assert each_world.sync().exit_code == 4, "the row comes again"
    each_world.edit("users", loser, email="another@example.org")
    each_world.write()
    assert each_world.sync().exit_code == 0
    assert each_world.count("teachers") == 12
    assert each_world.count("class_members") == 552


def test_rows_of_people_survive_and_a_known_school_is_taken_over(world: World) -> None:
    from syncrun.demo import planner

    planner.furnish(world.folder / "planner.db")
    before = {row for row in world.dump()["classes"] if row[-2] is None}
    world.settled()
    dump = world.dump()
    names = {row[1]: row[3] for row in dump["schools"]}
    assert names["Evening Art School"] is None
    assert names["Oak High School"] == "riverside"
    assert len(dump["schools"]) == 4
    assert before
    assert before <= set(dump["classes"])
    assert {row[2] + row[3]: row[-3] for row in dump["teachers"]}["VeraLarsen"] is None


def test_full_run_puts_right_what_was_changed_by_hand(each_world: World) -> None:
    import sqlalchemy as sa

    from syncrun.sinks.planner import database

    each_world.settled()
    expected = each_world.dump()
    with each_world.planner() as connection:
        students, members = database.students, database.class_members
        key = connection.execute(sa.select(students.c.id).where(students.c.external_id == "s1001")).scalar_one()
        connection.execute(sa.update(students).where(students.c.id == key).values(family_name="Vandal"))
        member = connection.execute(sa.select(members.c.id).where(members.c.student_id == key)).scalars().first()
        connection.execute(sa.delete(members).where(members.c.id == member))
    assert each_world.sync().summary.get("nothing_to_do"), "an incremental run trusts what is on record"
    result = each_world.sync(mode="full")
    assert planned(result) == {"update": 1, "create": 1}
    assert any("put right" in line for line in result.summary["advice"])
    assert each_world.dump() == expected


def test_dry_run_writes_nothing_and_its_plan_can_be_approved(world: World) -> None:
    world.write()
    dry = world.sync(dry_run=True)
    assert dry.exit_code == 3
    assert world.state().snapshot("riverside") is None
    world.approve()
    real = world.sync()
    assert real.exit_code == 0
    assert real.summary["plan"] == dry.summary["plan"]


def test_dry_run_of_the_next_day_has_the_hash_of_the_real_one(world: World) -> None:
    world.settled()
    world.write(roster.next_day())
    before = world.dump(archived=True)
    dry = world.sync(dry_run=True)
    assert dry.exit_code == 0
    assert world.dump(archived=True) == before
    assert world.sync().summary["plan"] == dry.summary["plan"]


@pytest.mark.requirement("S0-5", "S0-29", "S0-30")
def test_school_that_is_no_longer_picked_is_left_as_it_is(each_world: World) -> None:
    mapping = each_world.folder / "mapping.csv"
    mapping.write_text("kind,sourcedId,decision,sinkId\n" + "".join(f"orgs,school-{n},add,\n" for n in (1, 2, 3)))
    each_world.configure(sink='mapping = "mapping.csv"')
    before = each_world.settled().dump()
    mapping.write_text("kind,sourcedId,decision,sinkId\n" + "".join(f"orgs,school-{n},add,\n" for n in (1, 3)))
    for row in each_world.rows("classes"):
        row["location"] = "Moved"
    each_world.write()
    result = each_world.sync()
    if result.exit_code == 3:  # a changed decision is looked at first
        each_world.approve()
        result = each_world.sync()
    assert result.exit_code == 0
    assert result.summary["sinks"]["planner"]["tables"]["students"]["kept"] == 66
    dump = each_world.dump()
    assert dump["students"] == before["students"]
    rooms = [row[-4] for row in dump["classes"]]
    assert rooms.count("Moved") == 16


@pytest.mark.requirement("S0-11", "S0-30")
def test_teacher_who_is_skipped_later_is_left_as_she_is(world: World) -> None:
    before = world.settled().dump()
    (world.folder / "mapping.csv").write_text("kind,sourcedId,decision,sinkId\nteachers,t100,skip,\n")
    world.configure(sink='mapping = "mapping.csv"')
    result = world.sync()
    assert result.exit_code in {0, 3}
    assert planned(result) == {}
    assert world.dump() == before


@pytest.mark.requirement("S0-5")
def test_org_that_is_not_picked_brings_nothing(world: World) -> None:
    (world.folder / "mapping.csv").write_text("kind,sourcedId,decision,sinkId\norgs,school-1,add,\norgs,nowhere,add,\n")
    world.configure(sink='mapping = "mapping.csv"')
    world.write()
    result = world.sync()
    assert any("nowhere" in line for line in result.summary["advice"])
    world.approve()
    assert world.sync().exit_code == 0
    assert (world.count("schools"), world.count("students")) == (1, 66)


def refusal(result: Result) -> tuple[int, str]:
    return result.exit_code, result.error.code if result.error else ""


def test_state_that_is_older_than_the_sink_is_refused(world: World, tmp_path: Path) -> None:
    world.settled()
    shutil.copytree(world.home, tmp_path / "backup")
    world.write(roster.next_day())
    assert world.sync().exit_code == 0
    before = world.dump(archived=True)
    shutil.rmtree(world.home)
    shutil.copytree(tmp_path / "backup", world.home)
    assert refusal(world.sync()) == (2, "E-OWNER-1")
    assert world.dump(archived=True) == before


def test_sink_of_another_installation_is_refused_before_anything_is_planned(world: World) -> None:
    world.settled()
    before = world.dump(archived=True)
    shutil.rmtree(world.home)
    for refused in (world.sync(), world.sync(mode="full")):
        assert refusal(refused) == (2, "E-OWNER-1")
        assert "plan" not in refused.summary
    assert world.dump(archived=True) == before


def test_state_whose_files_are_gone_is_refused(each_world: World) -> None:
    each_world.settled()
    before = each_world.dump(archived=True)
    shutil.rmtree(each_world.home / "data" / "riverside" / "applied")
    assert refusal(each_world.sync(mode="full")) == (2, "E-STATE-2")
    assert each_world.dump(archived=True) == before


def test_doubtful_set_is_told_also_where_nothing_would_change(world: World) -> None:
    world.settled()
    world.drop("users", *(row["sourcedId"] for row in world.rows("users")[-100:]))
    world.write()
    result = world.sync()
    assert (result.exit_code, planned(result)) == (3, {})
    assert world.sync(mode="full").exit_code == 3
    world.approve()
    before = world.dump()
    assert world.sync().exit_code == 0
    assert world.dump() == before


WATCHER = """
from pathlib import Path
from syncrun.sdk import hookimpl

@hookimpl
def syncrun_run_finished(run):
    with Path({target!r}).open("a") as out:
        out.write(f"{{run.outcome}} {{run.first_complete}}\\n")
"""


@pytest.mark.requirement("S2-17")
def test_observer_learns_once_that_the_first_sync_is_complete(world: World, site: Site) -> None:
    target = world.folder / "told.txt"
    site.plugin("watcher", WATCHER.format(target=str(target)))
    world.toml.write_text(world.toml.read_text().replace("[source]", 'plugins = ["watcher"]\n[source]', 1))
    world.write()
    assert world.sync(dry_run=True).exit_code == 3
    assert world.sync().exit_code == 3
    world.approve()
    assert world.sync().summary["first_sync_complete"] is True
    assert "first_sync_complete" not in world.sync().summary
    assert target.read_text().splitlines() == ["HELD False", "HELD False", "DONE True", "DONE False"]
    assert world.syncrun("runs", "--district", str(world.toml))[0] == 0


@pytest.mark.requirement("S0-31")
@pytest.mark.parametrize("decided", [False, True])
def test_later_teachers_are_ignored_where_people_said_so_until_somebody_decides(world: World, decided: bool) -> None:  # noqa: FBT001 # a parameter of a test
    world.configure(world.toml.read_text(encoding="utf-8").replace('new_teachers = "add"', 'new_teachers = "ignore"'))
    world.settled()
    before = world.count("teachers")
    world.write(roster.next_day())
    if decided:
        decision.put(world.state(), "riverside", "planner", [decision.Decision("teachers", "t290", "add")], "tester")
    result = world.sync()
    assert result.exit_code == 0
    assert world.count("teachers") == before + decided
    assert any("ignore" in each for each in result.summary["advice"]) != decided
