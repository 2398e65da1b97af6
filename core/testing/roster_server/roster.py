"""The roster that is served: collections of records, changed under a lock, with a revision that moves.

Records are kept as bytes of JSON, ready to be sent: a million of them fit into memory, and a page is a join.
"""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast

import orjson

from syncrun.clock import Clock, SystemClock
from syncrun.testing.roster_server.field import FIELDS, completed
from syncrun.testing.roster_server.version import Version, form_of, in_form

LOADED = "2026-08-01T00:00:00.000Z"
"""The date of change of records that came without one."""
T = TypeVar("T")
REMEMBERED = 64
"""How many selections are kept between two changes."""


class Record:
    """One record: its key and its bytes, in the form it came in and, once asked for, in the other."""

    __slots__ = ("_forms", "_told", "collection", "form", "key")

    def __init__(self, collection: str, key: str, told: bytes, form: Version | None) -> None:
        self.collection, self.key, self.form = collection, key, form
        self._told = told
        self._forms: dict[Version, bytes] | None = None

    def facts(self, version: Version | None = None) -> dict[str, Any]:
        """The record itself, in the form it came in or in that of a version."""
        return cast("dict[str, Any]", orjson.loads(self._told if version is None else self.written(version)))

    def written(self, version: Version) -> bytes:
        """The bytes in the form of a version."""
        if self.form is None or self.form == version:
            return self._told
        if self._forms is None:
            self._forms = {version: dump(in_form(self.facts(), version))}
        return self._forms[version]


def dump(facts: Any) -> bytes:
    """JSON in as many bytes as it has: those that orjson returns hold on to 4 KB, which a million records feel."""
    return bytes(memoryview(orjson.dumps(facts)))


class Roster:
    """Collections by name, records by `sourcedId`, in the order in which they came."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.lock = threading.RLock()
        self.clock: Clock = clock or SystemClock()
        self.revision = 1000
        self._collections: dict[str, dict[str, Record]] = {name: {} for name in FIELDS}
        self._tombstones: dict[tuple[str, str], datetime.datetime] = {}
        self._remembered: dict[object, Any] = {}

    # -- changing -----------------------------------------------------------------------------------------------------

    def put(
        self, collection: str, record: Mapping[str, Any], *, dated: bool = True, exact: bool = False, under: str = ""
    ) -> None:  # fmt: skip
        """Add a record, or put it in the place of the one with its `sourcedId`.

        `dated` gives it the date of this moment; otherwise it keeps its own. References may be bare ids, and a missing
        status is `active`; `exact` leaves the record wholly as it is given. `under` keeps it under another key, so that
        lists show a `sourcedId` twice.
        """
        facts = (
            dict(record) if exact else {"status": "active", "dateLastModified": LOADED} | completed(collection, record)
        )
        if dated and not exact:
            facts["dateLastModified"] = stamp(self.clock.now())
        key = under or str(facts.get("sourcedId", ""))
        form = form_of(facts) if collection == "users" else None
        with self.lock:
            self.lay(collection, key, dump(facts), form)
            if facts.get("status") == "tobedeleted":
                self._tombstones[collection, key] = self.clock.now()

    def lay(self, collection: str, key: str, told: bytes, form: Version | None) -> None:
        """Keep the bytes of a record under its key."""
        self._collections[collection][key] = Record(collection, key, told, form)
        self._changed(collection, key)

    def change(self, collection: str, key: str, *, dated: bool = True, **fields: Any) -> None:
        """Give some fields of a record another value. Raises `KeyError` where there is none of that key."""
        with self.lock:
            self.put(collection, self.get(collection, key) | fields, dated=dated)

    def tombstone(self, collection: str, key: str, *, dated: bool = True) -> None:
        """Mark a record as `tobedeleted`."""
        self.change(collection, key, dated=dated, status="tobedeleted")

    def remove(self, collection: str, *keys: str) -> None:
        """Take records away, without a trace. Raises `KeyError` where there is none of that key."""
        with self.lock:
            for key in keys:
                del self._collections[collection][key]
                self._changed(collection, key)

    def purge(self, age: datetime.timedelta) -> None:
        """Take away what was marked `tobedeleted` longer ago than that."""
        with self.lock:
            now = self.clock.now()
            for collection, key in [each for each, since in self._tombstones.items() if now - since > age]:
                self.remove(collection, key)

    def _changed(self, collection: str, key: str) -> None:
        self._tombstones.pop((collection, key), None)
        if self._remembered:
            self._remembered = {}

    # -- asking -------------------------------------------------------------------------------------------------------

    def get(self, collection: str, key: str) -> dict[str, Any]:
        """One record, in the form it came in. Raises `KeyError`."""
        return self._collections[collection][key].facts()

    def keys(self, collection: str) -> list[str]:
        """The keys of a collection, in its order."""
        with self.lock:
            return list(self._collections[collection])

    def find(self, collection: str, key: str) -> Record | None:
        """One record, if there is one of that key."""
        return self._collections[collection].get(key)

    def records(self, collection: str) -> Sequence[Record]:
        """All records of a collection, as they are now."""
        return self.remembered(("all", collection), lambda: list(self._collections[collection].values()))

    def index(self, collection: str, path: str) -> Mapping[str, Sequence[Record]]:
        """The records by the values at a dotted path: `index("enrollments", "class.sourcedId")`."""

        def made() -> dict[str, list[Record]]:
            found: dict[str, list[Record]] = {}
            for record in self.records(collection):
                for value in dict.fromkeys(values(record.facts(), path)):
                    found.setdefault(value, []).append(record)
            return found

        return self.remembered(("index", collection, path), made)

    def remembered(self, what: object, made: Callable[[], T]) -> T:
        """What was made for this question since the last change, or what is made now."""
        with self.lock:
            if what not in self._remembered:
                if len(self._remembered) >= REMEMBERED:
                    self._remembered.pop(next(iter(self._remembered)))
                self._remembered[what] = made()
            return cast("T", self._remembered[what])


def values(facts: Any, path: str) -> list[str]:
    """The values at a dotted path as text, through lists: those of `orgs.sourcedId` are the ids of all orgs."""
    found: Iterable[Any] = [facts]
    for name in path.split("."):
        found = [each.get(name) for each in _flat(found) if isinstance(each, Mapping)]
    return [text(each) for each in _flat(found) if each is not None]


def _flat(found: Iterable[Any]) -> Iterable[Any]:
    for each in found:
        if isinstance(each, list):
            yield from each
        else:
            yield each


def text(value: Any) -> str:
    """A value as a filter sees it: booleans are words."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def stamp(moment: datetime.datetime) -> str:
    """A moment as OneRoster writes it, in milliseconds and UTC."""
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
