"""Districts that run by themselves, without processes: what a service begins is written down, and ends as the test says."""

from __future__ import annotations

import datetime
import itertools
import os
from collections.abc import Collection
from io import StringIO
from pathlib import Path

import sqlalchemy as sa

from syncrun.schedule import timetable
from syncrun.schedule.timetable import Entry
from syncrun.serve.executor import BusyError, Cause, Ended, Limits, Task
from syncrun.serve.log import Log
from syncrun.serve.service import DIGEST, Service
from syncrun.state import job, lease, outbox, server
from syncrun.state.job import Job
from syncrun.state.model import servers
from syncrun.state.store import State
from syncrun.testing.clock import FixedClock

NOON = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
EXITS = {"DONE": 0, "REFUSED": 2, "HELD": 3, "DEGRADED": 4, "FAILED": 70, "RETRY": 75}
DISTRICT = """
district = "{name}"
time_zone = "UTC"
{more}
[source]
connector = "{connector}"
{source}
[[sinks]]
sink = "planner"
database_url = "sqlite:///planner.db"
[schedule]
{schedule}
"""
CHAIN = 'after = ["import"]\nwait_minutes = 60'
INCREMENTAL = 'incremental = { every = "day", at = "19:31" }'
ARRIVAL = "arrival = { quiet_seconds = 60 }"
_numbers = itertools.count(1)


class Hands:
    """An executor that carries nothing out: the test says how each task ends. `held` are keys that another has at work."""

    def __init__(self) -> None:
        self.begun: list[Task] = []
        self.held: set[str] = set()
        self.broken = False
        self.woken = 0
        self._at_work: dict[str, Task] = {}
        self._over: list[Ended] = []

    @property
    def at_work(self) -> Collection[str]:
        return {*self._at_work, *(each.key for each in self._over)}

    @property
    def busy(self) -> list[str]:
        """The districts at work, in the order in which they were begun."""
        return [key for key in self._at_work if key != DIGEST]

    def is_free(self, key: str) -> bool:
        return key not in self._at_work and key not in self.held

    def begin(self, task: Task) -> None:
        if not self.is_free(task.key):
            raise BusyError
        if self.broken:
            raise OSError
        assert task.key not in self.at_work
        self.begun.append(task)
        self._at_work[task.key] = task

    def end(self, key: str, exit_code: int, cause: Cause = "ended") -> None:
        """A task ends."""
        del self._at_work[key]
        self._over.append(Ended(key, exit_code, cause))

    def ended(self, seconds: float) -> list[Ended]:
        found, self._over = self._over, []
        return found

    def wake(self) -> None:
        self.woken += 1

    def stop(self) -> list[Ended]:
        for key in list(self._at_work):
            self.end(key, 75)
        return self.ended(0)


class Town:
    """Districts in a folder, their state, and services for them. `SYNCRUN_HOME` must point to `home`, and
    `SYNCRUN_DISTRICTS` to its folder `districts`."""

    def __init__(self, home: Path, state: State, clock: FixedClock) -> None:
        self.home, self.state, self.clock = home, state, clock
        self.seconds = 1000.0
        self.written = StringIO()
        (home / "districts").mkdir(parents=True)

    def district(
        self, name: str, schedule: str = 'full = { every = "day", at = "19:30" }', *, more: str = "",
        connector: str = "oneroster_csv", source: str = 'path = "inbox"',
    ) -> Path:  # fmt: skip
        """Write a district file; its schedule counts from the next look of a service."""
        path = self.home / "districts" / f"{name}.toml"
        text = DISTRICT.format(name=name, more=more, connector=connector, source=source, schedule=schedule)
        before = path.stat().st_mtime_ns if path.exists() else 0
        path.write_text(text, encoding="utf-8")
        os.utime(path, ns=(before + 1_000_000_000, before + 1_000_000_000))
        return path

    def service(self, hands: Hands | None = None, *, digests: bool = False, **limits: float) -> Served:
        """A service that has looked once."""
        found = Served(self, hands or Hands(), Limits(**limits), digests=digests)  # type: ignore[arg-type] # whole numbers
        found.step()
        return found

    def wait(self, seconds: float = 0, **difference: float) -> None:
        """Time goes by."""
        span = datetime.timedelta(seconds=seconds, **difference)
        self.clock.moment += span
        self.seconds += span.total_seconds()

    def ran(self, district: str, outcome: str = "DONE", mode: str = "full") -> str:
        """A run of a district began and ended now; its id."""
        run = f"run-{next(_numbers):04}"
        with lease.held(self.state.engine, district, run, self.clock) as held:
            self.state.start_run(run, district, mode, held.epoch, dry_run=False)
            self.state.update_run(run, status="ended", outcome=outcome, exit_code=EXITS[outcome],
                                  finished_at=self.clock.now(), summary={"run": run})  # fmt: skip
        return run

    def job(self, district: str) -> Job:
        """The newest job of a district."""
        found = job.last(self.state, district)
        assert found is not None
        return found

    def entry(self, district: str) -> Entry:
        """The only schedule of a district."""
        (found,) = timetable.entries(self.state, district)
        return found


class Served:
    """A service with hands that the test moves."""

    def __init__(self, town: Town, hands: Hands, limits: Limits, *, digests: bool) -> None:
        self.town, self.hands = town, hands
        self.service = Service(town.state, hands, limits, Log("json", town.clock, town.written), timer=lambda: town.seconds,
                               digests=digests)  # fmt: skip

    def step(self, seconds: float = 0, **difference: float) -> list[str]:
        """Time goes by, what ended is heard of, and the service does what is to be done; the districts at work then."""
        self.town.wait(seconds, **difference)
        self.service._ended += self.hands.ended(0)
        self.service.step()
        return self.hands.busy

    def finish(self, district: str, outcome: str = "DONE", mode: str = "full") -> str:
        """The run of a district ends, and its process; the run's id."""
        run = self.town.ran(district, outcome, mode)
        self.hands.end(district, EXITS[outcome])
        return run


def needs(town: Town) -> list[str]:
    """What people are told to be needed for."""
    return [need["words"] for each in outbox.unplanned(town.state) for need in each.needs]


def evening(town: Town, *names: str, **options: float) -> Served:
    """A service in the evening, when districts of these names are due and looked at."""
    for name in names:
        town.district(name)
    served = town.service(**options)
    served.step(hours=7.5)
    return served


def chain(town: Town, more: str = "", **options: float) -> Served:
    """An import at half past seven and an export a minute later, both of which ran well the day before."""
    town.district("import")
    town.district("export", 'full = { every = "day", at = "19:31" }', more=CHAIN + more)
    town.ran("import")
    town.ran("export")
    served = town.service(**options)
    assert served.step(hours=7.5) == ["import"]
    return served


def dies(served: Served) -> None:
    """A server is killed; its processes go on."""
    server.leave(served.town.state, served.service.id)


def falls_silent(town: Town, served: Served, seconds: float) -> None:
    """A server has not been heard of for so long, by the clock that counts."""
    with town.state.transaction() as connection:
        at = lease.now_of(connection, town.clock) - datetime.timedelta(seconds=seconds)
        connection.execute(sa.update(servers).where(servers.c.id == served.service.id).values(seen_at=at))
