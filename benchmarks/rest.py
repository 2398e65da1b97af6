"""What a pull over REST costs, beside bare requests for the same pages.

    python -m benchmarks.rest --students 100000
    python -m benchmarks.rest --students 30000 --scale       # and ten times the size, for memory

A made-up district is served over loopback by `syncrun testserver` in a process of its own, with OAuth 1. The peers ask
for the same pages in order, by one session of `requests`: `content` takes the bytes alone, `json` parses them. The pull
does what a run does: it proves that the pages are all there is, and keeps them on disk. Then it is done once more
against a server that answers 30 % of requests with 429 and 5 % with 502. After each pull the ids on disk are compared
with those in the files.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import duckdb
from rich.console import Console
from rich.table import Table

from benchmarks import district, measure
from benchmarks.measure import FailedError
from benchmarks.worker.bare_rest import COLLECTIONS
from syncrun.sqltext import literal

TIMES = 10
FLAKY = ("throttled=0.3", "retry_after=none", "failing=0.05", "failing_status=502")
CHANCE = 1 / (1 - 0.35)
"""How often chance alone makes one ask a server that refuses 35 % of requests."""
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Served:
    """A server: how it is reached, and the files that it serves."""

    base: str
    key: str
    secret: str
    files: Path


@contextmanager
def served(files: Path, size: int, faults: Sequence[str] = ()) -> Iterator[Served]:
    """Serve a folder in a process of its own."""
    wrong = [word for fault in faults for word in ("--fault", fault)]
    command = [sys.executable, "-m", "syncrun", "testserver", files, "--json", "--max-limit", str(size), *wrong]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            told = json.loads(process.stdout.readline() if process.stdout else "")
            yield Served(told["base_url"], told["key"], told["secret"], files)
        finally:
            process.terminate()


def bare(server: Served, size: int, how: str) -> Mapping[str, float]:
    """What the bare loop told."""
    return measure.worker("bare_rest", server.base, server.key, server.secret, str(size), how).told()


def pulled(server: Served, size: int, *more: str) -> Mapping[str, float]:
    """What a pull told. Raises `FailedError` when not every id is on disk."""
    with tempfile.TemporaryDirectory(prefix="syncrun-bench-") as folder:
        told = measure.worker("pull", server.base, server.key, server.secret, str(size), folder, *more).told()
        for collection in COLLECTIONS:
            pages, file = Path(folder) / "pull" / f"sent_{collection}-*.json", server.files / f"{collection}.csv"
            kept = f"read_json({literal(str(pages))}, format = 'array', columns = {{'sourcedId': 'VARCHAR', 'status': 'VARCHAR'}})"
            sent = f"read_csv({literal(str(file))}, all_varchar = true, header = true)"
            if _ids(kept) != _ids(sent):
                raise FailedError(f"{collection}: what was pulled is not what is served")
    return told


def _ids(source: str) -> object:
    """How many ids there are, and a number that stands for all of them."""
    with duckdb.connect() as connection:
        return connection.execute(f"SELECT count(sourcedId), bit_xor(hash(sourcedId)) FROM {source}").fetchone()


@click.command()
@click.option("--students", default=100_000, show_default=True, type=click.IntRange(100), help="Size of the district.")
@click.option("--size", default=10_000, show_default=True, type=click.IntRange(1), help="Records on a page.")
@click.option("--repeat", default=3, show_default=True, type=click.IntRange(1), help="Rounds; the medians are shown.")
@click.option("--scale", is_flag=True, help=f"Also pull {TIMES} times the size, and compare the peaks of memory.")
@click.option("--seed", default=district.SEED, show_default=True)
def main(*, students: int, size: int, repeat: int, scale: bool, seed: int) -> None:
    """Measure a pull beside bare requests, against a right server and a flaky one."""
    console = Console(width=None if sys.stdout.isatty() else 160)
    with tempfile.TemporaryDirectory(prefix="syncrun-bench-") as name:
        files = Path(name) / "files"
        district.write(files, students, seed)
        try:
            rounds, read = _rounds(files, size, repeat)
            _show(console, students, rounds, read)
            with served(files, size, FLAKY) as server:
                _show_flaky(console, pulled(server, size), rounds[0]["json"]["requests"])
            if scale:
                large = Path(name) / "large"
                district.write(large, students * TIMES, seed)
                with served(large, size) as server:
                    _show_scaled(console, students, rounds, pulled(server, size))
        except FailedError as error:
            raise click.ClickException(str(error)) from None


def _rounds(files: Path, size: int, repeat: int) -> tuple[list[dict[str, Mapping[str, float]]], Mapping[str, float]]:
    """What each told in each round, after one that is not counted, since the server sorts at the first request; and what
    a pull told that is read as well."""
    with served(files, size) as server:
        bare(server, size, "content")
        rounds = [
            {"content": bare(server, size, "content"), "json": bare(server, size, "json"), "pull": pulled(server, size)}
            for _ in range(repeat)
        ]
        return rounds, pulled(server, size, "read")


def _show(
    console: Console, students: int, rounds: Sequence[Mapping[str, Mapping[str, float]]], read: Mapping[str, float]
) -> None:  # fmt: skip
    """Seconds, and ratios of the same round."""
    records, volume = rounds[0]["json"]["records"], rounds[0]["json"]["bytes"]
    table = Table("", "seconds", "x content", "x json", "of processor", "x json", "requests", "peak", box=None)
    for name, key in (("content", "read"), ("json", "read"), ("pull", "pull")):
        seconds = [each[name][key] for each in rounds]
        work = [each[name]["cpu"] for each in rounds]
        table.add_row(
            name, f"{statistics.median(seconds):.2f}", _ratio(seconds, [each["content"]["read"] for each in rounds]),
            _ratio(seconds, [each["json"]["read"] for each in rounds]), f"{statistics.median(work):.2f}",
            _ratio(work, [each["json"]["cpu"] for each in rounds]), f"{rounds[-1][name]['requests']:.0f}",
            f"{max(each[name]['peak'] for each in rounds) / MIB:,.0f} MB",
        )  # fmt: skip
    console.print(f"{students:,} students, {records:,} records, {volume / MIB:,.0f} MB, median of {len(rounds)}")
    console.print(table)
    console.print(
        f"reading the pages: {read['land']:.2f} s landing and drawing, {read['rules']:.2f} s rules and snapshot"
    )


def _show_flaky(console: Console, told: Mapping[str, float], ideal: float) -> None:
    console.print(
        f"30 % 429 and 5 % 502: nothing lost; {told['requests']:.0f} requests where {ideal + 1:.0f} would do "
        f"({told['requests'] / (ideal + 1):.2f} x; chance alone {CHANCE:.2f} x), {told['waits']:.0f} s of waiting left out"
    )


def _show_scaled(
    console: Console, students: int, rounds: Sequence[Mapping[str, Mapping[str, float]]], large: Mapping[str, float]
) -> None:  # fmt: skip
    small = max(each["pull"]["peak"] for each in rounds)
    console.print(
        f"{students * TIMES:,} students: {large['records']:,} records in {large['pull']:.1f} s, peak "
        f"{large['peak'] / MIB:,.0f} MB, {large['peak'] / small:.2f} x that of {students:,}"
    )


def _ratio(these: Sequence[float], those: Sequence[float]) -> str:
    """The median of the ratios, each within one round."""
    return f"{statistics.median(a / b for a, b in zip(these, those, strict=True)):.2f}"


if __name__ == "__main__":
    main()
