"""What an answer means, from its status, its headers and its remark: nothing, or one of our errors.

The codes are those of OneRoster 1.2, REST, errors. Words of the server's own are never repeated.
"""

from __future__ import annotations

import datetime
import urllib.parse
from collections.abc import Callable, Mapping

from syncrun.errors import (
    AnswerError,
    AuthError,
    BadRequestError,
    ForbiddenError,
    NotFoundError,
    RateLimitedError,
    RedirectError,
    ServerError,
    SyncError,
)
from syncrun.sdk.rest.answer import Received, date_of, moment, parsed
from syncrun.sdk.rest.status_body import StatusBody, status_body

BUSY = frozenset({500, 502, 503, 504})
HEAVY = frozenset({502, 504})
"""Statuses by which gateways say that the server behind took too long over a page."""
TOLERANCE = datetime.timedelta(minutes=5)
"""How far clocks may differ before signatures by them are refused (OneRoster 1.1, message signing)."""

Now = Callable[[], datetime.datetime]


def system_now() -> datetime.datetime:
    """This moment, in UTC."""
    return datetime.datetime.now(datetime.UTC)


def error_of(received: Received, what: str, now: Now = system_now) -> SyncError | None:
    """The error for an answer whose status is not 200; None for 200."""
    status = received.status
    if status == 200:
        return None
    words = remark_of(received).words
    told = f" ({', '.join(words)})" if words else ""
    if status == 401:
        return AuthError(f"{what}: the credentials are not accepted (401).{_clocks(received, now)}")
    if status == 403:
        return ForbiddenError(f"{what}: the credentials give no right to this (403).")
    if status == 404:
        return NotFoundError(f"{what}: there is nothing at this path (404){told}.", words=words, status=status)
    if status == 429:
        wait = asked_wait(received.headers, now)
        return RateLimitedError(f"{what}: too many requests (429).", retry_after=wait)
    if status in BUSY:
        wait = asked_wait(received.headers, now) if status == 503 else None
        return ServerError(f"{what}: the other side has trouble ({status}).", status=status, retry_after=wait)
    if 300 <= status < 400:
        return RedirectError(f"{what}: the other side points to {pointed_to(received.headers)} ({status}).")
    if 200 <= status < 300:
        return AnswerError(f"{what}: the answer has no list (status {status}).")
    return BadRequestError(f"{what}: the request is refused ({status}){told}.", words=words, status=status)


def failure_of(body: object, what: str) -> SyncError | None:
    """The error in a body that came with 200 and says that the request failed; None for others."""
    remark = status_body(body)
    if remark is None or not remark.failed:
        return None
    words = remark.words
    told = f"{what}: the answer says that the request failed ({', '.join(words) or 'no reason that we know'})."
    if "server_busy" in words or "internal_server_error" in words:
        return ServerError(told)
    if "unauthorisedrequest" in words:
        return AuthError(told)
    if "forbidden" in words:
        return ForbiddenError(told)
    if "unknownobject" in words:
        return NotFoundError(told, words=words)
    return BadRequestError(told, words=words)


def remark_of(received: Received) -> StatusBody:
    """The remark in a body that may be anything."""
    try:
        return status_body(parsed(received.body, "")) or StatusBody()
    except SyncError:
        return StatusBody()


def asked_wait(headers: Mapping[str, str], now: Now = system_now) -> float | None:
    """The seconds that `Retry-After` asks for, in either form; None where it says nothing that can be read."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    until = moment(text)
    return None if until is None else max(0.0, (until - now()).total_seconds())


def pointed_to(headers: Mapping[str, str]) -> str:
    """The host that a redirect points to, and no more of it."""
    try:
        host = urllib.parse.urlsplit(headers.get("Location", "")).hostname
    except ValueError:
        host = None
    return host or "another path"


def _clocks(received: Received, now: Now) -> str:
    told = date_of(received.headers)
    if told is None or abs(told - now()) <= TOLERANCE:
        return ""
    minutes = round(abs(told - now()).total_seconds() / 60)
    side = "behind" if told > now() else "ahead"
    return (
        f" The clocks differ: this machine's is {minutes} minutes {side}, and signatures by it are refused; "
        "set it right first."
    )
