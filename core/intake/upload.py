"""Files that a person brings, for one school or for a whole district: which there may be, and what they may say.

An upload is laid over the accepted roster: it adds and updates, and what it does not mention stays. Only where the
person vouches that it is complete does absence count, in the files that came, and of one school in that school alone.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from syncrun.errors import ArrivingError, InputError, UsageError
from syncrun.intake import archive
from syncrun.intake.arrival import Arrival
from syncrun.sdk import FileKind, FileSet, Format

_OF_A_SCHOOL = (
    FileKind("classes.csv", "classes"),
    FileKind("users.csv", "users"),
    FileKind("enrollments.csv", "enrollments"),
    FileKind("guardians.csv", "guardians"),
    FileKind("student_attributes.csv", "studentAttributes"),
)
_OF_A_DISTRICT = (
    FileKind("orgs.csv", "orgs"),
    FileKind("academicSessions.csv", "academicSessions"),
    FileKind("courses.csv", "courses"),
)
SCHOOL_UPLOAD = Format(name="upload", title="Files uploaded for one school", kinds=_OF_A_SCHOOL)
DISTRICT_UPLOAD = Format(name="upload", title="Files uploaded for a district", kinds=(*_OF_A_DISTRICT, *_OF_A_SCHOOL))
SCHOOL_COLUMNS = {
    "classes": "schoolSourcedId",
    "users": "orgSourcedIds",
    "enrollments": "schoolSourcedId",
}
"""Where a row says which school it belongs to; an upload for one school may leave it out."""


@dataclass(frozen=True, slots=True)
class Upload:
    """What a person asks for: the files, the one `school` they are for (None: they name their schools themselves), and
    whether that person vouches that they are `complete`."""

    files: tuple[Path, ...]
    school: str | None = None
    complete: bool = False

    @property
    def form(self) -> Format:
        """The files that there may be."""
        return SCHOOL_UPLOAD if self.school else DISTRICT_UPLOAD


@dataclass(frozen=True, slots=True)
class Scope:
    """Which schools the rows of an upload may belong to: the one `school`, or those that are `registered`."""

    school: str | None
    registered: frozenset[str]


def gather(given: Iterable[Path], form: Format, into: Path, *, strict: bool = True) -> FileSet:
    """Copy the files, and the members of archives among them, into one folder, whatever order they are given in. Files
    of a folder that are not known come along, to be remarked on.

    Raises `UsageError`, where it is `strict`, for a file that is given and cannot be part of an upload, `InputError` for a
    file that comes twice, `ArrivingError` for one that changes meanwhile.
    """
    known = {kind.name.lower(): kind.name for kind in form.kinds}
    left: list[str] = []
    for number, (path, named) in enumerate(_loose(given)):
        try:
            if archive.is_archive(path):
                left += _unpack(path, known, into, number)
            elif named and strict and path.name.lower() not in known:
                raise UsageError(f"{path.name} is no file of this upload.",
                                 next_step=f"Name the files as they are known: {', '.join(known.values())}; or one zip "
                                 "archive of them.")  # fmt: skip
            else:
                _put(path, into / known.get(path.name.lower(), path.name))
        except OSError as error:
            raise InputError(f"A file of the upload cannot be read: {error.strerror}.",
                             next_step="Make sure that you may read the files; then upload again.") from None  # fmt: skip
    return FileSet(tuple(sorted(path for path in into.iterdir() if path.is_file())), "an upload",
                   left=tuple(left))  # fmt: skip


def _loose(given: Iterable[Path]) -> Iterator[tuple[Path, bool]]:
    """The files, those that stand in a folder too, and whether they were named themselves."""
    for path in given:
        if path.is_dir():
            yield from ((each, False) for each in sorted(path.iterdir()) if each.is_file())
        else:
            yield path, True


def _unpack(path: Path, known: dict[str, str], into: Path, number: int) -> list[str]:
    """Put the members that are known beside the other files; the names of those that are not."""
    folder = into / f"unpacked-{number}"
    folder.mkdir(mode=0o700)
    unpacked = archive.unpack(path, known, folder)
    for member, found in unpacked.members:
        _put(found, into / known[PurePosixPath(member).name.lower()])
    shutil.rmtree(folder)
    return unpacked.left


def _put(path: Path, target: Path) -> None:
    """Copy one file under the name by which it is known."""
    if target.exists():
        raise InputError(f"R-SET-14: {target.name} is there twice.", next_step="Upload each file once.")
    before = path.stat()
    target.touch(mode=0o600)
    shutil.copyfile(path, target)
    after = path.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise ArrivingError("A file changed while it was read.")


def laid_over(arrival: Arrival, *, complete: bool) -> Arrival:
    """The files as an upload means them: all there is, or additions and updates."""
    mode: Literal["bulk", "additions"] = "bulk" if complete else "additions"
    files = {entity: dataclasses.replace(file, mode=mode, by_hand=True) for entity, file in arrival.files.items()}
    return dataclasses.replace(arrival, files=files, partial=False, upload=True)
