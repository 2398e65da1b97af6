"""The journal of a sink that publishes files: one publisher at a time, the newest run wins, nothing is lost between."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from syncrun.errors import FenceError, TransientError
from syncrun.sdk import Claim
from syncrun.sdk.file.journal import Journal, Shelf

if TYPE_CHECKING:
    from pathlib import Path


def claim(epoch: int) -> Claim:
    return Claim("riverside", "me", epoch)


def test_what_is_written_is_read_again_and_only_we_may_read_it(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "kept")
    told = Journal(4, (("a.zip",), ("b.csv", "c.csv")), ("d.zip",), {"b.csv": "00"}, "run-1", "form")
    with shelf.held(claim(4)) as journal:
        assert journal == Journal(epoch=4)
        shelf.write(told)
    with shelf.held(claim(4)) as journal:
        assert journal == told
        assert journal.names == {"a.zip", "b.csv", "c.csv", "d.zip"}
    assert {path.stat().st_mode & 0o777 for path in shelf.folder.iterdir()} == {0o600}
    assert shelf.folder.stat().st_mode & 0o777 == 0o700


def test_run_that_was_overtaken_publishes_nothing(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "kept")
    with shelf.held(claim(5)) as journal:
        shelf.write(journal)
    with pytest.raises(FenceError), shelf.held(claim(4)):
        pass
    with shelf.held(claim(6)) as journal:
        assert journal == dataclasses.replace(Journal(), epoch=6)


def test_nobody_publishes_beside_another(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "kept")
    with shelf.held(claim(1)), pytest.raises(TransientError, match="is publishing"), shelf.held(claim(2)):
        pass
    with shelf.held(claim(2)):
        pass
