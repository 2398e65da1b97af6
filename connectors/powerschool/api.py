"""The connector to PowerSchool's API: it runs the queries of a plug-in that the district installs, page by page.

    users, classes, enrollments, and orgs, academicSessions and courses where there are queries for them

`/ws/v1` is asked for nothing but the sizes of pages that the plug-in may ask for. Changes alone are asked for by data
version: it is noted first and the changes are pulled second, and they say nothing of what is gone, so that everything is
read again now and then. Facts: PowerSchool reference, sections 2.1 to 2.4.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import re
import threading
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from syncrun.connectors.powerschool.api_format import WORDS, queried
from syncrun.connectors.powerschool.api_query import UNASKED, VERSION, Place, Query, walk
from syncrun.connectors.powerschool.api_record import named, number_in
from syncrun.errors import (
    BadRequestError,
    Blame,
    ForbiddenError,
    NotFoundError,
    NotJsonError,
    RedirectError,
    RefusedError,
    SyncError,
    TooSoonError,
    TransientError,
)
from syncrun.sdk import Context, Deltas, Mark, Page, rest
from syncrun.sdk.rest import Answer, Client
from syncrun.sdk.rest.ahead import ahead_of
from syncrun.sdk.rest.answer import Received

BUILT = {"academicSessions": "terms"}
"""Collections whose queries are called otherwise by `syncrun powerschool plugin build`."""
MAXIMUM = "schema_table_query_max_page_size"
_WAIT = re.compile(rb"wait\D{0,24}(\d{1,6}(?:\.\d{1,6})?)\s*(milli|ms)?")
_PAGE = re.compile(rb"\s*<(?:!doctype\s+)?html", re.IGNORECASE)
_NO_VERSION = "the server gives no data version, so that changes alone cannot be asked for; everything was read"


class FieldNotGrantedError(ForbiddenError):
    """The server knows the plug-in and the query, and does not let the plug-in have a field that the query reads."""

    code = "E-POWERSCHOOL-1"
    next_step = (
        "Have the district install the newest version of the plug-in, and enable it: that is when an administrator grants "
        "the fields. What a district excludes by hand cannot be granted so; leave such fields out of the plug-in."
    )


class QueryMissingError(NotFoundError):
    """The server has no such query, or the plug-in that brings it is not enabled."""

    code = "E-POWERSCHOOL-2"
    blame: ClassVar[Blame] = "district"
    next_step = "Have the plug-in enabled, or correct prefix and queries."


class OtherServerError(RefusedError):
    """What answers at the address is no PowerSchool server."""

    code = "E-POWERSCHOOL-3"
    blame: ClassVar[Blame] = "district"
    next_step = "Correct base_url: the server's address alone, as https://ps.example.org."


class MaintenanceError(TransientError):
    """The server sends a page for people where data should be, as it does while it is looked after at night."""

    code = "E-POWERSCHOOL-4"
    next_step = "Run again later. When it stays so by day, look whether base_url is PowerSchool's own address."


class PowerSchoolApi:
    """PowerQueries over PowerSchool's API."""

    def __init__(self, settings: Mapping[str, Any], context: Context) -> None:
        self._settings = settings
        self.format = queried(settings["collections"])
        self.deltas: Deltas | None = None
        if settings["deltas"]:
            every = datetime.timedelta(days=settings["full_every_days"])
            self.deltas = Deltas(every, datetime.timedelta(0), by_version=True)
        self._columns = {each.entity: [column.name for column in each.columns] for each in self.format.kinds}
        self._made: Client | None = None
        self._most: int | None = None
        self._versions = True

    def check(self) -> None:
        """The sizes of pages and one record of each query are asked for: this tells a wrong address, wrong credentials, a
        plug-in that is not enabled, and fields that were not granted."""
        try:
            self._look(self._client.probe)
            for collection in self._settings["collections"]:
                query = self._query(collection)
                with _spoken(query):
                    self._client.probe(query.path, {"page": 1, "pagesize": 1}, body=query.body)
        except QueryMissingError:
            raise
        except (NotFoundError, NotJsonError, RedirectError) as error:
            raise OtherServerError(error.message) from None

    def mark(self) -> Mark:
        """The server's time, and where changes are asked for, the data version of this moment. No text stands for the
        data as a whole: the data version does not move when a record goes."""
        with _awake():
            moment = self._look(self._client.get)
            if self.deltas is None:
                return Mark(moment=moment)
            query = self._query("users", "0")
            try:
                with _spoken(query):
                    answer = self._client.post(query.path, query.body, {"page": 1, "pagesize": 1})
                version = number_in(answer.json, VERSION)
            except BadRequestError:
                version = None
        self._versions = version is not None
        return Mark(moment=moment, version=None if version is None else str(version))

    def read(self, collection: str, since: str | None, cursor: str | None) -> Iterator[Page]:
        """The pages of a collection."""
        key = next(each for each, word in WORDS.items() if word == collection)
        query = self._query(key, since)
        size = min(
            filter(None, (self._settings["page_size"], self._most, UNASKED if since and not self._most else None))
        )
        place = Place(**json.loads(cursor)) if cursor else Place(size)
        stop = threading.Event()
        pages = walk(self._client, query, place, known=self._most is not None, stop=stop)
        notes = () if self._versions or key != "users" else (_NO_VERSION,)
        with _awake(), _spoken(query), contextlib.closing(ahead_of(pages, stop)) as found:
            for page in found:
                records = named(page.records, self._columns[collection])
                if key == "enrollments":
                    records = [_with_id(each) for each in records]
                behind = None if page.last else json.dumps(dataclasses.asdict(page.place))
                yield Page(records, behind, complete=page.last and not page.doubt, doubt=page.doubt, notes=notes)

    def close(self) -> None:
        """Close the connections."""
        if self._made:
            self._made.close()

    def _query(self, collection: str, since: str | None = None) -> Query:
        told = self._settings
        name = told["queries"].get(collection) or f"{told['prefix']}.oneroster.{BUILT.get(collection, collection)}"
        return Query(name, since, told.get("application_name") or "")

    def _look(self, ask: Callable[[str], Answer]) -> datetime.datetime | None:
        """Ask how large a page may be; the server's time. A plug-in may have no right to `/ws/v1`: then the settings
        alone say it."""
        try:
            answer = ask("/ws/v1/metadata")
        except ForbiddenError:
            return None
        body = answer.json.get("metadata", answer.json) if isinstance(answer.json, dict) else None
        self._most = number_in(body, MAXIMUM) or None
        return answer.date

    @property
    def _client(self) -> Client:
        if self._made is None:
            told = self._settings
            base = told["base_url"].rstrip("/")
            auth = rest.ClientCredentials(
                f"{base}/oauth/access_token", told["client_id"].reveal(), told["client_secret"].reveal(),
                insecure=told["insecure"],
            )  # fmt: skip
            self._made = Client(
                base, auth, limits=rest.Limits(pull=60 * told["pull_minutes"]), insecure=told["insecure"], judge=judged,
                budget=rest.host_budget(urllib.parse.urlsplit(base).netloc, told["requests_at_once"], told.get("requests_per_second")),
            )  # fmt: skip
        return self._made


def judged(received: Received, what: str) -> SyncError | None:
    """What PowerSchool says in its own way: pages for people with a good status, and how long to wait between requests,
    under whatever status."""
    if received.status == 200 and _PAGE.match(received.body):
        return MaintenanceError(f"{what}: the answer is a page for people (HTML).")
    body = received.body.lower()
    wait = _WAIT.search(body) if received.status not in {200, 401, 404} else None
    if wait and (received.status == 429 or b"too many requests" in body):
        seconds = float(wait[1]) / (1000 if wait[2] else 1)
        return TooSoonError(f"{what}: too many requests ({received.status}).", interval=max(seconds, 0.001))
    return None


@contextlib.contextmanager
def _spoken(query: Query) -> Iterator[None]:
    """What a refusal means for a query."""
    try:
        yield
    except ForbiddenError:
        raise FieldNotGrantedError(
            f"The query {query.name} reads a field that the plug-in may not have (403)."
        ) from None
    except NotFoundError:
        raise QueryMissingError(f"The server has no query {query.name} (404).") from None


@contextlib.contextmanager
def _awake() -> Iterator[None]:
    """In the night no answer but a page for people says that the address is wrong: it may be maintenance."""
    try:
        yield
    except NotJsonError as error:
        raise MaintenanceError(error.message) from None


def _with_id(record: dict[str, Any]) -> dict[str, Any]:
    """An enrollment with the id that its class, person and role make, where the query gives none."""
    if record.get("sourcedId") not in {None, ""}:
        return record
    parts = [str(record.get(each) or "") for each in ("classSourcedId", "userSourcedId", "role")]
    return {**record, "sourcedId": "_".join(filter(None, parts))}
