"""Twenty thousand damaged archives, each read or refused with an error of ours."""

from __future__ import annotations

from pathlib import Path

import pytest
from desk import Desk, small
from mutation import Files, checked, sweep, zipped

CHUNK = 1000


@pytest.fixture
def files(tmp_path: Path) -> Files:
    desk = Desk(tmp_path)
    desk.write(small())
    return {path.name: path.read_bytes() for path in sorted(desk.inbox.iterdir())}


def check(folder: Path, files: Files, number: int) -> str:
    path = folder / "set.zip"
    path.write_bytes(zipped(files, number))
    return checked([path], number)


@pytest.mark.slow
def test_damaged_archives_are_read_or_refused(tmp_path: Path, files: Files) -> None:
    answers = sweep(range(300), lambda number: check(tmp_path, files, number))
    assert {"R-ZIP-01", "R-ZIP-03", "exit 0"} <= set(answers), "the damage is of many kinds"
    assert "R-ZIP-07" in answers


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(20))
def test_twenty_thousand_damaged_archives_are_read_or_refused(tmp_path: Path, files: Files, chunk: int) -> None:
    numbers = range(chunk * CHUNK, (chunk + 1) * CHUNK)
    answers = sweep(numbers, lambda number: check(tmp_path, files, number))
    assert answers.total() == CHUNK
