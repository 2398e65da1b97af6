"""The tables on the screen: figures by stage, then the targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from benchmarks.contender import copy_floor, hash_floor, own
from benchmarks.course import Figure, Stage
from benchmarks.target import JUDGED_AT, Results, judged, whole

if TYPE_CHECKING:
    from rich.console import Console

MIB = 1 << 20
FLOORS = {Stage.FIRST: copy_floor.BARE, Stage.NEXT: hash_floor.NAME, Stage.AGAIN: hash_floor.NAME}
"""By stage what nobody can be quicker than."""


def show_figures(console: Console, students: int, figures: Sequence[Figure], absent: Mapping[str, str]) -> None:
    """One table: every contender in each stage, with its parts, and ratios to the stage's floor and to syncrun."""
    table = Table(title=f"{students:,} students", title_justify="left")
    table.add_column("stage")
    table.add_column("contender", no_wrap=True)
    for column in ("seconds", "peak MB", "x floor", "x syncrun"):
        table.add_column(column, justify="right")
    table.add_column("note")
    for stage in Stage:
        floor, mine = whole(figures, FLOORS[stage], stage), whole(figures, own.NAME, stage)
        for n, each in enumerate(figure for figure in figures if figure.stage is stage):
            table.add_row(
                stage.value if n == 0 else "", f"  {each.step}" if each.step else each.contender,
                f"{each.seconds:.2f}", f"{each.peak / MIB:,.0f}" if each.peak else "",
                "" if each.step else _times(each, floor), "" if each.step else _times(each, mine), each.note,
                style="dim" if each.step else "bold" if each.contender == own.NAME else "",
            )  # fmt: skip
        table.add_section()
    for contender, why in absent.items():
        table.add_row("", contender, "-", "-", "-", "-", why)
    console.print(table)


def _times(figure: Figure, other: Figure | None) -> str:
    return f"{figure.seconds / other.seconds:.2f}" if other else ""


def show_targets(console: Console, results: Results) -> None:
    """What must be reached, with the value and the verdict."""
    table = Table(title="Must reach (issue 2)", title_justify="left")
    for column in ("target", "value", "verdict"):
        table.add_column(column, justify="right" if column == "value" else "left")
    for title, value, verdict in judged(results):
        style = {"not met": "red", "not measured": "dim"}.get(verdict, "green")
        table.add_row(title, value, f"[{style}]{verdict}[/]")
    console.print(table)
    if results.students < JUDGED_AT:
        console.print(f"The targets are for {JUDGED_AT:,} students; with {results.students:,} they say little.")
