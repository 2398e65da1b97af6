"""What goes now and what waits: whole parts, and with them the rows that need what waits."""

from __future__ import annotations

import pytest
from board import TABLES, Board, row

from syncrun.apply.release import WAITING, ordered, release
from syncrun.plan.model import SinkPlan
from syncrun.sdk import Table


def released(board: Board) -> set[str]:
    """Keys that go, with their tables."""
    return {f"{table.name} {each['key']}" for table in TABLES for each in board.rows(f"released.{table.name}")}


def waiting(board: Board) -> set[str]:
    """Keys that wait, with their tables."""
    return {f"{table} {key}" for table, key in board.connection.execute(f"FROM {WAITING}").fetchall()}


@pytest.fixture
def two_schools(board: Board) -> Board:
    """New classes and pupils of two schools; one pupil of the first sits in a class of the second."""
    board.wants("classes", row("c1", "s1"), row("c2", "s2"))
    board.wants("pupils", row("p1", "s1"), row("p2", "s2"))
    board.wants("seats", row("p1 in c1", "s1", class_id="c1", pupil_id="p1"), row("p2 in c2", "s2", class_id="c2", pupil_id="p2"),
                row("p1 in c2", "s1", class_id="c2", pupil_id="p1"))  # fmt: skip
    return board


ALL = {"classes c1", "classes c2", "pupils p1", "pupils p2", "seats p1 in c1", "seats p2 in c2", "seats p1 in c2"}


def test_everything_goes_when_nothing_is_held(two_schools: Board) -> None:
    assert two_schools.release() == 0
    assert released(two_schools) == ALL
    assert waiting(two_schools) == set()


def test_nothing_goes_when_everything_is_held(two_schools: Board) -> None:
    assert two_schools.release(held=["s1", "s2"]) == len(ALL)
    assert released(two_schools) == set()
    assert waiting(two_schools) == ALL


def test_held_school_waits_with_the_rows_of_others_that_need_its_new_rows(two_schools: Board) -> None:
    assert two_schools.release(held=["s2"]) == 4
    assert waiting(two_schools) == {"classes c2", "pupils p2", "seats p2 in c2", "seats p1 in c2"}
    assert released(two_schools) == ALL - waiting(two_schools)


@pytest.mark.parametrize("approved", [["s2"], ["s1", "s2"]])
def test_approved_school_goes(two_schools: Board, approved: list[str]) -> None:
    assert two_schools.release(held=["s2"], approved=approved) == 0
    assert released(two_schools) == ALL


def test_approving_one_of_two_held_schools_lets_that_one_go(two_schools: Board) -> None:
    two_schools.release(held=["s1", "s2"], approved=["s1"])
    assert released(two_schools) == {"classes c1", "pupils p1", "seats p1 in c1"}


def test_row_whose_parent_was_there_before_does_not_wait_for_the_parents_change(board: Board) -> None:
    board.took("classes", row("c2", "s2", title="Old"))
    board.took("pupils", row("p1", "s1"))
    board.wants("classes", row("c2", "s2", title="New"))
    board.wants("pupils", row("p1", "s1"))
    board.wants("seats", row("x", "s1", class_id="c2", pupil_id="p1"))
    board.release(held=["s2"])
    assert (released(board), waiting(board)) == ({"seats x"}, {"classes c2"})


def test_row_whose_parent_comes_back_only_when_approved_waits_with_it(board: Board) -> None:
    board.took("classes", row("c2", "s2", archived=True))
    board.wants("classes", row("c2", "s2"))
    board.wants("seats", row("x", "s1", class_id="c2"))
    board.release(held=["s2"])
    assert (released(board), waiting(board)) == (set(), {"classes c2", "seats x"})


def test_removal_does_not_wait_for_a_parent(board: Board) -> None:
    board.took("seats", row("x", "s1", class_id="c9"))
    board.wants("classes", row("c9", "s2"))
    board.release(held=["s2"])
    assert released(board) == {"seats x"}


def test_new_rows_that_cost_money_wait_apart_and_their_children_with_them(board: Board) -> None:
    board.took("pupils", row("p"))
    board.wants("pupils", row("p", name="new"))
    board.wants("teachers", row("t"))
    board.release(held=["s1|new"], ask_new=True)
    assert (released(board), waiting(board)) == ({"pupils p"}, {"teachers t"})


def test_waiting_passes_on_from_parent_to_child_to_grandchild(board: Board) -> None:
    chain = (*(t for t in reversed(TABLES) if t.name != "notes"),)
    assert [t.name for t in ordered(chain)].index("seats") > [t.name for t in ordered(chain)].index("classes")
    board.wants("classes", row("c", "s2"))
    board.wants("seats", row("x", "s1", class_id="c"))
    found = board.parts()
    held = {name: part for name, part in found.items() if name == "s2"}
    plan = SinkPlan("sink", first=False, tables={}, parts=held)
    assert release(board.connection, plan, TABLES, ["s2"]) == 0


def test_parents_come_before_children_whatever_order_the_vendor_chose() -> None:
    class_, pupils, teachers, seats, notes, _ = TABLES
    assert [t.name for t in ordered([seats, notes, pupils, class_, teachers])] == [
        "notes",
        "pupils",
        "classes",
        "seats",
        "teachers",
    ]
    assert ordered(TABLES) == list(TABLES)


def test_tables_that_refer_to_themselves_or_round_in_a_circle_are_all_there() -> None:
    loops = [Table(name, _refers(name, to), "SELECT 1") for name, to in (("a", "b"), ("b", "a"), ("c", "c"))]
    assert sorted(t.name for t in ordered(loops)) == ["a", "b", "c"]


def _refers(name: str, to: str) -> type:
    from marshmallow import Schema

    from syncrun.sdk import Ref

    return type(name, (Schema,), {"other_id": Ref(to)})
