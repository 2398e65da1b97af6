"""Where a row stood, for rows that were drawn from files of another format: the number of what drew it and the physical
line in one whole number, so that a row's place is one number like that of any other row."""

from __future__ import annotations

from collections.abc import Sequence

SHIFT = 40
_LINES = (1 << SHIFT) - 1


def told(file: str, line: int, origins: Sequence[str]) -> tuple[str, int]:
    """File and physical line of a row; `file` where the row was not drawn."""
    number = line >> SHIFT
    return (origins[number - 1] if number else file), line & _LINES


def sql_number(line: str) -> str:
    """The number of what drew the row at a line, 0 for nothing."""
    return f"({line} >> {SHIFT})"


def sql_line(line: str) -> str:
    """The physical line."""
    return f"({line} & {_LINES})"
