"""What reading costs: landing and all rules, beside what DuckDB takes to read the same files into tables of text.

    python -m benchmarks.intake --students 100000

Four sets: a district in order; the same with a cell in every row of users and enrollments that costs the row; the same
with a remark on every row; and the same with a line break in a cell of every row of users. Seconds are of whole
processes, start included; the ratio is of the work alone.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import click
import duckdb
from rich.console import Console
from rich.table import Table

from benchmarks import district, measure
from benchmarks.district import write_csv
from syncrun.sqltext import literal

SPOILED: Mapping[str, Mapping[str, str]] = {
    "good": {},
    "bad": {"users": "'perhaps' AS enabledUser", "enrollments": "'jester' AS role"},
    "odd": {"users": "'TRUE' AS enabledUser", "enrollments": "'Student' AS role"},
    "broken": {"users": "givenName || chr(10) || 'x' AS givenName"},
}
"""By set and file the column that every row has otherwise."""
LIMITS = {"good": 3.0, "bad": 5.0, "odd": 5.0, "broken": float("inf")}
"""How many times as long as DuckDB's bare reading a set may take; the last shows what going line by line costs."""


def spoil(good: Path, target: Path, changes: Mapping[str, str]) -> None:
    """Write a set like another, with a column of some files changed."""
    shutil.copytree(good, target)
    with duckdb.connect() as connection:
        for file, change in changes.items():
            source = (
                f"read_csv({literal(str(good / f'{file}.csv'))}, all_varchar = true, header = true, nullstr = '\\N')"
            )
            write_csv(connection, f"SELECT * REPLACE ({change}) FROM {source}", target / f"{file}.csv")


@click.command()
@click.option("--students", default=100_000, show_default=True, type=click.IntRange(100), help="Size of the district.")
@click.option("--seed", default=district.SEED, show_default=True)
@click.option("--only", default=",".join(SPOILED), show_default=True, help="Which sets.")
def main(students: int, seed: int, only: str) -> None:
    """Measure what reading costs. Exit code 1 when it costs more than it may."""
    console = Console(width=None if sys.stdout.isatty() else 160)
    table = Table(
        "set", "bare", "landing + rules", "of which rules", "ratio", "may be", "whole process", "peak", box=None
    )
    late = False
    with tempfile.TemporaryDirectory(prefix="syncrun-bench-") as folder:
        good = Path(folder) / "good"
        district.write(good, students, seed)
        for name in only.split(","):
            here = good if name == "good" else Path(folder) / name
            if name != "good":
                spoil(good, here, SPOILED[name])
            bare = measure.worker("bare_read", here).told()["read"]
            measured = measure.worker("intake", here)
            told = measured.told()
            spent = told["land"] + told["rules"]
            late |= spent > LIMITS[name] * bare
            table.add_row(name, f"{bare:.2f} s", f"{spent:.2f} s", f"{told['rules']:.2f} s", f"{spent / bare:.1f} x",
                          f"{LIMITS[name]:.0f} x", f"{measured.seconds:.1f} s", f"{measured.peak / 1e6:,.0f} MB")  # fmt: skip
    console.print(f"{students:,} students")
    console.print(table)
    raise SystemExit(int(late))


if __name__ == "__main__":
    main()
