"""`syncrun serve` beside single runs: how long many small districts take that are all due at one minute, and whether each
is carried out once when processes are killed.

    python -m benchmarks.serve --districts 300

Before each part 1 % of every district's pupils change. Single runs, one after the other, are measured before and after
the service does all districts; the ratio is of its time and their sum divided by the runs side by side, and must be 1.2
at the most. A sample of districts stands for all in the sum, unless `--all` is said. The same runs side by side in a bare
loop show how much of the ratio is the machine's: where something else is at work, two processes get more of it than one.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import psutil
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks import fleet, machine
from benchmarks.fleet import Fleet
from benchmarks.measure import FailedError

MOST = 1.2
"""The service may take so many times the sum of the single runs divided by those side by side."""
SAMPLE = 30
LOOK = 0.5
KILL_RUN, KILL_SERVER = 5.0, 20.0
"""Seconds between one kill and the next."""
TIMES = 3
PATIENCE = 60.0
"""Seconds a district may take on average before the service is said to hang."""


@dataclass(frozen=True, slots=True)
class Single:
    """A run by itself: wall time and processor time, in seconds."""

    seconds: float
    busy: float


@dataclass(frozen=True, slots=True)
class Without:
    """Runs without a service: each `alone`, and the same districts `together`, side by side in a bare loop, which took
    `seconds` in all."""

    alone: list[Single]
    together: list[Single]
    seconds: float

    def __add__(self, other: Without) -> Without:
        """Both."""
        return Without(self.alone + other.alone, self.together + other.together, self.seconds + other.seconds)


@dataclass(frozen=True, slots=True)
class Served:
    """The service doing all districts. `seconds` are from its start, when all were due already, to the end of the last
    run; `busy` is the processor time of the runs, `own` that of the service; `again` says how many districts were begun
    more than once."""

    part: str
    seconds: float
    busy: float
    own: float
    killed_runs: int
    killed_servers: int
    again: int


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "syncrun", *map(str, arguments)]


# -- without the service -----------------------------------------------------------------------------------------------


def single(these: Fleet, name: str) -> Single:
    """The run of one district."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        command("--district", these.file(name), "--incremental"), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**these.environment, "SYNCRUN_LOG": "text"},
        cwd=these.folder,
    )  # fmt: skip
    with process:
        said = process.stderr.read() if process.stderr else b""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise FailedError(f"the run of {name} ended with {process.returncode}:\n{said.decode()[-3000:]}")
    return Single(time.perf_counter() - begun, usage.ru_utime + usage.ru_stime)


def without(these: Fleet, names: Sequence[str], at_once: int, progress: Progress) -> Without:
    """Runs of some districts one after the other, and then, after a change, so many side by side without a service."""
    fleet.change(these, "one after the other", names)
    alone = [single(these, name) for name in progress.track(names, description="single runs")]
    fleet.change(these, "side by side", names)
    task, begun = progress.add_task("side by side", total=len(names)), time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        together = []
        for each in pool.map(lambda name: single(these, name), names):
            together.append(each)
            progress.advance(task)
    return Without(alone, together, time.perf_counter() - begun)


# -- the service -------------------------------------------------------------------------------------------------------


class Killer:
    """Kills from time to time a run that a server began, and with `servers` the server itself. No district is killed more than `TIMES` times:
    the service gives up on one that is cut off again and again."""

    def __init__(self, *, servers: bool) -> None:
        now = time.monotonic()
        self._run_at = now + KILL_RUN
        self._server_at = now + KILL_SERVER if servers else None
        self._times: Counter[str] = Counter()
        self.runs = self.servers = 0

    def look(self, server: psutil.Popen) -> None:
        """Kill what it is time for."""
        now = time.monotonic()
        if now >= self._run_at:
            at_work = [each for each in _runs(server) if self._times[each[0]] < TIMES]
            if at_work:
                district, process = random.choice(at_work)
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
                    self._times[district] += 1
                    self.runs += 1
                self._run_at = now + KILL_RUN
        if self._server_at is not None and now >= self._server_at:
            server.kill()
            self.servers += 1
            self._server_at = now + KILL_SERVER


def _runs(server: psutil.Popen) -> Iterator[tuple[str, psutil.Process]]:
    """The runs that a server began and that are at work, each with the file of its district."""
    for each in server.children():
        with contextlib.suppress(psutil.Error, ValueError, IndexError):
            line = each.cmdline()
            yield line[line.index("--district") + 1], each


def served(
    these: Fleet, part: str, at_once: int, nth: int, progress: Progress, *, once: bool, killer: Killer | None = None
) -> Served:  # fmt: skip
    """Make all districts due, and let the service do them; then prove that each was done once."""
    was = fleet.before(these)
    fleet.make_due(these, nth)
    task = progress.add_task(part, total=len(these.names))
    log = these.folder / f"{part.replace(' ', '-').replace(',', '')}.log"
    arguments = ["serve", "--at-once", str(at_once), "--no-digests", *(["--once"] if once else [])]
    busy = own = 0.0
    begun, until = datetime.datetime.now(datetime.UTC), time.monotonic() + PATIENCE * (len(these.names) + 1)
    with log.open("wb") as stream:
        open_left = len(these.names)
        while open_left:
            server = psutil.Popen(command(*arguments), stdin=subprocess.DEVNULL, stderr=stream, stdout=stream,
                                  env=these.environment, cwd=these.folder)  # fmt: skip
            used = (0.0, 0.0)
            try:
                while open_left and server.poll() is None:
                    time.sleep(LOOK)
                    used = _used(server) or used
                    if killer:
                        killer.look(server)
                    open_left = fleet.left(these, was)
                    progress.update(task, completed=len(these.names) - open_left)
                    if time.monotonic() > until:
                        raise FailedError(f"{open_left} districts are not done; see {log}")
                used = _used(server) or used
                if once:
                    server.wait(PATIENCE)
            finally:
                _end(server)
            own, busy = own + used[0], busy + used[1]
            if server.returncode not in {0, -signal.SIGKILL} or (once and open_left):
                raise FailedError(f"the service ended with {server.returncode}, {open_left} districts not done:\n"
                                  f"{log.read_text(encoding='utf-8')[-3000:]}")  # fmt: skip
    told = fleet.jobs_since(these, was)
    fleet.prove(these, was)
    killed = (killer.runs, killer.servers) if killer else (0, 0)
    return Served(part, (told.last - begun).total_seconds(), busy, own, *killed, told.again)


def _used(server: psutil.Popen) -> tuple[float, float] | None:
    """Processor time of the service, and of the runs of it that have ended."""
    try:
        found = server.cpu_times()
    except psutil.Error:
        return None
    return found.user + found.system, found.children_user + found.children_system


def _end(server: psutil.Popen) -> None:
    if server.poll() is None:
        server.terminate()
    try:
        server.wait(PATIENCE)
    except psutil.TimeoutExpired:
        server.kill()
        server.wait()


# -- the command -------------------------------------------------------------------------------------------------------


@contextmanager
def _workshop(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="syncrun-bench-") as name:
        yield Path(name)


@click.command(context_settings={"max_content_width": 100})
@click.option("--districts", default=300, show_default=True, type=click.IntRange(1), help="How many are due at once.")
@click.option("--students", default=500, show_default=True, type=click.IntRange(100), help="Size of each.")
@click.option("--at-once", default=2, show_default=True, type=click.IntRange(1), help="Runs side by side.")
@click.option(
    "--singles",
    default=30,
    show_default=True,
    type=click.IntRange(2),
    help="Districts that stand for all in single runs.",
)
@click.option("--all", "every", is_flag=True, help="Single runs of all districts.")
@click.option("--kill-server", is_flag=True, help="One more part: the server is killed every 20 seconds too.")
@click.option("--json", "target", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures to a file.")
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False),
              help="Work in this folder and leave everything there; its districts are used again.")  # fmt: skip
def main(
    *, districts: int, students: int, at_once: int, singles: int, every: bool, kill_server: bool, target: Path | None,
    keep: Path | None,
) -> None:  # fmt: skip
    """Measure, and prove that each district was done once. Exit code 1 when one was lost or done twice."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    with _workshop(keep) as folder:
        these = fleet.fleet(folder, districts)
        load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
        cores = len(os.sched_getaffinity(0))
        about = f"{machine.processor()}, {cores} cores, load at the start {load}, commit {machine.commit()}"
        console.print(about)
        bars = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        sample = districts if every else min(singles, districts)
        try:
            with Progress(*bars, console=console) as progress:
                setting_up = _set_up(these, students, progress)
                bare, parts = _measure(these, at_once, sample, progress, kill_server=kill_server)
        except FailedError as error:
            raise click.ClickException(str(error)) from None
    console.print(f"{setting_up:.0f} s to set up {districts} districts of {students} students, by two real runs each. "
                  f"Single runs of {sample} of them stand for all.")  # fmt: skip
    ideal = statistics.fmean(each.seconds for each in bare.alone) * districts / at_once
    _show(console, bare, parts, districts, ideal)
    if target:
        told = {"about": about, "districts": districts, "students": students, "at_once": at_once, "set_up": setting_up,
                "without": asdict(bare), "target": MOST,
                "parts": [{**asdict(each), "ratio": each.seconds / ideal} for each in parts]}  # fmt: skip
        target.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def _set_up(these: Fleet, students: int, progress: Progress) -> float:
    begun = time.monotonic()
    task = progress.add_task("setting up", total=len(these.names))
    fleet.set_up(these, students, lambda: progress.advance(task))
    return time.monotonic() - begun


def _measure(
    these: Fleet, at_once: int, sample: int, progress: Progress, *, kill_server: bool
) -> tuple[Without, list[Served]]:
    """The runs without a service, half of them before it and half after, and the parts of the service."""
    drawn = random.Random(1).sample(these.names, sample)
    half = (len(drawn) + 1) // 2
    bare = without(these, drawn[:half], at_once, progress)
    fleet.change(these, "all due", these.names)
    parts = [served(these, "all due", at_once, 1, progress, once=True)]
    if drawn[half:]:
        bare += without(these, drawn[half:], at_once, progress)
    for nth, servers in enumerate((False, True) if kill_server else (False,), 2):
        part = "runs and server killed" if servers else "runs killed"
        fleet.change(these, part, these.names)
        killer = Killer(servers=servers)
        parts.append(served(these, part, at_once, nth, progress, once=False, killer=killer))
    return bare, parts


def _show(console: Console, bare: Without, parts: Sequence[Served], districts: int, ideal: float) -> None:
    table = Table("", box=None)
    for column in ("seconds", "a run", "CPU a run", "service's CPU", "killed", "begun again", "ratio", "at most", ""):
        table.add_column(column, justify="right")
    for what, runs, seconds in (
        ("single runs", bare.alone, sum(each.seconds for each in bare.alone)),
        ("side by side, no service", bare.together, bare.seconds),
    ):
        mean, busy = seconds / len(runs), statistics.fmean(each.busy for each in runs)
        ratio = "" if runs is bare.alone else f"{mean * districts / ideal:.2f}"
        table.add_row(what, f"{mean * districts:.0f}", f"{mean:.2f}", f"{busy:.2f}", "", "", "", ratio)
    for each in parts:
        ratio, plain = each.seconds / ideal, each.killed_runs + each.killed_servers == 0
        killed = f"{each.killed_runs} + {each.killed_servers}" if each.killed_servers else f"{each.killed_runs}"
        table.add_row(
            each.part, f"{each.seconds:.0f}", f"{each.seconds / districts:.2f}", f"{each.busy / districts:.2f}",
            f"{each.own:.1f}", killed, str(each.again), f"{ratio:.2f}", f"{MOST}" if plain else "",
            ("met" if ratio <= MOST else "[red]not met[/]") if plain else "",
        )  # fmt: skip
    console.print(table)
    console.print("Each district was done once in each part, and its planner's rows are what its files say.")


if __name__ == "__main__":
    main()
