"""Cells that are not text: words of closed lists, truth values, dates, years. Both executions, as in
`syncrun.roster.cell`."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from syncrun.roster.cell import Cell, fold, sql_fold, sql_match
from syncrun.roster.vocabulary import FALSE_WORDS, TRUE_WORDS
from syncrun.sqltext import literal, literals


class Word(Cell):
    """A word of a closed list; other spellings of it (`aliases`, keys in lower case) are read as meant.

    `extensible`: `ext:` words of OneRoster 1.2 are taken too.
    """

    def __init__(
        self,
        words: Sequence[str],
        aliases: Mapping[str, str] | None = None,
        *,
        extensible: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.words = tuple(words)
        self.extensible = extensible
        self.spellings = {**{fold(word): word for word in self.words}, **(aliases or {})}

    _EXTENSION = r"ext:[A-Za-z0-9._-]+"

    def sql_sieve(self, cell: str) -> str:
        return f"{cell} IN ({literals(self.words)})"

    def unknown(self, *, extended: bool) -> str:
        """The code for a word that is not in the list; `extended`: it begins like an `ext:` word."""
        if extended:
            return "R-WORD-04" if self.required else "R-WORD-05"
        return "R-WORD-01" if self.required else "R-WORD-03"

    def meaning(self, text: str) -> tuple[Any, Sequence[str]]:
        if text in self.words or (self.extensible and re.fullmatch(self._EXTENSION, text)):
            return text, ()
        word = self.spellings.get(fold(text))
        return (word, ("R-WORD-02",)) if word else (None, (self.unknown(extended=fold(text).startswith("ext:")),))

    def _sql_known(self, text: str) -> str:
        known = f"{text} IN ({literals(self.words)})"
        return f"({known} OR {sql_match(text, self._EXTENSION)})" if self.extensible else known

    def _sql_spelled(self, text: str) -> str:
        return f"{sql_fold(text)} IN ({literals(self.spellings)})"

    def sql_meaning(self, text: str) -> str:
        cases = " ".join(f"WHEN {literal(key)} THEN {literal(word)}" for key, word in self.spellings.items())
        return f"CASE WHEN {self._sql_known(text)} THEN {text} ELSE CASE {sql_fold(text)} {cases} END END"

    def sql_more_tests(self, text: str) -> Iterator[tuple[str, str]]:
        known, spelled = self._sql_known(text), self._sql_spelled(text)
        yield "R-WORD-02", f"(NOT {known} AND {spelled})"
        extended = f"lower(left({text}, 4)) = 'ext:'"
        yield self.unknown(extended=False), f"(NOT {known} AND NOT {spelled} AND NOT {extended})"
        yield self.unknown(extended=True), f"(NOT {known} AND NOT {spelled} AND {extended})"


class Bool(Cell):
    """`true` or `false`; other spellings of them are read as meant."""

    sql_type = "BOOLEAN"

    def sql_sieve(self, cell: str) -> str:
        return f"{cell} IN ('true', 'false')"

    def sql_fast(self, cell: str) -> str:
        return f"{cell} = 'true'"

    def meaning(self, text: str) -> tuple[Any, Sequence[str]]:
        folded = fold(text)
        codes = () if text in {"true", "false"} else ("R-BOOL-02",)
        if folded in TRUE_WORDS:
            return True, codes
        return (False, codes) if folded in FALSE_WORDS else (None, ("R-BOOL-01",))

    def sql_meaning(self, text: str) -> str:
        folded = sql_fold(text)
        return f"CASE WHEN {text} = 'true' THEN true WHEN {text} = 'false' THEN false " \
               f"WHEN {folded} IN ({literals(TRUE_WORDS)}) THEN true " \
               f"WHEN {folded} IN ({literals(FALSE_WORDS)}) THEN false END"  # fmt: skip

    def sql_more_tests(self, text: str) -> Iterator[tuple[str, str]]:
        known = f"{sql_fold(text)} IN ({literals((*TRUE_WORDS, *FALSE_WORDS))})"
        yield "R-BOOL-01", f"NOT {known}"
        yield "R-BOOL-02", f"({known} AND {text} NOT IN ('true', 'false'))"


class Date(Cell):
    """A day, `YYYY-MM-DD`; a time of day behind it is left out."""

    sql_type = "DATE"
    clean = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
    _FORM = r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[^\n]*)?"
    _NUMBER = "[0-9]{5}"

    def sql_sieve(self, cell: str) -> str:
        return f"({super().sql_sieve(cell)} AND {cell} >= '0001' AND try_cast({cell} AS DATE) IS NOT NULL)"

    def sql_fast(self, cell: str) -> str:
        return f"try_cast({cell} AS DATE)"

    def meaning(self, text: str) -> tuple[Any, Sequence[str]]:
        if not re.fullmatch(self._FORM, text):
            return None, ("R-DATE-05",) if re.fullmatch(self._NUMBER, text) else ("R-DATE-01",)
        try:
            day = datetime.date(int(text[:4]), int(text[5:7]), int(text[8:10]))
        except ValueError:
            return None, ("R-DATE-04",)
        return day, ("R-DATE-02",) if len(text) > 10 else ()

    def _sql_day(self, text: str) -> str:
        return f"CASE WHEN {sql_match(text, self._FORM)} AND substr({text}, 1, 4) <> '0000' " \
               f"THEN try_cast(substr({text}, 1, 10) AS DATE) END"  # fmt: skip

    def sql_meaning(self, text: str) -> str:
        return self._sql_day(text)

    def sql_more_tests(self, text: str) -> Iterator[tuple[str, str]]:
        day = self._sql_day(text)
        formed, number = sql_match(text, self._FORM), sql_match(text, self._NUMBER)
        yield "R-DATE-01", f"NOT ({formed} OR {number})"
        yield "R-DATE-04", f"({formed} AND ({day}) IS NULL)"
        yield "R-DATE-05", number
        yield "R-DATE-02", f"(length({text}) > 10 AND ({day}) IS NOT NULL)"


class Year(Cell):
    """The calendar year in which a school year ends; a range like `2026-2027` is read as its end."""

    sql_type = "INTEGER"
    clean = "(199|20[0-9])[0-9]|2100"
    _RANGE = r"[0-9]{4}[-/][0-9]{4}"

    def meaning(self, text: str) -> tuple[Any, Sequence[str]]:
        if re.fullmatch(r"[0-9]{4}", text) and 1990 <= int(text) <= 2100:
            return int(text), ()
        if re.fullmatch(self._RANGE, text):
            start, end = int(text[:4]), int(text[5:])
            if end == start + 1 and 1990 <= end <= 2100:
                return end, ("R-YEAR-02",)
        return None, ("R-YEAR-01",)

    def sql_fast(self, cell: str) -> str:
        return f"try_cast({cell} AS INTEGER)"

    def _sql_plain(self, text: str) -> str:
        return f"({sql_match(text, '[0-9]{4}')} AND try_cast({text} AS INTEGER) BETWEEN 1990 AND 2100)"

    def _sql_range(self, text: str) -> str:
        start, end = f"try_cast(substr({text}, 1, 4) AS INTEGER)", f"try_cast(substr({text}, 6) AS INTEGER)"
        return f"({sql_match(text, self._RANGE)} AND {end} = {start} + 1 AND {end} BETWEEN 1990 AND 2100)"

    def sql_meaning(self, text: str) -> str:
        return f"CASE WHEN {self._sql_plain(text)} THEN try_cast({text} AS INTEGER) " \
               f"WHEN {self._sql_range(text)} THEN try_cast(substr({text}, 6) AS INTEGER) END"  # fmt: skip

    def sql_more_tests(self, text: str) -> Iterator[tuple[str, str]]:
        plain, years = self._sql_plain(text), self._sql_range(text)
        yield "R-YEAR-02", f"(coalesce({years}, false) AND NOT {plain})"
        yield "R-YEAR-01", f"(NOT {plain} AND NOT coalesce({years}, false))"
