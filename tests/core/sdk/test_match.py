"""Scores that say something, and texts as they are compared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncrun.sdk import ContractError, Score, folded


@pytest.mark.parametrize(("value", "reasons"), [
    (-0.1, ("same:name",)), (1.1, ("same:name",)), (float("nan"), ("same:name",)), (0.5, ()), (0.5, ("name",)),
    (0.5, ("equal:name",)), (0.5, ("same:name", "same:Ann Lee")), (0.5, ("same:Ann",)),
])  # fmt: skip
def test_score_out_of_range_or_without_reasons_is_refused(value, reasons):
    with pytest.raises(ContractError, match="score"):
        Score(value, reasons)


def test_score_may_be_nothing_or_everything():
    assert (Score(0, ("other:name",)).value, Score(1, ("same:name", "alike:givenName")).value) == (0, 1)


@pytest.mark.parametrize(("text", "plain"), [
    ("O’Brien-Núñez ", "obrien nunez"), ("O'BRIEN", "obrien"), ("Łoś", "los"), ("Groß", "gross"), ("GROẞ", "gross"),
    ("Østergaard", "ostergaard"), ("Æbleskov", "aebleskov"), ("Nguyễn", "nguyen"), ("Đặng", "dang"), ("İpek", "ipek"),
    ("李 明", "李 明"), ("P.S. 12", "p s 12"), ("  ", ""), ("A_B", "a b"), ("é", "e"),
])  # fmt: skip
def test_text_is_folded(text, plain):
    assert folded(text) == plain


@given(st.text(max_size=30))
def test_folding_twice_is_folding_once(text):
    assert folded(folded(text)) == folded(text)
