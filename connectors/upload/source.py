"""The connector: it has no files of its own, and says so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from syncrun.sdk import Context, FileSet, Format, InputError


class ByHand:
    """A source that fetches nothing: each upload brings its files itself."""

    format = Format(name="upload", title="Files brought by hand", kinds=())

    def __init__(self, settings: Mapping[str, Any], context: Context) -> None:
        self._district = context.district

    def check(self) -> None:
        """There is nothing that could be out of reach."""

    def fetch(self, into: Path) -> FileSet:
        """There is nothing to fetch. Raises `InputError`."""
        raise InputError(
            "The roster of this district is brought by hand; there is nothing to fetch.",
            next_step=f"Upload the files: syncrun upload --district {self._district} FILES",
        )
