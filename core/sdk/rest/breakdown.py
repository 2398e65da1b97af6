"""What broke on the way to the other side, from the libraries' words into ours."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import requests
import urllib3

from syncrun.errors import (
    BadAddressError,
    CertificateError,
    CutAnswerError,
    SyncError,
    TimedOutError,
    UnknownHostError,
    UnreachableError,
)

_UNKNOWN = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
_TIMEOUTS = (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)
_NEW = urllib3.exceptions.NewConnectionError
_CUT = (
    urllib3.exceptions.ProtocolError,
    urllib3.exceptions.DecodeError,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)
_UNSENDABLE = (
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidHeader,
    ValueError,  # of a header or an address, from http.client or urllib3
)


@contextmanager
def spoken(what: str) -> Iterator[None]:
    """Turn errors of the libraries into ours. Their texts quote addresses with queries, and headers; they are left
    out."""
    try:
        yield
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise translated(error, what) from None


def translated(error: BaseException, what: str) -> SyncError:
    """One of our errors for one of the libraries'."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return CertificateError(f"{what}: the certificate is not accepted: {cause.verify_message}")
        if isinstance(cause, socket.gaierror):
            return _name(cause, what)
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return UnreachableError(f"{what}: the connection is refused.")
    # urllib3 counts every connection that cannot be made as a timeout
    if any(isinstance(cause, _TIMEOUTS) and not isinstance(cause, _NEW) for cause in causes):
        return TimedOutError(f"{what}: no answer in time.")
    if any(isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError) for cause in causes):
        return UnreachableError(f"{what}: the connection broke off.")
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return CertificateError(f"{what}: no safe connection: the other side speaks no TLS, or an old one.")
    if isinstance(error, _UNSENDABLE):
        return BadAddressError(f"{what}: this cannot be sent.")
    if isinstance(error, _CUT):
        return CutAnswerError(f"{what}: the answer broke off or cannot be unpacked.")
    return UnreachableError(f"{what}: no connection, or it broke off.")


def _name(cause: socket.gaierror, what: str) -> SyncError:
    if cause.errno in _UNKNOWN:
        return UnknownHostError(f"{what}: nobody knows a host of that name.")
    return UnreachableError(f"{what}: host names cannot be looked up at the moment.")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and all that it came from, through causes, contexts, arguments and reasons."""
    waiting, seen = [error], set[int]()
    while waiting:
        found = waiting.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        near = (found.__cause__, found.__context__, getattr(found, "reason", None), *found.args)
        waiting += [each for each in near if isinstance(each, BaseException)]
