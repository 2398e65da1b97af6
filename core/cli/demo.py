"""`syncrun demo`."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

import click

from syncrun.errors import EXIT_DONE, EXIT_HELD, FaultError, UsageError

MARK = ".syncrun-demo"
"""Says that a folder is a demo's, and by what it holds whether the demo came to its end."""
BEGUN, ENDED = "begun", "ended"
DISTRICT = """\
district = "demo"
time_zone = "America/New_York"

[source]
connector = "oneroster_csv"
path = "../inbox"
settle_seconds = 0

[[sinks]]
sink = "planner"
database_url = "sqlite:///../planner.db"
school_years = ["year-2027"]
"""


@click.command()
@click.argument("directory", metavar="[DIR]", default="syncrun-demo", type=click.Path(path_type=Path, file_okay=False))
@click.option("--fresh", is_flag=True, help="Begin again: remove what an earlier demo made in DIR.")
def demo(directory: Path, fresh: bool) -> int:
    """See a first sync and the day after, in a minute.

    Makes a small district with a planner that already has some schools and teachers in DIR, runs the first sync, which
    is held, shows the plan, approves and applies it; then a next day with changes. Nothing outside DIR is touched.
    """
    folder = directory.absolute()
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARK).exists():
            raise UsageError(f"{directory} is not empty and is not a demo.", next_step="Name another folder.")
        if fresh or (folder / MARK).read_text(encoding="utf-8") != ENDED:
            shutil.rmtree(folder)
    os.environ["SYNCRUN_HOME"] = str(folder / "home")
    os.environ.pop("SYNCRUN_DATABASE_URL", None)
    district = directory / "districts" / "demo.toml"
    if (folder / MARK).exists():
        click.echo(f"The demo in {directory} is set up; its district once more (--fresh begins again).\n")
        _syncrun(EXIT_DONE, "--district", str(district))
    else:
        _tell(folder, directory, district)
    _what_next(directory)
    return EXIT_DONE


def _tell(folder: Path, directory: Path, district: Path) -> None:
    from syncrun.demo import planner, roster

    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text(BEGUN, encoding="utf-8")
    roster.write(roster.first_day(), folder / "inbox")
    planner.furnish(folder / "planner.db")
    district.parent.mkdir()
    district.write_text(DISTRICT, encoding="utf-8")
    at = ("--district", str(district))
    _say(f"A district with three schools in {directory}/inbox, and a planner that already has two schools, two\n"
         "teachers and a class of its own. The first sync always waits for a person:")  # fmt: skip
    _syncrun(EXIT_HELD, *at)
    _say("The plan in detail. Oak High and one teacher were there before and are taken over by their codes:")
    _syncrun(EXIT_DONE, "show", *at, "--table", "schools", "--limit", "3")
    _say("It is as it should be. Approve it, and run again to apply it:")
    _syncrun(EXIT_DONE, "approve", *at)
    _syncrun(EXIT_DONE, *at)
    _say("The next morning: one pupil left, one came, one has a new name, a room changed, and there is a new teacher.\n"
         "New teachers cost money, so one waits; all the rest is applied:")  # fmt: skip
    roster.write(roster.next_day(), folder / "inbox")
    _syncrun(EXIT_HELD, *at)
    _say("Approve her, and apply that too:")
    _syncrun(EXIT_DONE, "approve", *at, "--school", "school-2", "--run")
    _say("And once more. The same input twice changes nothing:")
    _syncrun(EXIT_DONE, *at)
    (folder / MARK).write_text(ENDED, encoding="utf-8")


def _say(text: str) -> None:
    click.secho(f"\n{text}\n", fg="cyan")


def _syncrun(expected: int, *arguments: str) -> None:
    """Run a command as an operator would and see that it ends as it should."""
    from syncrun.cli.app import app

    click.secho(f"$ syncrun {shlex.join(arguments)}", bold=True)
    found = app(list(arguments), standalone_mode=False)
    if found != expected:
        raise FaultError(f"The demo's command ended with {found}, not {expected}.",
                         next_step="Begin again with --fresh; if it comes back, report it.")  # fmt: skip


def _what_next(directory: Path) -> None:
    _say("What to try next:")
    home = f"export SYNCRUN_HOME={shlex.quote(str(directory / 'home'))}"
    at = f"--district {shlex.quote(str(directory / 'districts' / 'demo.toml'))}"
    for line in (
        home,
        f"syncrun explain {at} s2010          # follow one pupil",
        f"syncrun report {at}                 # what became of each row",
        "syncrun runs",
        f"rm {shlex.quote(str(directory / 'inbox' / 'users.csv'))} && syncrun {at}   # a file is missing: refused, nothing removed",
        "syncrun init mydistrict             # a district file of your own",
    ):
        click.echo(f"  {line}")
