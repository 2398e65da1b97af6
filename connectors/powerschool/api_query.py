"""All pages of one query, with a word at the end on whether they are all there is.

They are proved to be all when the server counts as many records before the first page and after the last one as came;
that none came twice is looked at when they land, over all pages of a pull. Facts: PowerSchool reference, section 2.3.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from syncrun.connectors.powerschool.api_record import number_in, records_in
from syncrun.errors import BadRequestError, NotFoundError, PageLoopError, StartOverError
from syncrun.sdk import NoDeltasError, rest
from syncrun.sdk.rest import Answer, Client

UNASKED = 100
"""Records in a page where nothing is asked for; no server refuses so few."""
VERSION = "$dataversion"


@dataclass(frozen=True, slots=True)
class Query:
    """A query by its name, and what is asked of it: everything, or what changed since a data version."""

    name: str
    since: str | None = None
    application: str = ""

    @property
    def path(self) -> str:
        """Where it is asked."""
        return f"/ws/schema/query/{rest.segment(self.name)}"

    @property
    def body(self) -> dict[str, str]:
        """The JSON that goes with each request."""
        return {VERSION: self.since, f"{VERSION}_applicationname": self.application} if self.since is not None else {}


@dataclass(frozen=True, slots=True)
class Place:
    """Where reading goes on: behind page `page` of `size` records each, with `received` records in all. `count` is what
    the server counted at the beginning."""

    size: int
    page: int = 0
    received: int = 0
    count: int | None = None


@dataclass(frozen=True, slots=True)
class QueryPage:
    """One page: its records as they came, the place behind it, and on the last one why the pages are not proved to be
    all, or nothing where they are."""

    records: list[Mapping[str, Any]] = field(repr=False)
    place: Place
    last: bool
    doubt: str = ""


def walk(
    client: Client, query: Query, place: Place, *, known: bool, stop: threading.Event, most: int = 100_000
) -> Generator[QueryPage, None, None]:
    """The pages behind a place. `known` says that the server told how large a page may be; otherwise a first page that is
    refused is asked for once more, smaller.

    Raises what `Client.post` does, `PageLoopError`, and `NoDeltasError` where changes alone cannot be had.
    """
    before: list[Mapping[str, Any]] = []
    for _ in range(most):
        found, place = _page(client, query, place, known=known, stop=stop)
        if found and found == before:
            raise PageLoopError(f"POST {query.name}: the records of the page before come again.")
        before = found
        last = not found or (place.count is not None and place.received >= place.count)
        yield QueryPage(found, place, last, _doubt(client, query, place, stop) if last else "")
        if last:
            return
    raise PageLoopError(f"POST {query.name}: no end after {most} pages.")


def _page(
    client: Client, query: Query, place: Place, *, known: bool, stop: threading.Event
) -> tuple[list[Mapping[str, Any]], Place]:  # fmt: skip
    first = place.page == 0
    try:
        answer = _asked(client, query, place.page + 1, place.size, count=first, stop=stop)
    except NotFoundError:
        raise
    except BadRequestError:
        if not first or known or place.size <= UNASKED:
            raise
        place = Place(UNASKED)
        answer = _asked(client, query, 1, place.size, count=True, stop=stop)
    found = records_in(answer.json, f"POST {query.name}")
    count = number_in(answer.json, "count") if first else place.count
    return found, Place(place.size, place.page + 1, place.received + len(found), count)


def _asked(client: Client, query: Query, page: int, size: int, *, count: bool, stop: threading.Event) -> Answer:
    """The answer to one request; of changes, one that shows that the server understood what was asked."""
    params = {"page": page, "pagesize": size, **({"count": "true"} if count else {})}
    if query.since is None:
        return client.post(query.path, query.body, params, stop=stop)
    try:
        answer = client.post(query.path, query.body, params, stop=stop)
    except BadRequestError as error:
        if error.status in {400, 404}:
            raise NoDeltasError("The server does not take the data version.") from None
        raise
    now = number_in(answer.json, VERSION)
    if now is None:
        raise NoDeltasError("The server does not heed the data version.")
    if now < int(query.since):
        raise StartOverError("The server's data version went back, as after a restore.")
    return answer


def _doubt(client: Client, query: Query, place: Place, stop: threading.Event) -> str:
    """Why the pages are not proved to be all; nothing where they are."""
    if place.count is None:
        return "the server does not say how many records there are"
    if place.received != place.count:
        return "the server's own count is not what it sent"
    after = number_in(_asked(client, query, 1, 1, count=True, stop=stop).json, "count")
    return "" if after == place.count else "records came or went while it was read"
