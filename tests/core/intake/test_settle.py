"""Files that are still being written: looked at twice where they are young, and never waited for where they are not."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from syncrun.connectors.oneroster_csv.format import ONEROSTER_CSV
from syncrun.errors import ArrivingError
from syncrun.intake.arrival import arrive
from syncrun.intake.settle import Patience, steady
from syncrun.sdk import FileSet
from syncrun.testing.clock import FixedClock

NOW = datetime.datetime(2026, 11, 20, 19, 0, tzinfo=datetime.UTC)


class Waiting:
    """A patience of ten seconds at a moment that stands still; `waits` are those it asked for."""

    def __init__(self, meanwhile: Callable[[], object] = lambda: None, seconds: float = 10) -> None:
        self.waits: list[float] = []
        self.meanwhile = meanwhile
        self.patience = Patience(seconds, FixedClock(NOW), self.pause)

    def pause(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.meanwhile()


def aged(path: Path, seconds: float) -> Path:
    """A file that was written so long before the moment."""
    path.write_bytes(path.read_bytes() if path.exists() else b"sourcedId\n1\n")
    moment = NOW.timestamp() - seconds
    os.utime(path, (moment, moment))
    return path


@pytest.mark.parametrize(("age", "waits"), [(10, []), (3600, []), (9, [1]), (4, [6]), (0, [10]), (-3600, [10])])
def test_only_young_files_are_waited_for_and_never_for_long(tmp_path: Path, age: int, waits: list[float]) -> None:
    waiting = Waiting()
    with steady([aged(tmp_path / "orgs.csv", 9999), aged(tmp_path / "users.csv", age)], waiting.patience):
        pass
    assert waiting.waits == pytest.approx(waits)


def test_no_patience_never_waits(tmp_path: Path) -> None:
    waiting = Waiting(seconds=0)
    with steady([aged(tmp_path / "users.csv", -3600)], waiting.patience):
        pass
    assert waiting.waits == []


def test_file_that_grows_between_the_looks_is_tried_again_later(tmp_path: Path) -> None:
    path = aged(tmp_path / "users.csv", 1)
    waiting = Waiting(lambda: path.write_bytes(path.read_bytes() + b"2\n"))
    with pytest.raises(ArrivingError, match="still being written"), steady([path], waiting.patience):
        pass


def test_file_that_is_replaced_by_one_of_its_size_and_date_is_noticed(tmp_path: Path) -> None:
    path = aged(tmp_path / "users.csv", 1)

    def replace() -> None:
        aged(tmp_path / "new.csv", 1).rename(path)

    with pytest.raises(ArrivingError), steady([path], Waiting(replace).patience):
        pass


def test_archive_that_changes_while_it_is_unpacked_is_noticed_without_any_wait(tmp_path: Path) -> None:
    path = aged(tmp_path / "set.zip", 3600)
    with pytest.raises(ArrivingError), steady([path], Patience()):
        path.write_bytes(b"more")


def test_file_that_goes_away_between_the_looks_is_tried_again_later(tmp_path: Path) -> None:
    paths = tuple(aged(tmp_path / f"{name}.csv", 1) for name in ("users", "classes", "enrollments"))
    with pytest.raises(ArrivingError, match="went away"):
        arrive(FileSet(paths, "a test"), ONEROSTER_CSV, tmp_path, Waiting(paths[0].unlink).patience)
