"""The story of one person: from the line in the source to the sinks, and why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from syncrun.state.decision import Decision, put

if TYPE_CHECKING:
    from terminal import Terminal
    from world import World


def story(terminal: Terminal, world: World, *words: str) -> list[tuple[str, str]]:
    """Stages and words."""
    answer = terminal("explain", "--district", world.toml, "--json", *words)
    assert answer.code == 0, answer.err
    return [(each["stage"], each["words"]) for each in answer.json]


def run(world: World, terminal: Terminal) -> int:
    world.write()
    return terminal("--district", world.toml).code


def first(world: World) -> str:
    """The run that created what the sink has."""
    return min(each.run for each in world.state().applied("riverside"))


def runs(world: World) -> list[str]:
    """The ids of the runs, the newest first."""
    return [each.id for each in world.state().runs("riverside")]


def decide(world: World, *rows: str) -> None:
    """Write a mapping file, and name it in the district file."""
    (world.folder / "map.csv").write_text("\n".join(["kind,sourcedId,decision,sinkId", *rows]), encoding="utf-8")
    world.configure(sink='mapping = "map.csv"')


def test_person_whose_school_is_not_picked(world: World, terminal: Terminal) -> None:
    decide(world, "orgs,school-1,add,", "orgs,school-3,skip,")
    assert run(world, terminal) == 3
    for person, why in (("s2010", "school school-2 takes no part: the mapping picks others"),
                        ("s3010", "school school-3 takes no part: the mapping skips it")):  # fmt: skip
        assert ("not asked", f"planner: {why}") in story(terminal, world, person)


def test_teacher_whom_the_mapping_skips(world: World, terminal: Terminal) -> None:
    decide(world, "teachers,t102,skip,")
    assert run(world, terminal) == 3
    assert ("not asked", "planner: the mapping skips this teacher") in story(terminal, world, "t102")


def test_teacher_who_is_new_and_ignored_until_somebody_decides(settled: World, terminal: Terminal) -> None:
    settled.configure(
        settled.toml.read_text(encoding="utf-8").replace('new_teachers = "add"', 'new_teachers = "ignore"')
    )
    settled.rows("users").append({**next(row for row in settled.rows("users") if row["sourcedId"] == "t100"),
                                  "sourcedId": "t900", "username": "t900", "identifier": "T900", "email": "t900@example.org"})  # fmt: skip
    settled.edit("enrollments", "class-1-1-t101", userSourcedId="t900")
    run(settled, terminal)
    words = (
        'new teachers are left out, as new_teachers = "ignore" in the district file says, until somebody decides on them: '
        "`syncrun map teachers set t900 --add`, or a row of the mapping file where there is one"
    )
    told = story(terminal, settled, "t900")
    assert ("not asked", f"planner: {words}") in told
    assert not [each for stage, each in told if "asked for, and not taken yet" in each]
    in_class = story(terminal, settled, "t900", "class-1-1")
    assert ("not asked", f"planner: the person is not asked for: {words}") in in_class
    assert ("not asked", f"planner: {words}") not in story(terminal, settled, "t100")
    put(settled.state(), "riverside", "planner", [Decision("teachers", "t900", "add")], "tester")
    run(settled, terminal)
    assert [stage for stage, _ in story(terminal, settled, "t900")].count("not asked") == 0


@pytest.mark.parametrize("person", ["s1001", "t102"])
def test_class_whose_school_year_is_not_chosen(world: World, terminal: Terminal, person: str) -> None:
    world.rows("academicSessions").append(
        {"sourcedId": "year-2028", "title": "2027-2028", "type": "schoolYear", "startDate": "2027-08-17",
         "endDate": "2028-06-12", "schoolYear": "2028"}
    )  # fmt: skip
    world.configure(years='["year-2028"]')
    assert run(world, terminal) == 3
    (class_, *_) = [row["classSourcedId"] for row in world.rows("enrollments") if row["userSourcedId"] == person]
    why = "the class belongs to the school year year-2027, which is not chosen (chosen: year-2028)"
    found = story(terminal, world, person, class_)
    assert ("not asked", f"planner: {why}") in found
    assert ("not asked", f"planner: the class is not asked for: {why}") in found


def test_student_where_no_school_year_is_chosen(world: World, terminal: Terminal) -> None:
    world.configure(years="[]")
    assert run(world, terminal) == 3
    why = "no school year is chosen, and without one students are not synced"
    assert ("not asked", f"planner: {why}") in story(terminal, world, "s1001")


def test_person_who_was_removed_earlier_and_when(settled: World, terminal: Terminal) -> None:
    seat = next(row for row in settled.rows("enrollments") if row["userSourcedId"] == "s2010")
    settled.drop("users", "s2010")
    settled.drop("enrollments", *(r["sourcedId"] for r in settled.rows("enrollments") if r["userSourcedId"] == "s2010"))
    assert run(settled, terminal) == 0
    removed = runs(settled)[0]
    settled.edit("users", "s1001", familyName="Neu")
    assert run(settled, terminal) == 0
    found = story(terminal, settled, "s2010", seat["classSourcedId"])
    assert ("removed", f"planner.class_members: set aside by run {removed}") in found
    found = story(terminal, settled, "s2010")
    assert ("removed", f"planner.students: set aside by run {removed}") in found
    assert ("not asked", "planner: the source sends no usable row of it") in found


def test_person_who_left_the_sync_with_their_school_and_is_kept(settled: World, terminal: Terminal) -> None:
    decide(settled, "orgs,school-1,add,")
    run(settled, terminal)
    found = story(terminal, settled, "s2010")
    assert (
        "plan",
        f"planner.students: unchanged since run {first(settled)}; it is kept, though no longer asked for",
    ) in found
    assert ("not asked", "planner: school school-2 takes no part: the mapping picks others") in found


def test_person_of_whom_an_upload_says_nothing_and_a_guardian_whom_it_brings(
    settled: World, terminal: Terminal
) -> None:
    brought = settled.folder / "guardians.csv"
    brought.write_text("sourcedId,studentSourcedIds,givenName,familyName\ng1,s1001,Eva,Berg\n", encoding="utf-8")
    assert terminal("upload", "--district", settled.toml, brought).code == 0
    assert story(terminal, settled, "s1001")[1] == (
        "source", "users.csv did not come in this run: the row is as it was accepted before (s1001)",
    )  # fmt: skip
    found = story(terminal, settled, "g1")
    assert found[1] == ("source", "guardians.csv, line 2: read and accepted (g1)")
    assert found[2] == ("not asked", "planner: planner has no table for a person who is guardian")


def test_person_who_was_created(settled: World, terminal: Terminal) -> None:
    line = [row["sourcedId"] for row in settled.rows("users")].index("s2010") + 2
    assert story(terminal, settled, "s2010")[1:] == [
        ("source", f"users.csv, line {line}: read and accepted (s2010)"),
        ("plan", "planner.students: create, done"),
        ("enrollments", "2 accepted, in 2 classes; add a class to see one of them"),
    ]


def test_person_whose_change_waits_and_why(settled: World, terminal: Terminal) -> None:
    gone = {f"s2{n:03d}" for n in range(20, 40)}
    settled.drop("users", *gone)
    settled.drop(
        "enrollments", *(row["sourcedId"] for row in settled.rows("enrollments") if row["userSourcedId"] in gone)
    )
    settled.edit("users", "s2010", familyName="New")
    assert run(settled, terminal) == 3
    found = story(terminal, settled, "s2010")
    assert ("plan", "planner.students: update (family_name), waits for a person") in found
    assert ("held", "P-REMOVE-1 20 of 66 students would go") in found


def test_person_whom_the_source_no_longer_sends(settled: World, terminal: Terminal) -> None:
    settled.drop("users", "s2010")
    settled.drop(
        "enrollments", *(row["sourcedId"] for row in settled.rows("enrollments") if row["userSourcedId"] == "s2010")
    )
    assert run(settled, terminal) == 0
    assert story(terminal, settled, "s2010")[1:] == [
        ("source", "users.csv: no usable row (s2010)"), ("plan", "planner.students: archive, done"),
        ("not asked", "planner: the source sends no usable row of it"),
        ("enrollments", "none accepted: the source sends none, or they were rejected"),
    ]  # fmt: skip


def test_person_whom_the_sink_rejected_and_why(settled: World, terminal: Terminal) -> None:
    settled.edit("users", "t101", email="t100@example.org")
    assert run(settled, terminal) == 4
    assert ("plan", "planner.teachers: update (email), rejected by the sink: S-UNIQUE-1 a teacher account with this e-mail "
                    "address is already there; link it in the mapping file") in story(terminal, settled, "t101")  # fmt: skip


def test_person_whose_row_a_rule_rejected_and_what_would_mend_it(settled: World, terminal: Terminal) -> None:
    settled.edit("users", "s1001", familyName="")
    assert run(settled, terminal) == 4
    found = story(terminal, settled, "s1001")
    assert found[1] == ("source", "users.csv: no usable row this time; the one accepted before was kept (s1001)")
    assert found[2] == ("finding", "R-CELL-01 A required cell is blank (line 7, familyName). Fill the cell in the source "
                                   "system and export again.")  # fmt: skip
    assert ("plan", f"planner.students: unchanged since run {first(settled)}") in found


def test_person_who_was_rejected_at_once_is_known_all_the_same(world: World, terminal: Terminal) -> None:
    world.edit("users", "s1001", familyName="")
    assert run(world, terminal) == 3
    found = story(terminal, world, "s1001")
    assert found[1] == ("source", "users.csv: no usable row (s1001)")
    assert found[2][0] == "finding"
    assert ("enrollments", "none accepted: the source sends none, or they were rejected") in found


def test_person_in_a_class_by_id_and_by_code(settled: World, terminal: Terminal) -> None:
    found = story(terminal, settled, "s2010", "class-2-2")
    assert found[-2][1].startswith("enrollments.csv, line ")
    assert found[-1] == ("plan", "planner.class_members: create, done")
    assert story(terminal, settled, "s2010", "202") == found
    assert story(terminal, settled, "s2010", "class-2-1")[-1] == (
        "enrollment", "the source has no usable enrollment of this person in this class",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["t100", "T100", "t100@example.org"])
def test_person_is_found_by_any_name_that_is_theirs_alone(settled: World, terminal: Terminal, name: str) -> None:
    assert story(terminal, settled, name)[1] == ("source", "users.csv, line 2: read and accepted (t100)")


@pytest.mark.parametrize(("person", "words"), [
    (["nobody"], "The run has nobody with this"), (["s2010", "nothing"], "The run has no such class."),
])  # fmt: skip
def test_unknown_person_or_class_is_said_to_be_so(
    settled: World, terminal: Terminal, person: list[str], words: str
) -> None:
    answer = terminal("explain", "--district", settled.toml, *person)
    assert (answer.code, answer.out) == (2, "")
    assert words in answer.err
    assert "nobody" not in answer.err.replace("has nobody", "")


def test_name_that_several_have_is_not_guessed(settled: World, terminal: Terminal) -> None:
    settled.edit("users", "s1001", identifier="SAME")
    settled.edit("users", "s1002", identifier="SAME")
    settled.edit("classes", "class-1-1", classCode="100")
    assert run(settled, terminal) == 0
    answer = terminal("explain", "--district", settled.toml, "SAME")
    assert answer.code == 2
    assert "More than one person has this identifier." in answer.err
    answer = terminal("explain", "--district", settled.toml, "s1001", "100")
    assert answer.code == 2
    assert "More than one class has this code." in answer.err


def test_story_holds_ids_and_no_names(settled: World, terminal: Terminal) -> None:
    settled.edit("users", "t101", familyName="Canary-Nachname", email="t100@example.org")
    assert run(settled, terminal) == 4
    text = str(story(terminal, settled, "t101"))
    assert "Canary" not in text
    assert "@" not in text


def test_story_as_lines(settled: World, terminal: Terminal) -> None:
    answer = terminal("explain", "--district", settled.toml, "s2010")
    assert [line.split()[0] for line in answer.out.splitlines()] == ["run", "source", "plan", "enrollments"]
