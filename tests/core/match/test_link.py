"""Taking over what the sink had before: by decision or by identifier, only what is free, and never by guessing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from board import BY_NAME, TABLES, Board, row
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncrun.match.link import find, observe
from syncrun.plan.diff import LINKS
from syncrun.sdk import Observed
from syncrun.state.decision import Decision


class Had:
    """A sink that had these teachers before: id, name, number."""

    def __init__(self) -> None:
        self.rows: list[Observed] = []
        self.asked: list[str] = []

    def __call__(
        self, sink_id: str, name: str | None, number: str | None, *, owned: bool = False, archived: bool = False
    ) -> None:
        self.rows.append(Observed(sink_id, owned, archived, [name, number]))

    def observe(self, table: str) -> Iterator[Observed]:
        self.asked.append(table)
        yield from self.rows if table == "teachers" else ()


@pytest.fixture
def had() -> Had:
    return Had()


def found(board: Board, had: Had, *decisions: Decision) -> tuple[dict[str, str], dict[str, str]]:
    """Links by key, and doubts by school."""
    doubts = find(board.connection, had, TABLES, decisions, board.folder, lambda table, key: "NULL")  # type: ignore[arg-type] # what is asked of it
    links = board.connection.execute(f"SELECT key, sink_id FROM {LINKS}").fetchall()
    assert not list(board.folder.glob("observed-*"))
    return dict(links), doubts


def test_row_with_the_same_number_is_taken_over(board: Board, had: Had) -> None:
    board.wants("teachers", row("t1", number="7"), row("t2", number="8"), row("t3"))
    had("A", "Ann", "7")
    had("B", "Bob", None)
    assert found(board, had) == ({"t1": "A"}, {})


@pytest.mark.parametrize("state", [{"owned": True}, {"archived": True}], ids=["owned", "archived"])
def test_row_that_is_owned_or_archived_is_not_found_by_its_number(
    board: Board, had: Had, state: dict[str, bool]
) -> None:
    board.wants("teachers", row("t1", number="7"))
    had("A", "Ann", "7", **state)
    assert found(board, had) == ({}, {})


@pytest.mark.requirement("S0-10")
def test_where_two_might_be_meant_a_person_must_say_which(board: Board, had: Had) -> None:
    board.wants("teachers", row("t1", "s1", number="7"), row("t2", "s2", number="8"), row("t3", "s3", number="8"),
                row("t4", "s4", number="9"))  # fmt: skip
    had("A", "Ann", "7")
    had("B", "Bea", "7")
    had("C", "Cem", "8")
    had("D", "Dan", "9")
    links, doubts = found(board, had)
    assert links == {"t4": "D"}
    assert doubts == dict.fromkeys(("s1", "s2", "s3"), "1 teachers fit several rows of the sink by number; decide in the mapping file")  # fmt: skip


@pytest.mark.requirement("S0-12")
def test_decision_goes_before_the_number(board: Board, had: Had) -> None:
    board.wants("teachers", row("t1", number="7"), row("t2", number="8"), row("t3", number="9"))
    had("A", "Ann", "7")
    had("B", "Bea", "8")
    had("C", "Cem", "9")
    decisions = [Decision("teachers", "t1", "link", "B"), Decision("teachers", "t3", "add")]
    assert found(board, had, *decisions) == ({"t1": "B"}, {})


def test_decision_settles_what_was_in_doubt(board: Board, had: Had) -> None:
    board.wants("teachers", row("t1", number="7"))
    had("A", "Ann", "7")
    had("B", "Bea", "7")
    assert found(board, had, Decision("teachers", "t1", "link", "B")) == ({"t1": "B"}, {})


def test_decision_takes_an_archived_row(board: Board, had: Had) -> None:
    board.wants("teachers", row("t1"))
    had("A", "Ann", None, archived=True)
    assert found(board, had, Decision("teachers", "t1", "link", "A")) == ({"t1": "A"}, {})


@pytest.mark.parametrize("state", ["absent", "owned"])
def test_decision_that_names_no_free_row_is_said_and_nothing_is_created_unseen(
    board: Board, had: Had, state: str
) -> None:
    board.wants("teachers", row("t1", "s1"), row("t2", "s2", number="7"))
    if state == "owned":
        had("A", "Ann", None, owned=True)
    had("B", "Bob", "7")
    links, doubts = found(board, had, Decision("teachers", "t1", "link", "A"))
    assert links == {"t2": "B"}
    assert doubts == {"s1": "1 teachers are linked to rows that the sink does not have or that are not free; correct the "
                            "mapping file"}  # fmt: skip


def test_every_doubt_of_a_school_is_told(board: Board, had: Had) -> None:
    board.wants("teachers", row("t1", number="7"), row("t2"))
    had("A", "Ann", "7")
    had("B", "Bea", "7")
    (doubt,) = found(board, had, Decision("teachers", "t2", "link", "Z"))[1].values()
    assert "correct the mapping file; 1 teachers fit several" in doubt


def test_decision_that_was_carried_out_is_no_doubt_later(board: Board, had: Had) -> None:
    board.took("teachers", row("t1", sink_id="A"))
    board.wants("teachers", row("t1"), row("new"))
    had("A", "Ann", None, owned=True)
    assert found(board, had, Decision("teachers", "t1", "link", "A")) == ({}, {})


def test_decision_on_another_kind_is_none_on_teachers(board: Board, had: Had) -> None:
    board.wants("teachers", row("t1"))
    had("A", "Ann", None)
    assert found(board, had, Decision("orgs", "t1", "link", "A")) == ({}, {})


def test_sink_is_read_only_where_something_new_might_be_linked(board: Board, had: Had) -> None:
    board.took("teachers", row("t1", number="7"))
    board.wants("teachers", row("t1", number="7"))
    board.wants("pupils", row("p1"))
    found(board, had)
    assert had.asked == []


def test_empty_numbers_are_no_numbers(board: Board, had: Had) -> None:
    board.wants("teachers", row("t1", number=None), row("t2", number=None))
    had("A", "Ann", None)
    had("B", "Bea", "")
    assert found(board, had) == ({}, {})


TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(text=TEXTS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_sink_holds_is_observed_as_it_is(board: Board, text: str) -> None:
    had = Had()
    had("A", text, "7")
    had("B", None, "8")
    observe(board.connection, had, BY_NAME["teachers"], board.folder)  # type: ignore[arg-type] # what is asked of it
    rows: list[tuple[Any, ...]] = board.connection.execute("FROM observed.teachers ORDER BY sink_id").fetchall()
    assert rows == [("A", False, False, text, "7"), ("B", False, False, None, "8")]
