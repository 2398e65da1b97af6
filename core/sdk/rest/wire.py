"""One exchange over HTTP: verified, never redirected, read within bounds, with errors that are ours.

Nothing here asks twice; that is the client's. TLS is always verified: against the certificates that `requests` brings,
or those that `REQUESTS_CA_BUNDLE` names. There is no switch to turn it off.
"""

from __future__ import annotations

import logging
import time
import urllib.parse
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import requests

from syncrun.errors import BadAddressError, TimedOutError, TooLargeError
from syncrun.sdk.rest.address import is_loopback
from syncrun.sdk.rest.answer import Received
from syncrun.sdk.rest.breakdown import spoken
from syncrun.sdk.rest.limit import Limits

if TYPE_CHECKING:
    import urllib3

Sign = Callable[["requests.PreparedRequest"], "requests.PreparedRequest"]

CHUNK = 256 * 1024
REMARK = 64 * 1024
"""Bytes read of a body that only says what went wrong."""
HEADERS = {"User-Agent": "syncrun", "Accept": "application/json", "Accept-Encoding": "gzip, deflate"}


class Wire:
    """Connections to the hosts that one client may talk to, kept open between requests and shared by threads."""

    def __init__(self, hosts: frozenset[str], limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._hosts = hosts
        self._limits = limits
        self._clock = clock
        self._ways: dict[str, dict[str, Any]] = {}
        self._session = _Session()
        self._session.headers.clear()
        self._session.headers.update(HEADERS)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, requests.adapters.HTTPAdapter(pool_maxsize=16, max_retries=0))
        _hush()

    def prepare(
        self,
        method: str,
        url: str,
        auth: Sign,
        *,
        headers: Mapping[str, str] | None = None,
        data: str | None = None,
    ) -> requests.PreparedRequest:
        """A request as it will be sent, signed."""
        asked = requests.Request(method, url, headers=dict(headers or {}), data=data, auth=auth)
        with spoken(f"{method} {urllib.parse.urlsplit(url).hostname}"):
            return self._session.prepare_request(asked)

    def exchange(self, request: requests.PreparedRequest) -> Received:
        """Send a request and take in its answer, whatever its status.

        Raises `BadAddressError` before anything is sent to a host that is not ours to ask, `TooLargeError`,
        `TimedOutError`, `CutAnswerError`, `UnreachableError`, `UnknownHostError`, `CertificateError`.
        """
        what = named(request)
        host = urllib.parse.urlsplit(str(request.url)).hostname or ""
        if host not in self._hosts:
            raise BadAddressError(f"{what}: this host is none of those in the settings.")
        until = self._clock() + self._limits.answer
        with spoken(what):
            settings = self._settings(host, str(request.url))
            wait = (self._limits.connect, self._limits.read)
            with self._session.send(request, timeout=wait, allow_redirects=False, **settings) as response:
                body = self._body(response, until, what)
                return Received(response.status_code, response.headers, body)

    def _settings(self, host: str, url: str) -> dict[str, Any]:
        """How to reach a host from this machine: its certificates and its proxies, looked up once; this machine itself
        is reached without."""
        found = self._ways.get(host)
        if found is None:
            found = dict(self._session.merge_environment_settings(url, {}, stream=True, verify=None, cert=None))
            if is_loopback(host):
                found["proxies"] = {}
            self._ways[host] = found
        return found

    def _body(self, response: requests.Response, until: float, what: str) -> bytes:
        good = response.status_code == requests.codes.ok
        raw: urllib3.BaseHTTPResponse = response.raw
        parts: list[bytes] = []
        size = 0
        # read1, because read waits for a whole chunk, however slowly its bytes drip
        while part := raw.read1(CHUNK, decode_content=True):
            size += len(part)
            if not good and size > REMARK:
                break
            if size > self._limits.unpacked or raw.tell() > self._limits.packed:
                raise TooLargeError(f"{what}: the answer is larger than {self._limits.unpacked} bytes.")
            if self._clock() > until:
                raise TimedOutError(f"{what}: the answer is still coming after {self._limits.answer:g} s.")
            parts.append(part)
        return b"".join(parts)

    def cookies(self, request: requests.PreparedRequest) -> str | None:
        """The header `Cookie` for a request, from what the hosts of this wire set; None where there is none."""
        header: str | None = requests.cookies.get_cookie_header(self._session.cookies, request)  # type: ignore[no-untyped-call] # their stub
        return header

    def close(self) -> None:
        """Close the connections."""
        self._session.close()


class _Session(requests.Session):
    """A session that does not even look at where a redirect points: `requests` would read its body without bounds."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


def named(request: requests.PreparedRequest) -> str:
    """A request in an error's words: method, host and path. Queries hold filters and keys, and are left out."""
    parts = urllib.parse.urlsplit(str(request.url))
    return f"{request.method} {parts.hostname}{parts.path}"


def _hush() -> None:
    """Keep the libraries' logs to themselves: they tell signatures, headers, and addresses with their queries."""
    for name in ("oauthlib", "requests_oauthlib", "urllib3"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
