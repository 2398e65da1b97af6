"""A sink that publishes files, whole but for the files: what every export has in common.

The files are made below the home folder, compared with what was published last, put in place all together, and only then
counted as published. What the sink finds under one of its names and did not put there itself is left alone.
"""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import hashlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from syncrun.errors import RefusedError
from syncrun.sdk.file.folder import Folder
from syncrun.sdk.file.journal import Journal, Shelf
from syncrun.sdk.file.target import Target
from syncrun.sdk.sink import Observed, Table, Whole
from syncrun.sdk.source import Context


class NameTakenError(RefusedError):
    """Where a file is to be published there is one of the same name that this sink did not publish: another district's,
    another program's, or its own from before its memory was lost."""

    code = "E-EXPORT-1"
    next_step = "Move that file away, or choose another name: one with {district} in it is of this district alone."


class FileSink(abc.ABC):
    """Give `tables`, and `render`, which writes the files of one publication.

    Settings: those of `syncrun.sdk.file.setting.FileSettings`. Example: `sinks/oneroster_csv`.
    """

    every_year: ClassVar[bool] = True
    tables: tuple[Table, ...]

    def __init__(self, settings: Mapping[str, Any], context: Context) -> None:
        self._target: Target = _target(settings, context)
        self._keep: int | None = settings.get("keep")
        self._kept = context.kept

    def check(self) -> None:
        """Look, read-only, whether files could be put there."""
        self._target.check()

    def observe(self, table: str) -> Iterator[Observed]:
        """Nothing: a file is no place where people change rows."""
        return iter(())

    def close(self) -> None:  # noqa: B027 # the contract asks for it, and there is nothing to do
        """Nothing is kept open."""

    @abc.abstractmethod
    def render(self, whole: Whole, into: Path, journal: Journal) -> Mapping[str, Path]:
        """Write the files of a publication into a folder that is empty; by the name that each is to have, where it is.
        None at all where there is nothing to publish. `journal` tells of the publication before."""

    @abc.abstractmethod
    def form(self) -> str:
        """What stands for the settings that decide what files look like."""

    # -- publishing --------------------------------------------------------------------------------------------------

    def publish(self, whole: Whole) -> None:
        """Publish what `render` makes of it, unless just that is there already."""
        if self._kept is None:
            raise ValueError("A sink that publishes files needs the folder `kept` of its context.")
        shelf = Shelf(self._kept)
        with shelf.held(whole.claim) as journal, _staging(self._kept / "staged") as folder:
            if journal.run == whole.run and not journal.pending:
                return  # the run goes on after it had published
            files = self.render(whole, folder, journal)
            hashes = {name: _hash(path) for name, path in files.items()}
            if files and not self._is_there(journal, hashes, files):
                self._put(shelf, journal, files, hashes, whole)

    def _is_there(self, journal: Journal, hashes: Mapping[str, str], files: Mapping[str, Path]) -> bool:
        """Whether the newest publication has the same content, and is still there."""
        if journal.pending or sorted(journal.last.values()) != sorted(hashes.values()):
            return False
        sizes = {hashes[name]: path.stat().st_size for name, path in files.items()}
        return self._target.sizes(journal.last) == {name: sizes[found] for name, found in journal.last.items()}

    def _put(
        self, shelf: Shelf, journal: Journal, files: Mapping[str, Path], hashes: Mapping[str, str], whole: Whole
    ) -> None:
        foreign = sorted(set(self._target.sizes(files)) - journal.names)
        if foreign:
            raise NameTakenError(f"There is a file {foreign[0]} already that this sink did not publish.")
        group = tuple(files)
        groups = [tuple(name for name in each if name not in files) for each in (*journal.groups, journal.pending)]
        groups = [each for each in groups if each]
        old = groups[: max(0, len(groups) - self._keep + 1)] if self._keep else []
        begun = dataclasses.replace(journal, groups=tuple(groups), pending=group)
        shelf.write(begun)
        gone = [name for each in old for name in each]
        self._target.deliver(files, [name for name in journal.pending if name not in files], gone)
        kept = tuple(each for each in groups if each not in old)
        shelf.write(Journal(journal.epoch, (*kept, group), (), dict(hashes), whole.run, self.form()))


def _target(settings: Mapping[str, Any], context: Context) -> Target:
    if settings.get("sftp"):
        from syncrun.sdk.file.sftp import SftpFolder  # noqa: PLC0415 # heavy

        return SftpFolder(settings["sftp"])
    return Folder(context.folder / settings["path"])


def named(template: str, whole: Whole) -> str:
    """The name of a file: placeholders filled."""
    return template.format(
        district=whole.claim.district, date=f"{whole.moment:%Y-%m-%d}", time=f"{whole.moment:%H%M%S}", run=whole.run
    )


def digest(*texts: object) -> str:
    """What stands for some settings."""
    return hashlib.sha256(repr(texts).encode()).hexdigest()


@contextlib.contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """A folder for files that wait; emptied before and after, since it holds rows of children."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _hash(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
