"""Routes over a small roster: who goes where, and that nothing else changes. The roster is lifted as a run lifts it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncrun.errors import ConfigError
from syncrun.match import mapping, route
from syncrun.roster import view
from syncrun.roster.entity import ENTITIES
from syncrun.roster.route import Route, conflicts
from syncrun.sqltext import name
from syncrun.state.decision import Decision

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

EVERYTHING = frozenset(cell.privacy for entity in ENTITIES.values() for cell in entity.cells().values())
Rows = Mapping[str, Sequence[Mapping[str, Any]]]
UP = Route(("a",), "up", ("06", "07"), name="Upper", identifier="U1")


def accept(connection: DuckDBPyConnection, rows: Rows) -> DuckDBPyConnection:
    """The canonical views over these accepted rows."""
    connection.execute("CREATE SCHEMA accepted")
    for entity, found in rows.items():
        cells = ENTITIES[entity].cells()
        columns = sorted({column for row in found for column in row})
        shape = ", ".join(f"{name(column)} {cells[column].sql_type}" for column in columns)
        held = [{column: row.get(column) for column in columns} for row in found]
        query = f"CREATE TABLE accepted.{name(entity)} AS SELECT unnest(?::STRUCT({shape})[], recursive := true)"
        connection.execute(query, [held])
    view.lift(connection, EVERYTHING)
    return connection


def org(key: str, kind: str = "school") -> dict[str, Any]:
    return {"sourcedId": key, "name": key.upper(), "type": kind, "identifier": f"I{key}",
            "parentSourcedId": None if kind == "district" else "d"}  # fmt: skip


def person(
    key: str, role: str, *orgs: str, grades: Sequence[str] | None = None, agents: Sequence[str] | None = None
) -> dict[str, Any]:
    return {"sourcedId": key, "enabledUser": True, "orgSourcedIds": list(orgs), "role": role, "username": key,
            "givenName": key, "familyName": key, "grades": grades, "agentSourcedIds": agents}  # fmt: skip


def class_(
    key: str,
    school: str,
    grades: Sequence[str] | None = None,
    course: str = "mat",
    subjects: Sequence[str] | None = None,
) -> dict[str, Any]:
    return {"sourcedId": key, "title": key, "grades": grades, "courseSourcedId": course, "classType": "scheduled",
            "schoolSourcedId": school, "termSourcedIds": ["y"], "subjects": subjects}  # fmt: skip


def seats(school: str, key: str, *people: str) -> list[dict[str, Any]]:
    """Enrollments in one class; a person whose key begins with t teaches."""
    return [{"sourcedId": f"{key}-{each}", "classSourcedId": key, "schoolSourcedId": school, "userSourcedId": each,
             "role": "teacher" if each[0] == "t" else "student"} for each in people]  # fmt: skip


YEAR = {"sourcedId": "y", "title": "Y", "type": "schoolYear", "schoolYear": 2027}
COURSES = [
    {"sourcedId": "mat", "title": "Mat", "courseCode": "M1", "orgSourcedId": "d", "subjects": ["Mathematics"]},
    {"sourcedId": "art", "title": "Art", "courseCode": "A1", "orgSourcedId": "x", "subjects": ["Art"]},
]
ROSTER: Rows = {
    "orgs": [org("d", "district"), org("x", "department"), org("a"), org("b"), org("c")],
    "academicSessions": [YEAR],
    "courses": COURSES,
    "users": [
        person("p5", "student", "a", grades=["05"], agents=["g1"]), person("p6", "student", "a", grades=["06"], agents=["g1"]),
        person("p7", "student", "a", grades=["07"]), person("p0", "student", "a"), person("q6", "student", "b", "a", grades=["06"]),
        person("t1", "teacher", "a"), person("t2", "teacher", "a"), person("t3", "teacher", "a"), person("tb", "teacher", "b", "c"),
        person("g1", "guardian", "a"), person("boss", "administrator", "a"),
    ],
    "classes": [
        class_("five", "a", ["05"]), class_("six", "a", ["06", "07"]), class_("wide", "a", ["05", "06"]), class_("bare", "a"),
        class_("draw", "a", ["05"], "art"), class_("bees", "b", ["06"]),
    ],
    "enrollments": [
        *seats("a", "five", "p5", "t1"), *seats("a", "six", "p6", "p7", "t1"), *seats("a", "wide", "p5", "p6", "p7", "t1"),
        *seats("a", "bare", "p5", "p0", "t2"), *seats("a", "draw", "p5", "t2"), *seats("b", "bees", "q6", "tb"),
    ],
}  # fmt: skip


@pytest.fixture
def roster() -> Iterator[DuckDBPyConnection]:
    with closing(duckdb.connect()) as connection:
        yield accept(connection, ROSTER)


def settle(connection: DuckDBPyConnection, routes: Sequence[Route], *decisions: Decision) -> list[str]:
    """Routes, then the decisions, as planning does it; the advice."""
    found = route.settle(connection, routes, decisions, "sinks[0]")
    more = mapping.settle(connection, [*found.decisions, *found.targets], ["y"], "sinks[0]")
    return [*found.advice, *more]


def told(connection: DuckDBPyConnection, query: str) -> dict[str, Any]:
    """Pairs that a query gives."""
    return dict(connection.execute(query).fetchall())


def homes(connection: DuckDBPyConnection) -> dict[str, str]:
    return told(connection, "SELECT userSourcedId, school FROM homes")


def classes(connection: DuckDBPyConnection) -> dict[str, str]:
    return told(connection, "SELECT sourcedId, schoolSourcedId FROM classes")


def orgs(connection: DuckDBPyConnection) -> set[str]:
    return set(told(connection, "SELECT sourcedId, name FROM orgs"))


def roles(connection: DuckDBPyConnection, key: str) -> list[str]:
    """Where somebody has a role, first the one that comes first."""
    query = "SELECT orgSourcedId FROM roles WHERE userSourcedId = ? ORDER BY ordinal, orgSourcedId"
    return [each for (each,) in connection.execute(query, [key]).fetchall()]


def everything(connection: DuckDBPyConnection) -> dict[str, Any]:
    """All that shapes can see."""
    tables = ("orgs", "courses", "classes", "users", "roles", "enrollments", "relationships", "class_terms")
    return {each: sorted(map(repr, connection.execute(f"FROM {each}").fetchall())) for each in tables}


# -- splits --------------------------------------------------------------------------------------------------------------


def test_pupils_go_by_their_own_grade_and_who_has_none_stays(roster: DuckDBPyConnection) -> None:
    advice = settle(roster, [UP])
    found = homes(roster)
    assert {key: found[key] for key in ("p5", "p6", "p7", "p0", "q6")} == {
        "p5": "a", "p6": "up", "p7": "up", "p0": "a", "q6": "b",
    }  # fmt: skip
    assert roles(roster, "q6") == ["b", "up"]
    assert "1 pupils of a have no grade, so no route for grades takes them." in advice


def test_new_school_has_a_name_a_code_and_the_parent_of_the_old_one(roster: DuckDBPyConnection) -> None:
    settle(roster, [UP])
    assert roster.execute(
        "SELECT name, type, identifier, parentSourcedId FROM orgs WHERE sourcedId = 'up'"
    ).fetchall() == [("Upper", "school", "U1", "d")]
    assert orgs(roster) == {"d", "x", "a", "b", "c", "up"}


def test_classes_go_by_their_grades_else_where_most_of_their_pupils_go(roster: DuckDBPyConnection) -> None:
    advice = settle(roster, [UP])
    assert classes(roster) == {"five": "a", "six": "up", "wide": "up", "bare": "a", "draw": "a", "bees": "b"}
    assert "1 classes of a have pupils of several routes; each goes where most of them go." in advice
    assert told(roster, "SELECT DISTINCT classSourcedId, schoolSourcedId FROM enrollments") == classes(roster)


def test_of_two_targets_with_as_many_pupils_the_earlier_route_has_the_class() -> None:
    rows = {**ROSTER, "classes": [class_("wide", "a")], "enrollments": seats("a", "wide", "p5", "p6", "p7")}
    low, high = Route(("a",), "low", ("05", "07"), name="Low"), Route(("a",), "up", ("06",), name="Up")
    with closing(duckdb.connect()) as connection:
        accept(connection, {**rows, "enrollments": seats("a", "wide", "p5", "p6")})
        settle(connection, [low, high])
        assert classes(connection) == {"wide": "low"}
        settle(connection, [high, low])
        assert classes(connection) == {"wide": "up"}
        settle(connection, [high])
        assert classes(connection) == {"wide": "up"}


def test_class_without_any_grade_to_go_by_stays_and_is_told() -> None:
    rows = {
        **ROSTER,
        "classes": [class_("bare", "a"), class_("both", "a", ["05", "06"])],
        "enrollments": seats("a", "bare", "p0"),
    }
    with closing(duckdb.connect()) as connection:
        advice = settle(accept(connection, rows), [UP])
        assert classes(connection) == {"bare": "a", "both": "up"}
        assert "1 classes of a have no grades, nor do their pupils, so no route for grades takes them." in advice


def test_teachers_go_with_their_classes_and_are_at_home_with_most_of_them(roster: DuckDBPyConnection) -> None:
    settle(roster, [UP])
    assert {key: roles(roster, key) for key in ("t1", "t2", "t3", "boss", "g1")} == {
        "t1": ["up", "a"], "t2": ["a"], "t3": ["a"], "boss": ["a"], "g1": ["a", "up"],
    }  # fmt: skip
    assert homes(roster)["t1"] == "up"
    assert told(roster, "SELECT count(*), count(DISTINCT sourcedId) FROM roles") == {15: 15}


@pytest.mark.parametrize(
    "condition", [{"courses": ("A1",)}, {"courses": ("art",)}, {"subjects": ("Art",)}, {"departments": ("x",)}]
)
def test_routes_of_courses_subjects_and_departments_take_classes_and_teachers_and_no_pupils(
    roster: DuckDBPyConnection, condition: dict[str, Any]
) -> None:
    assert settle(roster, [Route(("a",), "up", name="Art School", **condition)]) == []
    assert {key for key, school in classes(roster).items() if school == "up"} == {"draw"}
    assert roles(roster, "t2") == ["a", "up"]
    assert {homes(roster)[key] for key in ("p5", "p6", "p7", "p0")} == {"a"}


def test_first_route_that_fits_counts(roster: DuckDBPyConnection) -> None:
    settle(roster, [Route(("a",), "a", courses=("art",)), Route(("a",), "one", ("06",), name="One"),
                    Route(("a",), "two", name="Two")])  # fmt: skip
    assert (classes(roster)["draw"], classes(roster)["six"], classes(roster)["five"]) == ("a", "one", "two")
    assert {key: homes(roster)[key] for key in ("p5", "p6", "p7", "p0")} == {
        "p5": "two",
        "p6": "one",
        "p7": "two",
        "p0": "two",
    }


def test_school_of_which_nothing_is_left_is_gone_and_staff_go_to_the_first_target() -> None:
    rows = {**ROSTER, "users": [each for each in ROSTER["users"] if each["sourcedId"] != "p0"]}
    split = [Route(("a",), "low", ("05",), name="Low"), UP]
    with closing(duckdb.connect()) as connection:
        settle(accept(connection, rows), split)
        assert orgs(connection) == {"d", "x", "b", "c", "low", "up"}
        assert homes(connection)["boss"] == homes(connection)["t3"] == "low"


# -- merges --------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("SX-5")
def test_merged_school_is_gone_and_all_it_had_is_in_the_other(roster: DuckDBPyConnection) -> None:
    assert settle(roster, [Route(("a", "b"), "b")]) == []
    assert orgs(roster) == {"d", "x", "b", "c"}
    assert set(classes(roster).values()) == {"b"}
    assert {school for key, school in homes(roster).items() if key != "boss"} == {"b"}
    assert roles(roster, "q6") == ["b"]
    assert roles(roster, "boss") == ["b"]


def test_enrollment_that_names_another_school_than_its_class_goes_where_that_school_went() -> None:
    rows = {**ROSTER, "enrollments": seats("b", "five", "p5")}
    with closing(duckdb.connect()) as connection:
        settle(accept(connection, rows), [UP, Route(("b",), "c")])
        assert told(connection, "SELECT sourcedId, schoolSourcedId FROM enrollments") == {"five-p5": "c"}


def test_person_of_two_merged_schools_has_one_role_there(roster: DuckDBPyConnection) -> None:
    settle(roster, [Route(("b", "c"), "c")])
    assert roles(roster, "tb") == ["c"]


# -- what does not change ------------------------------------------------------------------------------------------------


def test_routes_that_fit_nothing_change_nothing_and_are_told(roster: DuckDBPyConnection) -> None:
    before = everything(roster)
    advice = settle(roster, [Route(("a",), "up", ("11",), name="Up"), Route(("z",), "b")])
    assert everything(roster) == before
    assert advice[:2] == [
        "sinks[0].routes[1] takes from orgs z, which the source does not have.",
        "sinks[0].routes[0] fits nobody and no class.",
    ]


def test_the_next_sink_sees_the_roster_as_it_was(roster: DuckDBPyConnection) -> None:
    before = everything(roster)
    decisions = [Decision("teachers", "t1", "link", "7"), Decision("teachers", "t2", "join", "7")]
    settle(roster, [UP], *decisions)
    assert everything(roster) != before
    settle(roster, [])
    assert everything(roster) == before


# -- what cannot be followed ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("routes", "path", "words"), [
    ([Route(("a",), "b", name="B")], "sinks[0].routes[0].to", "the source has an org b already"),
    ([UP, Route(("b",), "bee")], "sinks[0].routes[1].to", "the source has no org bee"),
])  # fmt: skip
def test_target_that_is_not_what_the_route_takes_it_for(
    roster: DuckDBPyConnection, routes: list[Route], path: str, words: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        settle(roster, routes)
    (problem,) = raised.value.problems
    assert (problem.path, problem.message) == (path, words)


def test_join_that_goes_against_a_route_is_refused(roster: DuckDBPyConnection) -> None:
    with pytest.raises(ConfigError) as raised:
        settle(roster, [UP], Decision("orgs", "a", "link", "7"), Decision("orgs", "b", "join", "7"))
    assert [each.path for each in raised.value.problems] == ["sinks[0].mapping"]


# -- decisions -----------------------------------------------------------------------------------------------------------


def test_school_that_is_skipped_is_not_sent_anywhere(roster: DuckDBPyConnection) -> None:
    advice = settle(roster, [Route(("a", "b"), "c")], Decision("orgs", "a", "skip"))
    assert advice == ["sinks[0].routes[0] takes from orgs a, which the mapping skips."]
    assert "p6" not in homes(roster)
    assert homes(roster)["q6"] == "c"


def test_target_of_a_picked_school_takes_part_unless_it_is_decided_on(roster: DuckDBPyConnection) -> None:
    assert settle(roster, [UP], Decision("orgs", "a", "add"))[-1].startswith("1 classes")
    assert set(homes(roster).values()) == {"a", "up"}
    settle(roster, [UP], Decision("orgs", "a", "add"), Decision("orgs", "up", "skip"))
    assert set(homes(roster).values()) == {"a"}
    settle(roster, [UP], Decision("orgs", "up", "link", "9"))
    assert set(homes(roster).values()) == {"up"}


def test_link_of_a_school_that_is_gone_is_told(roster: DuckDBPyConnection) -> None:
    advice = settle(roster, [Route(("a",), "b")], Decision("orgs", "a", "link", "9"))
    assert advice == [
        "The mapping links orgs a, all of which goes elsewhere by the routes; link the school that gets it."
    ]
    assert set(homes(roster).values()) == {"b"}


@pytest.mark.requirement("SX-5")
def test_two_schools_linked_to_one_are_one(roster: DuckDBPyConnection) -> None:
    assert settle(roster, [], Decision("orgs", "a", "join", "7"), Decision("orgs", "c", "link", "7")) == []
    assert "a" not in orgs(roster)
    assert (homes(roster)["p6"], classes(roster)["six"]) == ("c", "c")


def test_school_that_joins_stands_in_for_the_first_when_that_is_not_in_the_source(roster: DuckDBPyConnection) -> None:
    settle(roster, [], Decision("orgs", "a", "join", "7"), Decision("orgs", "old", "link", "7"))
    assert told(roster, "SELECT sourcedId, name FROM orgs WHERE sourcedId IN ('a', 'old')") == {"old": "A"}
    assert homes(roster)["p6"] == "old"


def test_split_may_go_to_a_school_that_joins_another(roster: DuckDBPyConnection) -> None:
    settle(
        roster,
        [UP],
        Decision("orgs", "c", "link", "7"),
        Decision("orgs", "up", "join", "7"),
        Decision("orgs", "a", "add"),
    )
    assert "up" not in orgs(roster)
    assert homes(roster)["p6"] == "c"


def test_teachers_who_are_one_have_one_account_and_all_the_classes(roster: DuckDBPyConnection) -> None:
    assert settle(roster, [], Decision("teachers", "t1", "link", "7"), Decision("teachers", "tb", "join", "7")) == []
    assert told(roster, "SELECT username, sourcedId FROM users WHERE sourcedId IN ('t1', 'tb')") == {"t1": "t1"}
    assert roles(roster, "t1") == ["a", "b", "c"]
    assert homes(roster)["t1"] == "a"
    taught = roster.execute("SELECT classSourcedId FROM enrollments WHERE userSourcedId = 't1' ORDER BY ALL").fetchall()
    assert taught == [("bees",), ("five",), ("six",), ("wide",)]


def test_teacher_is_at_home_where_the_first_is(roster: DuckDBPyConnection) -> None:
    settle(roster, [], Decision("teachers", "tb", "link", "7"), Decision("teachers", "t1", "join", "7"))
    assert (homes(roster)["tb"], roles(roster, "tb")) == ("b", ["b", "c", "a"])


def test_teachers_who_are_one_stand_once_at_a_class(roster: DuckDBPyConnection) -> None:
    rows = {**ROSTER, "enrollments": seats("a", "five", "t1", "t2", "p5")}
    with closing(duckdb.connect()) as connection:
        settle(
            accept(connection, rows),
            [UP],
            Decision("teachers", "t1", "link", "7"),
            Decision("teachers", "t2", "join", "7"),
        )
        assert told(connection, "SELECT sourcedId, userSourcedId FROM enrollments") == {
            "five-t1": "t1",
            "five-p5": "p5",
        }
        assert roles(connection, "t1") == ["a"]


def test_account_stays_when_the_first_of_two_leaves(roster: DuckDBPyConnection) -> None:
    settle(roster, [], Decision("teachers", "old", "link", "7"), Decision("teachers", "t1", "join", "7"))
    assert told(roster, "SELECT sourcedId, username FROM users WHERE sourcedId IN ('t1', 'old')") == {"old": "t1"}
    assert homes(roster)["old"] == "a"


# -- for all rosters -----------------------------------------------------------------------------------------------------

SCHOOLS = ["a", "b", "c"]
GRADES = st.none() | st.lists(st.sampled_from(["05", "06", "07"]), min_size=1, max_size=2, unique=True)
SOME = st.lists(st.sampled_from(SCHOOLS), min_size=1, max_size=2, unique=True)


@st.composite
def rosters(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    """A few people and classes in three schools."""
    pupils = [person(f"p{n}", "student", *draw(SOME), grades=draw(GRADES)) for n in range(draw(st.integers(0, 6)))]
    teachers = [person(f"t{n}", "teacher", *draw(SOME)) for n in range(draw(st.integers(0, 3)))]
    boss = [person("boss", "administrator", draw(st.sampled_from(SCHOOLS)))]
    sections = [
        class_(f"c{n}", draw(st.sampled_from(SCHOOLS)), draw(GRADES), draw(st.sampled_from(["mat", "art"])))
        for n in range(draw(st.integers(0, 5)))
    ]
    people = [each["sourcedId"] for each in (*pupils, *teachers)]
    taken = [
        seat for each in sections if people
        for seat in seats(each["schoolSourcedId"], each["sourcedId"], *draw(st.lists(st.sampled_from(people), unique=True)))
    ]  # fmt: skip
    return {"orgs": list(ROSTER["orgs"]), "academicSessions": [YEAR], "courses": list(COURSES),
            "users": [*pupils, *teachers, *boss], "classes": sections, "enrollments": taken}  # fmt: skip


@st.composite
def lists_of_routes(draw: st.DrawFn) -> list[Route]:
    """Routes that can be followed."""
    found: list[Route] = []
    for _ in range(draw(st.integers(0, 4))):
        to = draw(st.sampled_from([*SCHOOLS, "new", "other"]))
        grades = draw(st.lists(st.sampled_from(["05", "06", "07"]), max_size=2, unique=True))
        courses = draw(st.sampled_from([(), (), ("art",)]))
        each = Route(tuple(draw(SOME)), to, tuple(grades), courses, name=None if to in SCHOOLS else to)
        if not list(conflicts([*found, each])):
            found.append(each)
    return found


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(rosters(), lists_of_routes(), st.randoms(use_true_random=False))
def test_every_pupil_has_one_school_and_nothing_is_lost_in_whatever_order_rows_come(
    rows: dict[str, list[dict[str, Any]]], routes: list[Route], random: Any
) -> None:
    rows = {entity: found for entity, found in rows.items() if found}
    shuffled = {entity: random.sample(found, len(found)) for entity, found in rows.items()}
    with closing(duckdb.connect()) as connection, closing(duckdb.connect()) as other:
        settle(accept(connection, rows), [])
        before, at_home = everything(connection), homes(connection)
        settle(connection, routes)
        after = everything(connection)
        settle(accept(other, shuffled), routes)
        assert everything(other) == after
        assert homes(other) == homes(connection)
        there = orgs(connection)
        assert homes(connection).keys() == at_home.keys()
        assert (
            connection.execute("SELECT count(*), count(DISTINCT (userSourcedId, role)) FROM homes").fetchone()
            == (len(at_home),) * 2
        )
        assert set(homes(connection).values()) <= there
        for table, column in (
            ("roles", "orgSourcedId"),
            ("classes", "schoolSourcedId"),
            ("enrollments", "schoolSourcedId"),
            ("courses", "orgSourcedId"),
        ):
            assert {each for (each,) in connection.execute(f"SELECT {column} FROM {table}").fetchall()} <= there
        for table in ("users", "classes", "enrollments", "courses", "relationships"):
            assert len(after[table]) == len(before[table])
        assert not connection.execute("""SELECT 1 FROM enrollments JOIN classes ON classes.sourcedId = classSourcedId
            WHERE enrollments.schoolSourcedId <> classes.schoolSourcedId""").fetchall()  # fmt: skip
        settle(connection, [])
        assert everything(connection) == before
