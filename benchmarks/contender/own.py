"""syncrun itself, as an operator calls it: each command a process of its own."""

from __future__ import annotations

import compileall
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import syncrun
import syncrun.connectors
import syncrun.sinks
from benchmarks import measure, planner
from benchmarks.contender.copy_floor import make_planner
from benchmarks.course import DISTRICT, Course, Figure, Stage, figure
from benchmarks.measure import Measured
from syncrun.errors import EXIT_DONE, EXIT_HELD

NAME = "syncrun"
DISTRICT_FILE = f"""\
district = "{DISTRICT}"
time_zone = "America/New_York"

[source]
connector = "oneroster_csv"
path = "../inbox"
settle_seconds = 0

[[sinks]]
sink = "planner"
database_url = "env:BENCH_PLANNER_URL"
school_years = ["ay-2026"]
new_teachers = "add"
"""


def missing() -> str:
    """It is here."""
    return ""


def run(course: Course) -> Iterator[Figure]:
    """The first sync with its approval, the next day, and the next day once more."""
    room = course.room("syncrun")
    url = course.postgres.fresh("bench_syncrun")
    make_planner(url)
    district = room / "districts" / f"{DISTRICT}.toml"
    district.parent.mkdir()
    district.write_text(DISTRICT_FILE, encoding="utf-8")
    env = {"SYNCRUN_HOME": str(room / "home"), "SYNCRUN_DATABASE_URL": "", "BENCH_PLANNER_URL": url}

    def command(*arguments: str, exit_code: int = EXIT_DONE) -> Measured:
        called = [sys.executable, "-m", "syncrun", *arguments, "--district", str(district)]
        return measure.run(called, env=env, cwd=room, exit_code=exit_code)

    compile_package()
    _arrive(course.days[0], room / "inbox")
    course.postgres.rest()
    steps = {
        "read, plan, held": command(exit_code=EXIT_HELD),
        "approve, apply": command("approve", "--run"),
    }
    rows = planner.prove(url, course.days[0], room, NAME)
    yield Figure(NAME, Stage.FIRST, sum(each.seconds for each in steps.values()),
                 max(each.peak for each in steps.values()), note=f"{rows:,} rows; held, approved, applied")  # fmt: skip
    for step, measured in steps.items():
        yield figure(NAME, Stage.FIRST, measured, step=step)

    _arrive(course.days[1], room / "inbox")
    for stage in (Stage.NEXT, Stage.AGAIN):
        course.postgres.rest(url)
        measured = command()
        planner.prove(url, course.days[1], room, NAME)
        yield figure(NAME, stage, measured, note="archives what is gone" if stage is Stage.NEXT else "")
    course.postgres.drop("bench_syncrun")


def compile_package() -> None:
    """Compile the package, as pip does when it installs one, so that the first command does not pay for it."""
    for each in (syncrun, syncrun.connectors, syncrun.sinks):
        compileall.compile_dir(each.__path__[0], quiet=2)


def _arrive(day: Path, inbox: Path) -> None:
    """Put the files of a day into the inbox."""
    shutil.rmtree(inbox, ignore_errors=True)
    shutil.copytree(day, inbox)
