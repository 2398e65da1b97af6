"""Files in which not every line is a row: every line that is not blank is in one row, or is one bad line."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncrun.intake import mend as mending
from syncrun.intake.mend import BAD, MENDED, SURPLUS, Layout, Mended, mend
from syncrun.scratch import scratch

LAYOUT = Layout(3, (0, 1, 2), (), keyed=True)
ENDS = ["\n", "\r\n", "\r"]


@dataclass
class Found:
    """What mending told, with the bad lines."""

    told: Mended
    bad: list[tuple[int, str, str | None]]


def mended(folder: Path, text: str | bytes, layout: Layout = LAYOUT) -> tuple[list[list[str]], Found]:
    source = folder / "source.csv"
    source.write_bytes(text if isinstance(text, bytes) else text.encode())
    with scratch(folder / "spill", [folder]) as connection:
        told = mend(connection, source, layout)
        bad = connection.execute(f"SELECT line, code, key FROM {BAD} ORDER BY line").fetchall()
        rows = connection.execute(f"FROM {MENDED} ORDER BY line").fetchall()
        tables = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    assert {table for (table,) in tables} == {MENDED, BAD, SURPLUS}
    last, code = (bad[-1][0], bad[-1][1]) if bad else (0, "")
    assert (told.bad, told.last, told.last_open) == (len(bad), last, code == "R-FILE-09")
    assert told.proved is all(key for _, _, key in bad)
    return [[str(cell or "") for cell in row] for row in rows], Found(told, bad)


def lines(*each: str, end: str = "\n") -> str:
    return end.join(("id,name,note", *each)) + end


def bad(found: Found) -> list[tuple[int, str, str | None]]:
    return found.bad


@pytest.mark.parametrize("end", ENDS)
def test_blank_lines_are_passed_over_and_counted(tmp_path: Path, end: str) -> None:
    rows, found = mended(tmp_path, lines("", "a,Ana,", "", "", "b,Bo,x", "", end=end))
    assert rows == [["3", "a", "Ana", ""], ["6", "b", "Bo", "x"]]
    assert (found.bad, found.told.line_ends) == ([], {end})


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("inner", ENDS)
def test_line_breaks_inside_cells_are_kept_and_counted(tmp_path: Path, end: str, inner: str) -> None:
    rows, found = mended(tmp_path, lines(f'a,"Ana{inner}{inner}Berg",', "b,Bo,x", end=end))
    assert rows == [["2", "a", f"Ana{inner}{inner}Berg", ""], ["5", "b", "Bo", "x"]]
    assert (found.bad, found.told.line_ends) == ([], {end})


def test_rows_may_end_in_several_ways_which_is_told(tmp_path: Path) -> None:
    assert mended(tmp_path, "id,name,note\na,Ana,\r\nb,Bo,x\r")[1].told.line_ends == {"\n", "\r\n", "\r"}


def test_last_line_may_lack_its_end(tmp_path: Path) -> None:
    assert mended(tmp_path, lines("a,Ana,") + "b,Bo,x")[0] == [["2", "a", "Ana", ""], ["3", "b", "Bo", "x"]]


@pytest.mark.parametrize(
    ("line", "code", "key"),
    [
        ("b,Bo", "R-FILE-07", "b"),
        ("   ", "R-FILE-07", "   "),
        ("b,Bo,x,y", "R-FILE-08", "b"),
        ("b,Bo, Jr,", "R-FILE-08", "b"),
        ('b,Bo,x,""', "R-FILE-08", "b"),
        ('b,"Bo,x', "R-FILE-09", "b"),
        ('b,"Bo"x,y', "R-FILE-09", "b"),
        ('"b",Bo', "R-FILE-07", "b"),
        ('"b ""c"", d",Bo', "R-FILE-07", 'b "c", d'),
        ('"b,Bo,x', "R-FILE-09", None),
        (",Bo", "R-FILE-07", None),
        ("b,B\udcff,x", "R-FILE-10", "b"),
        ("b\udcfc,Bo,x", "R-FILE-10", None),
    ],
)
def test_line_that_is_no_row_is_told_and_the_next_ones_are_read(
    tmp_path: Path, line: str, code: str, key: str | None
) -> None:  # fmt: skip
    rows, found = mended(tmp_path, lines("a,Ana,", line, "c,Cy,").encode(errors="surrogateescape"))
    assert [row[:2] for row in rows] == [["2", "a"], ["4", "c"]]
    assert bad(found) == [(3, code, key)]


def test_quotes_and_commas_inside_quotes_are_read(tmp_path: Path) -> None:
    rows, found = mended(tmp_path, lines('"a","Berg, ""Ana""",', "", 'b,B"o,'))
    assert rows == [["2", "a", 'Berg, "Ana"', ""], ["4", "b", 'B"o', ""]]
    assert found.bad == []


@pytest.mark.parametrize(
    ("last", "keys", "broken"),
    [("d,Di,x", "acd", [3]), ('d,"Di",x', "acd", [3]), ('d,Di",x', "ac", [3, 5]), ("", "ac", [3])],
)
def test_open_quote_costs_one_line_and_not_those_behind_it(
    tmp_path: Path, last: str, keys: str, broken: list[int]
) -> None:  # fmt: skip
    rows, found = mended(tmp_path, lines("a,Ana,", 'b,"Bo,x', "c,Cy,", last))
    assert [row[1] for row in rows] == list(keys)
    assert [(line, code) for line, code, _ in found.bad] == [(line, "R-FILE-09") for line in broken]
    assert [key for _, _, key in found.bad] == ["b", None][: len(broken)]


def test_open_quote_costs_one_line_of_very_many(tmp_path: Path) -> None:
    """Left to itself the engine passes over about a hundred thousand good rows here."""
    many = [f"k{n:06d},{'z' * 80}," for n in range(120_000)]
    rows, found = mended(tmp_path, lines('b,"Bo,x', *many, 'd,"Di",'))
    assert len(rows) == 120_001
    assert bad(found) == [(2, "R-FILE-09", "b")]


def test_row_of_several_lines_that_is_out_of_order_gives_no_shifted_row(tmp_path: Path) -> None:
    """The rest of it, taken alone, would have as many cells as a row."""
    rows, found = mended(tmp_path, lines('a,"Ana', 'Berg",x,y', "b,Bo,"))
    assert [row[1] for row in rows] == ["b"]
    assert [line for line, _, _ in found.bad] == [2, 3]


def test_key_of_a_line_behind_an_open_quote_is_not_told(tmp_path: Path) -> None:
    """It may be a piece of any cell."""
    found = mended(tmp_path, lines('a,"Ana', 'her mother said"', "b,Bo,"))[1]
    assert bad(found) == [(2, "R-FILE-07", "a"), (3, "R-FILE-09", None)]


def test_quote_that_is_open_at_the_end_is_told(tmp_path: Path) -> None:
    rows, found = mended(tmp_path, lines("a,Ana,", 'b,"Bo'))
    assert ([row[1] for row in rows], bad(found)) == (["a"], [(3, "R-FILE-09", "b")])


def test_line_that_is_too_long_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mending, "MAX_LINE", 100)
    rows, found = mended(tmp_path, lines("a,Ana,", f"b,{'x' * 350},", "c,Cy,"))
    assert [row[:2] for row in rows] == [["2", "a"], ["4", "c"]]
    assert bad(found) == [(3, "R-FILE-11", "b")]


def test_cell_may_be_longer_than_the_library_takes_by_itself(tmp_path: Path) -> None:
    rows, _ = mended(tmp_path, lines(f"a,{'x' * 200_000},"))
    assert len(rows[0][2]) == 200_000
    assert csv.field_size_limit() == 131_072


def test_only_kept_columns_are_copied_and_marked_ones_leave_a_mark(tmp_path: Path) -> None:
    layout = Layout(3, (2, 0), {2}, keyed=True)
    rows, _ = mended(tmp_path, lines("a,Ana,canary", "b,Bo,", "c,Cy,\u00a0"), layout)
    assert rows == [["2", "1", "a"], ["3", "", "b"], ["4", "", "c"]]


def test_key_is_not_guessed_where_it_is_not_the_first_column(tmp_path: Path) -> None:
    assert bad(mended(tmp_path, lines("Ana,a"), Layout(3, (0,), (), keyed=False))[1]) == [(2, "R-FILE-07", None)]


PIECES = st.sampled_from(
    ["a", "b", ",", ",", '"', '""', "\n", "\r", "\r\n", " ", "é", "\x00", "x,y,z\n", 'p,"q\nr",s\n']
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(st.lists(PIECES, max_size=60).map("".join))
def test_every_line_is_in_one_row_or_is_bad(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    rows, found = mended(tmp_path_factory.getbasetemp(), "id,name,note\n" + text)
    physical = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    blank = {2 + n for n, line in enumerate(physical) if not line}
    taken: list[int] = []
    for row in rows:
        breaks = sum(cell.replace("\r\n", "\n").replace("\r", "\n").count("\n") for cell in row[1:])
        taken += range(int(row[0]), int(row[0]) + breaks + 1)
    taken += [line for line, _, _ in found.bad]
    assert len(taken) == len(set(taken))
    assert set(taken) | blank == set(range(2, 2 + len(physical)))
    assert all(len(row) == 4 for row in rows)
    assert [int(row[0]) for row in rows] == sorted(int(row[0]) for row in rows)


WORDS = [
    "a,Ana,x\n",
    'b,"B\no",\n',
    'c,"C\r\n""y""",z\r\n',
    '"d\rd",,"\n\n"\n',
    'e,"E\n',
    'f",F,\n',
    'x",y,z\n',
    "\n",
    '"g"g,\n',
]


@pytest.mark.slow
@settings(max_examples=1500, deadline=None, derandomize=True, database=None)
@given(st.lists(PIECES | st.sampled_from(WORDS), max_size=40).map("".join))
def test_rows_joined_at_once_are_those_found_by_hand(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    both_ways(tmp_path_factory.getbasetemp(), text)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.lists(st.sampled_from(WORDS), max_size=12).map("".join))
def test_rows_joined_at_once_are_those_found_by_hand_in_short(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    both_ways(tmp_path_factory.getbasetemp(), text)


def both_ways(folder: Path, text: str) -> None:
    at_once = mended(folder, "id,name,note\n" + text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mending, "_join_lines", lambda connection, layout: frozenset())
        assert at_once == mended(folder, "id,name,note\n" + text)


def test_nothing_is_gone_through_by_hand_that_can_be_joined_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mending.csv, "reader", None)
    rows, found = mended(tmp_path, lines('a,"A\nna","x"', 'b,"B\n\no",', "", 'c,"C\r""y""",'))
    assert rows == [["2", "a", "A\nna", "x"], ["4", "b", "B\n\no", ""], ["8", "c", 'C\r"y"', ""]]
    assert found.bad == []


def test_damaged_byte_in_a_row_of_several_lines_costs_the_row(tmp_path: Path) -> None:
    rows, found = mended(tmp_path, b'id,name,note\na,"A\nn\xff",x\nb,"B\no",\n')
    assert [row[1] for row in rows] == ["b"]
    assert bad(found)[0] == (2, "R-FILE-10", "a")
