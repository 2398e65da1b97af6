"""The connector: it asks for the flat collections, page by page; the engine keeps, lands and judges them.

    orgs, academicSessions, courses, classes, users, enrollments, and demographics where they are wanted

Nothing is read per school or per class, and no `href` is followed. How a request is signed, tried again and bounded, and
whether the pages that came are proved to be all, is in `syncrun.sdk.rest`; what a record means is in
`syncrun.connectors.format.record`. Facts: OneRoster 1.1 and 1.2, REST; ClassLink's headers.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from syncrun.connectors.format.record import records, spelled
from syncrun.errors import (
    AnswerError,
    BadRequestError,
    Blame,
    NoDeltasError,
    NotFoundError,
    RedirectError,
    RefusedError,
    TooLargeError,
)
from syncrun.sdk import Context, Deltas, Mark, Page, rest
from syncrun.sdk.rest import Auth, Client, RecordPage

REVISION = "x-perm-rev"
"""A text that is another whenever the data or the rights of this account are."""
DOUBTS = {
    "moved": "records came or went while it was read",
    "repeated": "a record came twice, so that another may have been passed over",
    "order": "neither its count nor its order tells whether pages were passed over",
    "total": "the service's own count is not what it sent",
    "empty": "nothing came, and the service does not say that there is nothing",
}
"""What is said for the reasons of `syncrun.sdk.rest.proof`."""
_EVER = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_KEPT_DIGESTS = 200


class NothingSharedError(RefusedError):
    """The service answers, but shows this account no school."""

    code = "E-CLASSLINK-1"
    blame: ClassVar[Blame] = "district"
    next_step = "Ask the district to share its schools with this application, then run again."


class OtherServiceError(RefusedError):
    """What answers at the address is no OneRoster service."""

    code = "E-CLASSLINK-2"
    blame: ClassVar[Blame] = "district"
    next_step = "Correct base_url: it ends with the version, as /ims/oneroster/v1p1 or /ims/oneroster/rostering/v1p2."


class ClassLink:
    """OneRoster over REST."""

    def __init__(self, settings: Mapping[str, Any], context: Context) -> None:
        self._settings = settings
        version = settings["version"]
        if version == "auto":
            version = "1.2" if "v1p2" in settings["base_url"] else "1.1"
        self.format = records(version, demographics=settings["demographics"])
        self.deltas: Deltas | None = None
        if settings["deltas"]:
            self.deltas = Deltas(
                datetime.timedelta(days=settings["full_every_days"]),
                datetime.timedelta(minutes=settings["overlap_minutes"]),
            )
        self._made: Client | None = None
        self._anchor: bool | None = None

    def check(self) -> None:
        """One school is asked for: this tells a wrong address, bad certificate, wrong keys, missing rights, and a service
        that is another or shows nothing."""
        try:
            found = self._first("orgs", "/schools")
        except (AnswerError, NotFoundError, RedirectError) as error:
            if isinstance(error, TooLargeError):
                raise
            raise OtherServiceError(error.message) from None
        if not found:
            raise NothingSharedError("The service shows no school to this account.")

    def mark(self) -> Mark:
        """Of the first org alone: the headers of its answer."""
        answer = self._client.get("/orgs", {"limit": 1, "offset": 0})
        revision = answer.headers.get(REVISION)
        self._anchor = None if revision else True  # what moves in mid-pull is then seen only by how pages join
        return Mark(revision, answer.date)

    def read(self, collection: str, since: datetime.datetime | None, cursor: str | None) -> Iterator[Page]:
        """The pages of a collection."""
        key = collection.removeprefix("sent_")
        left: dict[str, Any] = json.loads(cursor) if cursor else {"offset": 0, "seen": [], "total": None}
        seen = list(left["seen"])
        params = {"filter": rest.changed_since(since)} if since else {}
        found = rest.pages(
            self._client, f"/{key}", key=key, limit=self._settings["page_size"], params=params, offset=left["offset"],
            seen=seen, total=left["total"], anchor=self._anchor, after=left.get("after"),
        )  # fmt: skip
        with _refused_filter(since), contextlib.closing(found):
            for page in found:
                _filtered(page, since)
                unchanged = since is not None and page.last and page.offset == page.count == 0
                if unchanged:
                    self._heeds_filters(key)
                seen = [*seen, page.digest][-_KEPT_DIGESTS:]
                after = page.records[-1].get("sourcedId") if page.count > 1 else None
                behind = {"offset": page.offset + page.count, "seen": seen, "total": page.total, "after": after}
                yield Page(
                    spelled(key, page.records), None if page.last else json.dumps(behind), complete=page.proved or unchanged,
                    doubt=DOUBTS.get(page.reason, page.reason), revision=page.headers.get(REVISION), notes=page.deviations,
                )  # fmt: skip

    def close(self) -> None:
        """Close the connections."""
        if self._made:
            self._made.close()

    def _heeds_filters(self, key: str) -> None:
        """No change at all may mean that filters are not understood: then the same answer comes to the filter that every
        record passes."""
        if self._first(key) and not self._first(key, filter=rest.changed_since(_EVER)):
            raise NoDeltasError("The service answers every filter with nothing.")

    def _first(self, key: str, path: str = "", **params: str) -> bool:
        """Whether a collection has a record."""
        path = path or f"/{key}"
        answer = self._client.probe(path, {"limit": 1, "offset": 0, **params})
        return bool(rest.records_of(answer, key, path))

    @property
    def _client(self) -> Client:
        if self._made is None:
            told = self._settings
            base = _below_application(told["base_url"], told.get("application_id"))
            self._made = rest.Client(
                base, self._auth(), limits=rest.Limits(pull=60 * told["pull_minutes"]), insecure=told["insecure"],
                budget=rest.host_budget(urllib.parse.urlsplit(base).netloc, told["requests_at_once"], told.get("requests_per_second")),
            )  # fmt: skip
        return self._made

    def _auth(self) -> Auth:
        told = self._settings
        if told.get("token"):
            return rest.Bearer(told["token"].reveal())
        key, secret = told["key"].reveal(), told["secret"].reveal()
        if told.get("token_url"):
            return rest.ClientCredentials(
                told["token_url"], key, secret, told["scopes"], told["client_auth"], insecure=told["insecure"]
            )
        return rest.OAuth1(key, secret, told["signature"])


def _below_application(base_url: str, application: str | None) -> str:
    """The address of an application of ClassLink's proxy; its id comes escaped."""
    if not application:
        return base_url
    parts = urllib.parse.urlsplit(base_url)
    return urllib.parse.urlunsplit(parts._replace(path=f"/{application}{parts.path}"))


@contextlib.contextmanager
def _refused_filter(since: datetime.datetime | None) -> Iterator[None]:
    """A filter that is refused is one that the service does not have."""
    try:
        yield
    except BadRequestError:
        if since is None:
            raise
        raise NoDeltasError("The service refuses the filter.") from None


def _filtered(page: RecordPage, since: datetime.datetime | None) -> None:
    """Every record that came must pass the filter that was asked for; otherwise it was not heeded."""
    if since and not all(rest.fits(record, since) for record in page.records):
        raise NoDeltasError("The service does not heed the filter.")
