"""The order of work, and chunks that are cut the same way each time."""

from __future__ import annotations

import pytest
from board import TABLES, Board, row

from syncrun.apply import step as step_module
from syncrun.apply.step import Step, steps
from syncrun.sdk import Action


@pytest.fixture
def busy(board: Board) -> Board:
    """Some of every action in every table."""
    for table in ("classes", "pupils", "seats"):
        board.took(table, row("gone"), row("same"), row("away", archived=True))
    board.took(
        "teachers", row("a", name="A", number="1"), row("b", name="A", number="1"), row("c", name="A", number="1")
    )
    for table in ("classes", "pupils", "seats"):
        board.wants(table, row("new"), row("same"), row("away"))
    board.wants(
        "teachers",
        row("a", name="B", number="1"),
        row("b", name="A", number="2"),
        row("c", name="B", number="1"),
        row("free"),
    )
    board.link("teachers", "free", "77")
    board.release()
    return board


def found(board: Board) -> list[Step]:
    return steps(board.connection, TABLES)


def test_all_that_brings_rows_goes_parents_first_and_then_all_that_takes_rows_children_first(busy: Board) -> None:
    assert [f"{each.action} {each.table.name}" for each in found(busy)] == [
        "create classes", "restore classes", "create pupils", "restore pupils", "link teachers", "update teachers",
        "update teachers", "create seats", "restore seats", "archive seats", "archive pupils", "archive classes",
    ]  # fmt: skip


def test_updates_are_grouped_by_the_columns_they_touch(busy: Board) -> None:
    updates = {each.fields: each.rows for each in found(busy) if each.action is Action.UPDATE}
    assert updates == {("name",): 2, ("number",): 1}


def test_other_actions_touch_every_column_but_removal_which_touches_none(busy: Board) -> None:
    for each in found(busy):
        if each.action is Action.ARCHIVE:
            assert each.fields == ()
        elif each.action is not Action.UPDATE:
            assert each.fields == tuple(column.name for column in each.table.columns)


def test_chunks_are_numbered_through_and_are_the_same_again(busy: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_module, "CHUNK_ROWS", 1)
    numbers = [number for each in found(busy) for number in each.chunks]
    assert numbers == list(range(sum(each.rows for each in found(busy))))
    assert found(busy) == found(busy)


@pytest.mark.parametrize(("rows", "chunks"), [(1, 1), (50_000, 1), (50_001, 2), (150_000, 3)])
def test_last_chunk_takes_the_rest(rows: int, chunks: int) -> None:
    assert list(Step(TABLES[0], Action.CREATE, (), rows, 4).chunks) == list(range(4, 4 + chunks))


def test_nothing_released_is_no_work(board: Board) -> None:
    board.wants("pupils", row("p"))
    board.release(held=["s1"])
    assert found(board) == []
