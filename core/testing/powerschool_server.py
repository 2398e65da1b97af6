"""A PowerSchool server for tests: real HTTP on the loopback, OAuth 2, PowerQueries, data versions, every known trap.

    from syncrun.testing.powerschool_server import PowerSchoolServer

    with PowerSchoolServer.from_files(folder, prefix="com.example.syncrun") as server:
        server.traps.shuffled = True
        server.put("com.example.syncrun.oneroster.users", {"sourcedid": "S1", ...})
        ...
        assert server.count("POST", "/oauth/access_token") == 1

Facts: PowerSchool reference, sections 2.1 to 2.5. Queries are records by name; nothing parses SQL here.
"""

from __future__ import annotations

import base64
import binascii
import csv
import hmac
import itertools
import math
import secrets
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import orjson

from syncrun.clock import Clock, SystemClock
from syncrun.testing.roster_server.answer import Answer
from syncrun.testing.roster_server.fault import Faults
from syncrun.testing.roster_server.listener import Conversation, Listener
from syncrun.testing.roster_server.wire import transmit

TOKEN = "/oauth/access_token"  # noqa: S105 # a path
METADATA = "/ws/v1/metadata"
QUERIES = "/ws/schema/query/"
NAMES = {"academicSessions": "terms"}
"""Files whose query is called otherwise."""
DOWN = b"<!DOCTYPE html><html><head><title>PowerSchool is down for maintenance</title></head><body></body></html>"
XML = b'<?xml version="1.0" encoding="UTF-8"?><metadata></metadata>'

Row = dict[str, Any]


@dataclass(slots=True)
class Traps:
    """What a server does that surprises. All are off but what every server does."""

    v1: bool = True
    """Off: the plug-in has no right to `/ws/v1`."""
    ungranted: set[str] = field(default_factory=set)
    """Queries that read a field which was not granted."""
    disabled: set[str] = field(default_factory=set)
    """Queries of a plug-in that is not enabled."""
    interval: float = 0
    """Seconds that there must be between two requests for data; what comes earlier is refused."""
    interval_status: int = 429
    down: int = 0
    """So many requests for data are answered with a page for people."""
    down_status: int = 200
    most: int = 1000
    """The largest page."""
    beyond: Literal["clamp", "refuse"] = "clamp"
    """What becomes of a page that is asked larger."""
    numbers: Literal["both", "text"] = "both"
    """Numbers come as numbers and as text, from page to page; or as text alone."""
    nested: bool = False
    """Queries are not flattened: columns stand under their tables."""
    shuffled: bool = False
    """Rows have no order: each page is of another one."""
    counted: bool = True
    """Off: no count comes."""
    miscounted: int = 0
    """The count is so much too large."""
    coming: bool = False
    """A row goes after the first page of a query."""
    versions: Literal["heeded", "refused", "missing", "ignored"] = "heeded"
    """What becomes of a data version: changes come; 400; 404; or everything comes, as if nothing had been said."""
    portal: bool = False
    """It is another server: every path is a page for people."""
    cuts: int = 0
    """So many answers to queries are cut in the middle."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One request. `query` is what it said behind the question mark, `asked` the JSON of its body; neither is kept of a
    request for a token."""

    method: str
    path: str
    query: Mapping[str, str]
    asked: Any
    status: int


@dataclass(slots=True)
class _Table:
    """The rows of one query by id, each with the data version at which it was last written."""

    key: str
    rows: dict[str, tuple[int, Row]] = field(default_factory=dict)


class PowerSchoolServer:
    """Serves queries from `__enter__` to `__exit__`. `clock` dates answers, `ticks` is what intervals are measured by."""

    def __init__(
        self, queries: Mapping[str, Iterable[Mapping[str, Any]]], *, client_id: str = "ps-client",
        client_secret: str = "ps-secret", key: str = "sourcedid", clock: Clock | None = None,  # noqa: S107 # made up
        ticks: Callable[[], float] = time.monotonic, port: int = 0,
    ) -> None:  # fmt: skip
        self.traps = Traps()
        self.wire = Faults()
        self.version = 1
        self.log: list[Entry] = []
        self.closing = threading.Event()
        self._pair = f"{client_id}:{client_secret}"
        self.clock: Clock = clock or SystemClock()
        self.ticks = ticks
        self._last = -math.inf
        self._port = port
        self._tokens: set[str] = set()
        self._lock = threading.Lock()
        self._pages = itertools.count(1)
        self._listener: Listener | None = None
        self._tables = {name: _Table(key) for name in queries}
        for name, rows in queries.items():
            for row in rows:
                self._tables[name].rows[str(row[key])] = (0, dict(row))

    @classmethod
    def from_files(cls, folder: Path, prefix: str, **options: Any) -> PowerSchoolServer:
        """Serve OneRoster CSV files as the queries of a plug-in do: keys in small letters, nothing where a cell is blank."""
        queries = {}
        for path in sorted(folder.glob("*.csv")):
            if path.stem != "manifest":
                with path.open(encoding="utf-8", newline="") as stream:
                    rows = [
                        {name.lower(): cell or None for name, cell in row.items()} for row in csv.DictReader(stream)
                    ]
                queries[f"{prefix}.oneroster.{NAMES.get(path.stem, path.stem)}"] = rows
        return cls(queries, **options)

    # -- its life -----------------------------------------------------------------------------------------------------

    def __enter__(self) -> PowerSchoolServer:  # noqa: PYI034 # no class is made of this one
        self._listener = Listener(self._port, self._handle, None)
        self._listener.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        if self._listener:
            self._listener.close()
            if error is None and self._listener.broken:
                raise self._listener.broken[0]

    @property
    def base_url(self) -> str:
        """Its address."""
        port = self._listener.server_address[1] if self._listener else self._port
        return f"http://127.0.0.1:{port}"

    # -- what is in it ------------------------------------------------------------------------------------------------

    def put(self, query: str, row: Mapping[str, Any]) -> None:
        """Add a row to a query's result, or put it in the place of the one with its id; the data version grows."""
        with self._lock:
            self.version += 1
            table = self._tables[query]
            table.rows[str(row[table.key])] = (self.version, dict(row))

    def edit(self, query: str, id_: str, **cells: Any) -> None:
        """Change cells of a row."""
        with self._lock:
            before = self._tables[query].rows[id_][1]
        self.put(query, {**before, **cells})

    def remove(self, query: str, id_: str) -> None:
        """Take a row out of a query's result. The data version grows, and no change is ever told."""
        with self._lock:
            self.version += 1
            del self._tables[query].rows[id_]

    def restore(self) -> None:
        """Go back to an earlier state of the database, whose data version is lower; the rows stay as they are."""
        with self._lock:
            self.version = 1
            for table in self._tables.values():
                table.rows = {key: (0, row) for key, (_, row) in table.rows.items()}

    def keys(self, query: str) -> list[str]:
        """The ids of a query's rows."""
        with self._lock:
            return list(self._tables[query].rows)

    def revoke(self) -> None:
        """Make all tokens worthless."""
        with self._lock:
            self._tokens.clear()

    # -- what was asked -----------------------------------------------------------------------------------------------

    def count(self, method: str, path: str) -> int:
        """How many requests there were."""
        return sum((each.method, each.path) == (method, path) for each in self.log)

    # -- answering ----------------------------------------------------------------------------------------------------

    def _handle(self, line: Conversation) -> None:
        body = line.body()
        parts = urllib.parse.urlsplit(line.path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        asked = None
        with self._lock:
            if self.traps.portal:
                answer = Answer(200, DOWN, {"Content-Type": "text/html"})
            elif parts.path == TOKEN:
                answer = self._token(line, body)
            else:
                asked, answer = self._data(line, parts.path, query, body)
            self.log.append(Entry(line.command, parts.path, query, asked, answer.status))
            wire = self.wire
            if self.traps.cuts and answer.status == 200 and parts.path.startswith(QUERIES):
                self.traps.cuts -= 1
                wire = Faults(cut_after=len(answer.body) // 2)
        transmit(line, answer, wire, self.clock, self.closing)

    def _token(self, line: Conversation, body: bytes) -> Answer:
        told = dict(urllib.parse.parse_qsl(body.decode(errors="replace")))
        if line.command != "POST" or told.get("grant_type") != "client_credentials":
            return _json(400, {"error": "invalid_request"})
        if not hmac.compare_digest(_basic(line.headers.get("Authorization", "")).encode(), self._pair.encode()):
            return _json(401, {"error": "invalid_client"})
        token = secrets.token_urlsafe()
        self._tokens.add(token)
        return _json(200, {"access_token": token, "token_type": "Bearer", "expires_in": "2592000"})

    def _data(self, line: Conversation, path: str, query: Mapping[str, str], body: bytes) -> tuple[Any, Answer]:
        """What the body asks, and the answer."""
        if line.headers.get("Authorization", "").removeprefix("Bearer ") not in self._tokens:
            return None, _json(401, {"message": "Invalid or expired token."})
        if self.traps.down:
            self.traps.down -= 1
            return None, Answer(self.traps.down_status, DOWN, {"Content-Type": "text/html"})
        now = self.ticks()
        if self.traps.interval and now - self._last < self.traps.interval:
            words = f"Too many requests. Please wait {math.ceil(self.traps.interval)} seconds before the next one."
            return None, _json(self.traps.interval_status, {"message": words})
        self._last = now
        if path == METADATA:
            return None, self._metadata(line)
        name = urllib.parse.unquote(path.removeprefix(QUERIES))
        if not path.startswith(QUERIES) or name not in self._tables or name in self.traps.disabled:
            return None, _json(404, {"message": "No such resource."})
        if line.command != "POST" or "json" not in line.headers.get("Content-Type", ""):
            return None, _json(415, {"message": "Unsupported media type."})
        try:
            asked = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None, _json(400, {"message": "The body is no JSON."})
        if name in self.traps.ungranted:
            return asked, _json(403, {"message": "Access to the field is denied."})
        return asked, self._page(name, query, asked)

    def _metadata(self, line: Conversation) -> Answer:
        if not self.traps.v1:
            return _json(403, {"message": "Access is denied."})
        if "json" not in line.headers.get("Accept", ""):
            return Answer(200, XML, {"Content-Type": "application/xml"})
        told = {"powerschool_version": "25.2.0.0", "schema_table_query_max_page_size": self.traps.most,
                "student_max_page_size": self.traps.most}  # fmt: skip
        return _json(200, {"metadata": told})

    def _page(self, name: str, query: Mapping[str, str], asked: Mapping[str, Any]) -> Answer:
        traps = self.traps
        size = int(query.get("pagesize", "100"))
        if size > traps.most and traps.beyond == "refuse":
            return _json(400, {"message": "The page is too large."})
        size = min(size, traps.most)
        told: dict[str, Any] = {"name": name.rpartition(".")[2].upper()}
        since = 0
        if "$dataversion" in asked and traps.versions != "ignored":
            if traps.versions != "heeded" or "$dataversion_applicationname" not in asked:
                return _json(404 if traps.versions == "missing" else 400, {"message": "Bad data version."})
            since = int(asked["$dataversion"])
            told["$dataversion"] = str(self.version)
        kept = self._tables[name].rows.values()
        rows = [row for version, row in kept if version > since] if since else [row for _, row in kept]
        number, page = next(self._pages), int(query.get("page", "1"))
        if query.get("count") == "true" and traps.counted:
            told["count"] = len(rows) + traps.miscounted
        if traps.shuffled and rows:
            rows = rows[(page - 1) % len(rows) :] + rows[: (page - 1) % len(rows)]
        found = [self._spelled(row, number) for row in rows[(page - 1) * size : page * size]]
        if found:  # of one record comes an object, of none nothing at all
            told["record"] = found if len(found) > 1 else found[0]
        if traps.coming and page == 1 and size > 1 and rows:
            key = str(rows[0][self._tables[name].key])
            del self._tables[name].rows[key]
        return _json(200, {**told, "@extensions": ""})

    def _spelled(self, row: Row, number: int) -> Row:
        """A row as it is written: what is whole may come as a number or as text."""
        found = {key: value for key, value in row.items() if value is not None}
        if self.traps.numbers == "both" and number % 2:
            found = {key: int(value) if _whole(value) else value for key, value in found.items()}
        return {"id": number, "name": "row", "tables": {"users": found}} if self.traps.nested else found


def _whole(value: object) -> bool:
    """Whether a text is a number that would be written in the same way."""
    return isinstance(value, str) and value.isascii() and value.isdigit() and str(int(value)) == value


def _json(status: int, told: Mapping[str, Any]) -> Answer:
    return Answer(status, orjson.dumps(told))


def _basic(header: str) -> str:
    kind, _, told = header.partition(" ")
    try:
        found = base64.b64decode(told, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return urllib.parse.unquote_plus(found) if kind.lower() == "basic" else ""
