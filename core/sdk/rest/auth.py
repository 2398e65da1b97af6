"""How requests prove who sends them: by an OAuth 1 signature, or by a token from the settings.

Tokens that are fetched are in `syncrun.sdk.rest.token`. Secrets are given as texts, already revealed by the connector;
nothing here prints them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, Protocol

import requests_oauthlib
from requests.auth import AuthBase

from syncrun.errors import AuthError

if TYPE_CHECKING:
    from requests import PreparedRequest

Signature = Literal["HMAC-SHA256", "HMAC-SHA1"]
_OTHER: dict[Signature, Signature] = {"HMAC-SHA256": "HMAC-SHA1", "HMAC-SHA1": "HMAC-SHA256"}
_HEADER = re.compile(r"[\x21-\x7e]+")


class Auth(Protocol):
    """What a client needs beside a signed request: a say on what to do when it is refused (401)."""

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Sign a request, anew for every attempt."""

    def renew(self, refused: PreparedRequest) -> bool:
        """The other side refused this request: whether sending it once more, signed anew, can end otherwise."""

    def accepted(self, request: PreparedRequest) -> None:
        """The other side accepted this request's credentials."""

    @property
    def hosts(self) -> frozenset[str]:
        """Hosts of its own that it asks."""


class OAuth1(AuthBase):
    """Signs requests as OAuth 1.0a says, with key and secret and no token (RFC 5849; OneRoster 1.1, security).

    Every attempt gets a nonce and a timestamp of its own. With `fallback`, a first contact that is refused is tried
    once with the other signature method, and stays with the one that was accepted; `method` says which it is.
    """

    hosts: frozenset[str] = frozenset()

    def __init__(self, key: str, secret: str, method: Signature = "HMAC-SHA256", *, fallback: bool = False) -> None:
        self._key = key
        self._secret = secret
        self.method: Signature = method
        self._first = method
        self._proved = not fallback

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Sign a request."""
        signer = requests_oauthlib.OAuth1(self._key, self._secret, signature_method=self.method)
        signed: PreparedRequest = signer(r)
        return signed

    def renew(self, refused: PreparedRequest) -> bool:
        """True once, where `fallback` allows it and nothing was accepted yet."""
        if self._proved or _method(refused) != self._first:
            return False
        self.method = _OTHER[self._first]
        return True

    def accepted(self, request: PreparedRequest) -> None:
        """Stay with the signature method of this request."""
        self._proved = True


def _method(request: PreparedRequest) -> str:
    header = request.headers.get("Authorization", b"")
    text = header.decode() if isinstance(header, bytes) else header
    found = re.search(r'oauth_signature_method="([^"]+)"', text)
    return found[1] if found else ""


class Bearer(AuthBase):
    """Sends a token that does not change, and `headers` beside it.

    With `again`, a refused request is sent once more if that function returns another token: for tokens that somebody
    may have replaced in the meantime (ClassLink's list of applications).
    """

    hosts: frozenset[str] = frozenset()

    def __init__(
        self, token: str, headers: Mapping[str, str] | None = None, *, again: Callable[[], str] | None = None
    ) -> None:
        self._token = sendable(token)
        self._headers = dict(headers or {})
        self._again = again

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Put the token and the headers on a request."""
        r.prepare_headers({**r.headers, **self._headers, "Authorization": f"Bearer {self._token}"})
        return r

    def renew(self, refused: PreparedRequest) -> bool:
        """Whether there is another token than the one that was refused."""
        if self._again is not None and refused.headers["Authorization"] == f"Bearer {self._token}":
            self._token = sendable(self._again())
        return refused.headers["Authorization"] != f"Bearer {self._token}"

    def accepted(self, request: PreparedRequest) -> None:
        """Nothing to remember."""


def is_sendable(token: str) -> bool:
    """Whether a header can carry a token."""
    return _HEADER.fullmatch(token) is not None


def sendable(token: str) -> str:
    """A token that a header can carry. Raises `AuthError` for others, without showing them."""
    if not is_sendable(token):
        raise AuthError("The token is empty, or has blanks, line ends or letters that no header can carry.")
    return token
