"""The difference between what there should be and what was taken, row by row."""

from __future__ import annotations

import pytest
from board import Board, row

from syncrun.plan.diff import REGROUPED
from syncrun.sdk import Action


def test_new_changed_gone_back_and_same_rows(board: Board) -> None:
    board.took("pupils", row("same", name="A"), row("changed", name="A"), row("gone", name="A"),
               row("back", name="A", archived=True), row("away", name="A", archived=True))  # fmt: skip
    board.wants("pupils", row("same", name="A"), row("changed", name="B"), row("new", name="A"), row("back", name="A"))
    found = board.diff()
    assert {key: (each["action"], each["fields"], each["name"], each["was name"]) for key, each in found.items()} == {
        "pupils changed": ("update", "name", "B", "A"), "pupils gone": ("archive", "", "A", "A"),
        "pupils new": ("create", "", "A", None), "pupils back": ("restore", "", "A", "A"),
    }  # fmt: skip


@pytest.mark.parametrize(("was", "now", "fields"), [
    ({"title": "Art", "seats": 3}, {"title": "Art", "seats": 4}, "seats"),
    ({"title": "Art"}, {"title": None}, "title"),
    ({"title": None}, {"title": ""}, "title"),
    ({"title": "Art"}, {"title": "art"}, "title"),
    ({"title": "é"}, {"title": "e\u0301"}, "title"),
    ({"title": "a", "seats": 1, "open": True}, {"title": "b", "seats": 2, "open": False}, "title,seats,open"),
    ({"since": "2026-09-01"}, {"since": "2026-09-02"}, "since"),
    ({"open": None}, {"open": False}, "open"),
])  # fmt: skip
def test_changed_fields_are_named_and_every_difference_is_one(
    board: Board, was: dict[str, object], now: dict[str, object], fields: str
) -> None:
    board.took("classes", row("c", **was))
    board.wants("classes", row("c", **now))
    (found,) = board.diff().values()
    assert (found["action"], found["fields"]) == ("update", fields)


def test_equal_rows_with_blanks_are_no_change(board: Board) -> None:
    board.took("classes", row("c"), row("d", title="", seats=0))
    board.wants("classes", row("c"), row("d", title="", seats=0))
    assert board.diff() == {}


def test_row_that_only_moves_to_another_school_in_the_roster_is_noted_and_not_sent(board: Board) -> None:
    board.took("pupils", row("a", "s1", name="A"))
    board.wants("pupils", row("a", "s2", name="A"))
    ((_, change),) = board.diff().items()
    assert (change["action"], change["part"], change["fields"]) == (REGROUPED, "s2", "")
    assert REGROUPED not in set(Action)


def test_changes_belong_to_the_school_where_the_row_is_now_or_was(board: Board) -> None:
    board.took("pupils", row("moves", "s1", name="A"), row("gone", "s1"), row("district", None, name="A"))
    board.wants("pupils", row("moves", "s2", name="B"), row("district", None, name="B"), row("new", "s3"))
    found = {key.removeprefix("pupils "): each["part"] for key, each in board.diff().items()}
    assert found == {"moves": "s2", "gone": "s1", "district": "", "new": "s3"}


def test_table_whose_rows_are_kept_loses_none(board: Board) -> None:
    board.took("notes", row("a", text="x"), row("b", text="x"), row("c", archived=True))
    board.wants("notes", row("b", text="y"), row("c"))
    assert {key: each["action"] for key, each in board.diff().items()} == {"notes b": "update", "notes c": "restore"}


def test_row_that_comes_back_with_other_values_says_which(board: Board) -> None:
    board.took("classes", row("c", title="Art", seats=3, archived=True, sink_id="77"))
    board.wants("classes", row("c", title="Music", seats=3))
    (found,) = board.diff().values()
    assert (found["action"], found["fields"], found["sink_id"], found["was title"]) == ("restore", "title", "77", "Art")


def test_id_of_the_sink_is_kept_with_a_change(board: Board) -> None:
    board.took("pupils", row("a", name="A", sink_id="77"), row("b", sink_id="78"))
    board.wants("pupils", row("a", name="B"))
    assert [each["sink_id"] for each in board.diff().values()] == ["77", "78"]


def test_everything_is_created_at_first(board: Board) -> None:
    board.wants("pupils", row("a", name="A"), row("b"))
    found = board.diff(first=True)
    assert {each["action"] for each in found.values()} == {"create"}
    assert found["pupils a"]["was name"] is None


def test_first_plan_is_the_same_as_a_difference_from_nothing(board: Board) -> None:
    board.wants("classes", row("c", title="Art", seats=3, since="2026-09-01", open=False), row("d", None))
    assert board.diff(first=True) == board.diff()


@pytest.mark.parametrize("first", [True, False])
def test_row_that_the_sink_has_is_taken_over_in_place_of_a_creation(board: Board, first: bool) -> None:  # noqa: FBT001 # a parameter
    board.wants("teachers", row("t1"), row("t2"))
    board.wants("pupils", row("t1"))
    board.link("teachers", "t1", "77")
    found = {key: (each["action"], each["sink_id"]) for key, each in board.diff(first=first).items()}
    assert found == {"teachers t1": ("link", "77"), "teachers t2": ("create", None), "pupils t1": ("create", None)}


def test_link_does_not_touch_a_row_that_was_taken_already(board: Board) -> None:
    board.took("teachers", row("t1", name="A", sink_id="12"))
    board.wants("teachers", row("t1", name="B"))
    board.link("teachers", "t1", "77")
    (found,) = board.diff().values()
    assert (found["action"], found["sink_id"]) == ("update", "12")


@pytest.mark.requirement("S0-31")
def test_new_rows_that_cost_money_get_a_part_of_their_own_when_they_are_asked_for(board: Board) -> None:
    board.took("teachers", row("old", name="A"), row("away", archived=True))
    board.wants("teachers", row("old", name="B"), row("new"), row("linked"), row("away"), row("everywhere", None))
    board.wants("pupils", row("p"))
    board.link("teachers", "linked", "77")
    found = {key.rpartition(" ")[2]: each["part"] for key, each in board.diff(ask_new=True).items()}
    assert found == {"old": "s1", "new": "s1|new", "linked": "s1", "away": "s1", "everywhere": "|new", "p": "s1"}
    assert "s1|new" not in {each["part"] for each in board.diff().values()}
