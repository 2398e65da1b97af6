"""Masking: what a finding shows of a cell tells its shape and nobody's name."""

from __future__ import annotations

import unicodedata

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncrun.finding import SHOWN, mask, sql_mask

SCRIPTS = st.characters(max_codepoint=0x3FFF, exclude_categories=["Cs", "Cn"])


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("", ""),
        ("O'Brien 7", "A'Aaaaa 9"),
        ("Zoë Müller-Nguyễn", "Aaa Aaaaaa-Aaaaaa"),
        ("Ἀλέξανδρος", "Aaaaaaaaaa"),
        ("王小明", "aaa"),
        ("٣½Ⅷ", "999"),
        ("a@b.c\x00\x07\u200b😀“", "a@a.a?????"),
        ("x" * SHOWN, "a" * SHOWN),
        ("x" * (SHOWN + 1), "a" * SHOWN + "…"),
    ],
)
def test_shape_of_a_text(text: str, shape: str) -> None:
    assert mask(text) == shape
    assert duckdb.execute(f"SELECT {sql_mask('$1::VARCHAR')}", [text]).fetchall() == [(shape,)]


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(st.lists(st.text(SCRIPTS, max_size=60), min_size=20))
def test_both_executions_give_the_same_shape(texts: list[str]) -> None:
    query = (
        f"SELECT {sql_mask('each')} FROM (SELECT unnest($1::VARCHAR[]) AS each, unnest(range(len($1))) AS n) ORDER BY n"
    )
    assert [shape for (shape,) in duckdb.execute(query, [texts]).fetchall()] == list(map(mask, texts))


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(st.lists(st.text(max_size=60), min_size=20))
def test_no_letter_or_digit_survives(texts: list[str]) -> None:
    for text in texts:
        assert {each for each in mask(text) if each.isalnum()} <= {"A", "a", "9"}
        assert all(each.isascii() or each == "…" for each in mask(text))


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), min_size=20))
def test_no_letter_or_digit_survives_in_the_engine(texts: list[str]) -> None:
    for (shape,) in duckdb.execute(
        f"SELECT {sql_mask('each')} FROM (SELECT unnest($1::VARCHAR[]) AS each)", [texts]
    ).fetchall():
        assert {each for each in shape if unicodedata.category(each)[0] in "LMN"} <= {"A", "a", "9"}
