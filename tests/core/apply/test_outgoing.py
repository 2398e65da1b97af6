"""Rows on their way out: with the sink's own ids, in chunks, the same as tuples and as CSV."""

from __future__ import annotations

import csv
import io
import os
import stat
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from board import TABLES, Board, row

from syncrun.apply import outgoing as module
from syncrun.apply import step as step_module
from syncrun.apply.identity import derived
from syncrun.apply.outgoing import FAILED, KNOWN, Outgoing, prepare
from syncrun.apply.step import steps
from syncrun.sdk import Action, Cap, Constant

Making = Callable[..., Outgoing]


@pytest.fixture
def outgoing(board: Board) -> Iterator[Making]:
    """Makes the rows of one step."""
    made: list[Outgoing] = []

    def make(
        table: str, action: Action = Action.CREATE, caps: Cap = Cap.CLIENT_IDS, *, fails: str | None = None
    ) -> Outgoing:
        board.release()
        prepare(board.connection, TABLES)
        if fails:
            board.connection.execute(f"INSERT INTO {FAILED} VALUES ('classes', ?)", [fails])
        (step,) = (
            each for each in steps(board.connection, TABLES) if (each.table.name, each.action) == (table, action)
        )
        made.append(Outgoing(board.connection, step, "riverside", "planner", caps, board.folder))
        return made[-1]

    yield make
    for each in made:
        each.close()
    assert not list(board.folder.glob("outgoing-*"))


def ours(table: str, key: str) -> str:
    return derived("riverside", "planner", table, key)


def everything(found: Outgoing, columns: list[Any], numbers: range) -> list[tuple[Any, ...]]:
    """The rows of all chunks."""
    return [each for number in numbers for each in found.rows(number, columns)]


def test_ids_and_references_are_derived_where_the_caller_chooses_them(board: Board, outgoing: Making) -> None:
    board.wants("seats", row("x", class_id="c", pupil_id=None))
    assert list(outgoing("seats").rows(0, ["id", "key", "class_id", "pupil_id", Constant("it's")])) == [
        (ours("seats", "x"), "x", ours("classes", "c"), None, "it's")
    ]


def test_ids_that_the_sink_chose_go_before_derived_ones(board: Board, outgoing: Making) -> None:
    board.took("classes", row("c", sink_id="77"))
    board.wants("classes", row("c"), row("d"))
    board.wants("teachers", row("t"))
    board.link("teachers", "t", "12")
    board.wants("seats", row("x", class_id="c"), row("y", class_id="d"))
    found = outgoing("seats")
    assert sorted(found.rows(1 + 1, ["key", "class_id"])) == [("x", "77"), ("y", ours("classes", "d"))]
    assert list(outgoing("teachers", Action.LINK).rows(1, ["id", "key"])) == [("12", "t")]


def test_sink_that_chooses_ids_gets_none_for_new_rows_and_known_ones_for_old(board: Board, outgoing: Making) -> None:
    board.took("classes", row("c", sink_id="77", title="Old"))
    board.wants("classes", row("c", title="New"), row("d"))
    assert list(outgoing("classes", Action.UPDATE, Cap.NONE).rows(1, ["id", "key", "title"])) == [("77", "c", "New")]
    assert list(outgoing("classes", Action.CREATE, Cap.NONE).rows(0, ["id", "key"])) == [(None, "d")]


def test_update_sends_the_rows_that_touch_its_columns_and_no_others(board: Board, outgoing: Making) -> None:
    board.took("teachers", row("a", name="A", number="1"), row("b", name="A", number="1"))
    board.wants("teachers", row("a", name="B", number="1"), row("b", name="B", number="1"))
    found = outgoing("teachers", Action.UPDATE)
    assert sorted(found.rows(0, ["key", "name"])) == [("a", "B"), ("b", "B")]
    with pytest.raises(Exception, match="number"):
        list(found.rows(0, ["number"]))


def test_values_are_plain_and_days_are_text(board: Board, outgoing: Making) -> None:
    board.wants("classes", row("c", title="", seats=9, since="2026-09-01", open=True), row("d"))
    found = outgoing("classes")
    values = {each[0]: each[1:] for each in found.rows(0, ["key", "title", "seats", "since", "open"])}
    assert values == {"c": ("", 9, "2026-09-01", True), "d": (None, None, None, None)}


HOSTILE = ["a,b", 'say "so"', "two\nlines", "two\r\nlines", "\r", "", " ", "NULL", "\\N", "\\.", "é🚸", "'", "007"]


def test_csv_says_the_same_as_the_tuples(board: Board, outgoing: Making) -> None:
    board.wants("classes", *(row(f"{n}", title=text, seats=n, open=n % 2 == 0, since="2026-09-01") for n, text in enumerate(HOSTILE)),
                row("none"))  # fmt: skip
    columns = ["id", "key", "title", "seats", "since", "open", Constant("riverside")]
    found = outgoing("classes")
    with found.csv(0, columns) as stream:
        text = stream.read().decode()
        assert stat.S_IMODE(os.fstat(stream.fileno()).st_mode) == 0o600
    cells = list(csv.reader(io.StringIO(text, newline="")))
    tuples = [["" if each is None else str(each).lower() if isinstance(each, bool) else str(each) for each in values]
              for values in found.rows(0, columns)]  # fmt: skip
    assert cells == tuples
    by_key = {line.split(",")[1].strip('"'): line for line in text.replace("\r", "").split("\n") if "," in line}
    assert by_key["none"].endswith(",none,,,,,riverside")
    empty = f"{HOSTILE.index('')}"
    assert f',{empty},"",' in text


def test_chunks_hold_every_row_once_sorted_by_id(
    board: Board, outgoing: Making, monkeypatch: pytest.MonkeyPatch
) -> None:
    for where in (module, step_module):
        monkeypatch.setattr(where, "CHUNK_ROWS", 3)
    board.wants("pupils", *(row(f"p{n}") for n in range(8)))
    found = outgoing("pupils")
    assert [found.size(number) for number in range(3)] == [3, 3, 2]
    ids = [each for (each,) in everything(found, ["id"], range(3))]
    assert ids == sorted(ours("pupils", f"p{n}") for n in range(8))
    assert ids == sorted(ids, key=uuid.UUID)
    read = []
    for number in range(3):
        with found.csv(number, ["id"]) as stream:
            read += stream.read().decode().split()
    assert read == ids
    with found.csv(1, ["id"]) as stream:
        assert stream.read().decode().split() == ids[3:6]


def test_rows_that_name_one_whose_creation_failed_are_not_sent(board: Board, outgoing: Making) -> None:
    board.wants("classes", row("c"), row("d"))
    board.wants("seats", row("x", class_id="c"), row("y", class_id="d"), row("z", class_id=None))
    found = outgoing("seats", fails="c")
    assert (found.failing(1), found.size(1)) == (["x"], 2)
    assert {key for (key,) in found.rows(1, ["key"])} == {"y", "z"}


def test_known_ids_are_those_of_rows_taken_and_rows_linked(board: Board, outgoing: Making) -> None:
    board.took("classes", row("c", sink_id="77"), row("d"))
    board.wants("classes", row("c"), row("d"))
    board.wants("teachers", row("t"), row("u"))
    board.link("teachers", "t", "12")
    outgoing("teachers")
    assert sorted(board.connection.execute(f"FROM {KNOWN}").fetchall()) == [
        ("classes", "c", "77"),
        ("teachers", "t", "12"),
    ]
