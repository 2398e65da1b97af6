"""A OneRoster server on the loopback, right by default and wrong on request."""

from __future__ import annotations

import contextlib
import copy
import datetime
import itertools
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from syncrun.clock import Clock, SystemClock
from syncrun.testing.roster_server.access import Access, Bearer, Knock, Open
from syncrun.testing.roster_server.answer import Answer, refusal
from syncrun.testing.roster_server.asked import Asked
from syncrun.testing.roster_server.fault import NONE, Faults
from syncrun.testing.roster_server.file import read_roster
from syncrun.testing.roster_server.gate import stopped
from syncrun.testing.roster_server.listener import Conversation, Listener
from syncrun.testing.roster_server.log import Entry, Figures, figures
from syncrun.testing.roster_server.oauth1 import OAuth1
from syncrun.testing.roster_server.oauth2 import TOKEN_PATH, OAuth2
from syncrun.testing.roster_server.page import Pages, Rules
from syncrun.testing.roster_server.place import Place, place
from syncrun.testing.roster_server.question import BadQuestionError
from syncrun.testing.roster_server.roster import Roster
from syncrun.testing.roster_server.version import BASES, Version
from syncrun.testing.roster_server.wire import CutError, transmit

AccessWord = Literal["oauth1", "oauth2", "bearer", "none"]


def access_of(word: AccessWord, key: str, secret: str) -> Access:
    """One way in by its name; the fixed token of `bearer` is the secret."""
    ways: Mapping[str, Callable[[], Access]] = {
        "oauth1": lambda: OAuth1(key, secret),
        "oauth2": lambda: OAuth2(key, secret),
        "bearer": lambda: Bearer(secret),
        "none": Open,
    }
    return ways[word]()


class RosterServer:
    """Serves a roster as OneRoster 1.1 and 1.2, from `__enter__` to `__exit__`.

        with RosterServer.from_files(folder, key="k", secret="s") as server:
            pull(server.base_url("1.1"), "k", "s")
            server.change("users", "u1", givenName="Ana")
            server.faults.throttled = 0.3

    `prefix` stands before the bases, as `/app-1` on ClassLink's proxy. `clock` dates changes and answers. `tls` is the
    kind of certificate, as `good` or `expired`; `ca_file` is then what a client is to trust. `purge_after` takes records
    away that were marked `tobedeleted` longer ago. `before_page` is called before each page is put together: it may
    change the roster, `die`, or raise `ConnectionError` to cut the connection; other errors in it are raised again at the
    end.
    """

    def __init__(
        self, roster: Roster, *, key: str = "test-key", secret: str = "test-secret",  # noqa: S107 # made up
        access: AccessWord | Access = "oauth1", rules: Rules | None = None, faults: Faults | None = None,
        prefix: str = "", port: int = 0, tls: str = "", clock: Clock | None = None,
        purge_after: datetime.timedelta | None = None, before_page: Callable[[Asked], None] | None = None,
    ) -> None:  # fmt: skip
        self.roster, self.prefix = roster, prefix.rstrip("/")
        self.purge_after, self.before_page = purge_after, before_page
        self.access: Access = access_of(access, key, secret) if isinstance(access, str) else access
        self.faults = faults or Faults()
        self.clock: Clock = clock or SystemClock()
        self.roster.clock = self.clock
        self.closing = threading.Event()
        self.ca_file: Path | None = None
        self._pages = Pages(roster, rules or Rules())
        self._port, self._tls = port, tls
        self._log: list[Entry] = []
        self._numbers = itertools.count(1)
        self._listener: Listener | None = None
        self._left = contextlib.ExitStack()

    @classmethod
    def from_files(cls, path: Path | str, **options: Any) -> RosterServer:
        """Serve the OneRoster CSV files in a folder or a zip archive."""
        return cls(read_roster(Path(path)), **options)

    @classmethod
    def from_records(cls, collections: Mapping[str, Iterable[Mapping[str, Any]]], **options: Any) -> RosterServer:
        """Serve JSON records by collection. References may be bare ids; what else is missing is completed as by
        `Roster.put`."""
        roster = Roster()
        for collection, records in collections.items():
            for record in records:
                roster.put(collection, record, dated=False)
        return cls(roster, **options)

    # -- its life -----------------------------------------------------------------------------------------------------

    def __enter__(self) -> RosterServer:  # noqa: PYI034 # no class is made of this one
        context = None
        if self._tls:
            from syncrun.testing.roster_server import certificate  # noqa: PLC0415 # trustme is an extra

            folder = self._left.enter_context(tempfile.TemporaryDirectory(prefix="roster-server-"))
            made = certificate.make(self._tls, Path(folder))  # type: ignore[arg-type] # make has no other kinds
            context, self.ca_file = made.context, made.ca_file
        self._listener = Listener(self._port, self._handle, context)
        self._listener.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        listener = self._running()
        listener.close()
        self._left.close()
        if listener.broken and error is None:
            raise listener.broken[0]

    def die(self) -> None:
        """Cut all connections and take no more, as a server does that loses its power. May be called in
        `before_page`."""
        self.closing.set()
        self._running().hang_up()

    def _running(self) -> Listener:
        if self._listener is None:
            raise RuntimeError("The server is used in a with statement.")
        return self._listener

    # -- where it is --------------------------------------------------------------------------------------------------

    @property
    def root(self) -> str:
        """Scheme, host and port."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._running().server_address[1]}"

    def base_url(self, version: Version = "1.1") -> str:
        """The address below which the collections of a version are."""
        return self.root + self.prefix + BASES[version]

    @property
    def token_url(self) -> str:
        """The address of the token endpoint."""
        return self.root + (self.access.path if isinstance(self.access, OAuth2) else TOKEN_PATH)

    # -- what happened ------------------------------------------------------------------------------------------------

    @property
    def log(self) -> tuple[Entry, ...]:
        """All requests so far, in the order in which they were answered."""
        return tuple(self._log)

    @property
    def requests(self) -> Figures:
        """How many requests there were of each kind."""
        return figures(self._log)

    # -- changes ------------------------------------------------------------------------------------------------------

    def edit(self, change: Callable[[Roster], object], *, revise: bool = True) -> None:
        """Change the roster; no page shows half of it. The revision moves once, unless told not to."""
        with self.roster.lock:
            change(self.roster)
            self.roster.revision += revise

    def put(self, collection: str, record: Mapping[str, Any], *, revise: bool = True, **options: Any) -> None:
        """Add or replace a record; options as for `Roster.put`."""
        self.edit(lambda roster: roster.put(collection, record, **options), revise=revise)

    def change(self, collection: str, key: str, *, revise: bool = True, dated: bool = True, **fields: Any) -> None:
        """Give some fields of a record another value."""
        self.edit(lambda roster: roster.change(collection, key, dated=dated, **fields), revise=revise)

    def remove(self, collection: str, *keys: str, revise: bool = True) -> None:
        """Take records away, without a trace."""
        self.edit(lambda roster: roster.remove(collection, *keys), revise=revise)

    def tombstone(self, collection: str, key: str, *, revise: bool = True, dated: bool = True) -> None:
        """Mark a record as `tobedeleted`."""
        self.edit(lambda roster: roster.tombstone(collection, key, dated=dated), revise=revise)

    # -- answering ----------------------------------------------------------------------------------------------------

    def _handle(self, talk: Conversation) -> None:
        """One request: who asks, what for, what is the answer, how is it sent."""
        version, path = self._below_base(talk.path.partition("?")[0])
        found = place(path) if version else None
        headers = {name.title(): value for name, value in talk.headers.items()}
        host = f"{'https' if self._tls else 'http'}://{headers.get('Host', '')}"
        knock = Knock(talk.command, host, talk.path, headers, talk.body(), found.word if found else "",
                      nested=path.count("/") > 2)  # fmt: skip
        told = self.access.token(knock)
        if told is not None:
            status = self.faults.token_status
            self._send(talk, knock, Answer(status, b"") if status else told, NONE, token=True)
            return
        denial = self.access.denial(knock)
        version = version or "1.1"
        if denial is not None:
            answer = refusal(denial.status, denial.minor, denial.words, version, self.faults.error_form)
            self._send(talk, knock, answer, NONE, authorised=denial.status == 403)
        elif talk.command != "GET":
            self._send(talk, knock, Answer(405, b"", {"Allow": "GET"}), NONE)
        elif found is None:
            answer = refusal(404, "unknownobject", "There is nothing here.", version, self.faults.error_form)
            self._send(talk, knock, answer, NONE)
        else:
            asked = Asked(next(self._numbers), version, path, found.word, found.collection, knock.query)
            self._serve(talk, knock, asked, found)

    def _serve(self, talk: Conversation, knock: Knock, asked: Asked, found: Place) -> None:
        """A request for records that was let in."""
        faults = copy.copy(self.faults)
        faults = faults if faults.hold(asked) else NONE
        if faults.latency:
            self.closing.wait(faults.latency)
        answer = stopped(faults, asked, knock.target)
        if answer is not None:
            self._send(talk, knock, answer, NONE)
            return
        base = f"{knock.host}{knock.path.removesuffix(asked.path)}"
        try:
            self._send(talk, knock, self._page(asked, found, faults, base), faults)
        except BadQuestionError as error:
            answer = refusal(400, error.minor, str(error), asked.version, faults.error_form)
            self._send(talk, knock, answer, NONE)

    def _page(self, asked: Asked, found: Place, faults: Faults, base: str) -> Answer:
        if self.before_page:
            self.before_page(asked)
        if self.closing.is_set():
            raise CutError("The server died.")
        if self.purge_after is not None:
            self.roster.purge(self.purge_after)
        return self._pages.answer(asked, found, faults, base)

    def _below_base(self, path: str) -> tuple[Version | None, str]:
        """The version whose base a path begins with, and the rest of the path."""
        for version, base in BASES.items():
            if path.startswith(f"{self.prefix}{base}/"):
                return version, path.removeprefix(self.prefix + base)
        return None, path

    def _send(
        self, talk: Conversation, knock: Knock, answer: Answer, faults: Faults, *,
        authorised: bool = True, token: bool = False,
    ) -> None:  # fmt: skip
        when = self.clock.now()
        self._log.append(Entry(knock.method, knock.path, "" if token else knock.query, answer.status,
                               authorised and answer.status != 401, when, knock.word, token))  # fmt: skip
        transmit(talk, answer, faults, self.clock, self.closing)
