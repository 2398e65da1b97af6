"""What a sink has taken: files on files, of which the newest word on a row counts."""

from __future__ import annotations

import datetime

from board import BY_NAME, Board, row

from syncrun.plan import applied


def test_nothing_taken_is_a_table_without_rows_but_with_its_types(board: Board) -> None:
    assert board.rows("applied.classes") == []
    described = board.connection.execute("DESCRIBE applied.classes").fetchall()
    assert [(each[0], each[1]) for each in described] == [
        ("key", "VARCHAR"), ("school", "VARCHAR"), ("sink_id", "VARCHAR"), ("title", "VARCHAR"), ("seats", "INTEGER"),
        ("since", "DATE"), ("open", "BOOLEAN"), ("archived", "BOOLEAN"),
    ]  # fmt: skip


def test_rows_come_back_with_their_values(board: Board) -> None:
    board.took("classes", row("c1", title="Art", seats=9, since="2026-09-01", open=True, sink_id="77"))
    assert board.rows("applied.classes") == [
        {"key": "c1", "school": "s1", "sink_id": "77", "title": "Art", "seats": 9, "since": datetime.date(2026, 9, 1),
         "open": True, "archived": False},
    ]  # fmt: skip


def test_later_files_overrule_earlier_ones(board: Board) -> None:
    board.took("pupils", row("a", name="old"), row("b", name="old"), row("c", name="old"))
    board.took("pupils", row("a", name="newer"), row("b", name="gone", archived=True))
    board.took("pupils", row("a", "s2", name="newest"), row("d", name="new"))
    board.took("pupils", row("b", name="back"))
    found = {each["key"]: (each["name"], each["school"], each["archived"]) for each in board.rows("applied.pupils")}
    assert found == {
        "a": ("newest", "s2", False), "b": ("back", "s1", False), "c": ("old", "s1", False), "d": ("new", "s1", False),
    }  # fmt: skip


def test_archived_rows_stay_known(board: Board) -> None:
    board.took("pupils", row("a", name="Ann", archived=True))
    assert [(each["name"], each["archived"]) for each in board.rows("applied.pupils")] == [("Ann", True)]


def test_folded_file_says_the_same_as_all_the_files(board: Board) -> None:
    for n in range(5):
        board.took(
            "pupils", *(row(f"k{m}", name=f"{n}", archived=(m + n) % 3 == 0, sink_id=f"{m}") for m in range(n, n + 4))
        )
    before = board.rows("applied.pupils")
    applied.fold(board.connection, BY_NAME["pupils"], board.folder / "folded.parquet")
    applied.open_table(board.connection, BY_NAME["pupils"], [board.folder / "folded.parquet"])
    assert board.rows("applied.pupils") == before
    assert len(before) == 8
