"""Which kind of file it is, by its columns; and which format a set is of, by its files.

A file is unmistakably of a kind when it has all columns that the kind needs and at least one that no other kind of the
format has. Names of columns count as `syncrun.intake.label` reads them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from syncrun.intake.label import meant
from syncrun.roster.cell import Cell, Privacy, Text
from syncrun.roster.entity import ENTITIES
from syncrun.sdk import FileColumn, FileKind, Format

_PRIVACY: Mapping[str, Privacy] = {
    each: each for each in ("structure", "name", "contact", "identifier", "profile", "demographic")
}


def cells(kind: FileKind) -> dict[str, Cell]:
    """The columns of a kind of file: the canonical entity's, or its own."""
    if kind.columns:
        return {each.name: _cell(each) for each in kind.columns}
    return ENTITIES[kind.entity].cells()


def _cell(column: FileColumn) -> Cell:
    """Optional columns are of a version of their own: nobody misses them."""
    only = None if column.required else "another format"
    return Text(required=column.required, privacy=_PRIVACY[column.privacy], only=only)


def _needed(kind: FileKind) -> set[str]:
    """The columns that every file of the kind has, in whatever version."""
    return {name for name, cell in cells(kind).items() if cell.required and cell.only is None}


def _marks(kind: FileKind, form: Format) -> set[str]:
    """The columns that no other kind of the format has; all that it needs, when it has none of its own."""
    others = {name for each in form.kinds if each != kind for name in cells(each)}
    return set(cells(kind)) - others


def fitting(labels: Sequence[str], form: Format) -> FileKind | None:
    """The one kind of the format that a file with these labels is, None for none and for more than one."""
    found = [kind for kind in form.kinds if fits(labels, kind, form)]
    return found[0] if len(found) == 1 else None


def fits(labels: Sequence[str], kind: FileKind, form: Format) -> bool:
    """Whether a file with these labels can be nothing but of this kind."""
    here = {each.name for each in meant(labels, cells(kind))}
    marks = _marks(kind, form)
    return _needed(kind) <= here and bool(marks & here if marks else _needed(kind))


def plainly(headers: Sequence[Sequence[str]], form: Format) -> Format | None:
    """The other format that files with these headers are plainly of: it accounts for all files that `form` accounts
    for and for more, of which one has a column that `form` knows in no file; or for two more, when it is only a shorter
    way to write `form`. None when there is no such format, or two that do so equally well."""
    own = _accounted(headers, form)
    found = sorted(
        ((len(here), each) for each in (*form.others, *form.foreign) for here in [_accounted(headers, each)]
         if here > own and (
             any(_foreign(headers[number], each, form) for number in here - own)
             or (len(here - own) > 1 and each.short))),
        key=lambda pair: -pair[0],
    )  # fmt: skip
    if not found or (len(found) > 1 and found[0][0] == found[1][0]):
        return None
    return found[0][1]


def _accounted(headers: Sequence[Sequence[str]], form: Format) -> set[int]:
    return {
        number for number, labels in enumerate(headers) if any(fits(labels, kind, form) for kind in form.kinds)
    }  # fmt: skip


def _columns(form: Format) -> set[str]:
    return {name for kind in form.kinds for name in cells(kind)}


def _foreign(labels: Sequence[str], other: Format, form: Format) -> bool:
    """Whether a file has a column of the other format that this one has nowhere."""
    known = _columns(form)
    return any(
        theirs.name and not mine.name
        for kind in other.kinds if fits(labels, kind, other)
        for theirs, mine in zip(meant(labels, cells(kind)), meant(labels, known), strict=True)
    )  # fmt: skip
