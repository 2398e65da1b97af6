"""A district's records that change from day to day, and a source that sends them: all, or what changed. As a plug-in."""

from __future__ import annotations

import datetime
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from marshmallow import Schema, fields

from syncrun.connectors.format.record import records
from syncrun.demo import roster
from syncrun.errors import TransientError
from syncrun.sdk import Cap, ConnectorInfo, Context, Deltas, Mark, Page, hookimpl

Cells = dict[str, Any]
PAGE = 6
"""Records on a page."""


class Book:
    """The records by collection and key, in a file. Each tells when it was changed last (`dateLastModified`, and
    `version` as a number that grows); what is gone is marked."""

    def __init__(self, path: Path, moment: datetime.datetime) -> None:
        self.path, self.moment = path, moment
        self.version = 1
        self.rows: dict[str, dict[str, Cells]] = {}
        if path.exists():
            told = json.loads(path.read_text(encoding="utf-8"))
            self.version, self.rows = told["version"], told["rows"]

    @classmethod
    def opened(cls, path: Path) -> Book:
        """As it was saved."""
        told = json.loads(path.read_text(encoding="utf-8"))
        return cls(path, datetime.datetime.fromisoformat(told["moment"]))

    def save(self) -> None:
        """Into the file, whole."""
        told = {"version": self.version, "moment": self.moment.isoformat(), "rows": self.rows}
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(told), encoding="utf-8")
        part.replace(self.path)

    def fill(self) -> None:
        """The demo's first two schools, with fewer people and classes."""
        files = roster.first_day()
        files["orgs"] = files["orgs"][:3]
        files["users"] = [row for row in files["users"] if row["sourcedId"] in _people()]
        files["classes"] = [row for row in files["classes"] if row["sourcedId"] in _classes()]
        files["enrollments"] = [
            row for row in files["enrollments"]
            if row["userSourcedId"] in _people() and row["classSourcedId"] in _classes()
        ]  # fmt: skip
        for collection, rows in files.items():
            self.rows[collection] = {}
            for row in rows:
                self.put(collection, row["sourcedId"], **row)

    def put(self, collection: str, key: str, **cells: Any) -> None:
        """Add a record, or change cells of one; one that was gone is back."""
        self.version += 1
        row = {"sourcedId": key, **self.rows[collection].get(key, {}), **cells}
        self.rows[collection][key] = {**row, "status": "active", **self._date()}

    def mark(self, collection: str, *keys: str) -> None:
        """Mark records as gone."""
        for key in keys:
            self.version += 1
            self.rows[collection][key] |= {"status": "tobedeleted", **self._date()}

    def _date(self) -> Cells:
        return {"dateLastModified": f"{self.moment:%Y-%m-%dT%H:%M:%S}.000Z", "version": self.version}

    def there(self, collection: str, **cells: str) -> list[str]:
        """The keys of what is not gone and has these cells, sorted."""
        return sorted(key for key, row in self.rows[collection].items()
                      if row["status"] == "active" and all(row.get(name) == cell for name, cell in cells.items()))  # fmt: skip

    def gone(self, collection: str, **cells: str) -> list[str]:
        """The keys of what is gone and had these cells, sorted."""
        return sorted(key for key, row in self.rows[collection].items()
                      if row["status"] != "active" and all(row.get(name) == cell for name, cell in cells.items()))  # fmt: skip

    def write(self, folder: Path) -> None:
        """What is not gone, as a set of files."""
        for old in folder.glob("*"):
            old.unlink()
        roster.write({name: [self.rows[name][key] for key in self.there(name)] for name in self.rows}, folder)


def _people() -> frozenset[str]:
    return frozenset(f"{kind}{n:0{width}d}" for place in (1, 2)
                     for kind, width, count in ((f"t{place}", 2, 3), (f"s{place}", 3, 8)) for n in range(count))  # fmt: skip


def _classes() -> frozenset[str]:
    return frozenset(f"class-{place}-{n}" for place in (1, 2) for n in range(3))


class Settings(Schema):
    by_version = fields.Boolean(load_default=False)


class Bureau:
    """Sends the records of the book `source.json` beside the district file. `fault` is called before each page with its
    number, from 1; it may raise, change the book, or say that the collection breaks off here."""

    fault: ClassVar[Callable[[int], bool]] = staticmethod(lambda number: False)
    pages: ClassVar[int] = 0
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, settings: Mapping[str, Any], context: Context) -> None:
        self._path = context.folder / "source.json"
        self.format = records("1.1", demographics=False)
        self.deltas = Deltas(overlap=datetime.timedelta(minutes=10), by_version=settings["by_version"])

    def check(self) -> None:
        """Always there."""

    def mark(self) -> Mark:
        """The number of the last change, and the moment that the book tells."""
        book = Book.opened(self._path)
        return Mark(str(book.version), book.moment, str(book.version))

    def read(self, collection: str, since: object, cursor: str | None) -> Iterator[Page]:
        """The pages."""
        place = int(cursor or 0)
        while True:
            breaks_off = self._turn()
            book = Book.opened(self._path)
            found = [
                row for _, row in sorted(book.rows[collection.removeprefix("sent_")].items()) if _passes(row, since)
            ]
            if breaks_off:
                yield Page([], doubt="it broke off", revision=str(book.version))
                return
            behind = place + PAGE
            last = behind >= len(found)
            sent: Sequence[Cells] = [{name: cell for name, cell in row.items() if name != "version"}
                                     for row in found[place:behind]]  # fmt: skip
            yield Page(sent, None if last else str(behind), complete=last, revision=str(book.version))
            if last:
                return
            place = behind

    def _turn(self) -> bool:
        with type(self)._lock:
            type(self).pages += 1
            return type(self).fault(type(self).pages)

    def close(self) -> None:
        """Nothing is open."""


def _passes(row: Cells, since: object) -> bool:
    if isinstance(since, datetime.datetime):
        return datetime.datetime.fromisoformat(row["dateLastModified"]) >= since
    return since is None or row["version"] > int(str(since))


def away(what: str) -> TransientError:
    """The error of something that cannot be reached."""
    return TransientError(f"{what} cannot be reached.")


@hookimpl
def syncrun_sources() -> Iterator[ConnectorInfo]:
    yield ConnectorInfo("bureau", "A bureau", "bureau:Bureau", "bureau:Settings", Cap.INCREMENTAL)
