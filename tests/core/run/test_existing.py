"""What becomes of classrooms, members and students that an app had before the first sync, as people choose."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import sqlalchemy as sa
from messenger import Messenger
from world import planned

from syncrun.demo.messaging import Before, fill, own_id
from syncrun.run.ending import Result
from syncrun.sinks.messaging import database
from syncrun.state import decision, policy
from syncrun.state.decision import Decision
from syncrun.state.policy import Choice, Policy, Scope


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def app(tmp_path: Any, home: Any, request: pytest.FixtureRequest) -> Messenger:
    url = request.getfixturevalue("postgres_server").create() if request.param == "postgresql" else None
    found = Messenger(tmp_path, url)
    found.write()
    return found


@pytest.fixture
def before(app: Messenger) -> Before:
    with app.planner() as connection:
        return fill(connection, app.files)


def choose(
    app: Messenger, choice: Choice, scope: Scope = "district", scope_id: str = "", table: str = "classrooms"
) -> None:
    policy.put(app.state(), "riverside", "messaging", [Policy(table, scope, scope_id, choice)], "tester")


def connect(
    app: Messenger, classroom: str, key: str, kind: Any = "classes", verdict: Any = "link", **more: Any
) -> None:
    decided = Decision(kind, key, verdict, classroom if verdict == "link" else None, **more)
    decision.put(app.state(), "riverside", "messaging", [decided], "tester")


def settle(app: Messenger, **options: Any) -> Result:
    result = app.sync(**options)
    if result.exit_code == 3:
        app.approve()
        result = app.sync(**options)
    assert result.exit_code == 0, result.summary
    return result


def open_rooms(before: Before) -> set[str]:
    """Classrooms that were in use before the first sync."""
    return {*before.classrooms, *before.by_hand["classrooms"]} - {*before.archived["classrooms"]}


def a_room(app: Messenger, before: Before) -> tuple[str, str]:
    """A classroom in use, and the class that it is in the source."""
    found = min(set(before.classrooms) & open_rooms(before))
    return found, before.classrooms[found]


def codes(result: Result) -> set[str]:
    return {reason["code"] for held in result.summary["sinks"]["messaging"]["held"] for reason in held["reasons"]}


def advice(result: Result) -> str:
    return "\n".join(result.summary["advice"])


def members_of(app: Messenger, classroom: str) -> dict[str, dict[str, Any]]:
    """Memberships of one classroom that are in use."""
    found = app.all("memberships").items()
    return {key: row for key, row in found if row["classroom_id"] == classroom and row["archived_at"] is None}


@pytest.mark.requirement("S1-1")
@pytest.mark.parametrize("chosen", [False, True], ids=["nothing chosen", "to be connected, and not connected"])
def test_there_is_no_launch_before_a_choice(app: Messenger, before: Before, chosen: bool) -> None:  # noqa: FBT001 # a parameter of a test
    if chosen:
        choose(app, "connect")
    was = app.whole()
    result = app.sync()
    assert (result.exit_code, result.summary["error"]["code"]) == (2, "E-EXIST-1")
    assert str(len(open_rooms(before))) in result.summary["error"]["message"]
    assert app.whole() == was


@pytest.mark.requirement("S1-2", "S1-13")
def test_classrooms_are_archived_and_can_be_brought_back(app: Messenger, before: Before) -> None:
    choose(app, "archive")
    was = app.all("classrooms")
    held = app.sync()
    assert held.exit_code == 3
    assert f"{len(open_rooms(before))} classrooms that were there before are archived" in advice(held)
    assert app.all("classrooms") == was, "nothing before the approval"
    settle(app)
    now = app.all("classrooms")
    assert {key for key in open_rooms(before) if now[key]["archived_at"] is not None} == open_rooms(before)
    assert all(now[key]["managed_by"] is None for key in open_rooms(before))
    ours = [row for row in now.values() if row["managed_by"] == "riverside" and row["archived_at"] is None]
    assert len(ours) == len(app.rows("classes")), "no twin beside them"
    back, _ = a_room(app, before)
    choose(app, "leave", "row", back)
    result = settle(app)
    assert result.summary["sinks"]["messaging"]["tables"]["classrooms"]["planned"] == {"release": 1}
    assert app.all("classrooms")[back] == was[back]
    assert settle(app).summary["nothing_to_do"]


@pytest.mark.requirement("S1-3", "S1-8")
def test_choices_for_a_row_go_before_those_for_a_school_and_the_district(app: Messenger, before: Before) -> None:
    was = app.all("classrooms")
    choose(app, "archive")
    choose(app, "leave", "school", "school-2")
    kept = next(key for key in sorted(open_rooms(before)) if before.schools[was[key]["school_id"]] == "school-1")
    gone = next(key for key in sorted(open_rooms(before)) if before.schools[was[key]["school_id"]] == "school-2")
    choose(app, "leave", "row", kept)
    choose(app, "archive", "row", gone)
    taken, key = next((room, key) for room, key in sorted(before.classrooms.items())
                      if room in open_rooms(before) and room not in {kept, gone})  # fmt: skip
    connect(app, taken, key)
    choose(app, "keep", table="memberships")
    settle(app)
    now = app.all("classrooms")
    for room in open_rooms(before) - {taken}:
        stays = room == kept or (before.schools[was[room]["school_id"]] == "school-2" and room != gone)
        assert (now[room]["archived_at"] is None) == stays, room
    assert now[taken]["external_id"] == key


@pytest.mark.requirement("S1-4")
def test_classrooms_that_are_left_are_counted_as_doubles(app: Messenger, before: Before) -> None:
    choose(app, "leave")
    was = app.all("classrooms")
    titles = {(row["schoolSourcedId"], row["title"].lower()) for row in app.rows("classes")}
    twins = sum(
        (before.schools.get(was[key]["school_id"]), was[key]["title"].lower()) in titles for key in open_rooms(before)
    )
    assert twins > 0
    result = app.sync()
    assert (
        f"{len(open_rooms(before))} classrooms that were there before stay beside the new ones; {twins} of them"
        in advice(result)
    )
    settle(app)
    now = app.all("classrooms")
    assert {key: now[key] for key in was} == was
    assert len(now) == len(was) + len(app.rows("classes"))


@pytest.mark.requirement("S1-5", "S1-6", "S1-11")
def test_classroom_is_taken_over_and_given_back_with_all_that_was_in_it(app: Messenger, before: Before) -> None:
    choose(app, "leave")
    choose(app, "remove", table="memberships")
    room, key = a_room(app, before)
    connect(app, room, key)
    for sink_id, student in before.students.items():
        connect(app, sink_id, student, "students")
    was = {table: app.all(table) for table in ("classrooms", "memberships", "students")}
    settle(app)
    taken = app.all("classrooms")[room]
    assert (taken["external_id"], taken["managed_by"]) == (key, "riverside")
    assert [taken[each] for each in ("nickname", "color", "notes")] == [
        was["classrooms"][room][each] for each in ("nickname", "color", "notes")
    ]
    assert [row["external_id"] for row in app.all("classrooms").values()].count(key) == 1, "no second one"
    source = {each["userSourcedId"] for each in app.rows("enrollments") if each["classSourcedId"] == key}
    assert len(members_of(app, room)) == len(source)
    with_points = {row["student_id"]: row["points"] for row in was["memberships"].values()
                   if row["classroom_id"] == room and row["student_id"] in before.students}  # fmt: skip
    assert with_points
    now = {row["student_id"]: row["points"] for row in members_of(app, room).values()}
    assert {student: now[student] for student in with_points} == with_points, "people's own columns stay"

    connect(app, room, key, verdict="add")
    settle(app)
    assert app.all("classrooms")[room] == was["classrooms"][room]
    mine = {each: row for each, row in app.all("memberships").items() if each in was["memberships"]}
    assert {each: row for each, row in mine.items() if row["classroom_id"] == room} == {
        each: row for each, row in was["memberships"].items() if row["classroom_id"] == room
    }
    own = next(row for row in app.active("classrooms").values() if row["external_id"] == key)
    assert own["id"] != room
    assert len(members_of(app, own["id"])) == len(source)
    assert members_of(app, room).keys() == {
        each for each, row in was["memberships"].items() if row["classroom_id"] == room and row["archived_at"] is None
    }


@pytest.mark.requirement("S1-14")
@pytest.mark.parametrize("choice", ["ask", "keep", "remove"])
def test_members_who_are_not_in_the_source_are_shown_before_the_launch(
    app: Messenger, before: Before, choice: Choice
) -> None:
    choose(app, "leave")
    if choice != "ask":
        choose(app, choice, table="memberships")
    room, key = a_room(app, before)
    connect(app, room, key)
    was = members_of(app, room)
    result = app.sync()
    words = "members of 1 taken-over classrooms are not in the source"
    if choice == "ask":
        assert "P-MEMBERS-1" in codes(result)
    else:
        assert "P-MEMBERS-1" not in codes(result)
        assert f"{words} and are {'kept' if choice == 'keep' else 'removed'}" in advice(result)
    settle(app)
    now = members_of(app, room)
    theirs = {each for each in was if each in now and now[each]["managed_by"] is None}
    assert bool(theirs) == (choice != "remove")


@pytest.mark.requirement("S1-10")
def test_class_that_the_source_does_not_share_is_told_before_the_launch(app: Messenger, before: Before) -> None:
    choose(app, "leave")
    connect(app, a_room(app, before)[0], "class-of-nobody")
    assert "about classes class-of-nobody, which the source does not share" in advice(app.sync())


@pytest.mark.requirement("S4-8", "SX-6")
@pytest.mark.parametrize("choice", [None, "archive"])
def test_students_who_were_there_before_stay_unless_they_are_archived(
    app: Messenger, before: Before, choice: Choice | None
) -> None:
    choose(app, "leave")
    if choice:
        choose(app, choice, table="students")
    was = app.all("students")
    settle(app)
    now = app.all("students")
    if choice is None:
        assert {key: now[key] for key in was} == was
    else:
        mine = {*before.students, *before.by_hand["students"]}
        assert all(now[key]["archived_at"] is not None for key in mine)
        assert {key: {**now[key], "archived_at": None} for key in mine} == {
            key: {**was[key], "archived_at": None} for key in mine
        }


@pytest.mark.requirement("S4-9", "S4-16")
def test_merge_three_syncs_and_unmerge(app: Messenger, before: Before) -> None:
    choose(app, "leave")
    was = app.all("students")
    settle(app)
    first = app.dump(archived=True)
    old, key = next((each, key) for each, key in sorted(before.students.items()))
    seats = [row for row in app.all("memberships").values() if row["student_id"] == old]
    connect(app, old, key, "students", keep=("given_name",))
    settle(app)
    merged = app.all("students")[old]
    assert (merged["external_id"], merged["given_name"], merged["points"]) == (
        key,
        was[old]["given_name"],
        was[old]["points"],
    )
    active = [row for row in app.active("students").values() if row["external_id"] == key]
    assert [row["id"] for row in active] == [old], "one record"
    theirs = [row for row in app.all("memberships").values() if row["student_id"] == old and row["archived_at"] is None]
    source = [each for each in app.rows("enrollments") if each["userSourcedId"] == key]
    assert len([row for row in theirs if row["managed_by"]]) == len(source)
    assert [row for row in theirs if not row["managed_by"]] == seats, "history stays"
    app.edit("users", key, familyName="Afterwards")
    for _ in range(3):
        app.write()
        settle(app)
    assert app.all("students")[old]["family_name"] == "Afterwards"
    connect(app, old, key, "students", verdict="add")
    settle(app)
    now = app.all("students")
    assert now[old] == was[old]
    parted = app.dump(archived=True)
    changed = [row for row in parted["students"] if row not in first["students"]]
    assert len(changed) == 1
    assert "Afterwards" in changed[0]
    assert {name: rows for name, rows in parted.items() if name != "students"} == {
        name: rows for name, rows in first.items() if name != "students"
    }


@pytest.fixture
def merged(app: Messenger, before: Before) -> tuple[str, str, dict[str, Any]]:
    """A student who was set aside at the first sync and is merged since: the app's id, the source's, the row before."""
    choose(app, "leave")
    choose(app, "archive", table="students")
    old, key = min(before.students.items())
    was = app.all("students")[old]
    settle(app)
    assert app.all("students")[old]["archived_at"] is not None
    connect(app, old, key, "students")
    settle(app)
    found = app.all("students")[old]
    assert (found["external_id"], found["archived_at"]) == (key, None)
    assert planned(settle(app, mode="full"), "messaging") == {}
    assert app.all("students")[old] == found, "a full sync finds what it expects"
    return old, key, was


@pytest.mark.slow
@pytest.mark.requirement("S4-9", "S4-16")
@pytest.mark.parametrize("verdict", ["add", pytest.param("skip", marks=pytest.mark.slow)])
def test_record_that_was_set_aside_and_merged_is_set_aside_again_when_it_is_given_back(
    app: Messenger, merged: tuple[str, str, dict[str, Any]], verdict: str
) -> None:
    old, key, was = merged
    for _ in range(2):
        connect(app, old, key, "students", verdict=verdict)
        settle(app)
        now = app.all("students")[old]
        assert now["archived_at"] is not None
        assert {**now, "archived_at": None} == was
        assert settle(app).summary["nothing_to_do"]
        assert planned(settle(app, mode="full"), "messaging") == {}
        connect(app, old, key, "students")
        settle(app)
        assert app.active("students")[key]["id"] == old
    connect(app, old, key, "students", verdict=verdict)
    settle(app)
    choose(app, "leave", "row", old, table="students")
    settle(app)
    assert app.all("students")[old] == was
    assert settle(app).summary["nothing_to_do"]


@pytest.mark.requirement("S4-9", "S4-16")
@pytest.mark.parametrize("verdict", ["add", pytest.param("skip", marks=pytest.mark.slow)])
def test_record_that_is_to_be_brought_back_while_it_is_merged_is_as_people_had_it_when_it_is_given_back(
    app: Messenger, merged: tuple[str, str, dict[str, Any]], verdict: str
) -> None:
    old, key, was = merged
    choose(app, "leave", "row", old, table="students")
    assert planned(settle(app), "messaging") == {}, "the student stays merged"
    connect(app, old, key, "students", verdict=verdict)
    settle(app)
    assert app.all("students")[old] == was
    assert settle(app).summary["nothing_to_do"]


def test_record_that_was_set_aside_goes_from_one_student_to_another(
    app: Messenger, before: Before, merged: tuple[str, str, dict[str, Any]]
) -> None:
    old, key, was = merged
    other = next(each for each in before.students.values() if each != key)
    connect(app, old, key, "students", verdict="add")
    connect(app, old, other, "students")
    settle(app)
    assert (app.all("students")[old]["external_id"], app.all("students")[old]["archived_at"]) == (other, None)
    assert settle(app).summary["nothing_to_do"]
    connect(app, old, other, "students", verdict="add")
    settle(app)
    now = app.all("students")[old]
    assert now["archived_at"] is not None
    assert {**now, "archived_at": None} == was


def test_member_who_leaves_while_the_classroom_becomes_another_is_given_back(app: Messenger, before: Before) -> None:
    choose(app, "leave")
    choose(app, "keep", table="memberships")
    room, key = a_room(app, before)
    for sink_id, student in before.students.items():
        connect(app, sink_id, student, "students")
    connect(app, room, key)
    was = members_of(app, room)
    settle(app)
    source = {row["sourcedId"]: row for row in app.rows("enrollments") if row["classSourcedId"] == key}
    left = next(row for seat, row in sorted(members_of(app, room).items()) if seat in was and row["student_id"])
    leaver = source[left["external_id"]]["sourcedId"]
    app.drop("enrollments", leaver)
    app.write()
    connect(app, room, key, verdict="add")
    settle(app)
    assert members_of(app, room) == was
    assert leaver not in app.active("memberships")
    assert len(app.active("memberships").keys() & source.keys()) == len(source) - 1


@pytest.mark.slow
@pytest.mark.requirement("S4-9", "S4-16")
def test_nobody_has_two_seats_in_a_taken_over_classroom(app: Messenger, before: Before) -> None:
    """A student is taken over, parted, merged and skipped; the seat that a teacher gave them comes and goes with them."""
    choose(app, "leave")
    choose(app, "keep", table="memberships")
    room, key = a_room(app, before)
    connect(app, room, key)
    seats = [(seat, row["student_id"]) for seat, row in sorted(members_of(app, room).items()) if row["student_id"]]
    source = {row["userSourcedId"] for row in app.rows("enrollments") if row["classSourcedId"] == key}
    seat, student = next((seat, old) for seat, old in seats if before.students[old] in source)
    was = app.all("memberships")[seat]
    connect(app, student, before.students[student], "students")
    settle(app)
    first = members_of(app, room)
    assert first[seat]["managed_by"] == "riverside"
    for verdict in ("add", "skip"):
        connect(app, student, before.students[student], "students", verdict=verdict)
        settle(app)
        assert app.all("memberships")[seat] == was
        connect(app, student, before.students[student], "students")
        settle(app)
        assert members_of(app, room) == first
        assert settle(app).summary["nothing_to_do"]


@pytest.mark.requirement("S1-6", "S1-11")
def test_classroom_that_is_connected_after_the_launch_keeps_one_seat_for_each(app: Messenger, before: Before) -> None:
    choose(app, "leave")
    choose(app, "keep", table="memberships")
    room, key = a_room(app, before)
    for sink_id, student in before.students.items():
        connect(app, sink_id, student, "students")
    settle(app)
    connect(app, room, key)
    settle(app)
    seats = [row["student_id"] for row in members_of(app, room).values() if row["student_id"]]
    assert seats
    assert len(seats) == len(set(seats))
    assert settle(app).summary["nothing_to_do"]


def refuse(connection: sa.Connection, external_id: str) -> None:
    """Have the app make no membership for an enrollment, until the trigger `refuse` is dropped."""
    when = f"WHEN (NEW.external_id = '{external_id}')"
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$"))  # fmt: skip
        when += " EXECUTE FUNCTION refuse()"
    else:
        when += " BEGIN SELECT RAISE(ABORT, 'no'); END"
    each = "FOR EACH ROW" if connection.dialect.name == "postgresql" else ""
    connection.execute(sa.text(f"CREATE TRIGGER refuse BEFORE INSERT ON memberships {each} {when}"))


@pytest.mark.parametrize(
    "back", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["as decided", "decided as before"]
)
def test_member_who_cannot_follow_the_class_comes_again_with_the_next_sync(
    app: Messenger,
    before: Before,
    back: bool,  # noqa: FBT001 # a parameter of a test
) -> None:
    """The class gets a classroom of its own, which the app does not let one student into; their old seat is nobody's."""
    choose(app, "leave")
    choose(app, "keep", table="memberships")
    room, key = a_room(app, before)
    for sink_id, student in before.students.items():
        connect(app, sink_id, student, "students")
    connect(app, room, key)
    was = app.all("memberships")
    settle(app)
    first = app.dump(archived=True)
    seat = next(row for each, row in sorted(members_of(app, room).items()) if each in was and row["student_id"])
    with app.planner() as connection:
        refuse(connection, seat["external_id"])
    connect(app, room, key, verdict="add")
    for _ in range(2):
        result = app.sync()
        assert (result.exit_code, result.summary["sinks"]["messaging"]["rejected"]) == (4, 1)
        assert app.all("memberships")[seat["id"]] == was[seat["id"]]
        assert seat["external_id"] not in app.active("memberships")
    with app.planner() as connection:
        server = connection.dialect.name == "postgresql"
        connection.execute(sa.text(f"DROP TRIGGER refuse {'ON memberships' if server else ''}"))
    if back:
        connect(app, room, key)
        settle(app)
        assert app.active("memberships")[seat["external_id"]]["id"] == seat["id"]
        assert [row for row in app.dump()["memberships"] if row not in first["memberships"]] == []
    else:
        assert planned(settle(app), "messaging") == {"create": 1}
        assert app.active("memberships")[seat["external_id"]]["student_id"] == seat["student_id"]
    assert settle(app).summary["nothing_to_do"]
    assert planned(settle(app, mode="full"), "messaging") == {}


@pytest.mark.requirement("S1-6", "S1-11", "S1-14")
def test_two_classrooms_whose_classes_are_swapped_have_the_members_of_their_classes(
    app: Messenger, before: Before
) -> None:
    """Members who are not in the source are removed. Somebody who was removed from a classroom and is in its class by now
    sits there again, in the seat of before; who is not in it any more goes, and comes back with the classroom."""
    choose(app, "leave")
    choose(app, "remove", table="memberships")
    for sink_id, student in before.students.items():
        connect(app, sink_id, student, "students")
    pupils = {room: {row["student_id"] for row in members_of(app, room).values()} for room in open_rooms(before)}
    one, two = next((a, b) for a, b in itertools.permutations(sorted(before.classrooms.keys() & pupils.keys()), 2)
                    if pupils[a] - {None} and pupils[b] - pupils[a])  # fmt: skip
    first, second, guest = before.classrooms[one], before.classrooms[two], min(pupils[two] - pupils[one] - {None})
    with app.planner() as connection:  # somebody of the other class, whom a teacher let sit here too
        connection.execute(sa.insert(database.memberships).values(
            id=own_id("guest"), classroom_id=one, student_id=guest, points=5))  # fmt: skip
    was = app.all("memberships")

    def connected(*pairs: tuple[str, str], verdict: str = "link") -> dict[str, dict[str, Any]]:
        decided = [Decision("classes", key, verdict, room if verdict == "link" else None) for room, key in pairs]  # type: ignore[arg-type] # a verdict
        decision.put(app.state(), "riverside", "messaging", decided, "tester")
        settle(app)
        assert planned(settle(app, mode="full"), "messaging") == {}
        for room, key in pairs if verdict == "link" else ():
            source = sorted(each["sourcedId"] for each in app.rows("enrollments") if each["classSourcedId"] == key)
            seats = members_of(app, room).values()
            assert sorted(str(row["external_id"]) for row in seats) == source
            people = [(row["student_id"], row["teacher_id"]) for row in seats]
            assert len(people) == len(set(people))
        return {
            key: {**row, "archived_at": bool(row["archived_at"])}
            for key, row in app.all("memberships").items()
            if key in was
        }

    start = connected((one, first), (two, second))
    assert start[own_id("guest")]["archived_at"]
    swapped = connected((one, second), (two, first))
    assert not swapped[own_id("guest")]["archived_at"], "in the seat of before"
    assert connected((one, first), (two, second)) == start
    connected((one, first), (two, second), verdict="add")
    assert {key: row for key, row in app.all("memberships").items() if key in was} == was


@pytest.mark.slow
@pytest.mark.requirement("S0-30")
def test_what_people_make_and_archive_by_hand_stays_and_is_mentioned_once(app: Messenger, before: Before) -> None:
    """Ten full syncs later the club is there, and what a person archived is archived and was mentioned once."""
    choose(app, "leave")
    settle(app)
    room = next(row["id"] for row in app.active("classrooms").values() if row["external_id"] == "class-1-1")
    with app.planner() as connection:
        rooms = database.classrooms
        connection.execute(
            sa.update(rooms).where(rooms.c.id == room).values(archived_at=sa.func.now(), nickname="mine")
        )
        connection.execute(
            sa.insert(rooms).values(id=own_id("late"), school_id=next(iter(before.schools)), title="Robots")
        )
    was = app.all("classrooms")
    told = [advice(app.sync(mode="full")) for _ in range(10)]
    assert app.all("classrooms") == was
    assert ["1 classrooms were archived by hand and are left so" in each for each in told] == [True] + [False] * 9
