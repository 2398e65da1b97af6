"""Types of cells, each with its two executions side by side.

`read` judges one cell in Python; `sql_value` and `sql_tests` say the same to DuckDB for millions of cells at once.
Since nearly every cell of a real file is in order, `sql_clean` is a cheap sieve before them: where it holds, the cell
breaks no rule and `sql_fast` is its value; only rows with another cell go through the full tests, which cost twenty
times as much. A cell is text or nothing, as it stands in a file. A property test holds all executions to the same
value and the same rule codes for any text (`tests/core/roster/test_cell.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from marshmallow import ValidationError, fields

from syncrun.roster.rule import CELL_RULES, Severity
from syncrun.sqltext import literal, literals

Privacy = Literal["structure", "name", "contact", "identifier", "profile", "demographic", "credential"]
"""What a column tells of a person. `structure` (ids, references, kinds, dates, titles) is always staged, `credential`
never; the rest only where a sink asks for it."""

BLANKS = " \t\r\n\u00a0\u2007\u202f\u3000\u200b\ufeff"
_TRIM = f"trim({{}}, {literal(BLANKS)})"
_UPPER, _LOWER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
_FOLD = str.maketrans(_UPPER, _LOWER)
CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
DAMAGE = {
    "R-CELL-05": r"[0-9](\.[0-9]+)?E\+[0-9]+",
    "R-CELL-07": r"#(REF!|N/A|VALUE!|NAME\?|DIV/0!|NUM!|NULL!)",
    "R-CELL-08": "#+",
}
"""What spreadsheets leave in cells, by the code of the rule."""
FORMULA = "=+-@\uff1d\uff0b\uff0d\uff20"
"""With these a spreadsheet begins a formula; the last four are their wide twins of East Asian keyboards."""
LOST = "\ufffd"
BREAK = r"[\r\n]"
_GUID_SET = r"[0-9A-Za-z._/@-]*"
_USER_IDS = r"\{[^{}:]+:[^{}]*\}(, ?\{[^{}:]+:[^{}]*\})*"
_MAIL = r"[^@ ,;]+@[^@ ,;]+\.[^@ ,;]+"
_MAILS = rf"{_MAIL}([ ,;]+{_MAIL})+"
WORDLIKE = "[0-9A-Za-z._/@-]"
_NO_EDGE = r"\x00-\x20\x7f\x{a0}\x{2007}\x{202f}\x{3000}\x{200b}\x{feff}\x{fffd}"
_REST = rf"([^\x00-\x1f\x7f\x{{fffd}}]*[^{_NO_EDGE}])?"
_PLAIN = rf"[^{_NO_EDGE}]{_REST}"
_NO_FORMULA = rf"[^{_NO_EDGE}=+@\x{{ff1d}}\x{{ff0b}}\x{{ff0d}}\x{{ff20}}-]{_REST}"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][^\n]*)?"
_INSTANT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z"


def trimmed(cell: str) -> str:
    """The cell without outer blanks, no-break and zero-width ones included."""
    return cell.strip(BLANKS)


def fold(text: str) -> str:
    """Lower case for the 26 letters of ASCII only, so that Python and DuckDB agree on every text."""
    return text.translate(_FOLD)


def sql_trim(cell: str) -> str:
    """The same for an SQL expression."""
    return _TRIM.format(cell)


def sql_fold(cell: str) -> str:
    """The same for an SQL expression, as far as it is compared with plain words: text with other letters is left as it
    is, since `lower` would make a plain k of the sign for kelvin."""
    return f"CASE WHEN strlen({cell}) = length({cell}) THEN lower({cell}) ELSE {cell} END"


def sql_filled(cell: str) -> str:
    """A predicate: the cell holds more than blanks."""
    return f"({cell} IS NOT NULL AND {sql_trim(cell)} <> '')"


def sql_match(cell: str, pattern: str) -> str:
    """A predicate: the whole cell matches a pattern of RE2."""
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
        if re.search(BREAK, text):
            codes.append("R-CELL-09")
        if LOST in cell:
            codes.append("R-CELL-10")
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
        return sql_match(cell, self.clean)

    def sql_fast(self, cell: str) -> str:
        """The value of a clean cell."""
        return cell

    def sql_value(self, cell: str) -> str:
        """An expression of type `sql_type` for the meaning of `cell`, NULL for nothing."""
        return self.sql_meaning(f"nullif({sql_trim(cell)}, '')")

    def sql_meaning(self, text: str) -> str:
        """The same for `text`, which is trimmed or NULL."""
        return text

    def sql_tests(self, cell: str) -> Iterator[tuple[str, str]]:
        """Pairs of rule code and predicate; a predicate is true where the rule is broken, else false or NULL."""
        if self.required:
            yield "R-CELL-01", f"({cell} IS NULL OR {sql_trim(cell)} = '')"
        filled = sql_filled(cell)
        if self.trims:
            yield "R-CELL-02", f"({filled} AND {sql_trim(cell)} <> {cell})"
        if not self.keeps_long:
            yield "R-CELL-03", f"({filled} AND length({cell}) > 255)"
        yield "R-CELL-04", f"({filled} AND regexp_matches({cell}, {literal(CONTROL)}))"
        yield "R-CELL-09", f"({filled} AND regexp_matches({sql_trim(cell)}, {literal(BREAK)}))"
        yield "R-CELL-10", f"({filled} AND contains({cell}, {literal(LOST)}))"
        text = sql_trim(cell) if self.trims else cell
        for code, predicate in self.sql_more_tests(text):
            yield code, f"({filled} AND {predicate})"

    def sql_more_tests(self, text: str) -> Iterator[tuple[str, str]]:
        """What this type adds, for a filled `text`."""
        yield from ()


class Text(Cell):
    """Free text."""

    clean = _NO_FORMULA

    def meaning(self, text: str) -> tuple[Any, Sequence[str]]:
        return text, ("R-CELL-06",) if text[0] in FORMULA else ()

    def sql_more_tests(self, text: str) -> Iterator[tuple[str, str]]:
        yield "R-CELL-06", f"left({text}, 1) IN ({literals(FORMULA)})"


class Phone(Cell):
    """A telephone number, in whatever form; it may begin with a plus."""

    clean = "[+(]?[0-9][0-9() .+/-]*[0-9]"

    def meaning(self, text: str) -> tuple[Any, Sequence[str]]:
        return text, () if re.search("[0-9]", text) else ("R-PHONE-01",)

    def sql_more_tests(self, text: str) -> Iterator[tuple[str, str]]:
        yield "R-PHONE-01", f"NOT regexp_matches({text}, '[0-9]')"


def damage(text: str) -> list[str]:
    """The codes of what a spreadsheet did to a text."""
    return [code for code, pattern in DAMAGE.items() if re.fullmatch(pattern, text)]


def sql_damage(text: str) -> Iterator[tuple[str, str]]:
    """The same in SQL, as tests."""
    for code, pattern in DAMAGE.items():
        yield code, sql_match(text, pattern)


class Code(Cell):
    """A code that people gave: text in which a spreadsheet does harm."""

    clean = rf"{WORDLIKE}([0-9A-Za-z ._/@-]*{WORDLIKE})?"

    def meaning(self, text: str) -> tuple[Any, Sequence[str]]:
        return text, damage(text)

    def sql_more_tests(self, text: str) -> Iterator[tuple[str, str]]:
        yield from sql_damage(text)


class Coded(Code):
    """A code of a list that the standard names but does not hold; `form` is a pattern of RE2 that all codes match."""

    def __init__(self, form: str, **options: Any) -> None:
        super().__init__(**options)
        self.form = form

    def sql_sieve(self, cell: str) -> str:
        return sql_match(cell, self.form)

    def meaning(self, text: str) -> tuple[Any, Sequence[str]]:
        odd = () if re.fullmatch(self.form, text) else ("R-WORD-06",)
        return text, (*damage(text), *odd)

    def sql_more_tests(self, text: str) -> Iterator[tuple[str, str]]:
        yield from super().sql_more_tests(text)
        yield "R-WORD-06", f"NOT {sql_match(text, self.form)}"


class Id(Cell):
    """A `sourcedId`: opaque, kept byte for byte."""

    trims = False
    keeps_long = True
    clean = f"{WORDLIKE}+"

    def meaning(self, text: str) -> tuple[Any, Sequence[str]]:
        tests = (
            ("R-ID-01", len(text) >= 256),
            ("R-ID-02", not re.fullmatch(_GUID_SET, text)),
            ("R-ID-03", trimmed(text) != text),
        )
        return text, [*(code for code, broken in tests if broken), *damage(text)]

    def sql_value(self, cell: str) -> str:
        return f"CASE WHEN {sql_filled(cell)} THEN {cell} END"

    def sql_more_tests(self, text: str) -> Iterator[tuple[str, str]]:
        yield "R-ID-01", f"length({text}) >= 256"
        yield "R-ID-02", f"NOT {sql_match(text, _GUID_SET)}"
        yield "R-ID-03", f"{sql_trim(text)} <> {text}"
        yield from sql_damage(text)


Dangling = Literal["drop row", "drop value", "note"]


class Ref(Id):
    """The `sourcedId` of a row of another entity. `dangling` says what happens when there is no such row."""

    def __init__(self, to: str, *, dangling: Dangling = "drop row", **options: Any) -> None:
        super().__init__(**options)
        self.to = to
        self.dangling: Dangling = dangling


class Instant(Cell):
    """A date-time with a UTC mark, kept as text."""

    clean = _INSTANT

    def meaning(self, text: str) -> tuple[Any, Sequence[str]]:
        if re.fullmatch(_INSTANT, text):
            return text, ()
        return text, ("R-DATE-03",) if re.fullmatch(_DAY, text) else ("R-DATE-06",)

    def sql_more_tests(self, text: str) -> Iterator[tuple[str, str]]:
        day = sql_match(text, _DAY)
        yield "R-DATE-03", f"({day} AND NOT {sql_match(text, _INSTANT)})"
        yield "R-DATE-06", f"NOT {day}"


class UserIds(Cell):
    """Ids in other systems, `{type:id}` with commas between; kept as text, taken apart in the table `userIds`."""

    keeps_long = True
    clean = r"\{[!-9;-z~]+:[!-z~]+\}(,\{[!-9;-z~]+:[!-z~]+\})*"

    def meaning(self, text: str) -> tuple[Any, Sequence[str]]:
        return text, () if re.fullmatch(_USER_IDS, text) else ("R-USERID-01",)

    def sql_more_tests(self, text: str) -> Iterator[tuple[str, str]]:
        yield "R-USERID-01", f"NOT {sql_match(text, _USER_IDS)}"


class Mail(Cell):
    """An e-mail address."""

    clean = "[0-9A-Za-z._+-]+@[0-9A-Za-z._-]+[.][0-9A-Za-z_-]+"

    def meaning(self, text: str) -> tuple[Any, Sequence[str]]:
        if re.fullmatch(_MAIL, text):
            return text, ()
        return text, ("R-MAIL-02",) if re.fullmatch(_MAILS, text) else ("R-MAIL-01",)

    def sql_more_tests(self, text: str) -> Iterator[tuple[str, str]]:
        several = sql_match(text, _MAILS)
        yield "R-MAIL-01", f"NOT ({sql_match(text, _MAIL)} OR {several})"
        yield "R-MAIL-02", several


class Password(Cell):
    """A cell that is dropped on reading. All that is known of it, and all that is looked at, is whether it was
    filled."""

    def read(self, cell: str | None) -> Reading:
        return Reading(None, ("R-PASSWORD-01",) if cell is not None and trimmed(cell) else ())

    def sql_sieve(self, cell: str) -> str:
        return "false"

    def sql_fast(self, cell: str) -> str:
        return "NULL::VARCHAR"

    def sql_value(self, cell: str) -> str:
        return "NULL::VARCHAR"

    def sql_tests(self, cell: str) -> Iterator[tuple[str, str]]:
        yield "R-PASSWORD-01", sql_filled(cell)
