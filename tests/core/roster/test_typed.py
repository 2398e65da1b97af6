"""Words, truth values, dates and years. That SQL says the same is shown in `test_cell.py`."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from syncrun.roster.cell import Cell
from syncrun.roster.typed import Bool, Date, Word, Year

ROLE = Word(("student", "teacher"), {"pupil": "student"})
TYPE = Word(("school", "district"), required=True, extensible=True)


@pytest.mark.parametrize(
    ("cell", "text", "value", "codes"),
    [
        (ROLE, "student", "student", ()),
        (ROLE, "Student", "student", ("R-WORD-02",)),
        (ROLE, "PUPIL", "student", ("R-WORD-02",)),
        (ROLE, " student ", "student", ("R-CELL-02",)),
        (ROLE, "ext:coach", None, ("R-WORD-05",)),
        (ROLE, "coach", None, ("R-WORD-03",)),
        (TYPE, "ext:club", "ext:club", ()),
        (TYPE, "ext:", None, ("R-WORD-04",)),
        (TYPE, "ext:a b", None, ("R-WORD-04",)),
        (TYPE, "Straße", None, ("R-WORD-01",)),
        (TYPE, None, None, ("R-CELL-01",)),
        (Bool(), "true", True, ()),
        (Bool(), "false", False, ()),
        (Bool(), "TRUE", True, ("R-BOOL-02",)),
        (Bool(), "0", False, ("R-BOOL-02",)),
        (Bool(), "maybe", None, ("R-BOOL-01",)),
        (Bool(), None, None, ()),
        (Date(), "2024-02-29", datetime.date(2024, 2, 29), ()),
        (Date(), "2023-02-29", None, ("R-DATE-04",)),
        (Date(), "0000-01-01", None, ("R-DATE-04",)),
        (Date(), "0001-01-01", datetime.date(1, 1, 1), ()),
        (Date(), "9999-12-31", datetime.date(9999, 12, 31), ()),
        (Date(), "2024-02-01T00:00:00Z", datetime.date(2024, 2, 1), ("R-DATE-02",)),
        (Date(), "03/04/2024", None, ("R-DATE-01",)),
        (Date(), "45123", None, ("R-DATE-05",)),
        (Date(), "2024-2-1", None, ("R-DATE-01",)),
        (Year(), "2027", 2027, ()),
        (Year(), "1990", 1990, ()),
        (Year(), "2100", 2100, ()),
        (Year(), "1989", None, ("R-YEAR-01",)),
        (Year(), "2101", None, ("R-YEAR-01",)),
        (Year(), "27", None, ("R-YEAR-01",)),
        (Year(), "2026-2027", 2027, ("R-YEAR-02",)),
        (Year(), "2026/2027", 2027, ("R-YEAR-02",)),
        (Year(), "2026-2028", None, ("R-YEAR-01",)),
        (Year(), "2100-2101", None, ("R-YEAR-01",)),
    ],
)
def test_cell_means_what_it_says(cell: Cell, text: str | None, value: Any, codes: tuple[str, ...]) -> None:
    reading = cell.read(text)
    assert (reading.value, tuple(sorted(reading.codes))) == (value, codes)
    assert type(reading.value) is type(value)
