"""The small world with an export in place of the planner, and what tests look for in what it publishes."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from world import World

from syncrun.plan.model import Plan

if TYPE_CHECKING:
    from syncrun.run.ending import Result

Row = dict[str, str]
Canonical = dict[str, list[tuple[Any, ...]]]


class Exporter(World):
    """One district, `riverside`, that is exported into the folder `outbox`."""

    sink = "oneroster_csv"

    def __init__(self, folder: Path) -> None:
        self.outbox = folder / "outbox"
        self.outbox.mkdir(exist_ok=True)
        super().__init__(folder)

    def configure(
        self, text: str | None = None, *, sink: str = "", limits: str = "", years: str = "[]", district: str = "riverside",
        place: str = 'path = "outbox"',
    ) -> None:  # fmt: skip
        """Write the district file; `sink` has further settings of the export."""
        super().configure(
            text
            or f"""
district = "{district}"
time_zone = "America/New_York"
[source]
connector = "oneroster_csv"
path = "inbox"
settle_seconds = 0
{f"[limits]{chr(10)}{limits}" if limits else ""}
[[sinks]]
sink = "{self.sink}"
school_years = {years}
{place}
{sink}
"""
        )

    def say_yes(self, *schools: str, district: str = "riverside") -> None:
        """Approve what waits, whole or by school, by the clock of the test."""
        state = self.state()
        run = next(each for each in state.runs(district, limit=3) if each.plan_run)
        plan = Plan.from_json(self.session().folders.plan(str(run.plan_run)).read_text())
        parts = [(plan.hash_of(school), school) for school in schools] or [(plan.held_hash, None)]
        state.decide(district, run.id, "approve", parts, "tester")

    def first(self) -> Result:
        """The first sync: held, approved, published."""
        self.write()
        held = self.sync()
        assert held.exit_code == 3, held.summary
        self.say_yes()
        result = self.sync()
        assert result.exit_code == 0, result.summary
        return result

    def night(self, **options: Any) -> Result:
        """What arrived, a day later; it must be done."""
        self.write()
        self.clock.move(days=1)
        result = self.sync(**options)
        assert result.exit_code == 0, result.summary
        return result

    # -- what came out ---------------------------------------------------------------------------------------------------

    def published(self) -> list[str]:
        """Names of all that is in the outbox, hidden or not."""
        return sorted(each.name for each in self.outbox.iterdir())

    def newest(self) -> Path:
        """The file that was written last."""
        return max(self.outbox.iterdir(), key=lambda each: (each.stat().st_mtime_ns, each.name))

    def tables(self, path: Path | None = None) -> dict[str, list[Row]]:
        """The rows of each file of an archive."""
        return unpacked((path or self.newest()).read_bytes())


def unpacked(archive: bytes) -> dict[str, list[Row]]:
    """The rows of each file of an archive, as a plain reader has them."""
    found = {}
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.testzip() is None
        for name in opened.namelist():
            text = opened.read(name).decode()
            found[name.removesuffix(".csv")] = list(csv.DictReader(io.StringIO(text, newline="")))
    return found
