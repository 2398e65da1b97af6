"""Ten thousand damaged sets of files, each read or refused with an error of ours."""

from __future__ import annotations

from pathlib import Path

import pytest
from desk import Desk, small
from mutation import Files, bundle, checked, sweep

CHUNK = 500
THREE = ("classes.csv", "enrollments.csv", "users.csv")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    desk = Desk(tmp_path)
    desk.write(small())
    return {path.name: path.read_bytes() for path in sorted(desk.inbox.iterdir())}


def check(folder: Path, files: Files, number: int) -> str:
    """Every third set is one of three files, which stands alone."""
    chosen = {name: files[name] for name in THREE} if number % 3 == 0 else files
    for path in folder.glob("*.csv"):
        path.unlink()
    for name, content in bundle(chosen, number).items():
        (folder / name).write_bytes(content)
    return checked(sorted(folder.glob("*.csv")), number)


@pytest.mark.slow
def test_damaged_sets_are_read_or_refused(tmp_path: Path, files: Files) -> None:
    answers = sweep(range(100), lambda number: check(tmp_path, files, number))
    assert {"exit 0", "exit 4", "R-FILE-01", "R-FILE-02"} <= set(answers), "the damage is of many kinds"


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(20))
def test_ten_thousand_damaged_sets_are_read_or_refused(tmp_path: Path, files: Files, chunk: int) -> None:
    numbers = range(chunk * CHUNK, (chunk + 1) * CHUNK)
    answers = sweep(numbers, lambda number: check(tmp_path, files, number))
    assert answers.total() == CHUNK


@pytest.mark.parametrize(("number", "answer"), [(309, "R-FILE-40"), (775, "exit 4")])
def test_sets_that_once_were_too_much(tmp_path: Path, files: Files, number: int, answer: str) -> None:
    """A header of a million columns; a row that is longer than the engine reads once its quotes are doubled."""
    assert sweep([number], lambda each: check(tmp_path, files, each)) == {answer: 1}
