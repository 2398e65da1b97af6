"""Pages of records on disk, as they come, so that memory stays flat and a pull that was cut off goes on where it was.

A page is a JSON file of its own, written under another name first; then a line of the index says that it counts. What the
index does not name was not read, and what it names counts only as it was written: a power failure may leave less. Everything is made with mode 0600: it holds children's data.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from syncrun.errors import BadJsonError
from syncrun.sdk import Page

INDEX = "index.jsonl"


@dataclass(frozen=True, slots=True)
class Spooled:
    """A page on disk: which one of its collection, how many bytes and records, and what its `Page` said."""

    collection: str
    number: int
    size: int
    count: int
    sha256: str
    cursor: str | None
    complete: bool
    doubt: str
    revision: str | None
    notes: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.collection}-{self.number:06d}.json"


class Spool:
    """The pages of one pull, in a folder. Collections may be written from several threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._pages: dict[str, list[Spooled]] = {}
        index = folder / INDEX
        content = index.read_bytes() if index.exists() else b""
        kept = b"".join(line + b"\n" for line in content.splitlines() if self._counts(line))
        if kept != content:  # or what is added next would stand behind a line that was cut off, or behind a gap
            part = folder / f"{INDEX}.part"
            _write(part, kept)
            part.replace(index)

    def _counts(self, line: bytes) -> bool:
        """Take in a page of the index, if it is there as it was written and so are all of its collection before it."""
        try:
            raw = json.loads(line)
            page = Spooled(**{**raw, "notes": tuple(raw["notes"])})
        except (ValueError, TypeError, KeyError):  # the line was cut off
            return False
        before = self._pages.setdefault(page.collection, [])
        file = self.folder / page.name
        if page.number != len(before) + 1 or not file.exists() or _sha256(file) != page.sha256:
            return False
        before.append(page)
        return True

    def pages(self, collection: str) -> Sequence[Spooled]:
        """The pages of a collection, in order."""
        return self._pages.get(collection, [])

    def paths(self, collection: str) -> tuple[Path, ...]:
        """Their files."""
        return tuple(self.folder / page.name for page in self.pages(collection))

    def last(self, collection: str) -> Spooled | None:
        """The last page of a collection that has come."""
        pages = self.pages(collection)
        return pages[-1] if pages else None

    def ended(self, collection: str) -> bool:
        """Whether the last page of a collection is there."""
        last = self.last(collection)
        return last is not None and last.cursor is None

    def rows(self, collection: str) -> int:
        """How many records have come."""
        return sum(page.count for page in self.pages(collection))

    def sha256(self, collection: str) -> str:
        """A hash of all pages of a collection."""
        return hashlib.sha256("".join(page.sha256 for page in self.pages(collection)).encode()).hexdigest()

    def add(self, collection: str, page: Page) -> Spooled:
        """Keep a page. What is no object in it becomes an empty one, which the rules reject at its place."""
        import orjson  # noqa: PLC0415 # only sources of records need it

        number = len(self.pages(collection)) + 1
        try:
            content = orjson.dumps([each if isinstance(each, dict) else {} for each in page.records])
        except orjson.JSONEncodeError as error:
            raise BadJsonError(f"A record of {collection} has too many levels, or what is no JSON.") from error
        kept = Spooled(
            collection, number, len(content), len(page.records), hashlib.sha256(content).hexdigest(), page.cursor,
            page.complete and page.cursor is None, page.doubt, page.revision, tuple(page.notes),
        )  # fmt: skip
        part = self.folder / f"{kept.name}.part"
        _write(part, content)
        part.replace(self.folder / kept.name)
        with self._lock:
            _write(self.folder / INDEX, (json.dumps(asdict(kept)) + "\n").encode(), more=True)
            self._pages.setdefault(collection, []).append(kept)
        return kept


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _write(path: Path, content: bytes, *, more: bool = False) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | (os.O_APPEND if more else os.O_TRUNC), 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)


def facts(folder: Path) -> dict[str, Any]:
    """What is written of the pull as such; nothing when there is none."""
    try:
        told: dict[str, Any] = json.loads((folder / "pull.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return told


def note_facts(folder: Path, told: Mapping[str, Any]) -> None:
    """Write down what the pull is, before its first page."""
    _write(folder / "pull.json", json.dumps(told).encode())
