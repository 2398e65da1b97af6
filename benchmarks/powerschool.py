"""What pulling PowerSchool's queries costs, beside a bare loop over the same pages from the same server.

    python -m benchmarks.powerschool --students 20000

The bare loop posts, parses and writes, and stops at the first short page. The connector proves besides that all came,
names columns, and keeps an index from which a pull that was cut off goes on. Seconds are of the pulls alone.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from benchmarks import measure

LIMIT = 1.3
"""How many times as long as the bare loop the connector may take."""


@contextmanager
def _server(students: int) -> Iterator[str]:
    """A server in a process of its own; its address."""
    command = [sys.executable, "-m", "benchmarks.worker.powerschool_serve", str(students)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


def _pull(worker: str, url: str) -> tuple[dict[str, float], int]:
    """Seconds and rows of one pull, and its peak in bytes."""
    with tempfile.TemporaryDirectory(prefix="syncrun-bench-") as folder:
        measured = measure.worker(worker, url, folder)
    return measured.told(), measured.peak


@click.command()
@click.option("--students", default=20_000, show_default=True, type=click.IntRange(100), help="Size of the district.")
@click.option("--repeat", default=3, show_default=True, type=click.IntRange(1), help="Medians of so many pulls.")
def main(students: int, repeat: int) -> None:
    """Measure what a pull costs. Exit code 1 when it costs more than it may."""
    console = Console(width=None if sys.stdout.isatty() else 160)
    found: dict[str, list[tuple[dict[str, float], int]]] = {"powerschool_bare": [], "powerschool_pull": []}
    with _server(students) as url:
        for _ in range(repeat):
            for worker, pulls in found.items():  # in turn, so that both have the machine as it is
                pulls.append(_pull(worker, url))
    if len({told["rows"] for pulls in found.values() for told, _ in pulls}) != 1:
        raise measure.FailedError("The two did not pull the same number of rows.")
    bare, own = (statistics.median(told["pull"] for told, _ in pulls) for pulls in found.values())
    table = Table("", "rows", "seconds", "peak", box=None)
    for worker, seconds in (("powerschool_bare", bare), ("powerschool_pull", own)):
        told, peak = found[worker][0]
        table.add_row(worker, f"{told['rows']:,.0f}", f"{seconds:.2f}", f"{peak / 1e6:,.0f} MB")
    console.print(f"{students:,} students")
    console.print(table)
    console.print(f"ratio {own / bare:.2f} x, may be {LIMIT} x")
    raise SystemExit(int(own > LIMIT * bare))


if __name__ == "__main__":
    main()
