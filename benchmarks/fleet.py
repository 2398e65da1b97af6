"""Many small districts in one installation, each with a folder of OneRoster files and a planner of its own in SQLite.

Each is set up by real runs: a first sync, a person's approval, and the run that applies it.
"""

from __future__ import annotations

import contextlib
import csv
import datetime
import io
import multiprocessing
import os
import random
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb
import sqlalchemy as sa

from benchmarks import district, measure, planner
from benchmarks.contender.own import compile_package
from benchmarks.measure import FailedError
from syncrun.cli.app import app
from syncrun.errors import EXIT_DONE, EXIT_HELD
from syncrun.schedule import timetable
from syncrun.schedule.spec import Spec
from syncrun.sinks.planner.database import metadata
from syncrun.state import database
from syncrun.state.model import jobs, leases, runs
from syncrun.state.store import State

RATE = 0.01
DISTRICT_FILE = """\
district = "{name}"
time_zone = "America/New_York"

[source]
connector = "oneroster_csv"
path = "../inbox/{name}"
settle_seconds = 0

[[sinks]]
sink = "planner"
database_url = "sqlite:///../planner/{name}.db"
create_tables = true
school_years = ["ay-2026"]
new_teachers = "add"

[limits]
updates = 100
removals = 100
class_shrink = 100
rekeys = 100
spread_hours = 0
"""


@dataclass(frozen=True, slots=True)
class Moment:
    """A clock that stands still."""

    at: datetime.datetime

    def now(self) -> datetime.datetime:
        """This moment."""
        return self.at


@dataclass(frozen=True, slots=True)
class Fleet:
    """The districts `names` below a folder."""

    folder: Path
    names: tuple[str, ...]

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every command."""
        own = {"SYNCRUN_HOME": str(self.folder / "home"), "SYNCRUN_DISTRICTS": str(self.folder / "districts")}
        return {**measure.usual(), **own, "SYNCRUN_DATABASE_URL": "", "SYNCRUN_LOG": ""}

    def file(self, name: str) -> Path:
        """The district file."""
        return self.folder / "districts" / f"{name}.toml"

    def state(self, at: datetime.datetime) -> State:
        """The state of the installation, with a clock that says `at`."""
        return State(database.open_state(self.folder / "home", {}), Moment(at))


def fleet(folder: Path, districts: int) -> Fleet:
    """So many districts below a folder, whether or not they are there."""
    return Fleet(folder, tuple(f"d{n:04}" for n in range(1, districts + 1)))


# -- setting up --------------------------------------------------------------------------------------------------------


def set_up(these: Fleet, students: int, told: Callable[[], None]) -> None:
    """Make those districts that are not there, in one process a core; `told` is called after each."""
    compile_package()
    for each in ("districts", "inbox", "planner"):
        (these.folder / each).mkdir(exist_ok=True)
    these.state(datetime.datetime.now(datetime.UTC)).owner()
    workers, context = len(os.sched_getaffinity(0)), multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_enter, initargs=(these.environment,)) as pool:
        for done in as_completed([pool.submit(_make, these, name, students) for name in these.names]):
            done.result()
            told()


def _enter(environment: Mapping[str, str]) -> None:
    os.environ.update(environment)
    os.umask(0o077)


def _make(these: Fleet, name: str, students: int) -> None:
    """One district: its files, its first sync, the approval."""
    mark = these.folder / "inbox" / f"{name}.{students}"
    if mark.exists():
        return
    inbox = these.folder / "inbox" / name
    district.write(inbox, students, seed=int(name[1:]))
    these.file(name).write_text(DISTRICT_FILE.format(name=name), encoding="utf-8")
    for wanted, arguments in ((EXIT_HELD, ()), (EXIT_DONE, ("approve", "--run"))):
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
            found = app(["--district", str(these.file(name)), *arguments], standalone_mode=False)
        if found != wanted:
            raise FailedError(f"the first sync of {name} ended with {found}, not {wanted}:\n{out.getvalue()}")
    mark.touch()


# -- a day later -------------------------------------------------------------------------------------------------------


def change(these: Fleet, day: str, names: Iterable[str]) -> None:
    """Change the files of these districts by 1 %: so many students have another name, so many of their enrollments are in
    another class."""
    for name in names:
        chance, inbox = random.Random(f"{name} {day}"), these.folder / "inbox" / name
        _rewrite(inbox / "users.csv", lambda rows, chance=chance: _rename(rows, chance))
        _rewrite(inbox / "enrollments.csv", lambda rows, chance=chance: _move(rows, chance))


Rows = list[dict[str, str]]


def _rewrite(path: Path, edit: Callable[[Rows], None]) -> None:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    edit(rows)
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    part.replace(path)


def _drawn(rows: Rows, chance: random.Random) -> Rows:
    students = [row for row in rows if row["role"] == "student"]
    return chance.sample(students, max(1, round(RATE * len(students))))


def _rename(rows: Rows, chance: random.Random) -> None:
    """The name that comes after theirs: it is never the same."""
    given = district.WORDS["given"]
    for row in _drawn(rows, chance):
        row["givenName"] = given[(given.index(row["givenName"]) + 1) % len(given)]


def _move(rows: Rows, chance: random.Random) -> None:
    taken = {(row["classSourcedId"], row["userSourcedId"]) for row in rows}
    classes: dict[str, list[str]] = {}
    for row in rows:
        classes.setdefault(row["schoolSourcedId"], []).append(row["classSourcedId"])
    for row in _drawn(rows, chance):
        there = sorted(set(classes[row["schoolSourcedId"]]))
        free = [each for each in there if (each, row["userSourcedId"]) not in taken]
        if free:
            row["classSourcedId"] = chance.choice(free)
            taken.add((row["classSourcedId"], row["userSourcedId"]))


def make_due(these: Fleet, nth: int) -> datetime.datetime:
    """Give every district a schedule whose appointment was the last whole minute; that minute. `nth` is another each
    time, so that the schedule is a new one."""
    minute = datetime.datetime.now(datetime.UTC).replace(second=0, microsecond=0)
    before = these.state(minute - datetime.timedelta(minutes=1))
    for name in these.names:
        spec = Spec("day", minute.time(), "UTC", catch_up_hours=12 + nth)
        timetable.put(before, name, {"incremental": spec}, "benchmark")
    due = timetable.due(these.state(minute), minute)
    if {each.district for each in due} < set(these.names):
        raise FailedError(f"{len(due)} of {len(these.names)} districts are due")
    return minute


# -- proof -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Before:
    """By district the epoch of its last run and the number of its last job."""

    epochs: Mapping[str, int]
    numbers: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Told:
    """What the state says of the jobs since: when the last one ended, how many were begun more than once, and how many
    times runs were begun."""

    last: datetime.datetime
    again: int
    tries: int


def before(these: Fleet) -> Before:
    """What is to be known before districts are due."""
    with these.state(datetime.datetime.now(datetime.UTC)).transaction() as connection:
        epochs = connection.execute(sa.select(leases.c.district, leases.c.epoch))
        numbers = connection.execute(sa.select(jobs.c.district, jobs.c.number))
        return Before(dict(map(tuple, epochs)), dict(map(tuple, numbers)))


def left(these: Fleet, was: Before) -> int:
    """How many districts have no job since that has come to its end. Locks nobody out."""
    with closing(sqlite3.connect(f"file:{these.folder / 'home' / 'state.db'}?mode=ro", uri=True, timeout=30)) as found:
        done = dict(found.execute("SELECT district, number FROM jobs WHERE ended_at IS NOT NULL"))
    return sum(done.get(name, 0) <= was.numbers.get(name, 0) for name in these.names)


def jobs_since(these: Fleet, was: Before) -> Told:
    """What became of the jobs. Raises `FailedError` when one is open, or when there was none or more than one."""
    with these.state(datetime.datetime.now(datetime.UTC)).transaction() as connection:
        found = {row.district: row for row in connection.execute(sa.select(jobs))}
    wrong = [
        name for name in these.names
        if name not in found or found[name].ended_at is None or found[name].number != was.numbers.get(name, 0) + 1
    ]  # fmt: skip
    if wrong:
        raise FailedError(f"{len(wrong)} districts have no job that ended, or more than one: {', '.join(wrong[:9])}")
    mine = [found[name] for name in these.names]
    return Told(
        max(each.ended_at for each in mine), sum(each.tries > 1 for each in mine), sum(each.tries for each in mine)
    )


def prove(these: Fleet, was: Before) -> None:
    """Raise `FailedError` unless each district was carried out once since, and its planner's rows are what its files say."""
    with these.state(datetime.datetime.now(datetime.UTC)).transaction() as connection:
        done = list(
            connection.execute(sa.select(runs.c.district, runs.c.epoch, runs.c.summary).where(runs.c.outcome == "DONE"))
        )
    times = dict.fromkeys(these.names, 0)
    for name, epoch, summary in done:
        if name in times and epoch > was.epochs[name] and '"nothing_to_do": true' not in (summary or ""):
            times[name] += 1
    wrong = [f"{name}: lost, no run ended well" for name, count in times.items() if count == 0]
    wrong += [f"{name}: done {count} times" for name, count in times.items() if count > 1]
    for name in these.names:
        wrong += [f"{name}: {each}" for each in _differences(these, name)]
    if wrong:
        raise FailedError(f"{len(wrong)} faults:\n" + "\n".join(wrong[:20]))


def _differences(these: Fleet, name: str) -> Iterator[str]:
    """The planner's tables that differ from what the files say."""
    target = f"file:{these.folder / 'planner' / name}.db?mode=ro"
    with duckdb.connect() as connection, closing(sqlite3.connect(target, uri=True)) as actual:
        planner.open_day(connection, these.folder / "inbox" / name)
        for table, query in planner.EXPECTED.items():
            columns = [column for column, *_ in connection.execute(f"DESCRIBE {query}").fetchall()]
            flags = [isinstance(metadata.tables[table].columns[column].type, sa.Boolean) for column in columns]
            wanted = sorted(
                tuple(str(int(cell == "true")) if flag and cell is not None else _text(cell) for cell, flag in zip(row, flags, strict=True))
                for row in connection.execute(query).fetchall()
            )  # fmt: skip
            found = sorted(tuple(map(_text, row)) for row in actual.execute(planner.actual(table, columns, name)))
            if wanted != found:
                yield f"{table} has {len(found)} rows, {len(set(wanted) - set(found))} of {len(wanted)} expected are not there"


def _text(cell: object) -> str:
    return "" if cell is None else str(cell)
