"""A server that ends, or loses its database, at any moment of an evening: each run that is owed comes to one end."""

from __future__ import annotations

import contextlib
import copy
import datetime
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from town import EXITS, NOON, Hands, Served, Town

from syncrun.errors import UnreachableError
from syncrun.serve.executor import Limits, Task
from syncrun.state import job, outbox, server
from syncrun.state.database import open_state
from syncrun.state.store import State
from syncrun.testing.clock import FixedClock

if TYPE_CHECKING:
    import sqlalchemy as sa

DAY = datetime.timedelta(days=1)
LOOKS = 40
"""So often a server looks; without a mishap an evening takes nine."""
SAMPLE = 12
"""Every so many moments one is tried in the short form."""


class Killed(BaseException):
    """The server is not there any more."""


class Moments(State):
    """A state that counts what a server does with it, and at one moment raises: before it, or when it is done but was not
    answered."""

    def __init__(self, engine: sa.Engine, clock: FixedClock, at: int, error: type[BaseException]) -> None:
        super().__init__(engine, clock)
        self.at, self.error = at, error
        self.armed = False
        self.count = 0

    @contextmanager
    def moment(self) -> Iterator[None]:
        """Two moments: before the block and after it."""
        self._count()
        yield
        self._count()

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        with self.moment(), super().transaction() as connection:
            yield connection

    def _count(self) -> None:
        if self.armed:
            self.count += 1
            if self.count == self.at:
                raise self.error("It went away.")


class Watched(Hands):
    """Hands whose beginning of a task is a moment too."""

    def __init__(self, state: Moments) -> None:
        super().__init__()
        self._state = state

    def begin(self, task: Task) -> None:
        with self._state.moment():
            super().begin(task)


class Evening:
    """An import whose first try ends with RETRY, and an export after it. `outlives`: the run of a server that is killed
    goes on, and ends like others."""

    def __init__(self, town: Town, state: Moments, *, outlives: bool) -> None:
        self.town, self.state, self.outlives = town, state, outlives
        self.ends: list[tuple[str, str, str]] = []
        self.served: Served | None = None
        self.orphans: set[str] = set()

    def carry_on(self) -> None:
        """Look until nothing is owed, and some times more."""
        quiet = 0
        for _ in range(LOOKS):
            self._work()
            self.town.wait(20)
            self._look()
            quiet = 0 if self._busy() or len(self.ends) < 3 or job.still_open(self.state) else quiet + 1
            if quiet == 4:
                return

    def _look(self) -> None:
        self.state.armed = True
        try:
            if self.served is None:
                self.served = Served(self.town, Watched(self.state), Limits(), digests=False)
            self.served.hands.held = set(self.orphans)
            with contextlib.suppress(UnreachableError):
                self.served.step()
        except UnreachableError:  # it cannot start, and is started again
            pass
        except Killed:
            self.state.armed = False
            self._bury()
        finally:
            self.state.armed = False

    def _bury(self) -> None:
        """What a machine leaves of a process that was killed: its runs, if they live on, and no server."""
        if self.served and self.outlives:
            self.orphans |= set(self.served.hands.busy)
        self.served = None
        for each in server.living(self.state):
            server.leave(self.state, each.id)

    def _busy(self) -> list[str]:
        return [*self.orphans, *(self.served.hands.busy if self.served else ())]

    def _work(self) -> None:
        """Every run at work ends."""
        for district in self._busy():
            outcome = "RETRY" if district == "import" and not self.ends else "DONE"
            run = self.town.ran(district, outcome)
            self.ends.append((district, outcome, run))
            if district in self.orphans:
                self.orphans.discard(district)
            elif self.served:
                self.served.hands.end(district, EXITS[outcome])


@pytest.fixture
def afternoon(home: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    """Two districts before their evening."""
    monkeypatch.setenv("SYNCRUN_DISTRICTS", str(home / "districts"))
    clock = FixedClock(NOON)
    town = Town(home, State(open_state(home), clock), clock)
    town.district("import")
    town.district("export", more='after = ["import"]')
    for each in ("import", "export"):
        town.ran(each)
    town.service().service.leave()
    clock.move(hours=7.5)
    return town


def lived(afternoon: Town, at: int, error: type[BaseException], *, outlives: bool) -> Evening:
    """An evening with a mishap at a moment, in a state of its own."""
    folder = afternoon.home / f"{error.__name__}-{outlives}-{at}"
    folder.mkdir()
    shutil.copy(afternoon.home / "state.db", folder)
    town = copy.copy(afternoon)
    town.clock = FixedClock(afternoon.clock.moment)
    town.state = state = Moments(open_state(folder), town.clock, at, error)
    found = Evening(town, state, outlives=outlives)
    found.carry_on()
    return found


@pytest.fixture
def moments(afternoon: Town) -> int:
    """How many there are in an evening without a mishap."""
    return lived(afternoon, 0, Killed, outlives=False).state.count


@pytest.mark.requirement("S3-8", "S3-13", "S3-18")
@pytest.mark.parametrize("every", [SAMPLE, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("error", "outlives"), [(Killed, False), (Killed, True), (UnreachableError, False)])
def test_evening_ends_the_same_whatever_ends_in_between(
    afternoon: Town, moments: int, error: type[BaseException], every: int, *, outlives: bool
) -> None:
    assert moments > 100
    for at in range(1, moments + 1, every):
        found = lived(afternoon, at, error, outlives=outlives)
        where = f"{error.__name__} at moment {at}"
        assert [each[:2] for each in found.ends] == [("import", "RETRY"), ("import", "DONE"), ("export", "DONE")], where
        for district, _, run in found.ends[1:]:
            owed = found.town.job(district)
            assert (owed.number, owed.ending, owed.run, owed.begun_at) == (1, "ended", run, None), where
            entry = found.town.entry(district)
            assert (entry.last_run, entry.missed_at) == (run, None), where
            assert entry.next_at == NOON.replace(hour=19, minute=30) + DAY, where
        assert outbox.unplanned(found.state) == [], where
