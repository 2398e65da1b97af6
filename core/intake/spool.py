"""Pages of records on disk, as they come, so that memory stays flat and a pull that was cut off goes on where it was.

A page is a JSON file of its own, written under another name first; then a line of the index says that it counts. What the
index does not name was not read. Everything is made with mode 0600: it holds children's data.
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
        for page in self._indexed():
            self._pages.setdefault(page.collection, []).append(page)

    def _indexed(self) -> list[Spooled]:
        """The pages that count: of each collection up to the first one that is not there as it was written."""
        path = self.folder / INDEX
        found: list[Spooled] = []
        broken: set[str] = set()
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            try:
                raw = json.loads(line)
            except ValueError:  # the last line, cut off
                continue
            page = Spooled(**{**raw, "notes": tuple(raw["notes"])})
            file = self.folder / page.name
            if page.collection in broken or not file.exists() or file.stat().st_size != page.size:
                broken.add(page.collection)
            else:
                found.append(page)
        return found

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
        content = orjson.dumps([each if isinstance(each, dict) else {} for each in page.records])
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
