"""`syncrun merge` and `unmerge`: a student of the source and one whom the sink had before."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import earlier
import pytest

from syncrun.state import decision
from syncrun.state.decision import Decision

if TYPE_CHECKING:
    from terminal import Answer, Terminal
    from world import World


def say(terminal: Terminal, world: World, *words: object) -> Answer:
    return terminal(*words, "--district", world.toml)


def made(world: World) -> list[Decision]:
    return [each for each in decision.current(world.state(), "riverside", "planner") if each.kind == "students"]


@pytest.fixture
def twice(settled: World) -> World:
    """A district after its first sync, and a student whom somebody had typed in before: s1001 once more, in a club."""
    with settled.planner() as connection:
        (school,) = connection.exec_driver_sql("SELECT id FROM schools WHERE external_id = 'school-1'").one()
    known = {**earlier.person(settled, "s1001"), "grade": "03"}
    settled.twin = earlier.made_by_hand(settled, "students", "twin", school_id=school, **known)
    club = earlier.made_by_hand(settled, "classes", "club", school_id=school, title="Chess club")
    earlier.made_by_hand(settled, "class_members", "twin", class_id=club, student_id=settled.twin)
    settled.family = known["family_name"]
    return settled


@pytest.mark.requirement("S4-16")
def test_likely_duplicates_are_listed_with_evidence_also_of_students_who_are_there(
    twice: World, terminal: Terminal
) -> None:
    found = terminal("merge", "--list", "--json", "--district", twice.toml).json
    (one,) = [each for each in found if each["student"] == "s1001"]
    assert one["in_sink"]
    assert one["title"] is None
    (fit,) = one["duplicates"]
    assert fit["sink_id"] == twice.twin
    assert {"same:identifier", "same:name"} <= set(fit["evidence"])
    shown = say(terminal, twice, "merge", "--list").out
    assert "same identifier" in shown
    assert twice.family not in shown


def test_preview_shows_both_what_differs_and_their_classes(twice: World, terminal: Terminal) -> None:
    told = terminal("merge", "s1001", twice.twin, "--yes", "--keep", "grade", "--json", "--district", twice.toml).json
    fields = {each["field"]: each for each in told["fields"]}
    assert {key for key, each in fields.items() if each["differs"]} == {"grade"}
    assert fields["grade"]["kept"] is True
    assert fields["given_name"]["source"] is None
    assert told["classes"]["sink"] == ["Chess club"]
    assert "Mathematics 1A" in told["classes"]["source"] or len(told["classes"]["source"]) > 1
    assert made(twice) == [Decision("students", "s1001", "link", twice.twin, ("grade",))]


@pytest.mark.requirement("S4-9")
@pytest.mark.parametrize(("answer", "merged"), [("y", 1), ("n", 0), ("", 0)])
def test_nothing_is_merged_before_a_person_has_seen_it_and_says_so(
    twice: World, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, answer: str, merged: int
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{answer}\n"))
    came = say(terminal, twice, "merge", "s1001", twice.twin, "--names")
    assert came.code == 0
    assert twice.family in came.out
    assert "as the source says" in came.out
    assert len(made(twice)) == merged


def test_merge_is_carried_out_by_the_next_plan_and_taken_back_by_unmerge(twice: World, terminal: Terminal) -> None:
    before = twice.count("students")
    assert say(terminal, twice, "merge", "s1001", twice.twin, "--yes").code == 0
    assert twice.count("students") == before
    synced(twice)
    assert twice.count("students") == before - 1
    assert say(terminal, twice, "merge", "s1001", twice.twin, "--yes").out.endswith("decided already.\n")
    assert say(terminal, twice, "unmerge", "s1001").code == 0
    synced(twice)
    assert twice.count("students") == before
    assert say(terminal, twice, "unmerge", "s1001").code == 2


def synced(world: World) -> None:
    code = world.sync().exit_code
    if code == 3:
        world.approve()
        code = world.sync().exit_code
    assert code == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nobody", "TWIN"), "The source has no student nobody"),
        (("s1001", "nobody"), "The sink has no students of the id nobody"),
        (("s1001", "TWIN", "--keep", "shoes"), "The sink's students have no field shoes."),
        (("s1001", "OTHER"), "is of the sync already, as s1002"),
        (("s1001",), "Say STUDENT and SINK_ID, or --list."),
    ],
)
def test_what_cannot_be_merged_is_refused(twice: World, terminal: Terminal, words: tuple[str, ...], told: str) -> None:
    with twice.planner() as connection:
        (other,) = connection.exec_driver_sql("SELECT id FROM students WHERE external_id = 's1002'").one()
    named = [{"TWIN": twice.twin, "OTHER": other}.get(each, each) for each in words]
    answer = say(terminal, twice, "merge", *named, "--yes")
    assert (answer.code, made(twice)) == (2, [])
    assert told in answer.err


def test_one_of_the_sink_is_merged_with_one_student_only(twice: World, terminal: Terminal) -> None:
    assert say(terminal, twice, "merge", "s1001", twice.twin, "--yes", "--as", "Ann").code == 0
    answer = say(terminal, twice, "merge", "s1002", twice.twin, "--yes")
    assert answer.code == 2
    assert f"E-MAP-1  students s1001 is {twice.twin} of the sink already: so decided Ann" in answer.err
