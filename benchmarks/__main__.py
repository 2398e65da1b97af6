"""`python -m benchmarks`: make a district, run everyone on it, prove the results, print the figures."""

from __future__ import annotations

import dataclasses
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import click
from rich.console import Console

from benchmarks import district, machine, next_day
from benchmarks.contender import by_hand, copy_floor, dlt_merge, hash_floor, own
from benchmarks.course import Course, Figure
from benchmarks.measure import FailedError
from benchmarks.screen import show_figures, show_targets
from benchmarks.server import Postgres, postgres
from benchmarks.target import Results, judged

CONTENDERS: dict[str, ModuleType] = {
    "copy": copy_floor,
    "sha256": hash_floor,
    "syncrun": own,
    "sql": by_hand,
    "dlt": dlt_merge,
}
TIMES = 10
"""How much larger the district of `--scale` is."""


@contextmanager
def _workshop(keep: Path | None) -> Iterator[Path]:
    """A folder to work in, which stays when it was asked for by name."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="syncrun-bench-") as name:
        yield Path(name)


def _input(folder: Path, students: int, seed: int) -> tuple[Path, Path]:
    """The files of the two days; those of an earlier run are used again."""
    home = folder / f"district-{students}-{seed}"
    days = home / "day-1", home / "day-2"
    if not (home / "whole").exists():
        shutil.rmtree(home, ignore_errors=True)
        district.write(days[0], students, seed)
        next_day.write(days[0], days[1], seed)
        (home / "whole").touch()
    return days


def _measure(console: Console, course: Course, chosen: Sequence[str], repeat: int) -> list[Figure]:
    """The figures of those chosen; each round goes through all of them, so that a busy minute hits everyone."""
    rounds: list[list[Figure]] = []
    for n in range(repeat):
        rounds.append([])
        for name in chosen:
            console.print(
                f"  {course.students:,} students: {name}{f', round {n + 1}' if repeat > 1 else ''}", style="dim"
            )
            rounds[-1] += CONTENDERS[name].run(course)
    return [_middle(same) for same in zip(*rounds, strict=True)]


def _middle(same: Sequence[Figure]) -> Figure:
    """One figure for several of the same: the median of the times, the highest of the peaks."""
    seconds = [each.seconds for each in same]
    peaks = [each.peak for each in same if each.peak is not None]
    note = same[0].note
    if len(same) > 1:
        note = "; ".join(filter(None, (note, f"{min(seconds):.2f} to {max(seconds):.2f} s")))
    return dataclasses.replace(
        same[0], seconds=statistics.median(seconds), peak=max(peaks) if peaks else None, note=note
    )


def _names(ctx: click.Context, param: click.Parameter, value: str) -> list[str]:
    wanted = [each.strip() for each in value.split(",") if each.strip()]
    unknown = [each for each in wanted if each not in CONTENDERS]
    if unknown:
        raise click.BadParameter(f"no such contender: {', '.join(unknown)}; there are {', '.join(CONTENDERS)}")
    return [each for each in CONTENDERS if each in wanted]


@click.command(context_settings={"max_content_width": 100})
@click.option("--students", default=100_000, show_default=True, type=click.IntRange(100), help="Size of the district.")
@click.option("--scale", is_flag=True, help=f"Also run {TIMES} times the size, and compare.")
@click.option("--repeat", default=1, show_default=True, type=click.IntRange(1), help="Rounds; the medians are shown.")
@click.option("--only", default=",".join(CONTENDERS), show_default=True, callback=_names, metavar="NAME,...",
              help="Who takes part.")  # fmt: skip
@click.option("--seed", default=district.SEED, show_default=True, help="Another seed gives another district.")
@click.option("--json", "target", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures to a file.")
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False),
              help="Work in this folder and leave everything there; its district is used again.")  # fmt: skip
def main(
    *, students: int, scale: bool, repeat: int, only: list[str], seed: int, target: Path | None, keep: Path | None
) -> None:
    """Measure syncrun beside its peers on one made-up district, and prove that each result is right."""
    console = Console(width=None if sys.stdout.isatty() else 160)
    absent = {name: why for name in only if (why := CONTENDERS[name].missing())}
    chosen = [name for name in only if name not in absent]
    with _workshop(keep) as folder, postgres() as server:
        about = machine.described(server.settings())
        console.print(about)
        try:
            figures = _at(console, server, folder, students, seed, chosen, repeat)
            scaled = _at(console, server, folder, students * TIMES, seed, chosen, 1) if scale else []
        except FailedError as error:
            raise click.ClickException(str(error)) from None
    results = Results(students, figures, scaled)
    for size, found in ((students, figures), (students * TIMES, scaled)):
        if found:
            show_figures(console, size, found, absent)
    show_targets(console, results)
    if target:
        _save(target, about, results, absent)


def _at(
    console: Console, server: Postgres, folder: Path, students: int, seed: int, chosen: Sequence[str], repeat: int
) -> list[Figure]:
    """Everything at one size."""
    console.print(f"  {students:,} students: the district", style="dim")
    work = folder / f"work-{students}"
    work.mkdir(exist_ok=True)
    return _measure(console, Course(_input(folder, students, seed), server, work, students), chosen, repeat)


def _save(target: Path, about: str, results: Results, absent: dict[str, str]) -> None:
    """Everything as JSON: seconds, bytes, verdicts."""
    told = {
        "about": about.splitlines(), "students": results.students, "absent": absent,
        "figures": [dataclasses.asdict(each) for each in results.figures],
        "scaled": [dataclasses.asdict(each) for each in results.scaled],
        "targets": [dict(zip(("target", "value", "verdict"), each, strict=True)) for each in judged(results)],
    }  # fmt: skip
    target.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
