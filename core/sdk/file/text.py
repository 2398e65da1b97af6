"""Rows as the text of a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a cell begins with that spreadsheets take for a formula (OWASP, CSV Injection)."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written. `spreadsheet`: people open it in one, so an apostrophe goes before what it would take for a
    formula; every letter of the cell stays."""

    delimiter: str = ","
    always_quoted: bool = False
    line_end: str = "\r\n"
    encoding: str = "utf-8"
    header: bool = True
    spreadsheet: bool = False


def write(stream: TextIO, header: Sequence[str], rows: Iterable[Sequence[Any]], dialect: Dialect) -> None:
    """Write header and rows; None is an empty cell."""
    writer = csv.writer(
        stream, delimiter=dialect.delimiter, lineterminator=dialect.line_end,
        quoting=csv.QUOTE_ALL if dialect.always_quoted else csv.QUOTE_MINIMAL,
    )  # fmt: skip
    if dialect.header:
        writer.writerow(header)
    writer.writerows(_guarded(rows) if dialect.spreadsheet else rows)


def _guarded(rows: Iterable[Sequence[Any]]) -> Iterator[list[Any]]:
    for row in rows:
        yield [f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell for cell in row]
