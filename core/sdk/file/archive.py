"""Zip archives of which the same rows always make the same bytes."""

from __future__ import annotations

import io
import itertools
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from syncrun.sdk.file.text import Dialect, write

_MOMENT = (1980, 1, 1, 0, 0, 0)
"""The first that the format knows: a time of writing would be other bytes each night."""
_LEVEL = 6


class Archive:
    """An archive that is being written to a new file."""

    def __init__(self, path: Path) -> None:
        path.touch(mode=0o600)
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL)

    def __enter__(self) -> Self:
        """The archive itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the directory at its end."""
        self._zip.close()

    def add(
        self, name: str, header: Sequence[str], rows: Iterable[Sequence[Any]], dialect: Dialect | None = None, *,
        empty: bool = False,
    ) -> bool:  # fmt: skip
        """Add a CSV file. Where there are no rows: False, and nothing added, unless it may be `empty`."""
        rows = iter(rows)
        first = list(itertools.islice(rows, 1))
        if not first and not empty:
            return False
        dialect = dialect or Dialect()
        info = zipfile.ZipInfo(name, _MOMENT)
        info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o640 << 16
        with (
            self._zip.open(info, "w", force_zip64=False) as member,
            io.TextIOWrapper(member, dialect.encoding, errors="replace", newline="") as stream,
        ):
            write(stream, header, itertools.chain(first, rows), dialect)
        return True
