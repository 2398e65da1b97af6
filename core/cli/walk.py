"""Going through the open records one at a time, at a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from syncrun.cli.deciding import called, reason

if TYPE_CHECKING:
    from syncrun.run.line import Line, Row
    from syncrun.run.sheet import Sheet
    from syncrun.sdk.sink import MappingKind
    from syncrun.state.decision import Decision

CHOICES = "[a]ccept  [c]hoose another  [n]ew  [s]kip  [l]ater  [q]uit"
LISTED = 9
"""How many records a search lists."""


def go_through(found: Sheet, kind: MappingKind, lines: Sequence[Line]) -> list[Decision]:
    """What a person decided and wants saved; nothing of it is saved yet. To quit keeps what was decided before. Ctrl-C
    raises `click.Abort`, after a word that nothing was saved."""
    try:
        made = _ask(found, kind, lines)
        return made if made and click.confirm(f"Save {len(made)} decisions?", default=False) else []
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nNothing was saved.", err=True)
        raise click.Abort from None


def _ask(found: Sheet, kind: MappingKind, lines: Sequence[Line]) -> list[Decision]:
    from syncrun.state.decision import Decision

    made: list[Decision] = []
    used = {past.decision.sink_id for past in found.decisions if past.decision.kind == kind and past.decision.sink_id}
    for place, line in enumerate(lines, 1):
        _show(kind, line, f"{place} of {len(lines)}")
        best = line.best
        letters = ["a"] * (best is not None and best.row.id not in used) + ["c", "n", "s", "l", "q"]
        verdict = click.prompt(CHOICES, type=click.Choice(letters), show_choices=False, default="l")
        if verdict == "q":
            break
        sink_id = best.row.id if verdict == "a" and best else None
        if verdict == "c":
            sink_id = _choose(found, kind, line, used)
        if sink_id:
            made.append(Decision(kind, line.id, "link", sink_id))
            used.add(sink_id)
        elif verdict in {"n", "s"}:
            made.append(Decision(kind, line.id, "add" if verdict == "n" else "skip"))
    return made


def _show(kind: MappingKind, line: Line, place: str) -> None:
    school = f" in {line.school}" if line.school and line.school != line.id else ""
    click.echo(f"\n{place}: {line.id}  {called(kind, line.features, names=True)}{school}")
    best = line.best
    if best is None:
        click.echo("  nothing in the sink is like it")
        return
    why = ", ".join(map(reason, best.reasons))
    click.echo(f"  {best.row.id}  {called(kind, best.row.features, names=True)}")
    click.echo(f"  {best.score:.2f} {best.verdict}: {why}")


def _choose(found: Sheet, kind: MappingKind, line: Line, used: set[str]) -> str | None:
    """A record of the sink that a person picks: of the nearest ones, or found by a text."""
    near = [fit.row for fit in line.fits]
    while True:
        listed = [row for row in near if row.id not in used][:LISTED]
        for number, row in enumerate(listed, 1):
            click.echo(f"  {number}  {row.id}  {called(kind, row.features, names=True)}")
        answer = click.prompt(
            "number, or a text to search for (nothing: later)", default="", show_default=False
        ).strip()
        if not answer:
            return None
        if answer.isdecimal() and 0 < int(answer) <= len(listed):
            return listed[int(answer) - 1].id
        near = _search(found, kind, answer)
        if not near:
            click.echo("  nothing of the kind")


def _search(found: Sheet, kind: MappingKind, text: str) -> list[Row]:
    from syncrun.sdk import folded

    words = folded(text).split()
    rows = found.existing(found.table(kind), "NOT owned AND NOT archived")
    return [
        row for row in rows
        if row.id == text or all(word in folded(called(kind, row.features, names=True)) for word in words)
    ]  # fmt: skip
