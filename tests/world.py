"""A small world to test in: a home folder, a district file, files that arrive, and a planner to look into."""

from __future__ import annotations

import contextlib
import copy
import datetime
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from syncrun.config.district import load
from syncrun.demo import roster
from syncrun.plan.model import Plan
from syncrun.registry import Registry
from syncrun.run.ending import Result
from syncrun.run.runner import sync
from syncrun.run.session import Session
from syncrun.sdk.sql.connect import normal_url, open_engine
from syncrun.sinks.planner import database
from syncrun.state.database import open_state
from syncrun.state.store import State
from syncrun.testing.clock import FixedClock

YEAR = "year-2027"
AUTUMN = datetime.datetime(2026, 11, 20, 19, 0, tzinfo=datetime.UTC)


class World:
    """One district, `riverside`, in a folder of its own. `SYNCRUN_HOME` must point to `home` (see the fixture)."""

    def __init__(self, folder: Path, planner_url: str | None = None) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.inbox = folder / "inbox"
        self.toml = folder / "riverside.toml"
        self.clock = FixedClock(AUTUMN)
        self.planner_url = planner_url or f"sqlite:///{folder / 'planner.db'}"
        self.files: roster.Files = roster.first_day()
        self.configure()

    # -- what arrives ------------------------------------------------------------------------------------------------

    def write(self, files: roster.Files | None = None) -> None:
        """Put the set into the inbox, in place of what is there."""
        if files is not None:
            self.files = copy.deepcopy(files)
        for old in self.inbox.glob("*"):
            old.unlink()
        roster.write(self.files, self.inbox)

    def rows(self, entity: str) -> list[roster.Row]:
        """The rows of one file, to be changed before `write`."""
        return self.files[entity]

    def drop(self, entity: str, *keys: str) -> None:
        """Take rows out of a file."""
        self.files[entity] = [row for row in self.files[entity] if row["sourcedId"] not in keys]

    def edit(self, entity: str, key: str, **cells: str) -> None:
        """Change cells of a row."""
        (row,) = (row for row in self.files[entity] if row["sourcedId"] == key)
        row.update(cells)

    def configure(
        self, text: str | None = None, *, sink: str = "", limits: str = "", years: str = f'["{YEAR}"]'
    ) -> None:
        """Write the district file."""
        self.toml.write_text(
            text
            or f"""
district = "riverside"
time_zone = "America/New_York"
[source]
connector = "oneroster_csv"
path = "inbox"
settle_seconds = 0
[[sinks]]
sink = "planner"
database_url = "{self.planner_url}"
create_tables = true
school_years = {years}
new_teachers = "add"
{sink}
{f"[limits]{chr(10)}{limits}" if limits else ""}
""",
            encoding="utf-8",
        )

    # -- running -----------------------------------------------------------------------------------------------------

    def state(self) -> State:
        """The state of the installation."""
        return State(open_state(self.home), self.clock)

    def session(self, **options: Any) -> Session:
        """A session as the command line opens one, with a clock that stands still."""
        registry = options.pop("registry", None) or Registry()
        district = load(str(self.toml), registry)
        return Session(district, registry, self.state(), "tester", clock=self.clock, **options)

    def sync(self, **options: Any) -> Result:
        """Run the district once, in this process."""
        self.clock.move(seconds=1)
        return sync(self.session(**options))

    def approve(self, *schools: str) -> None:
        """Say yes to what waits, or to schools of it, by the clock of the test."""
        state = self.state()
        run = next(each for each in state.runs("riverside", limit=1000) if each.plan_run)
        plan = Plan.from_json(self.session().folders.plan(str(run.plan_run)).read_text(encoding="utf-8"))
        hashes = [(plan.hash_of(school), school) for school in schools] or [(plan.held_hash, None)]
        state.decide("riverside", run.id, "approve", hashes, "tester")

    def settled(self) -> World:
        """The first sync, approved and applied."""
        self.write()
        assert self.sync().exit_code == 3
        self.approve()
        assert self.sync().exit_code == 0
        return self

    def syncrun(self, *arguments: str) -> tuple[int, str, str]:
        """The command line in a process of its own: exit code, stdout, stderr."""
        done = subprocess.run(
            [sys.executable, "-m", "syncrun", *arguments],
            check=False, capture_output=True, text=True, cwd=self.folder,
            env=self.environment(),
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    def environment(self) -> dict[str, str]:
        """The environment of such a process."""
        return {**os.environ, "SYNCRUN_HOME": str(self.home)}

    def json(self, *arguments: str) -> Any:
        """The answer of a command with `--json`."""
        return json.loads(self.syncrun(*arguments, "--district", str(self.toml), "--json")[1])

    # -- looking -----------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def planner(self) -> Iterator[sa.Connection]:
        """The planner's database."""
        engine = open_engine(normal_url(self.planner_url))
        with engine.begin() as connection:
            yield connection
        engine.dispose()

    def dump(self, *, archived: bool = False) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of the planner, sorted, whoever made them; without `archived` only those that are not set aside."""
        found = {}
        with self.planner() as connection:
            there = set(sa.inspect(connection).get_table_names())
            for table in database.metadata.sorted_tables:
                if table.name not in there:
                    continue
                columns = [column for column in table.columns if column.name != "archived_at"]
                query = sa.select(*columns, table.c.archived_at.is_(None).label("active"))
                if not archived:
                    query = query.where(table.c.archived_at.is_(None))
                found[table.name] = sorted(map(tuple, connection.execute(query)), key=repr)
        return found

    def count(self, table: str) -> int:
        """Active rows of one table of the planner."""
        return len(self.dump().get(table, []))


def planned(result: Result, sink: str = "planner") -> dict[str, int]:
    """How many changes of each action a result planned, over all tables."""
    counts: dict[str, int] = {}
    for table in result.summary["sinks"][sink]["tables"].values():
        for action, count in table["planned"].items():
            counts[action] = counts.get(action, 0) + count
    return counts
