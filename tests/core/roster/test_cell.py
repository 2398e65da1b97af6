"""The two executions of the canonical entities: marshmallow's and DuckDB's verdicts on any cell are the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncrun.roster.cell import BLANKS, Cell, Code, Coded, Id, Instant, Mail, Password, Phone, Text, UserIds
from syncrun.roster.entity import ENTITIES, Entity
from syncrun.roster.typed import Word
from syncrun.roster.vocabulary import FALSE_WORDS, GRADE_ALIASES, GRADES, TRUE_WORDS
from syncrun.sqltext import literal

quick = settings(
    max_examples=8, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
thorough = settings(quick, max_examples=60)

EDGES = (
    *("", *BLANKS, "  ", "\x00", "\x01", "\x1f", "\x7f", "\x0b", "\x0c", "\x85", "\u2028", "\u00ad", "\u0301"),
    *("0", "1", "7", "٣", "Ⅷ", "½", "-", "+", ".", ",", ", ", ",,", "a", "Z", "é", "İ", "ı", "ß", "ſ", "K", "ǅ", "😀"),
    *("2024-01-31", "2024-02-30", "2024-02-29", "2023-02-29", "2024-1-31", "0000-01-01", "0001-01-01", "9999-12-31"),
    *("2024-13-01", "2024-00-01", "2024-12-00", "20240131", "03/04/2024", "T", "T00:00:00Z", "T06:30:00.000Z", "Z"),
    *("2024-01-31T06:30:00Z", "2024-01-31T06:30:00.123Z", "2024-01-31T06:30:00+02:00", "2024-01-31 06:30"),
    *("1989", "1990", "2000", "2024", "2099", "2100", "2101", "24", "02024", "2026-2027", "2026/2027", "2026-2028"),
    *("1989-1990", "2099-2100", "2100-2101", "2026-27", "2026–2027"),
    *("ext:", "ext:a", "ext:A.b_c-1", "ext:ä", "Ext:a", "ext: a", "true", "false"),
    *("{Fed:1}", "{Fed:1},{State:2}", "{Fed:1}, {State:2}", "{Fed:1},{:2}", "{Fed}", "{", "}", ":", "{a:b:c}"),
    *("a@b.c", "a@b", "@", "a@@b.c", "a b@c.d", "a@b.c;d@e.f", "a+b_c@d-e.f"),
    *(
        "#NAME?",
        "#VALUE!",
        "45123",
        "=",
        "\uff1d",
        "\uff20a",
        "\ufffd",
        "\n",
        "\r",
        "US",
        "01653",
        "a@b.c, d@e.f",
        "+1 555",
    ),
    *("#REF!", "#N/A", "########", "1E+5", "1.2E+15", "1e+5", "E+5", "#", "NULL", "null", "=1+1", "'", '"', "\\"),
    *("x" * 254, "x" * 255, "x" * 256, "x" * 257, "é" * 127, "é" * 128, "é" * 255, "é" * 256, "a," * 200),
    *("school-1", "school-1,school-2", "KG", "01", "1", "13", "14", "PS", "k", "Other", *GRADES, *GRADE_ALIASES),
    *(*TRUE_WORDS, *FALSE_WORDS, "TRUE", "Yes", "N"),
)


def words_of(entity: type[Entity]) -> list[str]:
    """The words that the columns of an entity know, and the same in other case."""
    known = {spelling for cell in entity.cells().values() if isinstance(cell, Word)
             for spelling in (*cell.words, *cell.spellings)}  # fmt: skip
    return sorted({changed for word in known for changed in (word, word.upper(), word.capitalize())})


def cells_near(edges: Sequence[str]) -> st.SearchStrategy[list[str | None]]:
    """Many cells: nothing, texts at the edge of some type, their mixtures, and any text at all."""
    edge = st.sampled_from(edges)
    anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    mixed = st.lists(st.one_of(edge, anything), min_size=2, max_size=4).map("".join)
    return st.lists(st.one_of(st.none(), edge, edge, mixed, mixed, anything), min_size=80, max_size=160)


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def judged(
    engine: duckdb.DuckDBPyConnection, cells: dict[str, Cell], texts: list[str | None]
) -> Iterator[dict[str, Any]]:
    """For each text what DuckDB says of it as a cell of each column: clean, fast, value, codes."""
    columns = [
        f"{{'clean': {cell.sql_clean('cell')}, 'fast': {cell.sql_fast('cell')}, 'value': {cell.sql_value('cell')}, "
        f"'codes': list_filter([{codes(cell)}], lambda each: each IS NOT NULL)}}"
        for cell in cells.values()
    ]
    rows = engine.execute(
        f"SELECT {', '.join(columns)} FROM (SELECT unnest($1::VARCHAR[]) AS cell, unnest(range(len($1))) AS n) ORDER BY n",
        [texts],
    ).fetchall()
    return (dict(zip(cells, row, strict=True)) for row in rows)


def codes(cell: Cell) -> str:
    return ", ".join(f"CASE WHEN {test} THEN {literal(code)} END" for code, test in cell.sql_tests("cell"))


def hold_together(engine: duckdb.DuckDBPyConnection, entity: type[Entity], texts: list[str | None]) -> None:
    cells, schema = entity.cells(), entity()
    for text, told in zip(texts, judged(engine, cells, texts), strict=True):
        verdict = schema.verdict(dict.fromkeys(cells, text))
        for column, sql in told.items():
            broken = sorted(code for place, code in verdict.findings if place == column)
            value = verdict.values[column]
            assert (column, text, sorted(sql["codes"])) == (column, text, broken)
            assert (column, text, type(sql["value"]), sql["value"]) == (column, text, type(value), value)
            assert sql["clean"] is not None
            if sql["clean"]:
                assert (column, text, broken, sql["fast"]) == (column, text, [], value)


@pytest.mark.parametrize("entity", ENTITIES.values(), ids=ENTITIES)
def test_both_executions_give_the_same_verdict_on_any_cell(
    engine: duckdb.DuckDBPyConnection, entity: type[Entity]
) -> None:  # fmt: skip
    @quick
    @given(cells_near((*EDGES, *words_of(entity))))
    def holds(texts: list[str | None]) -> None:
        hold_together(engine, entity, texts)

    hold_together(engine, entity, [None, *EDGES, *words_of(entity)])
    holds()


@pytest.mark.slow
@pytest.mark.parametrize("entity", ENTITIES.values(), ids=ENTITIES)
def test_both_executions_give_the_same_verdict_on_very_many_cells(
    engine: duckdb.DuckDBPyConnection, entity: type[Entity]
) -> None:  # fmt: skip
    @thorough
    @given(cells_near((*EDGES, *words_of(entity))))
    def holds(texts: list[str | None]) -> None:
        hold_together(engine, entity, texts)

    holds()


@pytest.mark.parametrize(
    ("cell", "text", "value", "codes"),
    [
        (Text(), None, None, ()),
        (Text(), " \u00a0\u200b ", None, ()),
        (Text(required=True), None, None, ("R-CELL-01",)),
        (Text(required=True), "\u3000", None, ("R-CELL-01",)),
        (Text(), "Zoë Nguyễn", "Zoë Nguyễn", ()),
        (Text(), " Ana\u00a0", "Ana", ("R-CELL-02",)),
        (Text(), "x" * 255, "x" * 255, ()),
        (Text(), "x" * 256, "x" * 256, ("R-CELL-03",)),
        (Text(), "ë" * 255, "ë" * 255, ()),
        (Text(), "A\x00na", "A\x00na", ("R-CELL-04",)),
        (Text(), "A\x07na", "A\x07na", ("R-CELL-04",)),
        (Text(), "one line\tand a tab", "one line\tand a tab", ()),
        (Text(), "two\nlines", "two\nlines", ("R-CELL-09",)),
        (Text(), "Zo\ufffd", "Zo\ufffd", ("R-CELL-10",)),
        (Text(), "=1+1", "=1+1", ("R-CELL-06",)),
        (Text(), "\uff1d1+1", "\uff1d1+1", ("R-CELL-06",)),
        (Text(), "Ana = Berg", "Ana = Berg", ()),
        (Phone(), "+1 555 0100", "+1 555 0100", ()),
        (Phone(), "none", "none", ("R-PHONE-01",)),
        (Coded("[A-Z]{2}"), "US", "US", ()),
        (Coded("[A-Z]{2}"), "USA", "USA", ("R-WORD-06",)),
        (Text(), "#REF!", "#REF!", ()),
        (Code(), "00042", "00042", ()),
        (Code(), "1.2E+15", "1.2E+15", ("R-CELL-05",)),
        (Code(), "########", "########", ("R-CELL-08",)),
        (Code(), "#N/A", "#N/A", ("R-CELL-07",)),
        (Code(), "#NAME?", "#NAME?", ("R-CELL-07",)),
        (Code(), "#1 room", "#1 room", ()),
        (Id(required=True), "", None, ("R-CELL-01",)),
        (Id(), "007", "007", ()),
        (Id(), " a ", " a ", ("R-ID-02", "R-ID-03")),
        (Id(), "A:b", "A:b", ("R-ID-02",)),
        (Id(), "x" * 255, "x" * 255, ()),
        (Id(), "x" * 256, "x" * 256, ("R-ID-01",)),
        (Id(), "1E+11", "1E+11", ("R-CELL-05", "R-ID-02")),
        (Instant(), "2026-08-01T06:30:00.000Z", "2026-08-01T06:30:00.000Z", ()),
        (Instant(), "2026-08-01T06:30:00+02:00", "2026-08-01T06:30:00+02:00", ("R-DATE-03",)),
        (UserIds(), "{Fed:A1},{State:9:9}", "{Fed:A1},{State:9:9}", ()),
        (UserIds(), "A1", "A1", ("R-USERID-01",)),
        (Mail(), "ana.berg@example.org", "ana.berg@example.org", ()),
        (Instant(), "soon", "soon", ("R-DATE-06",)),
        (Mail(), "ana.berg", "ana.berg", ("R-MAIL-01",)),
        (Mail(), "a@b.c; d@e.f", "a@b.c; d@e.f", ("R-MAIL-02",)),
        (Password(), None, None, ()),
        (Password(), "  ", None, ()),
        (Password(), "hunter2", None, ("R-PASSWORD-01",)),
        (Password(), "hunter\x07" * 99, None, ("R-PASSWORD-01",)),
    ],
)
def test_cell_means_what_it_says(cell: Cell, text: str | None, value: str | None, codes: tuple[str, ...]) -> None:
    reading = cell.read(text)
    assert (reading.value, sorted(reading.codes)) == (value, list(codes))


def test_sieve_lets_ordinary_cells_pass(engine: duckdb.DuckDBPyConnection) -> None:
    ordinary = {
        "orgs": ("school-1", None, None, "Oak High School", "school", "S001", "district"),
        "users": ("s1001", None, None, "true", "school-1,school-2", "student", "s1001", "{Fed:1}", "Zoë", "O'Neill",
                  None, "00042", "ana@example.org", None, "+1 555 0100", "g1,g2", "04,05", None),
        "enrollments": ("e1", None, None, "c1", "school-1", "s1001", "student", "false", "2026-08-17", "2027-06-12"),
    }  # fmt: skip
    for entity, texts in ordinary.items():
        columns = zip(ENTITIES[entity].cells().values(), texts, strict=False)
        asked = ", ".join(cell.sql_clean(literal(text) if text else "NULL::VARCHAR") for cell, text in columns)
        assert all(engine.execute(f"SELECT {asked}").fetchone() or ())
