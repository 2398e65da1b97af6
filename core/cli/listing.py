"""How the source and what the sink has of it look side by side."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from syncrun.cli.deciding import called, decided, decided_words, reason, record

if TYPE_CHECKING:
    from syncrun.run.line import Line
    from syncrun.run.sheet import Sheet
    from syncrun.sdk.sink import MappingKind

NOTES = {
    "orgs": "With the first org that is added or linked, only those take part that are added or linked.",
    "years": "Choose one school year unless you are sure: every chosen year is added to every teacher's account.",
}
"""What everybody should know who decides on a kind."""


def told_of(kind: MappingKind, line: Line, *, names: bool) -> dict[str, Any]:
    """A record of the source as `--json` prints it."""
    fits = [
        {**record(kind, fit.row, names=names), "score": round(fit.score, 3), "verdict": fit.verdict or None,
         "reasons": list(fit.reasons)} for fit in line.fits
    ]  # fmt: skip
    return {
        "source_id": line.id, "school": line.school, "title": called(kind, line.features, names=names) or None,
        "in_sink": line.taken, "decision": decided(line.decided), "chosen_in_file": line.chosen, "fits": fits,
    }  # fmt: skip


def show(found: Sheet, kind: MappingKind, lines: Sequence[Line], asked: str, *, names: bool) -> None:
    """Print the sheet. `asked` is the district as the operator names it."""
    from rich.markup import escape
    from rich.table import Table

    from syncrun.cli.screen import console

    out = console()
    out.print(f"[dim]The source as it was read {found.roster.moment} UTC ({found.roster.how}).[/]")
    for advice in found.advice:
        out.print(f"  [cyan]note[/] {escape(advice)}")
    table = Table("source", "school", "best match", "score", "why", "decision", box=None, pad_edge=False,
                  header_style="dim")  # fmt: skip
    for line in lines:
        school = line.school if line.school and line.school != line.id else ""
        title = both(line.id, called(kind, line.features, names=names))
        cells = (title, school, *match(kind, line, names=names), decision(line))
        table.add_row(*map(escape, cells))
    out.print(table, soft_wrap=False)
    still = [line for line in lines if line.is_open]
    if kind in NOTES and still:
        out.print(f"  [cyan]note[/] {NOTES[kind]}")
    if any(line.best for line in still):
        at = escape(f"--district {shlex.quote(asked)}")
        out.print(f"Next: [bold]syncrun map {kind} accept {at}[/] for all that are sure;")
        out.print(f"      [bold]syncrun map {kind} walk {at}[/] to go through them one by one;")
        out.print(f"      [bold]syncrun map {kind} set ID --link SINK_ID {at}[/] for another, or with --add or --skip.")


def both(key: str, title: str) -> str:
    """An id and what people know the record by."""
    return f"{key}  {title}" if title else key


def match(kind: MappingKind, line: Line, *, names: bool) -> tuple[str, str, str]:
    """Best match, score with verdict, reasons."""
    if line.taken:
        return line.taken, "", "in the sink by the sync"
    if line.linked:
        return both(line.linked.id, called(kind, line.linked.features, names=names)), "", ""
    best = line.best
    if best is None:
        return "", "", ""
    return (both(best.row.id, called(kind, best.row.features, names=names)), f"{best.score:.2f} {best.verdict}",
            ", ".join(map(reason, best.reasons)))  # fmt: skip


def decision(line: Line) -> str:
    """What was decided on it, by whom and when."""
    if line.decided:
        return decided_words(line.decided) + (", and chosen in the district file" if line.chosen else "")
    return "chosen in the district file" if line.chosen else ""
