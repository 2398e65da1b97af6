"""A digest over HTTP, signed as Standard Webhooks say (standardwebhooks.com, specification 1.0): the receiver knows by the
signature whom it is from, by `webhook-id` whether it has it already, and by `webhook-timestamp` that it is not an old one.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
import hmac
from typing import TYPE_CHECKING

from syncrun.errors import BadRequestError, RateLimitedError, ServerError
from syncrun.notice.letter import Letter
from syncrun.sdk import SecretText
from syncrun.sdk.rest.address import checked
from syncrun.sdk.rest.limit import Limits
from syncrun.sdk.rest.wire import Wire

if TYPE_CHECKING:
    import requests

PREFIX = "whsec_"
"""Keys that begin so are base64; others are taken as they are written."""
LIMITS = Limits(connect=10, read=20, answer=30, packed=64 * 1024, unpacked=64 * 1024)
_GOOD, _TOO_MANY, _SERVER = range(200, 300), 429, 500


def post(url: str, key: SecretText, letter: Letter, now: datetime.datetime, limits: Limits = LIMITS) -> None:
    """Send it once. Raises a `SyncError` when it is not taken: any answer but 2xx is a no, a redirect too."""
    where = checked(url)
    address = where.geturl()
    stamp = str(int(now.timestamp()))
    wire = Wire(frozenset({str(where.hostname)}), limits)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": letter.id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{signature(key, letter.id, stamp, letter.body)}",
    }
    answer = wire.exchange(wire.prepare("POST", address, _unsigned, headers=headers, data=letter.body.decode()))
    if answer.status in _GOOD:
        return
    words = f"The webhook at {where.hostname} answered {answer.status}."
    if answer.status == _TOO_MANY:
        raise RateLimitedError(words)
    if answer.status >= _SERVER:
        raise ServerError(words, status=answer.status)
    raise BadRequestError(words, status=answer.status)


def signature(key: SecretText, letter: str, stamp: str, body: bytes) -> str:
    """The HMAC-SHA256 over id, time and body, in base64."""
    text = key.reveal()
    secret = text.encode()
    if text.startswith(PREFIX):
        try:
            secret = base64.b64decode(text.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            raise BadRequestError("The webhook's key begins with whsec_ and is no base64.") from None
    signed = f"{letter}.{stamp}.".encode() + body
    return base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()


def _unsigned(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Nothing is added to the request; without this, names and passwords of ~/.netrc would be."""
    return request
