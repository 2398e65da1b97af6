"""A rule's remark on a row, a file or a set; and the masking that keeps personal data out of it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from syncrun.sqltext import literal

SHOWN = 40


@dataclass(frozen=True, slots=True)
class Finding:
    """`file` None means the whole set, `line` None the whole file; lines are physical and count from 1.

    `key` is the row's sourcedId, `shape` the masked cell (see `mask`), `count` how many rows the remark stands for,
    `words` what there is to say beyond the rule's title. None of them holds a name or an address.
    """

    code: str
    file: str | None = None
    line: int | None = None
    key: str | None = None
    column: str | None = None
    shape: str | None = None
    count: int = 1
    words: str = ""


def mask(text: str) -> str:
    """The shape of a text: `O'Brien 7` gives `A'Aaaaa 9`.

    Letters become `a` and `A`, digits `9`; of the rest, blanks and ASCII's signs stay and anything else becomes `?`.
    """
    shape = "".join(map(_masked, text))
    return shape[:SHOWN] + ("…" if len(shape) > SHOWN else "")


def _masked(each: str) -> str:
    kind = unicodedata.category(each)
    if kind == "Lu":
        return "A"
    if kind[0] in "LM":
        return "a"
    if kind[0] == "N":
        return "9"
    return each if " " <= each <= "~" else "?"


def sql_mask(text: str) -> str:
    """The same for an SQL expression. Letters that are younger than one side's tables may differ; none is shown."""
    shape = text
    for pattern, letter in (
        (r"[\p{Ll}\p{Lt}\p{Lm}\p{Lo}\p{M}]", "a"),
        (r"\p{Lu}", "A"),
        (r"\p{N}", "9"),
        (r"[^ -~]", "?"),
    ):
        shape = f"regexp_replace({shape}, {literal(pattern)}, {literal(letter)}, 'g')"
    return f"(substr({shape}, 1, {SHOWN}) || CASE WHEN length({text}) > {SHOWN} THEN '…' ELSE '' END)"
