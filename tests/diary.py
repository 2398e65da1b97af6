"""Runs as the state remembers them, written down without running anything."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from syncrun.config.district import District, Limits, SourceConfig
from syncrun.config.schema import LimitsSchema
from syncrun.sdk import ConnectorInfo
from syncrun.state.store import State
from syncrun.testing.clock import FixedClock

EVENING = datetime.datetime(2026, 11, 20, 19, 30, tzinfo=datetime.UTC)
_numbers = itertools.count(1)


class Diary:
    """A state with a clock that stands still."""

    def __init__(self, state: State, clock: FixedClock) -> None:
        self.state, self.clock = state, clock

    def ran(
        self, district: str, outcome: str = "DONE", *, minutes: float = 5, mode: str = "incremental",
        dry_run: bool = False, summary: Mapping[str, Any] | None = None,
    ) -> str:  # fmt: skip
        """A run began now and took so many minutes; its id. The clock goes on."""
        number = next(_numbers)
        run = f"run-{number:04}"
        self.state.start_run(run, district, mode, number, dry_run=dry_run)
        self.clock.move(minutes=minutes)
        self.state.update_run(run, status="ended", outcome=outcome, finished_at=self.clock.now(),
                              summary={"run": run, **(summary or {})})  # fmt: skip
        return run


def district(name: str, **options: Any) -> District:
    """A district file, as far as its order and its alarm go."""
    source = SourceConfig(ConnectorInfo("sis", "SIS", "x:X", "x:Y"), {})
    limits = Limits(**LimitsSchema().load({}))
    return District(name, Path(f"/districts/{name}.toml"), "UTC", source, (), limits, (), "f", **options)
