"""Landing: what stands in a file stands in the table, with the number of its line, and nothing that nobody asked for."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from desk import columns, dicts, text, user
from hypothesis import given, settings
from hypothesis import strategies as st

from syncrun.finding import Finding
from syncrun.intake import land as landing
from syncrun.intake.arrival import ArrivedFile
from syncrun.intake.land import Landed, required_columns
from syncrun.intake.scan import scan
from syncrun.run.checking import EVERYTHING
from syncrun.scratch import scratch
from syncrun.sdk import FileKind

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ORGS = columns("orgs")
HEAD = ",".join(ORGS)
ENDS = ["\n", "\r\n", "\r"]


@dataclass
class Shelf:
    """A landed file: its table by rows, the lines that are no rows, and the findings."""

    connection: DuckDBPyConnection
    landed: Landed | None
    findings: list[Finding]
    entity: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        return dicts(self.connection, f"FROM landed.{self.entity} ORDER BY line")

    @property
    def lines(self) -> dict[str, int]:
        return {row["sourcedId"]: row["line"] for row in self.rows}

    @property
    def bad(self) -> list[tuple[Any, ...]]:
        return self.connection.execute("SELECT line, code, key FROM rejected_lines ORDER BY line").fetchall()

    @property
    def codes(self) -> list[tuple[str, int | None]]:
        return [(each.code, each.line) for each in self.findings if each.code not in {"R-FILE-05", "R-FILE-06"}]


@contextlib.contextmanager
def landed(
    folder: Path, content: str | bytes, entity: str = "orgs", *, staged: Collection[str] = EVERYTHING, place: str = "in",
    version: str = "1.1",
) -> Iterator[Shelf]:  # fmt: skip
    (folder / place).mkdir(exist_ok=True)
    path = folder / place / f"{entity}.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    file = ArrivedFile(FileKind(path.name, entity), scan(path), "bulk")
    with scratch(folder / "spill", [path.parent]) as connection:
        landing.prepare(connection)
        yield Shelf(connection, *landing.land(connection, file, version, staged), entity)


def orgs(*lines: str, end: str = "\n") -> str:
    return end.join((HEAD, *lines)) + end


def org(key: str, name: str = "Oak") -> str:
    return f"{key},,,{name},school,,"


@pytest.mark.requirement("S2-10")
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_unquoted_utf_8_with_any_line_end_is_read_as_it_is(tmp_path: Path, end: str, start: str) -> None:
    with landed(tmp_path, start + orgs(org("a", "Zoë"), org("b", "王小明"), end=end)) as shelf:
        assert [(row["sourcedId"], row["name"], row["line"]) for row in shelf.rows] == [
            ("a", "Zoë", 2),
            ("b", "王小明", 3),
        ]
        assert shelf.codes == []
        assert shelf.landed
        assert (shelf.landed.rows, shelf.landed.unreadable, shelf.landed.proved) == (2, 0, True)


@pytest.mark.parametrize("end", ENDS)
def test_lines_are_physical_whatever_comes_before(tmp_path: Path, end: str) -> None:
    content = orgs(org("a"), "", org("b", f'"Oak{end}{end}Hall"'), "short", org("c"), "", "x,y", org("d"), end=end)
    with landed(tmp_path, content) as shelf:
        assert shelf.lines == {"a": 2, "b": 4, "c": 8, "d": 11}
        assert shelf.bad == [(7, "R-FILE-07", "short"), (10, "R-FILE-07", "x")]
        assert shelf.landed
        assert (shelf.landed.rows, shelf.landed.unreadable) == (6, 2)


@pytest.mark.parametrize("inner", ENDS)
@pytest.mark.parametrize("end", ENDS)
def test_line_break_of_another_kind_inside_a_cell_does_no_harm(tmp_path: Path, end: str, inner: str) -> None:
    with landed(tmp_path, orgs(org("a", f'"Oak{inner}Hall"'), org("b"), end=end)) as shelf:
        assert [row["name"] for row in shelf.rows] == [f"Oak{inner}Hall", "Oak"]
        assert shelf.lines == {"a": 2, "b": 4}


def test_rows_that_end_in_several_ways_are_read(tmp_path: Path) -> None:
    with landed(tmp_path, orgs(org("a")) + org("b") + "\r\n" + org("c") + "\r") as shelf:
        assert (shelf.lines, shelf.codes) == ({"a": 2, "b": 3, "c": 4}, [("R-TEXT-07", None)])


def test_rows_that_end_in_several_ways_are_refused_where_a_line_is_none(tmp_path: Path) -> None:
    with landed(tmp_path, orgs(org("a"), "b,,,O\rk,school,,")) as shelf:
        assert (shelf.landed, shelf.codes) == (None, [("R-FILE-12", None)])


@pytest.mark.requirement("S2-11")
def test_value_with_a_comma_that_is_not_quoted_never_shifts_a_row(tmp_path: Path) -> None:
    """Blank cells at the end of the row make room for the shift, and the engine thinks nothing of it."""
    with landed(tmp_path, orgs(org("a"), "b,,,Oak,school, North,,", org("c"))) as shelf:
        assert shelf.lines == {"a": 2, "c": 4}
        assert shelf.bad == [(3, "R-FILE-08", "b")]
        assert shelf.landed
        assert shelf.landed.proved


@pytest.mark.requirement("S2-11")
@pytest.mark.parametrize("good", [org("a"), org("a", '"Oak, South"')])
def test_only_odd_row_of_a_file_is_noticed(tmp_path: Path, good: str) -> None:
    for odd in ("b,,,Oak,school,,,x", "b,,,Oak,school,x,y,z", 'b,,,Oak,school,,,"",""'):
        with landed(tmp_path, orgs(good, odd)) as shelf:
            assert (shelf.lines, shelf.bad) == ({"a": 2}, [(3, "R-FILE-08", "b")])


def test_line_whose_record_cannot_be_known_leaves_the_file_unproved(tmp_path: Path) -> None:
    with landed(tmp_path, orgs(org("a"), ",Oak", org("c"))) as shelf:
        assert shelf.landed
        assert (shelf.bad, shelf.landed.proved) == ([(3, "R-FILE-07", None)], False)


def test_key_with_damaged_letters_is_not_taken_for_another(tmp_path: Path) -> None:
    with landed(tmp_path, orgs(org("a"), org("Ä1")).encode("latin-1")) as shelf:
        assert shelf.landed
        assert (shelf.bad, shelf.landed.proved) == ([(3, "R-FILE-10", None)], False)


@pytest.mark.requirement("S2-13")
def test_columns_of_ones_own_do_no_harm_even_when_alike(tmp_path: Path) -> None:
    head = "DCID,dcid,,Dcid," + HEAD + ",,metadata.a,metadata.A"
    with landed(tmp_path, f"{head}\n1,2,3,4,{org('a')},5,6,7\n") as shelf:
        assert [(row["sourcedId"], row["name"], row["type"]) for row in shelf.rows] == [("a", "Oak", "school")]
        assert shelf.codes == []


@pytest.mark.parametrize("missing", ["sourcedId", "name", "type"])
def test_file_without_a_required_column_is_refused(tmp_path: Path, missing: str) -> None:
    with landed(tmp_path, orgs(org("a")).replace(missing, "metadata.other")) as shelf:
        assert (shelf.landed, shelf.codes) == (None, [("R-FILE-02", 1)])


@pytest.mark.parametrize("content", [HEAD, HEAD + "\n", HEAD + "\r\n\r\n\r\n"])
def test_header_without_rows_is_refused(tmp_path: Path, content: str) -> None:
    with landed(tmp_path, content) as shelf:
        assert shelf.codes == [("R-SET-04", None)]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("cut", range(1, 7))
def test_last_row_that_is_cut_is_refused(tmp_path: Path, end: str, cut: int) -> None:
    last = ",".join(["b", "", "", "Oak", "school", "x", "y"][:cut])
    with landed(tmp_path, orgs(org("a"), end=end) + last) as shelf:
        assert shelf.codes == [("R-SET-06", 3)]


def test_quote_that_is_open_to_the_end_is_refused(tmp_path: Path) -> None:
    with landed(tmp_path, orgs(org("a"), 'b,,,"Oak')) as shelf:
        assert shelf.codes == [("R-SET-06", 3)]


def test_bad_line_before_the_last_is_no_cut(tmp_path: Path) -> None:
    with landed(tmp_path, orgs(org("a"), 'b,,,"Oak', "c") + org("d")) as shelf:
        assert shelf.codes == []
        assert shelf.lines == {"a": 2, "d": 5}


def test_last_line_without_its_end_is_a_row_when_it_is_whole(tmp_path: Path) -> None:
    with landed(tmp_path, orgs(org("a")) + org("b")) as shelf:
        assert (shelf.lines, shelf.codes) == ({"a": 2, "b": 3}, [])


@pytest.mark.parametrize("place", ["name=Elm", "in[1]", "st*r", "wh?t", "it's", 'a"b', "ünï cödé"])
@pytest.mark.parametrize("odd", ["", "\n"])
def test_folders_may_have_any_name(tmp_path: Path, place: str, odd: str) -> None:
    """The engine would take them for patterns, or `name=Elm` for the value of a column."""
    for other in ("in1", "star", "what"):
        (tmp_path / other).mkdir()
        (tmp_path / other / "orgs.csv").write_text(orgs(org("other")))
    with landed(tmp_path, orgs(org("a"), org("b")) + odd, place=place) as shelf:
        assert [(row["sourcedId"], row["name"]) for row in shelf.rows] == [("a", "Oak"), ("b", "Oak")]


CANARIES = {
    "username": "canary1", "userIds": "{canary2:x}", "givenName": "canary3", "familyName": "canary4",
    "middleName": "canary5", "identifier": "canary6", "email": "canary7@x.org", "sms": "canary8", "phone": "canary9",
    "grades": "canary10", "password": "canary11",
}  # fmt: skip


@pytest.mark.parametrize("odd", ["", "broken\n", 'x,"broken canary\n'])
@pytest.mark.parametrize("staged", [{"structure"}, {"structure", "name"}, set(EVERYTHING)])
def test_what_nobody_asked_for_is_nowhere(tmp_path: Path, odd: str, staged: set[str]) -> None:
    from syncrun.roster.entity import ENTITIES

    cells = ENTITIES["users"].cells()
    gone = {value for column, value in CANARIES.items() if cells[column].privacy not in staged}
    content = text(columns("users"), [user("a"), user("b", **CANARIES), user("c", **CANARIES)], "\n") + odd + "z\n"
    with landed(tmp_path, content, "users", staged=staged) as shelf:
        tables = shelf.connection.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
        tables += shelf.connection.execute(
            "SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal"
        ).fetchall()
        kept = [str(dicts(shelf.connection, f'FROM "{schema}"."{table}"')) for schema, table in tables]
        assert len(kept) == 3
        there = {each for each in CANARIES.values() if any(each in table for table in kept)}
        assert there == set(CANARIES.values()) - gone
        assert not list((tmp_path / "spill").glob("*"))
        assert [row["password"] for row in shelf.rows][:3] == [None, "1", "1"]


@pytest.mark.parametrize("password", ["", "  ", "\u00a0"])
def test_blank_password_is_no_password(tmp_path: Path, password: str) -> None:
    content = text(columns("users"), [user("a", password=password)], "\n")
    with landed(tmp_path, content, "users") as shelf:
        assert [row["password"] for row in shelf.rows] == [None]


@pytest.mark.parametrize(
    ("entity", "version", "delta", "needed"),
    [
        ("orgs", "1.1", False, {"sourcedId", "name", "type"}),
        ("orgs", "1.1", True, {"sourcedId", "name", "type", "status", "dateLastModified"}),
        (
            "users",
            "1.1",
            False,
            {"sourcedId", "enabledUser", "orgSourcedIds", "role", "username", "givenName", "familyName"},
        ),
        ("users", "1.2", False, {"sourcedId", "enabledUser", "username", "givenName", "familyName"}),
    ],
)
def test_columns_that_a_file_must_have(entity: str, version: str, *, delta: bool, needed: set[str]) -> None:
    assert required_columns(entity, version, delta=delta) == needed


CELLS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.sampled_from(
        ["", " ", "Oak", '"', '""', ",", "\n", "\r", "\r\n", "\\", "'", "NULL", "#", "Ä", "\x00", "a\nb,c,d,e,f,g,h"]
    ),
)


def quoted(cell: str, *, always: bool) -> str:
    return '"' + cell.replace('"', '""') + '"' if always or any(each in cell for each in ',"\r\n') else cell


@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(
    rows=st.lists(st.lists(CELLS, min_size=6, max_size=6), min_size=1, max_size=30),
    end=st.sampled_from(ENDS),
    always=st.booleans(),
)
def test_every_cell_of_a_well_formed_file_is_kept_to_the_letter(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], end: str, *, always: bool
) -> None:  # fmt: skip
    swallowed = {n for n, cells in enumerate(rows) if any("a\nb,c" in cell for cell in cells)}
    lines = [",".join(quoted(cell, always=always) for cell in (f"k{n}", *cells)) for n, cells in enumerate(rows)]
    with landed(tmp_path_factory.mktemp("kept"), orgs(*lines, end=end)) as shelf:
        found = {row["sourcedId"]: [row[column] for column in ORGS[1:]] for row in shelf.rows}
    for n, cells in enumerate(rows):
        if n not in swallowed:  # such a cell holds what looks like a row, so that its own is not trusted
            assert found[f"k{n}"] == [cell or None for cell in cells]


def damaged(chance: random.Random, end: str) -> tuple[str, dict[str, int], set[int]]:
    """A file with odd lines among good ones: its text, the line of each good row, the lines that are bad."""
    kinds = {
        "good": ["{0},,,Oak,school,,"] * 8, "comma": ['{0},,,"Oak, North",school,,'], "quotes": ['"{0}",,,"""O""",school,,'],
        "break": ['{0},,,"O{1}{1}k",school,,'], "blank": [""], "shifted": ["{0},,,Oak, North,school,,"],
        "short": ["{0},,,Oak"], "long": ["{0},,,Oak,school,,,x"], "latin": ["{0},,,O\udcff,school,,"],
        "stray": ['{0},,,"Oak"x,school,,'], "short break": ['{0},,,"O{1}k",school'], "long break": ['{0},,,"O{1}k",school,,x,,,y'],
        "latin break": ['{0},,,"O{1}\udcff",school,,'], "open": ['{0},,,"Oak,school,,'],
    }  # fmt: skip
    good, either = {"good", "comma", "quotes", "break"}, {"shifted"}  # behind an open quote nothing is repaired
    lines, line, rows, bad = [HEAD], 2, {}, set()
    choices = [(kind, each) for kind, forms in kinds.items() for each in forms]
    for n in range(chance.randrange(1, 60)):
        kind, form = chance.choice(choices)
        made = form.format(f"k{n}", end)
        if kind in good:
            rows[f"k{n}"] = line
        elif kind not in {"blank", *either}:
            bad |= {line + at for at, piece in enumerate(made.split(end)) if piece}
        line += 1 + made.count(end)
        lines.append(made)
    return end.join(lines) + (end if chance.random() < 0.8 else ""), rows, bad


def conserved(folder: Path, seed: int) -> None:
    chance = random.Random(seed)
    content, rows, bad = damaged(chance, chance.choice(ENDS))
    with landed(folder, content.encode(errors="surrogateescape")) as shelf:
        told = {line for line, _, _ in shelf.bad}
        assert {key: line for key, line in shelf.lines.items() if line not in bad} == shelf.lines, (
            "no bad line is a row"
        )
        assert not told & set(shelf.lines.values())
        lost = {key: line for key, line in rows.items() if shelf.lines.get(key) != line}
        # a row is lost only where an open quote before it makes its own quotes unsure
        assert all('"' in content.splitlines()[line - 1] for line in lost.values()), lost
        assert set(lost.values()) <= told
        assert bad <= told
        assert shelf.landed
        assert shelf.landed.rows == len(shelf.rows) + len(told)


def test_random_damage_loses_no_row_and_no_line(tmp_path: Path) -> None:
    for seed in range(40):
        conserved(tmp_path, seed)


@pytest.mark.slow
def test_much_random_damage_loses_no_row_and_no_line(tmp_path: Path) -> None:
    for seed in range(100, 1100):
        conserved(tmp_path, seed)
