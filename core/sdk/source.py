"""What a source connector is, and what it hands over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class FileKind:
    """One kind of file in a format.

    `name` is the file's name as the format spells it, `entity` the canonical entity whose rows it holds. A file of
    kind `required` must be there in a bulk set.
    """

    name: str
    entity: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Format:
    """A family of files that `intake` can read: which files there are, what they hold, which belong together.

    `partial` names kinds that make a set of their own when they come alone: what is missing then is synthesised.
    `manifest` is the name of the file that says which files there are, or None.
    """

    name: str
    title: str
    kinds: tuple[FileKind, ...]
    manifest: str | None = None
    partial: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TextForm:
    """What a source declares of its files' text; what it leaves open is looked at file by file. `encoding` is a name that
    Python knows, `delimiter` what stands between cells; without `quotes`, a quote is a letter like others."""

    encoding: str | None = None
    delimiter: str | None = None
    quotes: bool = True


@dataclass(frozen=True, slots=True)
class FileSet:
    """Files that arrived together: loose ones, or one archive. `origin` says in words where they came from, `text` what
    is known of their text."""

    files: tuple[Path, ...]
    origin: str
    text: TextForm = TextForm()


@dataclass(frozen=True, slots=True)
class Context:
    """What a plug-in is given beside its settings. `folder` is where relative paths of the district file start;
    `owner` is this installation, to whom the rows in sinks belong."""

    district: str
    folder: Path
    owner: str


class FileSource(Protocol):
    """A source that brings files; the reading is done by `intake` with the source's `format`."""

    format: Format

    def __init__(self, settings: Mapping[str, Any], context: Context) -> None:
        """Keep the settings; open nothing."""

    def check(self) -> None:
        """Look, read-only, whether files could be fetched; raise a typed error when not."""

    def fetch(self, into: Path) -> FileSet:
        """Bring the files. Remote ones go into the folder `into`; local ones may stay where they are."""
