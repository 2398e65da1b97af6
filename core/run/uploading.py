"""An upload as the source of a run: everything after it is the same."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syncrun.errors import UsageError
from syncrun.intake.upload import Scope, Upload, gather
from syncrun.run.folder import Folders
from syncrun.sdk import FileSet
from syncrun.snapshot.table import Snapshot
from syncrun.state.decision import Decision
from syncrun.state.store import State

if TYPE_CHECKING:
    from syncrun.intake.arrival import Arrival

MODE: Final = "upload"
"""The mode of a run whose files a person brought."""


class Uploaded:
    """The files of an upload as a source."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self.format = upload.form

    def check(self) -> None:
        """The files are looked at when they are fetched."""

    def fetch(self, into: Path) -> FileSet:
        """Copies of the files."""
        return gather(self._upload.files, self.format, into)


def scope(
    upload: Upload, decisions: Mapping[str, Sequence[Decision]], before: Snapshot | None, folders: Folders
) -> Scope:
    """Which schools the rows may belong to: those that people added or linked, and those of the accepted roster.

    Raises `UsageError` when the one school that the upload is for is not among them.
    """
    decided = {
        each.source_id for found in decisions.values() for each in found
        if each.kind == "orgs" and each.decision != "skip"
    }  # fmt: skip
    registered = decided | set(_orgs(before, folders))
    if upload.school and upload.school not in registered:
        near = difflib.get_close_matches(upload.school, sorted(registered), 1)
        raise UsageError(
            f"The school {upload.school} is not registered{f'; did you mean {near[0]}?' if near else '.'}",
            next_step=f"Give the school's sourcedId, or register it: a row orgs,{upload.school},add, in the mapping file, "
            "or orgs.csv in an upload for the district.",
        )
    return Scope(upload.school, frozenset(registered))


def _orgs(before: Snapshot | None, folders: Folders) -> Iterable[str]:
    """The ids of the orgs that were accepted before."""
    if before is None or "orgs" not in before.tables:
        return []
    import duckdb  # noqa: PLC0415 # heavy, and loaded by now

    path = before.paths(folders.home)["orgs"]
    with duckdb.connect() as connection:
        return [
            str(key) for (key,) in connection.execute("SELECT sourcedId FROM read_parquet(?)", [str(path)]).fetchall()
        ]


def note(state: State, district: str, run: str, who: str, upload: Upload, arrival: Arrival) -> None:
    """Put into the audit who brought which files, by their hashes."""
    detail = {"files": arrival.identity(), "school": upload.school, "complete": upload.complete}
    with state.transaction() as connection:
        state.note(connection, district, who, "upload", f"run {run}", detail)
