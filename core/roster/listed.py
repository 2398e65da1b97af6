"""Cells that hold several items with commas between. Both executions, as in `syncrun.roster.cell`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from syncrun.roster.cell import WORDLIKE, Cell, Dangling, fold, sql_fold, sql_match, sql_trim, trimmed
from syncrun.roster.vocabulary import GRADE_ALIASES, GRADES
from syncrun.sqltext import literal, literals


class TextList(Cell):
    """Items with commas between; each is trimmed, blank ones fall away."""

    sql_type = "VARCHAR[]"
    keeps_long = True

    def sql_sieve(self, cell: str) -> str:
        return f"({super().sql_sieve(cell)} AND NOT contains({cell}, ','))"

    def sql_fast(self, cell: str) -> str:
        return f"string_split({cell}, ',')"

    def item(self, text: str) -> tuple[str, Sequence[str]]:
        """The meaning of one item."""
        return text, ()

    def sql_item(self, text: str) -> str:
        """The same in SQL."""
        return text

    def sql_item_tests(self, text: str) -> Iterator[tuple[str, str]]:
        """Predicates on one item; a code holds for the cell when one item breaks it."""
        yield from ()

    def meaning(self, text: str) -> tuple[Any, Sequence[str]]:
        items = [item for item in map(trimmed, text.split(",")) if item]
        read = [self.item(item) for item in items]
        codes = {code for _, found in read for code in found}
        if self.required and not items:
            codes.add("R-CELL-01")
        return [value for value, _ in read] or None, sorted(codes)

    @staticmethod
    def _sql_items(text: str) -> str:
        split = f"list_transform(string_split({text}, ','), lambda item: {sql_trim('item')})"
        return f"list_filter({split}, lambda item: item <> '')"

    def sql_meaning(self, text: str) -> str:
        one, each = self.sql_item(text), self.sql_item("item")
        items = self._sql_items(text)
        many = items if each == "item" else f"list_transform({items}, lambda item: {each})"
        return f"CASE WHEN {text} IS NULL THEN NULL WHEN NOT contains({text}, ',') THEN [{one}] " \
               f"WHEN len({items}) > 0 THEN {many} END"  # fmt: skip

    def sql_more_tests(self, text: str) -> Iterator[tuple[str, str]]:
        if self.required:
            yield "R-CELL-01", f"(contains({text}, ',') AND len({self._sql_items(text)}) = 0)"
        for (code, one), (_, each) in zip(self.sql_item_tests(text), self.sql_item_tests("item"), strict=True):
            many = f"len(list_filter({self._sql_items(text)}, lambda item: {each})) > 0"
            yield code, f"CASE WHEN contains({text}, ',') THEN {many} ELSE {one} END"


class RefList(TextList):
    """Several references, as `orgSourcedIds` of a user."""

    def __init__(self, to: str, *, dangling: Dangling = "drop row", **options: Any) -> None:
        super().__init__(**options)
        self.to = to
        self.dangling: Dangling = dangling

    clean = f"{WORDLIKE}+(,{WORDLIKE}+)*"

    def sql_sieve(self, cell: str) -> str:
        return sql_match(cell, self.clean)


class GradeList(TextList):
    """Grade codes after CEDS; known other spellings are read as meant, unknown ones kept."""

    clean = f"({'|'.join(GRADES)})(,({'|'.join(GRADES)}))*"
    _KNOWN: ClassVar[Mapping[str, str]] = {**{fold(grade): grade for grade in GRADES}, **GRADE_ALIASES}

    def sql_sieve(self, cell: str) -> str:
        return sql_match(cell, self.clean)

    def item(self, text: str) -> tuple[str, Sequence[str]]:
        if text in GRADES:
            return text, ()
        known = self._KNOWN.get(fold(text))
        return (known, ("R-GRADE-02",)) if known else (text, ("R-GRADE-01",))

    def sql_item(self, text: str) -> str:
        cases = " ".join(f"WHEN {literal(key)} THEN {literal(grade)}" for key, grade in self._KNOWN.items())
        return f"CASE WHEN {text} IN ({literals(GRADES)}) THEN {text} " \
               f"ELSE CASE {sql_fold(text)} {cases} ELSE {text} END END"  # fmt: skip

    def sql_item_tests(self, text: str) -> Iterator[tuple[str, str]]:
        listed, known = f"{text} IN ({literals(GRADES)})", f"{sql_fold(text)} IN ({literals(self._KNOWN)})"
        yield "R-GRADE-01", f"(NOT {listed} AND NOT {known})"
        yield "R-GRADE-02", f"(NOT {listed} AND {known})"
