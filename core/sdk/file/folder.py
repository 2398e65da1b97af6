"""Publishing into a folder: each file is written beside its place, made durable, and given its name."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from syncrun.errors import ConfigError, Problem, TransientError
from syncrun.sdk.file.target import part_of

MODE = 0o640
"""Who picks the files up may be of the folder's group; nobody else has business with them."""


class Folder:
    """A folder on this machine, or one that looks like one."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def check(self) -> None:
        """The folder is there and may be written to."""
        if not self._path.is_dir():
            raise _wrong("is no folder", "create it, or correct the path")
        if not os.access(self._path, os.W_OK | os.X_OK):
            raise _wrong("may not be written to", "check who owns the folder, and its mode")

    def sizes(self, names: Iterable[str]) -> dict[str, int]:
        """Of these files, those that are there."""
        self.check()
        found = {}
        for name in names:
            path = self._path / name
            if path.exists() or path.is_symlink():
                found[name] = path.lstat().st_size
        return found

    def deliver(self, files: Mapping[str, Path], abandoned: Iterable[str], old: Iterable[str]) -> None:
        """Put the files under their names; remove what is `old`, and what was begun and `abandoned`."""
        self.check()
        with _spoken():
            for name in abandoned:
                (self._path / part_of(name)).unlink(missing_ok=True)
            for name, path in files.items():
                self._write(path, self._path / part_of(name))
            for name in files:
                (self._path / part_of(name)).replace(self._path / name)
            self._settle()
            for name in old:
                (self._path / name).unlink(missing_ok=True)

    @staticmethod
    def _write(source: Path, part: Path) -> None:
        part.unlink(missing_ok=True)  # it may be a link that somebody put there
        handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, MODE)
        with source.open("rb") as stream, os.fdopen(handle, "wb") as target:
            shutil.copyfileobj(stream, target, 1 << 20)
            target.flush()
            os.fsync(target.fileno())

    def _settle(self) -> None:
        """Make the names durable."""
        handle = os.open(self._path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def _spoken() -> Iterator[None]:
    """Errors of the file system as ours; most may pass, as a full disk does."""
    try:
        yield
    except PermissionError:
        raise _wrong("may not be written to", "check who owns the folder, and its mode") from None
    except OSError as error:
        raise TransientError(f"The folder of the export cannot be written to: {error.strerror}.") from None


def _wrong(message: str, hint: str) -> ConfigError:
    return ConfigError([Problem("E-CONFIG-3", "path", f"the folder of the export {message}", hint)], source="the sink")
