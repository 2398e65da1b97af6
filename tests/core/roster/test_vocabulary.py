"""The word lists: other spellings lead to words that are in the list, and are written as they are looked up."""

from __future__ import annotations

import pytest

from syncrun.roster.cell import fold
from syncrun.roster.entity import ENTITIES
from syncrun.roster.typed import Word
from syncrun.roster.vocabulary import FALSE_WORDS, GRADE_ALIASES, GRADES, TRUE_WORDS

WORDS = [
    pytest.param(cell, id=f"{entity}.{column}")
    for entity, cls in ENTITIES.items() for column, cell in cls.cells().items() if isinstance(cell, Word)
]  # fmt: skip


@pytest.mark.parametrize("cell", WORDS)
def test_every_spelling_is_looked_up_in_lower_case_and_leads_to_a_word(cell: Word) -> None:
    assert all(fold(spelling) == spelling for spelling in cell.spellings)
    assert set(cell.spellings.values()) == set(cell.words)


def test_grade_spellings_lead_to_grades() -> None:
    assert set(GRADE_ALIASES.values()) <= set(GRADES)
    assert all(fold(spelling) == spelling for spelling in GRADE_ALIASES)
    assert not {fold(grade) for grade in GRADES} & set(GRADE_ALIASES)


def test_no_word_is_both_true_and_false() -> None:
    assert not set(TRUE_WORDS) & set(FALSE_WORDS)
    assert all(fold(word) == word for word in (*TRUE_WORDS, *FALSE_WORDS))
