"""What can go wrong on the way to a server, said in our words: a wrong password, a server that is down and a folder with
nothing in it are three things, and never one for another.

What the other side says in its own words is never repeated: it may hold names of people and paths.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import ClassVar

import asyncssh

from syncrun.errors import (
    AuthError,
    BadAddressError,
    Blame,
    CertificateError,
    ForbiddenError,
    InputError,
    ServerError,
    SyncError,
    TimedOutError,
    UnknownHostError,
    UnreachableError,
)


class HostKeyUnknownError(CertificateError):
    """The district file does not say which key the server has. Nothing was sent to it but a greeting."""

    code = "E-SFTP-1"
    blame: ClassVar[Blame] = "operator"


class HostKeyChangedError(CertificateError):
    """The server shows another key than the one that the district file names: it was exchanged, or somebody else
    answers in its place. No name and no password was sent."""

    code = "E-SFTP-2"
    next_step = (
        "Ask the server's operator, not by this connection, for the fingerprint of its key. "
        "If it is the new one, write it into host_key; if not, somebody else answers there."
    )


class NoCommonAlgorithmError(BadAddressError):
    """The server knows none of the ways to encrypt that are safe."""

    code = "E-SFTP-3"
    blame: ClassVar[Blame] = "remote"
    next_step = "Have the server brought up to date. Until then `legacy = true` allows what rests on SHA-1."


_FAULTS: tuple[tuple[tuple[type[Exception], ...], Callable[[str], SyncError]], ...] = (
    (
        (asyncssh.PermissionDenied,),
        lambda what: AuthError(f"{what} does not accept the user name with the password or key."),
    ),
    ((asyncssh.KeyExchangeFailed,), lambda what: NoCommonAlgorithmError(f"{what} knows no algorithm that is safe.")),
    ((asyncssh.ChannelOpenError,), lambda what: ForbiddenError(f"{what} lets the account in, but not to files.")),
    (
        (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, asyncssh.DisconnectError),
        lambda what: UnreachableError(f"The connection to {what} broke off."),
    ),
    (
        (asyncssh.SFTPNoSpaceOnFilesystem, asyncssh.SFTPQuotaExceeded),
        lambda what: ServerError(f"{what} has no room left."),
    ),
    (
        (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath),
        lambda what: InputError(
            f"There is no such folder or file on {what}.",
            next_step="Correct `folder` in the district file; then run again.",
        ),
    ),
    ((asyncssh.SFTPPermissionDenied,), lambda what: ForbiddenError(f"{what} does not let the account do this there.")),
    ((asyncssh.SFTPError,), lambda what: ServerError(f"{what} has trouble of its own.")),
    ((asyncssh.Error, UnicodeError), lambda what: ServerError(f"{what} does not keep to the protocol.")),
    ((socket.gaierror,), lambda what: UnknownHostError(f"The name of {what} is not known.")),
    ((TimeoutError,), lambda what: TimedOutError(f"{what} did not answer in time.")),
    ((OSError,), lambda what: UnreachableError(f"There is no connection to {what}.")),
)
"""By what the library raises, what is said of `what`; the first that fits."""


@contextlib.contextmanager
def told(what: str) -> Iterator[None]:
    """Errors of the connection as ours; `what` is the host and port, in words that may be shown."""
    try:
        yield
    except (asyncssh.Error, UnicodeError, OSError) as error:
        say = next(say for kinds, say in _FAULTS if isinstance(error, kinds))
        raise say(what) from None
