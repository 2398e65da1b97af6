"""Decisions as the tables that shapes use: which schools, teachers and years take part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from syncrun.errors import ConfigError
from syncrun.match.mapping import settle
from syncrun.state.decision import Decision

if TYPE_CHECKING:
    from board import Board


@pytest.fixture
def roster(board: Board) -> Board:
    """A district with three schools, a department, four teachers and a pupil, and two school years."""
    for statement in (
        "CREATE TABLE orgs AS FROM (VALUES ('d', 'district'), ('s1', 'school'), ('s2', 'school'), ('s3', 'school'), "
        "('x', 'department')) AS t(sourcedId, type)",
        "CREATE TABLE users AS FROM (VALUES ('t1', NULL), ('t2', NULL), ('t12', 's2'), ('t3', NULL), ('p1', NULL)) "
        "AS t(sourcedId, primaryOrgSourcedId)",
        "CREATE TABLE roles AS FROM (VALUES ('t1', 'teacher', 's1', 1), ('t2', 'teacher', 's2', 1), ('t12', 'teacher', 's1', 1), "
        "('t12', 'teacher', 's2', 2), ('t3', 'teacher', 's3', 1), ('p1', 'student', 's1', 1)) "
        "AS t(userSourcedId, role, orgSourcedId, ordinal)",
        "CREATE TABLE classes (sourcedId VARCHAR)",
        "CREATE TABLE academicSessions AS FROM (VALUES ('y26', '2025-2026', 'schoolYear', DATE '2025-08-01'), "
        "('y27', '2026-2027', 'schoolYear', DATE '2026-08-01'), ('fall', 'Fall', 'term', DATE '2026-08-01')) "
        "AS t(sourcedId, title, type, startDate)",
    ):
        board.connection.execute(statement)
    return board


def settled(roster: Board, *decisions: Decision, years: tuple[str, ...] = ()) -> tuple[set[str], set[str], set[str]]:
    """Orgs, teachers and years that take part."""
    settle(roster.connection, decisions, years, "sinks[0]")
    return tuple(  # type: ignore[return-value] # three
        {key for (key,) in roster.connection.execute(f"SELECT sourcedId FROM mapped_{kind}").fetchall()}
        for kind in ("orgs", "teachers", "years")
    )


def home(roster: Board, person: str) -> str | None:
    """Where a person is at home."""
    found = roster.connection.execute("SELECT school FROM homes WHERE userSourcedId = ?", [person]).fetchone()
    return found[0] if found else None


def test_without_decisions_every_school_and_its_teachers_take_part_and_no_year(roster: Board) -> None:
    assert settled(roster) == ({"s1", "s2", "s3"}, {"t1", "t2", "t12", "t3"}, set())


@pytest.mark.requirement("S0-5", "S0-14", "S0-29")
def test_orgs_that_are_not_picked_are_out_with_their_people(roster: Board) -> None:
    found = settled(roster, Decision("orgs", "s1", "add"), Decision("orgs", "s3", "link", "7"))
    assert found == ({"s1", "s3"}, {"t1", "t12", "t3"}, set())
    assert home(roster, "t2") is None
    assert home(roster, "p1") == "s1"


def test_org_of_another_type_takes_part_when_it_is_picked(roster: Board) -> None:
    assert settled(roster, Decision("orgs", "x", "add"))[0] == {"x"}


def test_skipping_some_schools_leaves_the_others(roster: Board) -> None:
    assert settled(roster, Decision("orgs", "s2", "skip"))[:2] == ({"s1", "s3"}, {"t1", "t12", "t3"})


@pytest.mark.requirement("S0-11")
def test_skipped_teacher_stays_out_wherever_they_teach(roster: Board) -> None:
    assert settled(roster, Decision("teachers", "t12", "skip"), Decision("teachers", "t1", "add"))[1] == {
        "t1",
        "t2",
        "t3",
    }


def test_person_of_two_schools_is_at_home_in_one_that_takes_part(roster: Board) -> None:
    settled(roster)
    assert home(roster, "t12") == "s2"
    settled(roster, Decision("orgs", "s1", "add"))
    assert home(roster, "t12") == "s1"


@pytest.mark.requirement("S0-18")
def test_years_are_chosen_in_the_file_or_by_decision_and_more_than_one_draws_advice(roster: Board) -> None:
    assert settled(roster, years=("y27",))[2] == {"y27"}
    assert settled(roster, Decision("years", "y26", "add"), years=("y27",))[2] == {"y26", "y27"}
    (advice,) = settle(roster.connection, [], ["y26", "y27"], "sinks[0]")
    assert "Choose one unless you are sure: every chosen year is added to every teacher's account." in advice
    assert settle(roster.connection, [], ["y27"], "sinks[0]") == []


@pytest.mark.requirement("S0-15")
def test_no_year_is_no_fault_but_is_said_with_the_years_there_are(roster: Board) -> None:
    (advice,) = settle(roster.connection, [], [], "sinks[0]")
    assert "only schools and teachers are synced" in advice
    assert "y26 (2025-2026), y27 (2026-2027)" in advice


@pytest.mark.parametrize("year", ["y99", "fall"])
def test_year_that_the_source_does_not_have_is_a_wrong_setting(roster: Board, year: str) -> None:
    with pytest.raises(ConfigError) as raised:
        settle(roster.connection, [], [year, "y27"], "sinks[1]")
    (problem,) = raised.value.problems
    assert (problem.path, problem.message) == ("sinks[1].school_years", f"the source has no school year {year}")
    assert problem.hint == "it has: y26 (2025-2026), y27 (2026-2027)"


@pytest.mark.requirement("S0-31")
def test_new_teachers_are_ignored_until_somebody_decides_on_them(roster: Board) -> None:
    def out(*decisions: Decision, known: tuple[str, ...]) -> tuple[set[str], list[str]]:
        advice = settle(roster.connection, decisions, ["y27"], "sinks[0]", known_teachers=known)
        found = roster.connection.execute("SELECT sourcedId FROM mapped_teachers").fetchall()
        return {key for (key,) in found}, advice

    assert out(known=("t1", "t2", "t3", "t12", "gone")) == ({"t1", "t2", "t3", "t12"}, [])
    there, (advice,) = out(known=("t1", "t3"))
    assert there == {"t1", "t3"}
    assert "new_teachers says: 2." in advice
    there, (advice,) = out(Decision("teachers", "t2", "add"), Decision("teachers", "t3", "skip"), known=("t1", "t3"))
    assert there == {"t1", "t2"}
    assert "new_teachers says: 1." in advice
