"""Cells with several items. That SQL says the same is shown in `test_cell.py`."""

from __future__ import annotations

import pytest

from syncrun.roster.cell import Cell
from syncrun.roster.listed import GradeList, RefList, TextList


@pytest.mark.parametrize(
    ("cell", "text", "value", "codes"),
    [
        (TextList(), None, None, ()),
        (TextList(), "Math", ["Math"], ()),
        (TextList(), "Math, Art ,,English", ["Math", "Art", "English"], ()),
        (TextList(), " , ,", None, ("R-CELL-02",)),
        (TextList(), "a," * 300, ["a"] * 300, ()),
        (TextList(required=True), ",", None, ("R-CELL-01",)),
        (TextList(required=True), None, None, ("R-CELL-01",)),
        (RefList("orgs"), "school-1,school-2", ["school-1", "school-2"], ()),
        (RefList("orgs"), "school-1, school-1", ["school-1", "school-1"], ()),
        (GradeList(), "KG,01,13", ["KG", "01", "13"], ()),
        (GradeList(), "k, 1", ["KG", "01"], ("R-GRADE-02",)),
        (GradeList(), "OTHER", ["Other"], ("R-GRADE-02",)),
        (GradeList(), "14", ["14"], ("R-GRADE-01",)),
        (GradeList(), "14,1", ["14", "01"], ("R-GRADE-01", "R-GRADE-02")),
        (GradeList(), "PS", ["PS"], ()),
    ],
)
def test_cell_means_what_it_says(cell: Cell, text: str | None, value: list[str] | None, codes: tuple[str, ...]) -> None:
    reading = cell.read(text)
    assert (reading.value, tuple(sorted(reading.codes))) == (value, codes)
