"""Types of cells, each with its two executions side by side.

`read` judges one cell in Python; `sql_value` and `sql_tests` say the same to DuckDB for millions of cells at once.
Since nearly every cell of a real file is in order, `sql_clean` is a cheap sieve before them: where it holds, the cell
breaks no rule and `sql_fast` is its value; only rows with another cell go through the full tests, which cost twenty
times as much. A cell is text or nothing, as it stands in a file. A property test holds all executions to the same
value and the same rule codes for any text (`tests/core/roster/test_cell.py`).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from marshmallow import ValidationError, fields

from syncrun.roster.rule import CELL_RULES, Severity
from syncrun.roster.vocabulary import FALSE_WORDS, GRADE_ALIASES, GRADES, TRUE_WORDS
from syncrun.sqltext import literal, literals

Privacy = Literal["structure", "name", "contact", "identifier", "profile", "demographic", "credential"]
"""What a column tells of a person. `structure` (ids, references, kinds, dates, titles) is always staged, `credential`
never; the rest only where a sink asks for it."""

BLANKS = " \t\r\n\u00a0\u2007\u202f\u3000\u200b\ufeff"
_TRIM = f"trim({{}}, {literal(BLANKS)})"
_UPPER, _LOWER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
_FOLD = str.maketrans(_UPPER, _LOWER)
CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
SPREADSHEET = r"#REF!|#N/A|#+|[0-9](\.[0-9]+)?E\+[0-9]+"
_GUID_SET = r"[0-9A-Za-z._/@-]*"
_USER_IDS = r"\{[^{}:]+:[^{}]*\}(, ?\{[^{}:]+:[^{}]*\})*"
_MAIL = r"[^@ ,;]+@[^@ ,;]+\.[^@ ,;]+"
_WORDLIKE = "[0-9A-Za-z._/@-]"
_EDGE = r"[^\x00-\x20\x7f\x{a0}\x{2007}\x{202f}\x{3000}\x{200b}\x{feff}]"
_PLAIN = rf"{_EDGE}([^\x00-\x1f\x7f]*{_EDGE})?"
_INSTANT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z"


def trimmed(cell: str) -> str:
    """The cell without outer blanks, no-break and zero-width ones included."""
    return cell.strip(BLANKS)


def fold(text: str) -> str:
    """Lower case for the 26 letters of ASCII only, so that Python and DuckDB agree on every text."""
    return text.translate(_FOLD)


def _sql_trim(cell: str) -> str:
    return _TRIM.format(cell)


def _sql_fold(cell: str) -> str:
    return f"translate({cell}, '{_UPPER}', '{_LOWER}')"


def _sql_filled(cell: str) -> str:
    return f"({cell} IS NOT NULL AND {_sql_trim(cell)} <> '')"


def _sql_match(cell: str, pattern: str) -> str:
    return f"regexp_full_match({cell}, {literal(pattern)})"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a cell means (`value`, None for nothing) and the codes of the rules it breaks."""

    value: Any
    codes: tuple[str, ...] = ()


class Cell(fields.Field):  # type: ignore[type-arg] # marshmallow's Field is generic only to type checkers of its own
    """Any text. The other types narrow what a cell may hold.

    `required`: a blank cell is a finding. `privacy`: what the column tells of a person. `only`: the column belongs
    to that version of OneRoster alone. `doc`: one line for the docs table.
    """

    sql_type: ClassVar[str] = "VARCHAR"
    trims: ClassVar[bool] = True
    keeps_long: ClassVar[bool] = False
    clean: ClassVar[str] = _PLAIN
    """A pattern of RE2: a cell of fewer than 256 bytes that matches it breaks no rule of this type."""

    def __init__(
        self, *, required: bool = False, privacy: Privacy = "structure", only: str | None = None, doc: str = ""
    ) -> None:
        super().__init__(required=required, allow_none=True, error_messages={"required": "R-CELL-01"})
        self.privacy: Privacy = privacy
        self.only = only
        self.doc = doc

    # -- Python ------------------------------------------------------------------------------------------------------

    def read(self, cell: str | None) -> Reading:
        """The meaning of one cell and the codes of the rules it breaks."""
        if cell is None or not trimmed(cell):
            return Reading(None, ("R-CELL-01",) if self.required else ())
        codes = []
        text = trimmed(cell)
        if self.trims and text != cell:
            codes.append("R-CELL-02")
        if not self.keeps_long and len(cell) > 255:
            codes.append("R-CELL-03")
        if re.search(CONTROL, cell):
            codes.append("R-CELL-04")
        value, more = self.meaning(text if self.trims else cell)
        return Reading(value, (*codes, *more))

    def meaning(self, text: str) -> tuple[Any, Sequence[str]]:
        """The value of a filled cell and the codes that this type adds."""
        return text, ()

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if not isinstance(value, str):
            raise ValidationError(["R-CELL-01"])
        reading = self.read(value)
        fatal = [code for code in reading.codes if CELL_RULES[code].severity is Severity.DROP_ROW]
        if fatal:
            raise ValidationError(fatal)
        return reading.value

    # -- DuckDB ------------------------------------------------------------------------------------------------------

    def sql_clean(self, cell: str) -> str:
        """A cheap predicate, never NULL: true only where `cell` breaks no rule and `sql_fast` is its value."""
        blank = "" if self.required else f"{cell} IS NULL OR "
        return f"({blank}coalesce(strlen({cell}) < 256 AND {self.sql_sieve(cell)}, false))"

    def sql_sieve(self, cell: str) -> str:
        """What `sql_clean` asks of a filled cell."""
        return _sql_match(cell, self.clean)

    def sql_fast(self, cell: str) -> str:
        """The value of a clean cell."""
        return cell

    def sql_value(self, cell: str) -> str:
        """An expression of type `sql_type` for the meaning of `cell`, NULL for nothing."""
        return self.sql_meaning(f"nullif({_sql_trim(cell)}, '')")

    def sql_meaning(self, text: str) -> str:
        """The same for `text`, which is trimmed or NULL."""
        return text

    def sql_tests(self, cell: str) -> Iterator[tuple[str, str]]:
        """Pairs of rule code and predicate; a predicate is true where the rule is broken, else false or NULL."""
        if self.required:
            yield "R-CELL-01", f"({cell} IS NULL OR {_sql_trim(cell)} = '')"
        filled = _sql_filled(cell)
        if self.trims:
            yield "R-CELL-02", f"({filled} AND {_sql_trim(cell)} <> {cell})"
        if not self.keeps_long:
            yield "R-CELL-03", f"({filled} AND length({cell}) > 255)"
        yield "R-CELL-04", f"({filled} AND regexp_matches({cell}, {literal(CONTROL)}))"
        text = _sql_trim(cell) if self.trims else cell
        for code, predicate in self.sql_more_tests(text):
            yield code, f"({filled} AND {predicate})"

    def sql_more_tests(self, text: str) -> Iterator[tuple[str, str]]:
        """What this type adds, for a filled `text`."""
        yield from ()


class Text(Cell):
    """Free text."""


class Code(Cell):
    """A code that people gave: text in which a spreadsheet does harm."""

    clean = rf"{_WORDLIKE}([0-9A-Za-z ._/@-]*{_WORDLIKE})?"

    def meaning(self, text: str) -> tuple[Any, Sequence[str]]:
        return text, ("R-CELL-05",) if re.fullmatch(SPREADSHEET, text) else ()

    def sql_more_tests(self, text: str) -> Iterator[tuple[str, str]]:
        yield "R-CELL-05", _sql_match(text, SPREADSHEET)


class Id(Cell):
    """A `sourcedId`: opaque, kept byte for byte."""

    trims = False
    keeps_long = True
    clean = f"{_WORDLIKE}+"

    def meaning(self, text: str) -> tuple[Any, Sequence[str]]:
        tests = (
            ("R-ID-01", len(text) >= 256),
            ("R-ID-02", not re.fullmatch(_GUID_SET, text)),
            ("R-ID-03", trimmed(text) != text),
            ("R-CELL-05", re.fullmatch(SPREADSHEET, text)),
        )
        return text, [code for code, broken in tests if broken]

    def sql_value(self, cell: str) -> str:
        return f"CASE WHEN {_sql_filled(cell)} THEN {cell} END"

    def sql_more_tests(self, text: str) -> Iterator[tuple[str, str]]:
        yield "R-ID-01", f"length({text}) >= 256"
        yield "R-ID-02", f"NOT {_sql_match(text, _GUID_SET)}"
        yield "R-ID-03", f"{_sql_trim(text)} <> {text}"
        yield "R-CELL-05", _sql_match(text, SPREADSHEET)


Dangling = Literal["drop row", "drop value", "note"]


class Ref(Id):
    """The `sourcedId` of a row of another entity. `dangling` says what happens when there is no such row."""

    def __init__(self, to: str, *, dangling: Dangling = "drop row", **options: Any) -> None:
        super().__init__(**options)
        self.to = to
        self.dangling: Dangling = dangling


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
        split = f"list_transform(string_split({text}, ','), lambda item: {_sql_trim('item')})"
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

    clean = f"{_WORDLIKE}+(,{_WORDLIKE}+)*"

    def sql_sieve(self, cell: str) -> str:
        return _sql_match(cell, self.clean)


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

    @property
    def unknown(self) -> str:
        """The code for a word that is not in the list."""
        return "R-WORD-01" if self.required else "R-WORD-03"

    def meaning(self, text: str) -> tuple[Any, Sequence[str]]:
        if text in self.words or (self.extensible and re.fullmatch(self._EXTENSION, text)):
            return text, ()
        word = self.spellings.get(fold(text))
        return (word, ("R-WORD-02",)) if word else (None, (self.unknown,))

    def _sql_known(self, text: str) -> str:
        known = f"{text} IN ({literals(self.words)})"
        return f"({known} OR {_sql_match(text, self._EXTENSION)})" if self.extensible else known

    def _sql_spelled(self, text: str) -> str:
        return f"{_sql_fold(text)} IN ({literals(self.spellings)})"

    def sql_meaning(self, text: str) -> str:
        cases = " ".join(f"WHEN {literal(key)} THEN {literal(word)}" for key, word in self.spellings.items())
        return f"CASE WHEN {self._sql_known(text)} THEN {text} ELSE CASE {_sql_fold(text)} {cases} END END"

    def sql_more_tests(self, text: str) -> Iterator[tuple[str, str]]:
        known, spelled = self._sql_known(text), self._sql_spelled(text)
        yield "R-WORD-02", f"(NOT {known} AND {spelled})"
        yield self.unknown, f"(NOT {known} AND NOT {spelled})"


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
        folded = _sql_fold(text)
        return f"CASE WHEN {text} = 'true' THEN true WHEN {text} = 'false' THEN false " \
               f"WHEN {folded} IN ({literals(TRUE_WORDS)}) THEN true " \
               f"WHEN {folded} IN ({literals(FALSE_WORDS)}) THEN false END"  # fmt: skip

    def sql_more_tests(self, text: str) -> Iterator[tuple[str, str]]:
        known = f"{_sql_fold(text)} IN ({literals((*TRUE_WORDS, *FALSE_WORDS))})"
        yield "R-BOOL-01", f"NOT {known}"
        yield "R-BOOL-02", f"({known} AND {text} NOT IN ('true', 'false'))"


class Date(Cell):
    """A day, `YYYY-MM-DD`; a time of day behind it is left out."""

    sql_type = "DATE"
    clean = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
    _FORM = r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[^\n]*)?"

    def sql_sieve(self, cell: str) -> str:
        return f"({super().sql_sieve(cell)} AND {cell} >= '0001' AND try_cast({cell} AS DATE) IS NOT NULL)"

    def sql_fast(self, cell: str) -> str:
        return f"try_cast({cell} AS DATE)"

    def meaning(self, text: str) -> tuple[Any, Sequence[str]]:
        try:
            if not re.fullmatch(self._FORM, text):
                raise ValueError
            day = datetime.date(int(text[:4]), int(text[5:7]), int(text[8:10]))
        except ValueError:
            return None, ("R-DATE-01",)
        return day, ("R-DATE-02",) if len(text) > 10 else ()

    def _sql_day(self, text: str) -> str:
        return f"CASE WHEN {_sql_match(text, self._FORM)} AND substr({text}, 1, 4) <> '0000' " \
               f"THEN try_cast(substr({text}, 1, 10) AS DATE) END"  # fmt: skip

    def sql_meaning(self, text: str) -> str:
        return self._sql_day(text)

    def sql_more_tests(self, text: str) -> Iterator[tuple[str, str]]:
        day = self._sql_day(text)
        yield "R-DATE-01", f"({day}) IS NULL"
        yield "R-DATE-02", f"(length({text}) > 10 AND ({day}) IS NOT NULL)"


class Instant(Cell):
    """A date-time with a UTC mark, kept as text."""

    clean = _INSTANT

    def meaning(self, text: str) -> tuple[Any, Sequence[str]]:
        return text, () if re.fullmatch(_INSTANT, text) else ("R-DATE-03",)

    def sql_more_tests(self, text: str) -> Iterator[tuple[str, str]]:
        yield "R-DATE-03", f"NOT {_sql_match(text, _INSTANT)}"


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
        return f"({_sql_match(text, '[0-9]{4}')} AND try_cast({text} AS INTEGER) BETWEEN 1990 AND 2100)"

    def _sql_range(self, text: str) -> str:
        start, end = f"try_cast(substr({text}, 1, 4) AS INTEGER)", f"try_cast(substr({text}, 6) AS INTEGER)"
        return f"({_sql_match(text, self._RANGE)} AND {end} = {start} + 1 AND {end} BETWEEN 1990 AND 2100)"

    def sql_meaning(self, text: str) -> str:
        return f"CASE WHEN {self._sql_plain(text)} THEN try_cast({text} AS INTEGER) " \
               f"WHEN {self._sql_range(text)} THEN try_cast(substr({text}, 6) AS INTEGER) END"  # fmt: skip

    def sql_more_tests(self, text: str) -> Iterator[tuple[str, str]]:
        plain, years = self._sql_plain(text), self._sql_range(text)
        yield "R-YEAR-02", f"(coalesce({years}, false) AND NOT {plain})"
        yield "R-YEAR-01", f"(NOT {plain} AND NOT coalesce({years}, false))"


class GradeList(TextList):
    """Grade codes after CEDS; known other spellings are read as meant, unknown ones kept."""

    clean = f"({'|'.join(GRADES)})(,({'|'.join(GRADES)}))*"
    _KNOWN: ClassVar[Mapping[str, str]] = {**{fold(grade): grade for grade in GRADES}, **GRADE_ALIASES}

    def sql_sieve(self, cell: str) -> str:
        return _sql_match(cell, self.clean)

    def item(self, text: str) -> tuple[str, Sequence[str]]:
        if text in GRADES:
            return text, ()
        known = self._KNOWN.get(fold(text))
        return (known, ("R-GRADE-02",)) if known else (text, ("R-GRADE-01",))

    def sql_item(self, text: str) -> str:
        cases = " ".join(f"WHEN {literal(key)} THEN {literal(grade)}" for key, grade in self._KNOWN.items())
        return f"CASE WHEN {text} IN ({literals(GRADES)}) THEN {text} " \
               f"ELSE CASE {_sql_fold(text)} {cases} ELSE {text} END END"  # fmt: skip

    def sql_item_tests(self, text: str) -> Iterator[tuple[str, str]]:
        listed, known = f"{text} IN ({literals(GRADES)})", f"{_sql_fold(text)} IN ({literals(self._KNOWN)})"
        yield "R-GRADE-01", f"(NOT {listed} AND NOT {known})"
        yield "R-GRADE-02", f"(NOT {listed} AND {known})"


class UserIds(Cell):
    """Ids in other systems, `{type:id}` with commas between; kept as text, taken apart in the table `userIds`."""

    keeps_long = True
    clean = r"\{[!-9;-z~]+:[!-z~]+\}(,\{[!-9;-z~]+:[!-z~]+\})*"

    def meaning(self, text: str) -> tuple[Any, Sequence[str]]:
        return text, () if re.fullmatch(_USER_IDS, text) else ("R-USERID-01",)

    def sql_more_tests(self, text: str) -> Iterator[tuple[str, str]]:
        yield "R-USERID-01", f"NOT {_sql_match(text, _USER_IDS)}"


class Mail(Cell):
    """An e-mail address."""

    clean = "[0-9A-Za-z._+-]+@[0-9A-Za-z._-]+[.][0-9A-Za-z_-]+"

    def meaning(self, text: str) -> tuple[Any, Sequence[str]]:
        return text, () if re.fullmatch(_MAIL, text) else ("R-MAIL-01",)

    def sql_more_tests(self, text: str) -> Iterator[tuple[str, str]]:
        yield "R-MAIL-01", f"NOT {_sql_match(text, _MAIL)}"


class Password(Cell):
    """A cell that is dropped on reading. All that is known of it is whether it was filled."""

    def sql_sieve(self, cell: str) -> str:
        return "false"

    def sql_fast(self, cell: str) -> str:
        return "NULL::VARCHAR"

    def meaning(self, text: str) -> tuple[Any, Sequence[str]]:
        return None, ("R-PASSWORD-01",)

    def sql_meaning(self, text: str) -> str:
        return "NULL::VARCHAR"

    def sql_more_tests(self, text: str) -> Iterator[tuple[str, str]]:
        yield "R-PASSWORD-01", "true"
