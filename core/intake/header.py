"""The first line of a file: which column is which. Names are read as meant only where there is no doubt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from syncrun.finding import Finding
from syncrun.intake.dialect import cells as cells_of
from syncrun.intake.label import meant, visible
from syncrun.roster.cell import Cell

MAX_HEADER = 1 << 20
MAX_COLUMNS = 1000
"""The engine takes hours over a million columns, such as a run of commas would make."""


@dataclass(frozen=True, slots=True)
class Header:
    """The columns as they stand in the file (`raw`, in order) and the raw name of each known column."""

    raw: tuple[str, ...]
    known: Mapping[str, str]


def first_line(path: Path) -> bytes:
    """The bytes of the first line, without its line end."""
    with path.open("rb") as stream:
        return stream.read(MAX_HEADER).replace(b"\r", b"\n").partition(b"\n")[0]


def labels(path: Path) -> tuple[str, ...]:
    """The columns' labels as they stand in the file; none when its first line is no text, or has more than any file of
    ours."""
    try:
        text = first_line(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        return ()
    found = () if "\0" in text else tuple(cells_of(text))
    return found if len(found) <= MAX_COLUMNS else ()


def read(path: Path, file: str, cells: Mapping[str, Cell], required: Iterable[str]) -> tuple[Header, list[Finding]]:
    """The header of a file that should have the columns `cells`; what is wrong with it."""
    try:
        text = first_line(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        return Header((), {}), [Finding("R-FILE-01", file, 1)]
    if "\0" in text:
        return Header((), {}), [Finding("R-FILE-01", file, 1, words="it looks like UTF-16")]
    raw = tuple(cells_of(text))
    if len(raw) > MAX_COLUMNS:
        return Header((), {}), [Finding("R-FILE-40", file, 1, words=f"{len(raw)} columns")]
    known, findings = _recognised(raw, file, cells)
    return Header(raw, known), findings + list(_missing(known, file, cells, set(required)))


def _recognised(raw: tuple[str, ...], file: str, cells: Mapping[str, Cell]) -> tuple[dict[str, str], list[Finding]]:
    """The raw name of each known column, and remarks on the names."""
    known: dict[str, str] = {}
    findings: list[Finding] = []
    unknown = 0
    for label in meant(raw, cells):
        if label.name is None:
            unknown += bool(visible(label.raw))
        elif label.name in known:
            findings.append(Finding("R-FILE-03", file, 1, column=label.name))
        else:
            known[label.name] = label.raw
            findings += [Finding(code, file, 1, column=label.name) for code in label.repairs]
    named = [column for column in raw if visible(column)]
    if len(set(named)) != len(named) and not any(each.code == "R-FILE-03" for each in findings):
        findings.append(Finding("R-FILE-03", file, 1))
    if unknown:
        findings.append(Finding("R-FILE-05", file, 1, count=unknown, words=f"{unknown} columns"))
    return known, findings


def _missing(known: Mapping[str, str], file: str, cells: Mapping[str, Cell], needed: set[str]) -> Iterator[Finding]:
    """Columns that are not there; of those that only one version has, the required ones alone are missed."""
    for name, cell in cells.items():
        if name not in known and (name in needed or not cell.only):
            yield Finding("R-FILE-02" if name in needed else "R-FILE-06", file, 1, column=name)
