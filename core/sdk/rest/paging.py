"""All pages of a collection, by limit and offset, with a word at the end on whether they are all there is.

The parameters and headers are those of OneRoster 1.1 and 1.2, REST, paging. What a server says of itself (totals, links, counts) is checked
against what it sends.
"""

from __future__ import annotations

import hashlib
import threading
import urllib.parse
from collections.abc import Collection, Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from syncrun.errors import BadRequestError, CutAnswerError, PageLoopError, SyncError, TooLargeError
from syncrun.sdk.rest.address import Params
from syncrun.sdk.rest.ahead import ahead_of
from syncrun.sdk.rest.answer import Answer
from syncrun.sdk.rest.client import Client, too_much
from syncrun.sdk.rest.envelope import records
from syncrun.sdk.rest.link import next_query, offset_of
from syncrun.sdk.rest.page_size import PageSize
from syncrun.sdk.rest.proof import Proof, count_of, total_of

SORT = (("sort", "sourcedId"), ("orderBy", "asc"))


@dataclass(frozen=True, slots=True)
class RecordPage:
    """One page of a collection: its records, parsed, and as bytes of JSON, with no others in them.

    `offset` and `count` say which records of the collection they are, `total` how many the server says there are (None
    where it says nothing that can be believed). `last` is the end. `proved`, on the last page only, says that all pages
    together are the whole collection; `reason` is a code word for why they are not (see `Proof`), told as soon as it is
    known. `digest` stands for the page's ids: keep the digests to resume. `deviations` are code words for what was not
    as the standard has it. It prints without records.
    """

    records: list[dict[str, Any]] = field(repr=False)
    body: bytes = field(repr=False)
    key: str
    offset: int
    count: int
    total: int | None
    last: bool
    proved: bool
    reason: str
    digest: str
    headers: Mapping[str, str] = field(repr=False)
    deviations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Fetched:
    """What a request for a page brought."""

    answer: Answer
    rows: list[dict[str, Any]]
    deviations: tuple[str, ...]
    anchored: bool = False


def pages(
    client: Client,
    path: str,
    *,
    key: str,
    limit: int = 1000,
    params: Mapping[str, object] | None = None,
    offset: int = 0,
    seen: Collection[str] = (),
    total: int | None = None,
    ahead: bool = True,
    anchor: bool | None = None,
    after: object = None,
    most: int = 100_000,
) -> Generator[RecordPage, None, None]:
    """The pages of the collection at `path`, whose records are under `key`, at most `limit` records each.

        for page in pages(client, "/users", key="users", limit=10_000):
            store(page.body)
        assert page.last

    With `ahead`, the next page is fetched by a thread while the caller works on this one; close the iterator, or run it
    to its end, to end the thread. To resume, give the `offset` after the last page that was kept, the digests of those
    `seen`, their `total`, and the `sourcedId` of the record `after` which it goes on, so that pages are seen to join
    there too (leave it out where that page had only one record). After `most` pages it is enough.

    Where no total tells whether all came, each page is asked for with the record before it, to see that pages join;
    `anchor` says True to do so always (which notices, too, that one record went while another came), or False never.

    Raises what `Client.get` does, `PageLoopError` where pages come again or never end, and `EnvelopeError`.
    """
    stop = threading.Event()
    pull = _Pull(
        client, path, key, params or {}, PageSize(limit), seen, Proof(offset, total, sorted_=True), stop,
        anchor=anchor, after=after,
    )  # fmt: skip
    found = pull.pages(most)
    return ahead_of(found, stop) if ahead else found


class _Pull:
    """One walk through a collection."""

    def __init__(
        self, client: Client, path: str, key: str, params: Mapping[str, object], size: PageSize,
        seen: Collection[str], proof: Proof, stop: threading.Event, *,
        anchor: bool | None, after: object,
    ) -> None:  # fmt: skip
        self._client, self._path, self._key = client, path, key
        self._params = dict(params)
        self._size = size
        self._seen = set(seen)
        self._proof = proof
        self._stop = stop
        self._token: str | None = None
        self._tokens: set[str] = set()
        self._anchor = anchor
        self._last_id: object = after
        self._longest = 0 if after is None else 2  # a page of one record would have no news beside its anchor
        self._before = 0

    @property
    def _what(self) -> str:
        return f"GET {self._client.base.hostname}{self._client.base.path}/{self._path.removeprefix('/')}"

    def pages(self, most: int) -> Generator[RecordPage, None, None]:
        for _ in range(most):
            page = self._page()
            yield page
            if page.last:
                return
        raise PageLoopError(f"{self._what}: no end after {most} pages.")

    def _page(self) -> RecordPage:
        offset = self._proof.received
        fetched = self._joined()
        rows, answer = fetched.rows, fetched.answer
        ids = self._proof.add(rows, total_of(answer.headers), anchored=fetched.anchored)
        digest = self._digest(ids, answer, bool(rows))
        following = next_query(answer.headers)
        last = not rows or (self._proof.complete and following is None)
        if not last:
            self._follow(following)
        self._longest = max(self._longest, len(rows))
        self._last_id = rows[-1].get("sourcedId") if rows else None
        reason = self._proof.verdict() if last else self._proof.doubt
        body = orjson.dumps({self._key: rows}) if fetched.anchored else answer.body
        return RecordPage(
            records=rows, body=body, key=self._key, offset=offset, count=len(rows), total=self._proof.total, last=last,
            proved=last and not reason, reason=reason, digest=digest, headers=answer.headers, deviations=fetched.deviations,
        )  # fmt: skip

    def _joined(self) -> _Fetched:
        """The next page, seen to begin where the last one ended where that is needed and can be seen.

        The record before it is asked for with it, and must be the last one we have: if records before it went or came
        in the meantime, it is another. An empty answer in the middle shows in the same way. Asked twice before it is
        believed.
        """
        needed = not self._proof.moved and (self._proof.total is None if self._anchor is None else self._anchor)
        if needed and self._token is None and self._last_id is not None and self._longest > 1:
            for _ in range(2):
                found = self._fetch(back=1)
                if found.rows and found.rows[0].get("sourcedId") == self._last_id:
                    return replace(found, rows=found.rows[1:], anchored=True)
            self._proof.moved = True
        return self._fetch()

    def _digest(self, ids: list[str], answer: Answer, rows: bool) -> str:  # noqa: FBT001 # a fact, not a switch
        """A short stand-in for a page's ids. Raises `PageLoopError` where it is that of an earlier page."""
        text = "\0".join(ids).encode(errors="surrogatepass") if ids else answer.body
        digest = hashlib.blake2b(text, digest_size=16).hexdigest()
        if rows and digest in self._seen:
            raise PageLoopError(f"{self._what}: the records of an earlier page come again; the offset is not honoured.")
        self._seen.add(digest)
        return digest

    def _follow(self, following: str | None) -> None:
        """Check the link to the next page, and take over its query where pages are not told apart by offset."""
        if following is None:
            self._token = None
            return
        told = offset_of(following)
        if told is None and following:
            if following in self._tokens:
                raise PageLoopError(f"{self._what}: the link to the next page comes again.")
            self._tokens.add(following)
            self._token = following
        elif told is not None and told <= self._before:
            raise PageLoopError(f"{self._what}: the link to the next page leads back.")

    def _fetch(self, back: int = 0) -> _Fetched:
        """The page that begins `back` records before those not received yet, asking for less while it is too heavy, and
        unsorted where it must be."""
        self._before = self._proof.received
        while True:
            try:
                found = self._client.read(self._path, self._query(back), self._taken, stop=self._stop,
                                          heavy=not self._size.smallest)  # fmt: skip
            except BadRequestError as error:
                if not (self._proof.sorted and error.status == 400 and _unsortable(error)):
                    raise
                self._proof.sorted = False
            except SyncError as error:
                if self._size.smallest or self._token or not (too_much(error) or isinstance(error, TooLargeError)):
                    raise
                self._size.shrink()
            else:
                self._size.good()
                return found

    def _query(self, back: int) -> Params:
        if self._token is not None:
            return urllib.parse.parse_qsl(self._token, keep_blank_values=True)
        sort = SORT if self._proof.sorted else ()
        return [("limit", self._size.limit), ("offset", self._proof.received - back), *sort, *self._params.items()]

    def _taken(self, answer: Answer) -> _Fetched:
        rows, deviations = records(answer.json, self._key, self._path, self._what)
        told = count_of(answer.headers)
        if told is not None and told != len(rows):
            raise CutAnswerError(f"{self._what}: the page says {told} records and has {len(rows)}.")
        return _Fetched(answer, rows, deviations)


def _unsortable(error: BadRequestError) -> bool:
    """Whether a refusal is, or may be, for the sort."""
    return not error.words or "invalid_sort_field" in error.words
