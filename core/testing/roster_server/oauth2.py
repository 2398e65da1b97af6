"""OAuth 2 client credentials (RFC 6749, section 4.4), with opaque tokens that run out.

Our own few lines: oauthlib's server side leaves the proof of who the client is, the scopes and the life of tokens to
callbacks, and these are what differs from one roster server to the next (section 9.2).
"""

from __future__ import annotations

import base64
import binascii
import datetime
import hmac
import secrets
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson

from syncrun.clock import Clock, SystemClock
from syncrun.testing.roster_server.access import Denial, Knock, Open
from syncrun.testing.roster_server.answer import Answer

PREFIX = "https://purl.imsglobal.org/spec/or/"
CORE, FULL, DEMOGRAPHICS = "roster-core.readonly", "roster.readonly", "roster-demographics.readonly"
SCOPES = tuple(f"{PREFIX}{version}/scope/{name}" for version in ("v1p1", "v1p2") for name in (CORE, FULL, DEMOGRAPHICS))
PROOFS = ("basic", "form", "query", "json")
TOKEN_PATH = "/oauth/token"  # noqa: S105 # a path


@dataclass(slots=True)
class _Grant:
    scopes: frozenset[str]
    until: datetime.datetime
    requests: int | None


class OAuth2(Open):
    """A key and a secret that are exchanged for tokens.

    `proofs`: how the client may prove itself. `scopes`: what may be granted; less than was asked for is granted, unless
    `strict`, which refuses. `seconds` and `requests`: how long a token serves.
    """

    def __init__(
        self, key: str, secret: str, *, proofs: Collection[str] = ("basic",), scopes: Collection[str] = SCOPES,
        strict: bool = False, seconds: float = 3600, requests: int | None = None, path: str = TOKEN_PATH,
        clock: Clock | None = None,
    ) -> None:  # fmt: skip
        self.key, self.secret, self.proofs, self.scopes = key, secret, proofs, frozenset(scopes)
        self.strict, self.seconds, self.requests, self.path = strict, seconds, requests, path
        self.clock: Clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._grants: dict[str, _Grant] = {}

    def revoke(self) -> None:
        """Make all tokens worthless."""
        with self._lock:
            self._grants.clear()

    def token(self, knock: Knock) -> Answer | None:
        """Exchange key and secret for a token."""
        if knock.path != self.path:
            return None
        if knock.method != "POST":
            return Answer(405, b"", {"Allow": "POST"})
        body, query = _told(knock), dict(parse_qsl(knock.query))
        given = query | body
        if not self._proved(knock, body, query):
            return _error(401, "invalid_client")
        if given.get("grant_type") != "client_credentials":
            return _error(400, "unsupported_grant_type")
        wanted = frozenset(given.get("scope", "").split())
        scopes = wanted & self.scopes if wanted else self.scopes
        if (self.strict and wanted - self.scopes) or (wanted and not scopes):
            return _error(400, "invalid_scope")
        value = secrets.token_urlsafe()
        until = self.clock.now() + datetime.timedelta(seconds=self.seconds)
        with self._lock:
            self._grants[value] = _Grant(scopes, until, self.requests)
        told = {"access_token": value, "token_type": "Bearer", "expires_in": int(self.seconds),
                "scope": " ".join(sorted(scopes))}  # fmt: skip
        return Answer(200, orjson.dumps(told), {"Content-Type": "application/json", "Cache-Control": "no-store"})

    def denial(self, knock: Knock) -> Denial | None:
        """Who brings no token that still serves is kept out; who brings one without the scope may not."""
        kind, _, value = knock.headers.get("Authorization", "").partition(" ")
        with self._lock:
            grant = self._grants.get(value) if kind.lower() == "bearer" else None
            if grant is None or grant.until <= self.clock.now() or grant.requests == 0:
                return Denial(401, "The token is missing, wrong or has run out.")
            if grant.requests is not None:
                grant.requests -= 1
        names = {scope.rpartition("/")[2] for scope in grant.scopes}
        if not names & _wanted(knock):
            return Denial(403, "The token has not the scope for this.")
        return None

    def _proved(self, knock: Knock, body: Mapping[str, str], query: Mapping[str, str]) -> bool:
        found = {
            "basic": _basic(knock),
            "json" if _is_json(knock) else "form": _pair(body),
            "query": _pair(query),
        }
        wanted = f"{self.key}:{self.secret}".encode()
        pairs = (found.get(proof) for proof in self.proofs)
        return any(pair is not None and hmac.compare_digest(":".join(pair).encode(), wanted) for pair in pairs)


def _wanted(knock: Knock) -> set[str]:
    """The scopes of which one is needed: section 5.3."""
    if knock.word == "demographics":
        return {DEMOGRAPHICS}
    return {FULL} if knock.nested else {CORE, FULL}


def _is_json(knock: Knock) -> bool:
    return "json" in knock.headers.get("Content-Type", "")


def _told(knock: Knock) -> dict[str, str]:
    """The parameters of the body."""
    if not _is_json(knock):
        return dict(parse_qsl(knock.body.decode(errors="replace")))
    try:
        told: Any = orjson.loads(knock.body)
    except orjson.JSONDecodeError:
        return {}
    return {str(name): str(value) for name, value in told.items()} if isinstance(told, dict) else {}


def _pair(given: Mapping[str, str]) -> tuple[str, str]:
    return given.get("client_id", ""), given.get("client_secret", "")


def _basic(knock: Knock) -> tuple[str, str] | None:
    kind, _, told = knock.headers.get("Authorization", "").partition(" ")
    try:
        key, colon, secret = base64.b64decode(told, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (unquote(key), unquote(secret)) if colon and kind.lower() == "basic" else None


def _error(status: int, word: str) -> Answer:
    headers = {"Content-Type": "application/json"}
    return Answer(
        status, orjson.dumps({"error": word}), headers | ({"WWW-Authenticate": "Basic"} if status == 401 else {})
    )
