"""How well and how quickly records are matched: syncrun beside splink and beside the same name, on lists with a known truth.

    python -m benchmarks.matching --students 100000

Three sets of students: what two systems usually know; a change of systems, after which no identifier is known on both
sides; and a list with names, schools, grades and addresses only. One set of classes, told apart by their rosters.

*Precision* is the share of pairs taken without a look that are right; *recall* the share of true pairs that a person is
shown, sure ones included. Seconds are of the work alone, the peak is of the process.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import duckdb
from rich.console import Console
from rich.table import Table

from benchmarks import measure, people, sections
from syncrun.sqltext import literal, names

SETS: Mapping[str, tuple[str, ...]] = {
    "students": (),
    "students, new ids": ("identifier",),
    "students, names": ("identifier", "birthDate", "middleName"),
}
"""By set what the existing list does not know."""
OWN, NAMES, SPLINK = "syncrun", "same name", "splink"
PRECISION, RECALL, SECONDS, PEAK = 0.999, 0.97, 60.0, 2e9
"""What is to be reached, the last two by 100,000 students beside as many."""


@dataclass(frozen=True, slots=True)
class Result:
    """One contender on one set. `taken` pairs without a look, of which `right`; `shown` true pairs of all `true` ones."""

    taken: int
    right: int
    shown: int
    true: int
    seconds: float
    peak: int

    @property
    def good(self) -> bool:
        """Whether precision and recall are reached."""
        return self.right >= PRECISION * self.taken and self.shown >= RECALL * self.true


def judge(folder: Path, measured: measure.Measured) -> Result:
    """Compare the answer with the truth."""
    with duckdb.connect() as connection:
        for part in ("answer", "truth"):
            connection.execute(f"CREATE VIEW {part} AS FROM read_parquet({literal(str(folder / part))} || '.parquet')")
        taken, right, shown, true = connection.execute("""
            SELECT (SELECT count(*) FROM answer WHERE verdict = 'sure'),
                (SELECT count(*) FROM answer SEMI JOIN truth USING (incoming_id, existing_id) WHERE verdict = 'sure'),
                (SELECT count(*) FROM truth SEMI JOIN answer USING (incoming_id, existing_id)),
                (SELECT count(*) FROM truth)
        """).fetchone() or (0, 0, 0, 0)
    return Result(taken, right, shown, true, measured.told()["match"], measured.peak)


def thin(folder: Path, target: Path, unknown: Sequence[str]) -> None:
    """The same lists, of which the existing one lacks some columns."""
    target.mkdir()
    for part in ("incoming", "truth"):
        shutil.copy(folder / f"{part}.parquet", target)
    source = literal(str(folder / "existing.parquet"))
    less = f"EXCLUDE ({names(unknown)})" if unknown else ""
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT * {less} FROM read_parquet({source})) TO {literal(str(target / 'existing.parquet'))} (FORMAT parquet)"
        )


@click.command()
@click.option("--students", default=100_000, show_default=True, type=click.IntRange(500), help="Size of each list.")
@click.option("--seed", default=people.SEED, show_default=True)
@click.option("--without", default="", help="Contenders to leave out, with commas.")
def main(students: int, seed: int, without: str) -> None:
    """Measure matching. Exit code 1 when precision, recall, time or memory are not reached."""
    console = Console(width=None if sys.stdout.isatty() else 160)
    table = Table("set", "contender", "taken", "wrong", "precision", "recall", "seconds", "peak", box=None)
    failed = False
    contenders = [each for each in (OWN, SPLINK, NAMES) if each not in without.split(",")]
    if SPLINK in contenders and importlib.util.find_spec("splink") is None:
        contenders.remove(SPLINK)
        console.print("splink is not installed and left out")
    with tempfile.TemporaryDirectory(prefix="syncrun-bench-") as name:
        whole = Path(name) / "whole"
        people.write(people.made(students, seed), whole)
        for number, (title, unknown) in enumerate(SETS.items()):
            folder = Path(name) / f"set-{number}"
            thin(whole, folder, unknown)
            for contender in contenders:
                result = judge(folder, _run(contender, folder))
                failed |= contender == OWN and not (result.good and _quick(result, students))
                _row(table, title, contender, result)
        folder = Path(name) / "classes"
        sections.write(folder, max(2, students // 700), seed)
        for contender, worker, argument in (
            (OWN, "match_own", "classes"),
            (NAMES, "match_names", "title,school,period"),
        ):
            result = judge(folder, measure.worker(worker, folder, argument))
            failed |= contender == OWN and not result.good
            _row(table, "classes", contender, result)
    console.print(f"{students:,} students on each side")
    console.print(table)
    raise SystemExit(int(failed))


def _run(contender: str, folder: Path) -> measure.Measured:
    if contender == OWN:
        return measure.worker("match_own", folder, "students")
    if contender == SPLINK:
        return measure.worker("match_splink", folder)
    return measure.worker("match_names", folder, "givenName,familyName")


def _quick(result: Result, students: int) -> bool:
    return students > 100_000 or (result.seconds <= SECONDS and result.peak <= PEAK)


def _row(table: Table, title: str, contender: str, result: Result) -> None:
    precision = f"{result.right / result.taken:.3%}" if result.taken else "-"
    table.add_row(title, contender, f"{result.taken:,}", f"{result.taken - result.right:,}", precision,
                  f"{result.shown / result.true:.2%}", f"{result.seconds:.1f} s", f"{result.peak / 1e6:,.0f} MB")  # fmt: skip


if __name__ == "__main__":
    main()
