"""Checking files or a district without a sync: the reading phases of a run, in a folder that is thrown away."""

from __future__ import annotations

import dataclasses
import datetime
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from syncrun.config.district import Limits
from syncrun.config.schema import LimitsSchema
from syncrun.errors import EXIT_DEGRADED, EXIT_DONE, EXIT_HELD
from syncrun.finding import Finding
from syncrun.intake.arrival import arrive
from syncrun.intake.upload import DISTRICT_UPLOAD, gather, laid_over
from syncrun.roster.entity import ENTITIES
from syncrun.rules import table
from syncrun.run import reading
from syncrun.run.progress import Progress, Silent
from syncrun.run.reading import FileFigures, Reading
from syncrun.scratch import scratch
from syncrun.sdk import FileSet, Format

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

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


@dataclass(frozen=True, slots=True)
class Look:
    """Who wants to see what was read: `at` gets the engine with its tables, and may write into `folder`."""

    at: Callable[[DuckDBPyConnection, Reading], None]
    folder: Path


def singly(form: Format) -> Format:
    """The format with the files of an upload, of which none need be there."""
    names = {kind.name for kind in form.kinds}
    more = (kind for kind in DISTRICT_UPLOAD.kinds if kind.name not in names)
    kinds = tuple(dataclasses.replace(kind, required=False) for kind in (*form.kinds, *more))
    return dataclasses.replace(form, kinds=kinds, manifest=None, partial=frozenset())


def check_files(
    fileset: FileSet, form: Format, today: datetime.date, limits: Limits | None = None, progress: Progress | None = None,
    *, single: bool = False, look: Look | None = None, strict: bool = False,
) -> Checked:  # fmt: skip
    """Check a set of files by themselves. `single` takes each file for itself: none need be there, and what they name is
    not asked for. `look` is shown what was read, while it is there, and the folder that it may write to.

    Raises `SetRefusedError` when the set cannot be used; when `strict`, also when anything in it is against the standard.
    """
    form = singly(form) if single else form
    held_to = limits or Limits(**LimitsSchema().load({}))
    held_to = dataclasses.replace(held_to, strict=strict or held_to.strict)
    with tempfile.TemporaryDirectory(prefix="syncrun-check-") as name:
        folder = Path(name)
        (folder / "unpacked").mkdir()
        if single:
            (folder / "gathered").mkdir()
            fileset = gather(fileset.files, form, folder / "gathered", strict=False)
        arrival = arrive(fileset, form, folder / "unpacked")
        arrival = laid_over(arrival, complete=False) if single else arrival
        folders = [folder, *{each.path.parent for each in arrival.scans}, *((look.folder,) if look else ())]
        with scratch(folder / "spill", folders) as connection:
            read = reading.read(
                connection, arrival, None, staged=EVERYTHING, limits=held_to,
                today=today, home=folder, snapshots=folder / "snapshot", run="check", progress=progress or Silent(),
            )  # fmt: skip
            if look:
                look.at(connection, read)
            return Checked(read.figures, table.read(connection), bool(read.doubts), table.sanity(connection))
