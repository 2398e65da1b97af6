"""`syncrun connect` and `disconnect`: classrooms that are there already, and the classes that they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import earlier
import pytest

from syncrun.state import decision

if TYPE_CHECKING:
    from terminal import Answer, Terminal
    from world import World


def say(terminal: Terminal, world: World, *words: object) -> Answer:
    return terminal(*words, "--district", world.toml)


def connections(world: World) -> dict[str, str | None]:
    """Class and classroom of the connections that count."""
    found = decision.current(world.state(), "riverside", "planner")
    return {each.source_id: each.sink_id for each in found if each.kind == "classes" and each.decision == "link"}


def synced(world: World) -> None:
    code = world.sync().exit_code
    if code == 3:
        world.approve()
        code = world.sync().exit_code
    assert code == 0


def classroom(world: World, school: str, title: str) -> str:
    return earlier.made_by_hand(world, "classes", title, school_id=world.made[school], title=title)


def prepared(world: World) -> World:
    """A district before its first sync, whose schools the planner has, linked."""
    world.write()
    world.made = earlier.schools(world)
    state = world.state()
    links = [decision.Decision("orgs", key, "link", row) for key, row in world.made.items()]
    decision.put(state, "riverside", "planner", links, "tester")
    return world


@pytest.fixture
def old(world: World) -> World:
    return prepared(world)


@pytest.mark.requirement("S1-6", "S1-7", "S4-5")
def test_connected_classroom_is_the_class_after_the_next_plan(each_world: World, terminal: Terminal) -> None:
    world = prepared(each_world)
    rooms = {school: classroom(world, school, f"Room of {school}") for school in ("school-1", "school-2")}
    before = world.dump()
    assert say(terminal, world, "connect", rooms["school-1"], "class-1-0").code == 0
    answer = say(terminal, world, "connect", rooms["school-2"], "class-2-3")
    assert answer.out.splitlines() == [
        "Saved: 1 decision. Nothing happens in the sink before the next plan is approved.",
        f"Next: syncrun plan --district {world.toml}",
    ]
    assert world.dump() == before
    synced(world)
    assert world.count("classes") == 24
    with world.planner() as connection:
        found = connection.exec_driver_sql("SELECT id, external_id, title FROM classes WHERE id IN "
                                           f"('{rooms['school-1']}', '{rooms['school-2']}') ORDER BY external_id")  # fmt: skip
        assert [tuple(map(str, row)) for row in found] == [
            (rooms["school-1"], "class-1-0", "Mathematics 1A"), (rooms["school-2"], "class-2-3", "History 2A"),
        ]  # fmt: skip


@pytest.mark.requirement("S1-9")
def test_class_or_classroom_that_is_connected_is_refused_with_who_and_when(old: World, terminal: Terminal) -> None:
    first, second = classroom(old, "school-1", "First"), classroom(old, "school-1", "Second")
    assert say(terminal, old, "connect", first, "class-1-0", "--as", "Ann").code == 0
    for pair in ((second, "class-1-0"), (first, "class-1-1")):
        answer = say(terminal, old, "connect", *pair)
        assert answer.code == 2
        assert f"E-MAP-1  Class class-1-0 is connected with classroom {first} already: so decided Ann, 20" in answer.err
    assert say(terminal, old, "connect", first, "class-1-0").out.startswith("Nothing was changed")
    assert connections(old) == {"class-1-0": first}


@pytest.mark.requirement("S1-10")
def test_class_that_is_not_shared_is_reported_at_once(old: World, terminal: Terminal) -> None:
    room = classroom(old, "school-1", "First")
    answer = say(terminal, old, "connect", room, "class-9-9")
    assert answer.code == 0
    assert "note: The source does not share a class class-9-9 (as it was read 20" in answer.err
    assert "misspelt, not shared, or of another district" in answer.err
    old.configure(years="[]")
    assert "Class class-1-0 takes no part" in terminal(
        "connect", classroom(old, "school-1", "Second"), "class-1-0", "--district", old.toml, "--json").json["remarks"][0]  # fmt: skip


@pytest.mark.parametrize(
    ("state", "told"),
    [("missing", "The sink has no classes of the id nobody"), ("archived", "is set aside in the sink"),
     ("owned", "is of the sync already, as class-1-1")],
)  # fmt: skip
def test_classroom_that_is_not_free_is_refused(settled: World, terminal: Terminal, state: str, told: str) -> None:
    with settled.planner() as connection:
        rows = dict(map(tuple, connection.exec_driver_sql("SELECT external_id, id FROM classes")))
        (school,) = connection.exec_driver_sql("SELECT id FROM schools WHERE external_id = 'school-1'").one()
    gone = earlier.made_by_hand(settled, "classes", "x", school_id=school, title="x", archived_at=settled.clock.now())
    room = {"missing": "nobody", "archived": gone, "owned": rows["class-1-1"]}[state]
    answer = say(terminal, settled, "connect", room, "class-1-0")
    assert answer.code == 2
    assert told in answer.err
    assert connections(settled) == {}


@pytest.mark.requirement("S1-12")
@pytest.mark.parametrize("by", ["sourcedId", "the sink's id"])
def test_who_is_bound_to_a_school_connects_its_classrooms_only(old: World, terminal: Terminal, by: str) -> None:
    mine, other = classroom(old, "school-1", "Mine"), classroom(old, "school-2", "Other")
    school = "school-1" if by == "sourcedId" else old.made["school-1"]
    answer = say(terminal, old, "connect", other, "class-2-0", "--school", school)
    assert answer.code == 2
    assert f"The classroom is not one of school {school}" in answer.err
    assert say(terminal, old, "connect", mine, "class-1-0", "--school", school).code == 0
    assert say(terminal, old, "disconnect", mine, "--school", "school-2").code == 2
    assert connections(old) == {"class-1-0": mine}


def write_pairs(world: World, *rows: str, header: str = "classroom,sourcedId") -> str:
    path = world.folder / "pairs.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return str(path)


@pytest.mark.requirement("S1-15")
def test_many_are_connected_by_a_file_whole(old: World, terminal: Terminal) -> None:
    rooms = [classroom(old, "school-1", f"Room {n}") for n in range(3)]
    file = write_pairs(old, *(f"{room},class-1-{n}" for n, room in enumerate(rooms)))
    assert say(terminal, old, "connect", "--csv", file).code == 0
    assert connections(old) == {f"class-1-{n}": room for n, room in enumerate(rooms)}


def test_file_is_taken_whole_or_not_at_all_and_every_bad_row_is_named(old: World, terminal: Terminal) -> None:
    rooms = [classroom(old, "school-1", f"Room {n}") for n in range(3)]
    file = write_pairs(
        old, f"{rooms[0]},class-1-0", "nobody,class-1-1", f"{rooms[1]},class-1-0", f"{rooms[0]},class-1-2"
    )
    answer = say(terminal, old, "connect", "--csv", file)
    assert answer.code == 2
    assert "pairs.csv has 3 problems" in answer.err
    assert "pairs.csv:3: the sink has no classes of the id nobody" in answer.err
    assert "pairs.csv:4: class class-1-0 is used at pairs.csv:2 already" in answer.err
    assert f"pairs.csv:5: classroom {rooms[0]} is used at pairs.csv:2 already" in answer.err
    assert connections(old) == {}


@pytest.mark.parametrize(
    ("header", "row", "told"),
    [("room,class", "a,b", "pairs.csv:1: has another header"), ("classroom,sourcedId", "a,", "pairs.csv:2: needs a classroom")],
)  # fmt: skip
def test_file_of_another_form_is_refused(old: World, terminal: Terminal, header: str, row: str, told: str) -> None:
    answer = say(terminal, old, "connect", "--csv", write_pairs(old, row, header=header))
    assert (answer.code, told in answer.err) == (2, True)
    assert say(terminal, old, "connect", "room").code == 2


@pytest.mark.requirement("S1-15")
def test_pairs_are_proposed_by_who_is_in_them_whatever_they_are_called(old: World, terminal: Terminal) -> None:
    pupils = [row["userSourcedId"] for row in old.rows("enrollments")
              if row["classSourcedId"] == "class-1-2" and row["role"] == "student"]  # fmt: skip
    room = classroom(old, "school-1", "Tigers")
    classroom(old, "school-1", "Lions")
    for key in pupils:
        row = earlier.made_by_hand(old, "students", key, school_id=old.made["school-1"], **earlier.person(old, key))
        earlier.made_by_hand(old, "class_members", key, class_id=room, student_id=row)
    teacher = {"school_id": old.made["school-1"], "email": "t102@example.org", **earlier.person(old, "t102")}
    row = earlier.made_by_hand(
        old, "teachers", "t102", **teacher
    )  # without him it might be class-1-5, of the same pupils
    earlier.made_by_hand(old, "class_members", "t102", class_id=room, teacher_id=row)
    records = terminal("map", "classes", "--district", old.toml, "--json").json["records"]
    best = next(each["fits"][0] for each in records if each["source_id"] == "class-1-2")
    assert (best["sink_id"], best["title"]) == (room, "Tigers")
    assert best["verdict"] in {"sure", "likely"}
    assert "same:roster" in best["reasons"]
    assert terminal("map", "classes", "accept", "class-1-2", "--yes", "--district", old.toml).code == 0
    assert connections(old) == {"class-1-2": room}


@pytest.mark.parametrize("by", ["classroom", "class"])
def test_disconnected_class_gets_a_classroom_of_its_own(old: World, terminal: Terminal, by: str) -> None:
    room = classroom(old, "school-1", "First")
    assert say(terminal, old, "connect", room, "class-1-0").code == 0
    assert say(terminal, old, "disconnect", room if by == "classroom" else "class-1-0").code == 0
    assert connections(old) == {}
    assert say(terminal, old, "disconnect", room).code == 2
    synced(old)
    assert old.count("classes") == 25
