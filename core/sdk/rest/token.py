"""Tokens by OAuth 2 client credentials: fetched once, shared by threads, renewed in time (RFC 6749, 4.4)."""

from __future__ import annotations

import threading
import time
import urllib.parse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from oauthlib.oauth2 import BackendApplicationClient
from requests.auth import AuthBase, HTTPBasicAuth

from syncrun.errors import AuthError, RateLimitedError, RedirectError, ServerError
from syncrun.sdk.rest.address import checked, query
from syncrun.sdk.rest.answer import Received, parsed
from syncrun.sdk.rest.auth import is_sendable
from syncrun.sdk.rest.limit import Limits
from syncrun.sdk.rest.verdict import BUSY, asked_wait, pointed_to, remark_of
from syncrun.sdk.rest.wire import Wire, named

if TYPE_CHECKING:
    from requests import PreparedRequest

ClientAuth = Literal["basic", "form", "query"]
EARLY = 60.0
"""Seconds before its end at which a token is replaced; a token of short life after nine tenths of it."""
UNTOLD = 300.0
"""Seconds that a token is used whose server does not say how long it lives."""


class ClientCredentials(AuthBase):
    """Sends a token that is fetched with key and secret.

    One object serves all threads of a process: it is the place where the token is. A request for a token that is
    refused is not repeated, by any thread, so that nobody is locked out. A token that is refused before it was ever
    accepted is replaced once; then `AuthError`. `client_auth` says where key and secret go: HTTP Basic (the standard),
    the form's body (Synergy), or the query (Infinite Campus). `parameters` are further ones of the token's address
    (`appName`). `granted` are the scopes that the server gave, where it says so.
    """

    def __init__(
        self,
        token_url: str,
        key: str,
        secret: str,
        scopes: Sequence[str] = (),
        client_auth: ClientAuth = "basic",
        *,
        parameters: Sequence[tuple[str, str]] = (),
        insecure: str = "",
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        address = checked(token_url, insecure=insecure)
        self.hosts = frozenset({str(address.hostname)})
        self.granted: tuple[str, ...] | None = None
        self._url = urllib.parse.urlunsplit(address)
        self._key, self._secret = key, secret
        self._scopes = tuple(scopes)
        self._client_auth = client_auth
        self._parameters = tuple(parameters)
        self._clock = clock
        self._wire = Wire(self.hosts, limits or Limits())
        self._lock = threading.Lock()
        self._token: str | None = None
        self._until = 0.0
        self._doubted = False
        self._refused: str | None = None

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Put the token on a request, fetching one where there is none that lasts."""
        r.headers["Authorization"] = f"Bearer {self._current()}"
        if cookie := self._wire.cookies(r):  # Infinite Campus sets one with the token, and wants it back
            r.headers.setdefault("Cookie", cookie)
        return r

    def renew(self, refused: PreparedRequest) -> bool:
        """Drop the refused token, unless it is the second in a row that nobody accepted, or another thread did it."""
        with self._lock:
            if refused.headers["Authorization"] != f"Bearer {self._token}":
                return True
            if self._doubted:
                return False
            self._doubted = True
            self._token = None
            return True

    def accepted(self, request: PreparedRequest) -> None:
        """The token is good: a later refusal means that it has run out."""
        self._doubted = False

    def _current(self) -> str:
        with self._lock:
            if self._refused:
                raise AuthError(self._refused)
            if self._token is None or self._clock() >= self._until:
                asked = self._clock()
                told = self._fetch()
                self._token = told["access_token"]
                life = _seconds(told.get("expires_in"))
                self._until = asked + max(life - EARLY, life * 0.9 if life < 10 * EARLY else 0)
                scope = told.get("scope")
                self.granted = tuple(scope.split()) if isinstance(scope, str) else None
            return self._token

    def _fetch(self) -> dict[str, Any]:
        """The server's answer to one request for a token, made once.

        Raises `AuthError` where it is refused, `ServerError` and `RateLimitedError` where the server is busy.
        """
        request = self._request()
        what = named(request)
        received = self._wire.exchange(request)
        status = received.status
        if status in BUSY:
            raise ServerError(f"{what}: no token, the other side has trouble ({status}).", status=status,
                              retry_after=asked_wait(received.headers))  # fmt: skip
        if status == 429:
            raise RateLimitedError(f"{what}: no token, too many requests.", retry_after=asked_wait(received.headers))
        if 300 <= status < 400:
            raise RedirectError(f"{what}: the other side points to {pointed_to(received.headers)}.")
        told = parsed(received.body, what) if status in {200, 201} else None
        if not isinstance(told, dict) or not _usable(told.get("access_token")):
            self._refused = f"{what}: no token was given ({status}{_reason(received)})."
            raise AuthError(self._refused)
        return told

    def _request(self) -> PreparedRequest:
        client = BackendApplicationClient(self._key)
        secret = {"client_secret": self._secret} if self._client_auth == "form" else {}
        body = client.prepare_request_body(
            scope=list(self._scopes) or None, include_client_id=self._client_auth == "form", **secret
        )
        pairs = list(self._parameters)
        if self._client_auth == "query":
            pairs += [("client_id", self._key), ("client_secret", self._secret)]
        url = f"{self._url}?{query(pairs)}" if pairs else self._url
        auth = HTTPBasicAuth(*self._quoted()) if self._client_auth == "basic" else _Nothing()
        return self._wire.prepare("POST", url, auth, data=body,
                                  headers={"Content-Type": "application/x-www-form-urlencoded"})  # fmt: skip

    def _quoted(self) -> tuple[str, str]:
        """Key and secret for Basic: form-encoded first, as RFC 6749 section 2.3.1 wants it."""
        return urllib.parse.quote_plus(self._key), urllib.parse.quote_plus(self._secret)


class _Nothing(AuthBase):
    """No credentials in the headers; without it `requests` would look for some in the user's files."""

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        return r


def _usable(token: object) -> bool:
    return isinstance(token, str) and is_sendable(token)


def _seconds(value: object) -> float:
    """How long a token lives; servers send a number, or a text of one, or nothing."""
    try:
        found = float(str(value))
    except ValueError:
        return UNTOLD
    return found if 0 < found < 10**9 else UNTOLD


def _reason(received: Received) -> str:
    return "".join(f", {word}" for word in remark_of(received).words)
