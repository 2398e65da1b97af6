"""The mapping file: a CSV that an operator edits, with one decision a row.

kind,sourcedId,decision,sinkId
orgs,org-1,link,5ead805f-53cc-8097-8f6a-4873c2b5f14e
orgs,org-2,add,
teachers,tea-9,skip,
orgs,org-3,join,5ead805f-53cc-8097-8f6a-4873c2b5f14e

Two records are linked to one of the sink by mistake more often than on purpose, so the second must say that it joins the
first.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import TypeVar, cast

from syncrun.errors import ConfigError, Problem
from syncrun.sdk.sink import MappingKind
from syncrun.state.decision import JOINABLE, KINDS, VERDICTS, Decision

T = TypeVar("T", bound=str)
HEADER = ["kind", "sourcedId", "decision", "sinkId"]


def read_mapping(path: Path) -> list[Decision]:
    """The decisions of a mapping file. Raises `ConfigError` with every row that cannot be used."""
    rows = _cells(path)
    if not rows or [cell.strip() for cell in rows[0]] != HEADER:
        raise ConfigError([_problem(path, 1, "has another header", ",".join(HEADER))], source=path.name)
    return _decided(path, rows)


def read_filled_in(path: Path, kind: MappingKind) -> list[Decision]:
    """The decisions on one kind that a person filled in: a mapping file that may have more columns, which are passed over
    as are rows with a blank decision. Raises `ConfigError` with every row that cannot be used."""
    rows = _cells(path)
    if not rows or [cell.strip() for cell in rows[0][: len(HEADER)]] != HEADER:
        raise ConfigError([_problem(path, 1, "has another header", ",".join(HEADER))], source=path.name)
    filled = [row[: len(HEADER)] if len(row) > 2 and row[2].strip() else [] for row in rows[1:]]
    found = _decided(path, [rows[0], *filled])
    others = [_problem(path, 0, f"decides on {each.kind} {each.source_id}", f"take only rows of {kind}")
              for each in found if each.kind != kind]  # fmt: skip
    if others:
        raise ConfigError(others, source=path.name)
    return found


def _cells(path: Path) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=None)))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise ConfigError([_problem(path, 0, "cannot be read as UTF-8 CSV", "")], source=path.name) from None


def _decided(path: Path, rows: Sequence[list[str]]) -> list[Decision]:
    """The decisions of rows below a header."""
    problems: list[tuple[int, str, str]] = []
    decisions: list[tuple[int, Decision]] = []
    for number, row in enumerate(rows[1:], 2):
        found = list(_wrong(row)) if any(cell.strip() for cell in row) else None
        if found == []:
            decisions.append((number, _read(row)))
        problems += [(number, each, "") for each in found or ()]
    problems += _against_each_other(decisions)
    if problems:
        raise ConfigError([_problem(path, *each) for each in sorted(problems, key=itemgetter(0))], source=path.name)
    return [each for _, each in decisions]


def _read(row: list[str]) -> Decision:
    kind, source_id, verdict, sink_id = (*row, "")[:4]
    return Decision(
        _one_of(KINDS, kind.strip()), source_id, _one_of(VERDICTS, verdict.strip()), sink_id.strip() or None
    )


def _against_each_other(decisions: Sequence[tuple[int, Decision]]) -> Iterator[tuple[int, str, str]]:
    """Line, problem and hint where decisions do not go together."""
    seen: set[tuple[str, str]] = set()
    taken: dict[tuple[str, str | None], int] = {}
    for number, each in decisions:
        if (each.kind, each.source_id) in seen:
            yield number, "decides on a record for the second time", ""
        elif each.decision == "link":
            line = taken.setdefault((each.kind, each.sink_id), number)
            if line != number:
                hint = "if the two are one, write join for the second" if each.kind in JOINABLE else ""
                yield number, f"links to the record that line {line} links to", hint
        seen.add((each.kind, each.source_id))
    for number, each in decisions:
        if each.decision == "join" and (each.kind, each.sink_id) not in taken:
            yield number, "joins a record of the sink that no row links to", "link the first record to it"


def _one_of(known: Sequence[T], word: str) -> T:
    """The word as one of those known; it is one, since `_wrong` looked."""
    return known[list(known).index(cast("T", word))]


def _wrong(row: list[str]) -> Iterator[str]:
    cells = [cell.strip() for cell in row] + [""] * (4 - len(row))
    kind, source_id, verdict, sink_id = cells[:4]
    if len(row) > len(HEADER):
        yield "has more cells than the header"
    if kind not in KINDS:
        yield f"the kind must be one of {', '.join(KINDS)}"
    if not source_id:
        yield "the sourcedId is blank"
    if verdict not in VERDICTS:
        yield f"the decision must be one of {', '.join(VERDICTS)}"
    elif (verdict in {"link", "join"}) != bool(sink_id):
        yield "link and join need a sinkId, and nothing else has one"
    elif verdict == "join" and kind not in JOINABLE:
        yield f"only {' and '.join(JOINABLE)} can join another"


def _problem(path: Path, line: int, message: str, hint: str) -> Problem:
    return Problem("E-CONFIG-8", f"{path.name}:{line}" if line else path.name, message, hint)
