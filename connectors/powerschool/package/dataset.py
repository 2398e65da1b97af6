"""One file of the roster: the columns it has, and the query that fills them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ROSTER = "roster"
"""What each query calls its rows before they are put into the form of a file."""
_CONTROL = "CHR(9) || CHR(10) || CHR(13)"


@dataclass(frozen=True, slots=True)
class DataSet:
    """A file of the roster.

    `columns` are OneRoster's, each with the field that PowerSchool is told it comes from: it decides the label in an
    export, and nothing else, so all are of one `table`. `body` is the SQL: common table expressions of which the last
    is called `roster` and has the columns by name. `order` are the columns that make a row's place certain.
    """

    name: str
    file: str
    table: str
    summary: str
    why: str
    columns: Mapping[str, str]
    body: str
    order: tuple[str, ...]

    def sql(self, *, quotes: bool) -> str:
        """The query as PowerSchool runs it. Where the export does not quote, the query does, and only the values that
        would fall apart at their commas."""
        cells = ",\n  ".join(f"{clean(name) if quotes else _quoted(clean(name))} AS {name}" for name in self.columns)
        return (
            f"{self.body}\nSELECT\n  {cells}\nFROM {ROSTER} r\nORDER BY {', '.join(f'r.{each}' for each in self.order)}"
        )


def clean(name: str) -> str:
    """The value without line ends and tabs, which no form of the export protects."""
    return f"TRIM(TRANSLATE(r.{name}, {_CONTROL}, '   '))"


def _quoted(cell: str) -> str:
    needs = f"INSTR({cell}, ',') > 0 OR INSTR({cell}, '\"') > 0"
    return f"CASE WHEN {needs} THEN '\"' || REPLACE({cell}, '\"', '\"\"') || '\"' ELSE {cell} END"


def grade(level: str) -> str:
    """OneRoster's word for a grade level, which PowerSchool counts from kindergarten, 0."""
    return (
        f"CASE WHEN {level} <= -3 THEN 'IT' WHEN {level} < 0 THEN 'PK' WHEN {level} = 0 THEN 'KG' "
        f"WHEN {level} <= 13 THEN LPAD(TO_CHAR({level}), 2, '0') WHEN {level} IS NOT NULL THEN 'Other' END"
    )


def day(date: str) -> str:
    """A date as OneRoster writes it."""
    return f"TO_CHAR({date}, 'YYYY-MM-DD')"
