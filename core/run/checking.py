"""Checking files or a district without a sync: the reading phases of a run, in a folder that is thrown away."""

from __future__ import annotations

import dataclasses
import datetime
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from syncrun.config.district import Limits
from syncrun.config.schema import LimitsSchema
from syncrun.errors import EXIT_DEGRADED, EXIT_DONE, EXIT_HELD
from syncrun.finding import Finding
from syncrun.intake.arrival import arrive
from syncrun.roster.entity import ENTITIES
from syncrun.rules import table
from syncrun.run import reading
from syncrun.run.progress import Progress, Silent
from syncrun.run.reading import FileFigures
from syncrun.scratch import scratch
from syncrun.sdk import FileSet, Format

EVERYTHING = frozenset(cell.privacy for entity in ENTITIES.values() for cell in entity.cells().values()) - {
    "credential"
}


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found. `sanity` are the remarks on the roster as a whole."""

    figures: Mapping[str, FileFigures]
    findings: list[Finding]
    doubtful: bool
    sanity: list[Finding]

    @property
    def exit_code(self) -> int:
        """0 when every row can be used, 4 when some cannot, 3 when a person would have to look first."""
        if self.doubtful:
            return EXIT_HELD
        return EXIT_DEGRADED if any(each.rejected for each in self.figures.values()) else EXIT_DONE


def check_files(
    fileset: FileSet, form: Format, today: datetime.date, limits: Limits | None = None, progress: Progress | None = None,
    *, strict: bool = False,
) -> Checked:  # fmt: skip
    """Check a set of files by themselves. Raises `SetRefusedError` when the set cannot be used; when `strict`, also
    when anything in it is against the standard."""
    held_to = limits or Limits(**LimitsSchema().load({}))
    held_to = dataclasses.replace(held_to, strict=strict or held_to.strict)
    with tempfile.TemporaryDirectory(prefix="syncrun-check-") as name:
        folder = Path(name)
        (folder / "unpacked").mkdir()
        arrival = arrive(fileset, form, folder / "unpacked")
        folders = [folder, *{each.path.parent for each in arrival.scans}]
        with scratch(folder / "spill", folders) as connection:
            read = reading.read(
                connection, arrival, None, staged=EVERYTHING, limits=held_to,
                today=today, home=folder, snapshots=folder / "snapshot", run="check", progress=progress or Silent(),
            )  # fmt: skip
            return Checked(read.figures, table.read(connection), bool(read.doubts), table.sanity(connection))
