"""The connector: it finds the files; `intake` reads them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from syncrun.connectors.format import AUTO, named
from syncrun.sdk import Context, FileSet, InputError, TextForm


class OneRosterCsv:
    """Files in a folder, or one zip archive, that stay where they are."""

    format = AUTO

    def __init__(self, settings: Mapping[str, Any], context: Context) -> None:
        self._path = context.folder / settings["path"]
        self._text = TextForm(settings.get("encoding"), settings.get("delimiter"), settings.get("quotes", True))
        self.format = named(settings.get("format", "auto"))

    def check(self) -> None:
        """The folder or archive is there and can be read."""
        try:
            self._files()
        except OSError as error:
            raise InputError(
                f"The path of the source cannot be read: {error.strerror}.",
                next_step="Correct `path` under [source], or put the files there; then run again.",
            ) from None

    def _files(self) -> tuple[Path, ...]:
        if self._path.is_dir():
            here = list(self._path.iterdir())
            below = [path for folder in here if folder.is_dir() for path in folder.iterdir()]
            return tuple(sorted(path for path in (*here, *below) if path.is_file()))
        with self._path.open("rb"):
            return (self._path,)

    def fetch(self, into: Path) -> FileSet:
        """The files as they are; nothing is copied."""
        self.check()
        return FileSet(self._files(), self._path.name, self._text)

    def arrived(self) -> str | None:
        """The files by name, size, place on the disk and moment of their last change, all in one digest."""
        try:
            looks = [(path.name, path.parent.name, path.stat()) for path in self._files()]
        except OSError:  # one went away this moment, or there is nothing yet
            return None
        told = [(name, folder, look.st_size, look.st_ino, look.st_mtime_ns) for name, folder, look in looks]
        return hashlib.sha256(repr(told).encode()).hexdigest() if told else None
