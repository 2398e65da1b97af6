"""Files in which not every line is a row: blank lines, line breaks inside cells, lines that cannot be taken apart.

Such a file is gone through line by line, and its rows are copied, each with the number of its line, into a file that the
engine reads without trouble. Left to itself the engine tells no physical lines, and behind a quote that is not closed
it passes over megabytes of good rows without a word (DuckDB 2.0). Here every line that is not blank ends up in exactly
one row, or is one bad line. A row of several lines counts only when it is in order to the last cell; otherwise its first
line is bad and reading goes on with the next, so that one open quote costs one line.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from syncrun.intake.dialect import ENDS, MAX_LINE, cells, long_cells
from syncrun.roster.cell import trimmed

MARK = "1"
"""Stands in for a password."""
_CELL = r'(?:"(?:[^"]|"")*"|[^",]*)'
_WELL_FORMED = re.compile(rf"{_CELL}(?:,{_CELL})*")
_FIRST_CELL = re.compile(r'"((?:[^"]|"")*)"(?=[,\r\n]|$)|((?!")[^,\r\n]*)')


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no row. `key` is its first cell, which no comma can have shifted; None when that cannot be known,
    as behind an open quote, where it may be anything."""

    line: int
    code: str
    key: str | None


@dataclass(frozen=True, slots=True)
class Mended:
    """What was found. `line_ends` are the kinds of line end that rows have; those inside cells do not count."""

    bad: list[BadLine]
    line_ends: frozenset[str]


@dataclass(frozen=True, slots=True)
class Layout:
    """How the file is laid out: how many columns it has, the positions of those that are `kept`, which of them are
    `marked` instead of copied, and whether the first one is the key."""

    width: int
    kept: Sequence[int]
    marked: Collection[int]
    keyed: bool


class _Lines:
    """The lines of a file. `taken` are those of the row being read, `number` is that of the last; all but the first can
    be given back. Up to the line `doubted` some were."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._again: deque[str] = deque()
        self.number = self.doubted = 0
        self.taken: list[str] = []
        self.too_long: set[int] = set()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._fresh()
        self.number += 1
        self.taken.append(line)
        return line

    def _fresh(self) -> str:
        line = more = self._stream.readline(MAX_LINE)
        if not line:
            raise StopIteration
        while more and len(more) == MAX_LINE and more[-1] not in ENDS:
            self.too_long.add(self.number + 1)
            more = self._stream.readline(MAX_LINE)
        return line

    def give_back(self) -> None:
        given = self.taken[1:]
        if given:
            self._again.extendleft(reversed(given))
            self.doubted = max(self.doubted, self.number)
            self.number -= len(given)
            self.taken = self.taken[:1]


def mend(source: Path, target: Path, layout: Layout) -> Mended:
    """Copy the rows of `source` into `target`: the number of the line in which the row begins, then the kept cells.
    The header, which is the first line, is left out."""
    bad: list[BadLine] = []
    line_ends: set[str] = set()
    target.touch(mode=0o600)
    with (
        long_cells(),
        source.open(encoding="utf-8", errors="surrogateescape", newline="") as stream,
        target.open("w", encoding="utf-8", newline="") as out,
    ):
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
        lines = _Lines(stream)
        _note_end(next(lines, ""), line_ends)
        for number, found in _rows(lines, layout):
            if isinstance(found, BadLine):
                bad.append(found)
            elif found:
                for place in layout.marked:
                    found[place] = MARK if trimmed(found[place]) else ""
                writer.writerow([number, *map(found.__getitem__, layout.kept)])
            _note_end(lines.taken[-1], line_ends)
    return Mended(bad, frozenset(line_ends))


def _note_end(line: str, line_ends: set[str]) -> None:
    if line[-2:] == ENDS:
        line_ends.add(ENDS)
    elif line[-1:] in {"\r", "\n"}:
        line_ends.add(line[-1])


def _rows(lines: _Lines, layout: Layout) -> Iterator[tuple[int, list[str] | BadLine]]:
    """The number of each row's first line with its cells, none for a blank line, or with what is wrong with it."""
    reader = csv.reader(lines, strict=True)
    while True:
        lines.taken = []
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            row, code = [], "R-FILE-09"
        else:
            code = _fault(lines, row, layout)
        number = lines.number - len(lines.taken) + 1
        if code:
            code = "R-FILE-11" if number in lines.too_long else code
            key = _key(lines.taken[0]) if layout.keyed and number > lines.doubted else None
            lines.give_back()
            yield number, BadLine(number, code, key)
        else:
            yield number, row


def _fault(lines: _Lines, row: list[str], layout: Layout) -> str:
    """The code of the rule that a row breaks, or nothing. Cells beyond the last column break one even when they are
    blank: a comma that was not quoted may have shifted the row into them. In a line that was given back a stray quote
    may be the end of a cell that began earlier."""
    if not all(map(_is_text, lines.taken)):
        return "R-FILE-10"
    if len(lines.taken) > 1 and any(len(cells(line)) >= layout.width for line in lines.taken[1:]):
        return "R-FILE-09"
    if lines.number <= lines.doubted and not _WELL_FORMED.fullmatch("".join(lines.taken).rstrip(ENDS)):
        return "R-FILE-09"
    if len(row) > layout.width:
        return "R-FILE-08"
    if sum(map(len, lines.taken)) > MAX_LINE // 4 and _written(row) > MAX_LINE:
        return "R-FILE-11"
    return "R-FILE-07" if 0 < len(row) < layout.width else ""


def _written(row: list[str]) -> int:
    """How many bytes the row takes in the copy, at most: with all its quotes doubled it may be longer than in the file,
    and longer than the engine reads."""
    return sum(len(cell.encode()) + cell.count('"') + 3 for cell in row) + 20


def _is_text(line: str) -> bool:
    """Whether the bytes of the line were UTF-8."""
    try:
        return line.isascii() or bool(line.encode())
    except UnicodeEncodeError:
        return False


def _key(line: str) -> str | None:
    found = _FIRST_CELL.match(line)
    if not found:
        return None
    key = found[1].replace('""', '"') if found[1] is not None else found[2]
    return key if key and _is_text(key) else None
