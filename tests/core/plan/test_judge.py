"""Each limit at its edge: what may go unseen, what waits, and who waits with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from board import Board, Row, limits, row
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncrun.plan.judge import REASONS


def pupils(count: int, school: str = "s1", start: int = 0, **values: Any) -> list[Row]:
    """So many pupils of a school."""
    return [row(f"{school}-{n}", school, **{"name": f"N{n}", **values}) for n in range(start, start + count)]


def codes(found: dict[str, list[str]]) -> dict[str, set[str]]:
    """The codes by part, of parts that wait."""
    return {part: {reason.split()[0] for reason in reasons} for part, reasons in found.items() if reasons}


def losing(board: Board, had: int, lost: int) -> None:
    """A school loses so many of so many pupils."""
    board.took("pupils", *pupils(had))
    board.wants("pupils", *pupils(had - lost, start=lost))


# -- removals ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("had", "lost", "waits"), [
    (60, 6, False), (60, 7, True), (59, 6, True),  # the share: 10 %
    (20, 5, False), (20, 6, True), (6, 5, False),  # the floor: 5
])  # fmt: skip
@pytest.mark.requirement("SX-1")
def test_removals_wait_above_both_the_share_and_the_floor(board: Board, had: int, lost: int, waits: bool) -> None:  # noqa: FBT001 # a parameter
    losing(board, had, lost)
    expected = {"s1": {"P-REMOVE-1"}} if waits else {}
    assert codes(board.judged()) == expected


def test_limits_are_the_districts_own(board: Board) -> None:
    losing(board, 100, 20)
    assert codes(board.judged(limits(removals=20))) == {}
    assert codes(board.judged(limits(removals=19.9))) == {"s1": {"P-REMOVE-1"}}
    assert codes(board.judged(limits(removals_floor=20))) == {}
    assert codes(board.judged(limits(removals=0, removals_floor=19))) == {"s1": {"P-REMOVE-1"}}


def test_words_of_a_reason_have_counts_and_names_of_tables_only(board: Board) -> None:
    losing(board, 20, 6)
    assert board.judged() == {
        "s1": ["P-REMOVE-1 6 of 20 pupils would go", "P-REMOVE-1 6 of 20 pupils in the district would go"]
    }


def test_breach_of_one_school_holds_no_other(board: Board) -> None:
    board.took("pupils", *pupils(20), *pupils(400, "s2"))
    board.wants("pupils", *pupils(10), *pupils(399, "s2"))
    assert codes(board.judged()) == {"s1": {"P-REMOVE-1"}}


def test_breach_of_the_whole_district_holds_every_school_that_has_a_part_in_it(board: Board) -> None:
    schools = [f"s{n}" for n in range(1, 11)]
    board.took("pupils", *(each for school in schools for each in pupils(10, school)), *pupils(2, "s11"))
    board.wants("pupils", *(each for school in schools for each in pupils(8, school)), *pupils(2, "s11", name="new"))
    found = board.judged()
    assert codes(found) == {school: {"P-REMOVE-1"} for school in schools}
    assert found["s1"] == ["P-REMOVE-1 20 of 102 pupils in the district would go"]
    assert found["s11"] == []


def test_nothing_can_be_lost_of_nothing(board: Board) -> None:
    board.wants("pupils", *pupils(100))
    assert codes(board.judged(limits(removals=0, removals_floor=0, updates=0, updates_floor=0))) == {}


# -- scope ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("had", [1, 5, 50])
def test_school_that_vanishes_waits_however_small_it_is(board: Board, had: int) -> None:
    board.took("pupils", *pupils(had), *pupils(500, "s2"))
    board.wants("pupils", *pupils(500, "s2"))
    assert board.judged()["s1"] == [f"P-SCOPE-1 all {had} pupils would go"]


def test_kind_that_vanishes_waits_though_the_school_stays(board: Board) -> None:
    board.took("pupils", *pupils(3))
    board.took("classes", row("c1"))
    board.wants("pupils", *pupils(3))
    assert board.judged() == {"s1": ["P-SCOPE-1 all 1 classes would go"]}


def test_school_that_gets_others_in_their_place_has_not_vanished(board: Board) -> None:
    board.took("pupils", *pupils(3))
    board.wants("pupils", *pupils(3, start=10))
    assert codes(board.judged()) == {}


# -- updates -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("had", "changed", "waits"), [
    (8, 6, False), (100, 75, False), (100, 76, True), (7, 6, True), (5, 5, False), (6, 5, False), (6, 6, True),
])  # fmt: skip
def test_updates_wait_above_both_the_share_and_the_floor(board: Board, had: int, changed: int, waits: bool) -> None:  # noqa: FBT001 # a parameter
    board.took("pupils", *pupils(had))
    board.wants("pupils", *pupils(changed, name="new"), *pupils(had - changed, start=changed))
    assert codes(board.judged()) == ({"s1": {"P-UPDATE-1"}} if waits else {})


# -- classes that shrink ---------------------------------------------------------------------------------------------------


def seats(class_: str, count: int, start: int = 0, school: str = "s1") -> list[Row]:
    """So many pupils in a class."""
    return [row(f"{class_}-{n}", school, class_id=class_, pupil_id=f"p{n}") for n in range(start, start + count)]


@pytest.fixture
def class_room(board: Board) -> Callable[[int, int, int], dict[str, set[str]]]:
    """A class that had, loses and gains pupils, beside one so large that no other limit is near."""

    def change(had: int, lost: int, gained: int = 0) -> dict[str, set[str]]:
        for use in (board.took, board.wants):
            use("classes", row("c"), row("large"))
        board.took("seats", *seats("c", had), *seats("large", 1000))
        board.wants("seats", *seats("c", had - lost, start=lost), *seats("c", gained, start=500), *seats("large", 1000))
        return codes(board.judged())

    return change


@pytest.mark.parametrize(("had", "lost", "gained", "waits"), [
    (10, 5, 0, False), (10, 6, 0, True), (5, 3, 0, True), (4, 4, 0, False), (5, 2, 0, False),
    (10, 6, 1, False), (10, 10, 4, True), (10, 10, 5, False), (10, 10, 10, False),
])  # fmt: skip
def test_class_waits_that_loses_more_than_half(
    class_room: Callable[[int, int, int], dict[str, set[str]]],
    had: int,
    lost: int,
    gained: int,
    waits: bool,  # noqa: FBT001 # a parameter
) -> None:
    assert class_room(had, lost, gained) == ({"s1": {"P-SHRINK-1"}} if waits else {})


def test_class_that_goes_itself_is_counted_as_a_class(board: Board) -> None:
    board.took("classes", *(row(f"c{n}") for n in range(30)))
    board.took("seats", *seats("c0", 10), *seats("c1", 1000))
    board.wants("classes", *(row(f"c{n}") for n in range(1, 30)))
    board.wants("seats", *seats("c1", 1000))
    assert codes(board.judged()) == {}


def test_shrinking_holds_the_school_of_the_class(board: Board) -> None:
    board.took("seats", *seats("c", 10, school="s2"), *seats("d", 1000))
    board.wants("seats", *seats("c", 4, school="s2"), *seats("d", 999))
    assert board.judged(limits(removals=100)) == {
        "s1": [], "s2": ["P-SHRINK-1 1 classes would lose over 50 % of their pupils"],
    }  # fmt: skip


def test_class_whose_pupils_are_moved_away_shrinks_too(board: Board) -> None:
    board.took("seats", *seats("c", 10), *seats("d", 1000))
    board.wants("seats", *({**each, "class_id": "d"} for each in seats("c", 10)), *seats("d", 1000))
    assert codes(board.judged()) == {"s1": {"P-SHRINK-1"}}


# -- keys and roles ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "waits"), [(5, False), (6, True)])
def test_rows_that_only_change_their_ids_wait(board: Board, count: int, waits: bool) -> None:  # noqa: FBT001 # a parameter
    board.took("pupils", *pupils(100))
    renamed = [{**each, "key": f"new-{each['key']}"} for each in pupils(count)]
    board.wants("pupils", *renamed, *pupils(100 - count, start=count))
    assert codes(board.judged(limits(removals=100))) == ({"s1": {"P-REKEY-1"}} if waits else {})


def test_others_who_come_and_go_are_no_changed_ids(board: Board) -> None:
    board.took("pupils", *pupils(100))
    board.wants("pupils", *pupils(20, start=200), *pupils(80, start=20))
    assert codes(board.judged(limits(removals=100))) == {}


def test_changed_ids_are_a_share_of_what_the_school_has(board: Board) -> None:
    board.took("pupils", *pupils(200))
    renamed = [{**each, "key": f"new-{each['key']}"} for each in pupils(10)]
    board.wants("pupils", *renamed, *pupils(190, start=10))
    assert codes(board.judged()) == {}
    assert codes(board.judged(limits(rekeys=4.9))) == {"s1": {"P-REKEY-1"}}


@pytest.mark.parametrize("archived", [False, True], ids=["a pupil", "a former pupil"])
def test_one_person_who_rises_to_more_rights_waits(board: Board, archived: bool) -> None:  # noqa: FBT001 # a parameter
    board.took("pupils", row("x", archived=archived), *pupils(50))
    board.took("teachers", *(row(f"t{n}", number=str(n)) for n in range(9)))
    board.wants("pupils", *pupils(50))
    board.wants("teachers", row("x", "s2"), *(row(f"t{n}", number=str(n)) for n in range(9)))
    assert board.judged()["s2"] == ["P-ROLE-1 1 persons move from pupils to teachers"]


def test_one_who_becomes_a_pupil_rises_to_nothing(board: Board) -> None:
    board.took("teachers", row("x"), *(row(f"t{n}") for n in range(20)))
    board.wants("teachers", *(row(f"t{n}") for n in range(20)))
    board.wants("pupils", row("x"))
    assert codes(board.judged()) == {}


def test_new_teacher_who_was_nobody_rises_from_nothing(board: Board) -> None:
    board.took("pupils", *pupils(5))
    board.wants("pupils", *pupils(5))
    board.wants("teachers", row("t"))
    assert codes(board.judged()) == {}


# -- what waits whatever the counts ----------------------------------------------------------------------------------------


@pytest.mark.requirement("S0-22")
def test_first_sync_waits_in_every_part_and_for_no_other_reason(board: Board) -> None:
    board.wants("pupils", *pupils(2), *pupils(2, "s2"), *pupils(1, None))  # type: ignore[arg-type] # the district's own
    assert codes(board.judged(first=True)) == {part: {"P-FIRST-1"} for part in ("s1", "s2", "")}


def test_doubtful_set_holds_every_part_and_says_why(board: Board) -> None:
    board.took("pupils", *pupils(20), *pupils(20, "s2"))
    board.wants("pupils", *pupils(21), *pupils(21, "s2"))
    why = ["R-SET-06 users.csv: cut", "R-SET-07"]
    assert board.judged(set_reasons=why) == {part: [f"P-SET-1 {each}" for each in why] for part in ("s1", "s2")}


@pytest.mark.requirement("S0-23", "S0-31")
def test_new_rows_that_cost_money_wait_apart_from_the_rest_of_the_school(board: Board) -> None:
    board.took("teachers", row("old"))
    board.wants("teachers", row("old", name="B"), row("new"), row("newer"))
    assert board.judged(ask_new=True) == {"s1": [], "s1|new": ["P-NEW-1 2 new rows would be billed"]}


def test_doubt_about_a_link_holds_its_school_also_where_new_rows_are_asked_for(board: Board) -> None:
    board.took("teachers", row("old"))
    board.wants("teachers", row("old"), row("new"), row("other", "s2"))
    assert board.judged(ask_new=True, doubts={"s1": "two fit"}) == {
        "s1|new": ["P-NEW-1 1 new rows would be billed", "P-MATCH-1 two fit"], "s2|new": ["P-NEW-1 1 new rows would be billed"],
    }  # fmt: skip


def test_breach_of_a_school_holds_its_new_rows_too(board: Board) -> None:
    board.took("pupils", *pupils(20))
    board.wants("pupils", *pupils(10))
    board.wants("teachers", row("new"))
    found = codes(board.judged(ask_new=True))
    assert found == {"s1": {"P-REMOVE-1"}, "s1|new": {"P-REMOVE-1", "P-NEW-1"}}


def test_every_reason_has_a_line_in_the_docs() -> None:
    assert set(REASONS) == {
        "P-FIRST-1", "P-SET-1", "P-REMOVE-1", "P-UPDATE-1", "P-SHRINK-1", "P-SCOPE-1", "P-REKEY-1", "P-ROLE-1", "P-NEW-1",
        "P-MATCH-1", "P-MEMBERS-1", "P-REVIEW-1",
    }  # fmt: skip


# -- hashes --------------------------------------------------------------------------------------------------------------


def test_parts_count_what_is_done_by_table(board: Board) -> None:
    board.took("pupils", row("a", name="A"), row("b"))
    board.wants("pupils", row("a", name="B"), row("c"), row("d"), row("e", "s2"))
    assert {part: each.counts for part, each in board.parts().items()} == {
        "s1": {"pupils": {"update": 1, "archive": 1, "create": 2}}, "s2": {"pupils": {"create": 1}},
    }  # fmt: skip


def test_hash_does_not_depend_on_the_order_of_rows(board: Board) -> None:
    board.took("pupils", *pupils(10))
    found = []
    for rows in (pupils(10, name="x"), list(reversed(pupils(10, name="x")))):
        board.wants("pupils", *rows)
        found.append(board.parts()["s1"].hash)
    assert found[0] == found[1]


CHANGED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a value": ({}, {"title": "Other"}), "a number": ({}, {"seats": 4}), "a day": ({}, {"since": "2026-09-02"}),
    "a truth": ({}, {"open": False}), "nothing for something": ({}, {"title": None}), "an empty text": ({}, {"title": ""}),
    "a key": ({"key": "d"}, {"key": "d"}), "a value before": ({"title": "Older"}, {}),
    "nothing before": ({"title": None}, {}), "an empty text before": ({"title": ""}, {}), "an id": ({"sink_id": "78"}, {}),
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(CHANGED))
def test_hash_changes_with_any_value_after_or_before(board: Board, case: str) -> None:
    before, after = (
        {"key": "c", "title": "Old", "sink_id": "77"},
        {"key": "c", "title": "New", "seats": 3, "since": "2026-09-01", "open": True},
    )

    def hashed(was: dict[str, Any], now: dict[str, Any]) -> str:
        board.files["classes"] = []
        board.took("classes", row(**{**before, **was}))
        board.wants("classes", row(**{**after, **now}))
        return board.parts()["s1"].hash

    assert hashed({}, {}) == hashed({}, {})
    assert hashed(*CHANGED[case]) != hashed({}, {})


def test_hash_knows_an_archived_row_by_what_it_held(board: Board) -> None:
    found = []
    for title in ("Art", "Music"):
        board.files["classes"] = []
        board.took("classes", row("c", title=title), row("d"))
        board.wants("classes", row("d"))
        found.append(board.parts()["s1"].hash)
    assert found[0] != found[1]


def test_value_that_moves_from_one_column_to_the_next_makes_another_hash(board: Board) -> None:
    found = []
    for values in ({"name": "ab", "number": "c"}, {"name": "a", "number": "bc"}, {"name": None, "number": "abc"}):
        board.wants("teachers", row("t", **values))
        found.append(board.parts()["s1"].hash)
    assert len(set(found)) == 3


VALUES = st.dictionaries(
    st.sampled_from("abcdef"), st.one_of(st.none(), st.sampled_from(["", "x", "y", "é", "'"])), max_size=5
)


@given(one=VALUES, other=VALUES)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_two_plans_have_one_hash_exactly_when_they_are_the_same(
    board: Board, one: dict[str, str | None], other: dict[str, str | None]
) -> None:
    found = []
    for names in (one, other):
        board.wants("pupils", *(row(key, name=text) for key, text in names.items()))
        found.append({part: each.hash for part, each in board.parts().items()})
    assert (found[0] == found[1]) == (one == other)


def test_removals_that_protect_somebody_do_not_wait_with_others(board: Board) -> None:
    board.took("contacts", row("only", name="P"))
    board.took("classes", *(row(f"c{n}", title="C") for n in range(60)))
    board.wants("contacts")
    board.wants("classes", *(row(f"c{n}", title="C") for n in range(20)))
    found = board.judged(doubts={"s1": "which?"})
    assert [each.split()[0] for each in found["s1"]] == ["P-REMOVE-1", "P-REMOVE-1", "P-MATCH-1"]
    assert found["s1|prompt"] == []
    assert board.release(held=["s1"]) == 40


@pytest.mark.parametrize(("gone", "codes"), [(5, []), (6, ["P-REMOVE-1", "P-REMOVE-1"])])
def test_many_removals_that_protect_somebody_wait_all_the_same(board: Board, gone: int, codes: list[str]) -> None:
    board.took("contacts", *(row(f"p{n}", name="P") for n in range(20)))
    board.wants("contacts", *(row(f"p{n}", name="P") for n in range(gone, 20)))
    assert [each.split()[0] for each in board.judged()["s1|prompt"]] == codes
