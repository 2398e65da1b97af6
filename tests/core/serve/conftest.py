"""Districts that run by themselves, on each of the two databases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from town import NOON, Town

from syncrun.state.store import State
from syncrun.testing.clock import FixedClock

if TYPE_CHECKING:
    import sqlalchemy as sa


@pytest.fixture
def town(home: Path, state_engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setenv("SYNCRUN_DISTRICTS", str(home / "districts"))
    clock = FixedClock(NOON)
    return Town(home, State(state_engine, clock), clock)


@pytest.fixture
def inbox(town: Town) -> Path:
    folder = town.home / "districts" / "inbox"
    folder.mkdir()
    (folder / "users.csv").write_text("sourcedId\n1\n", encoding="utf-8")
    return folder
