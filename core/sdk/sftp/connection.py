"""A connection to an SFTP server, to the one whose key is pinned and to no other.

Nothing is taken from the operator's own settings: no `known_hosts`, no agent, no keys. A password is sent once, and only
after the key of the server was found to be the pinned one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from types import NotImplementedType
from typing import Any

import asyncssh

from syncrun.errors import AuthError, ForbiddenError, TimedOutError, UnreachableError
from syncrun.sdk.setting import SecretText
from syncrun.sdk.sftp.fault import HostKeyChangedError, HostKeyUnknownError, told

CONNECT_SECONDS = 30
LOGIN_SECONDS = 45
"""A server may look names up before it answers."""
GOODBYE_SECONDS = 5
KEY_KINDS = (
    ("ssh-ed25519",),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    ("rsa-sha2-512", "rsa-sha2-256"),
)
"""The kinds of keys that one server may have beside each other, each with the algorithms that use it."""
_OLD_KEY_KINDS = (("ssh-rsa",), ("ssh-dss",))
CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes256-ctr",
    "aes128-ctr",
)
"""The quickest first: which one is used is of no account for safety."""
_OLD_CIPHERS = ("aes256-cbc", "aes192-cbc", "aes128-cbc", "3des-cbc")
_OLD: dict[str, str] = {
    "kex_algs": "+diffie-hellman-group-exchange-sha1,diffie-hellman-group14-sha1,diffie-hellman-group1-sha1",
    "mac_algs": "+hmac-sha1",
    "signature_algs": "+ssh-rsa",
}


@dataclass(frozen=True, slots=True)
class Login:
    """Where to connect and who asks. `pins` are the fingerprints, `SHA256:...`, of which the server's key must have one."""

    host: str
    port: int
    username: str
    password: SecretText | None = None
    private_key: SecretText | None = None
    passphrase: SecretText | None = None
    pins: tuple[str, ...] = ()
    legacy: bool = False

    @property
    def where(self) -> str:
        """The server, in words."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class HostKey:
    """A key that a server showed: its kind, and its fingerprint as `ssh-keygen -l` prints it."""

    kind: str
    fingerprint: str


class _Client(asyncssh.SSHClient):
    """Looks at the server's key, and gives the password away once."""

    def __init__(self, login: Login) -> None:
        self._login = login
        self._left = 1
        self.seen = ""
        self.asked_more = False

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.seen = key.get_fingerprint()
        return self.seen in self._login.pins

    def password_auth_requested(self) -> str | None:
        if self._login.password is None or not self._left:
            return None
        self._left -= 1
        return self._login.password.reveal()

    def password_change_requested(self, prompt: str, lang: str) -> NotImplementedType:
        self.asked_more = True
        return NotImplemented  # type: ignore[no-any-return] # it is known as anything

    def kbdint_auth_requested(self) -> str | None:
        return "" if self._login.password is not None and self._left else None

    def kbdint_challenge_received(self, name: str, instructions: str, lang: str, prompts: Any) -> list[str] | None:
        if not prompts:
            return []
        if self._login.password is None or len(prompts) != 1 or not self._left:
            self.asked_more = True
            return None
        self._left -= 1
        return [self._login.password.reveal()]


def quiet() -> None:
    """The library's own log names files and accounts; what an operator must know is in our errors."""
    logging.getLogger("asyncssh").setLevel(logging.CRITICAL)


async def host_keys(host: str, port: int, *, legacy: bool = False) -> list[HostKey]:
    """The keys that a server shows, the preferred first, without logging in. Raises errors of the connection when there
    is none."""
    quiet()
    found: list[HostKey] = []
    refused: Exception | None = None
    for kinds in (*KEY_KINDS, *(_OLD_KEY_KINDS if legacy else ())):
        with told(f"{host}:{port}"):
            try:
                async with asyncio.timeout(LOGIN_SECONDS):
                    key = await asyncssh.get_server_host_key(
                        host, port, config=None, server_host_key_algs=list(kinds), options=_options(legacy=legacy)
                    )
            except (asyncssh.KeyExchangeFailed, asyncssh.ConnectionLost) as error:  # some servers just hang up
                refused = error
                continue
        if key is not None:
            seen = HostKey(key.get_algorithm(), key.get_fingerprint())
            found += [seen] if seen not in found else []
    if not found:
        with told(f"{host}:{port}"):
            raise refused or asyncssh.ConnectionLost("no key")
    return found


@contextlib.asynccontextmanager
async def connected(login: Login, seconds: float) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """A connection that is logged in, for so many seconds; then it is cut, since a server that stopped answering would
    also not answer to a polite end. Raises `HostKeyUnknownError` without a pin, `HostKeyChangedError` for another key,
    `AuthError`, and errors of the network."""
    quiet()
    if not login.pins:
        keys = await host_keys(login.host, login.port, legacy=login.legacy)
        shown = ", ".join(f"{each.fingerprint} ({each.kind})" for each in keys)
        raise HostKeyUnknownError(
            f"host_key is not set; {login.where} shows {shown}.",
            next_step=f'Compare it with what the server\'s operator says; then write host_key = "{keys[0].fingerprint}".',
        )
    keys_given = _private_keys(login)
    with told(login.where):
        connection = await _connect(login, keys_given)
    loop = asyncio.get_running_loop()
    last = loop.call_later(seconds, connection.abort)
    try:
        yield connection
    except UnreachableError:
        if loop.time() >= last.when():
            raise TimedOutError(f"{login.where} takes longer than {seconds / 60:g} minutes.") from None
        raise
    finally:
        last.cancel()
        connection.close()
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await connection.wait_closed()
        except TimeoutError:
            connection.abort()


async def _connect(login: Login, keys: list[asyncssh.SSHKey]) -> asyncssh.SSHClientConnection:
    try:
        return await _attempt(login, keys)
    except asyncssh.HostKeyNotVerifiable:
        seen = await host_keys(login.host, login.port, legacy=login.legacy)
    pinned = next((each for each in seen if each.fingerprint in login.pins), None)
    if pinned is not None:  # the server has keys of several kinds, and the pin is not of the preferred one
        kinds = next((each for each in KEY_KINDS if pinned.kind in each), (*KEY_KINDS[2], pinned.kind))
        with contextlib.suppress(asyncssh.HostKeyNotVerifiable):
            return await _attempt(login, keys, kinds)
    shown = ", ".join(each.fingerprint for each in seen)
    raise HostKeyChangedError(f"{login.where} shows the key {shown}; host_key says {', '.join(login.pins)}.")


async def _attempt(
    login: Login, keys: list[asyncssh.SSHKey], kinds: Sequence[str] = ()
) -> asyncssh.SSHClientConnection:
    kinds = kinds or [each for kind in (*KEY_KINDS, *(_OLD_KEY_KINDS if login.legacy else ())) for each in kind]
    client = _Client(login)
    try:
        return await asyncssh.connect(
            login.host, login.port, client_factory=lambda: client, config=None, known_hosts=([], [], []),
            server_host_key_algs=list(kinds), username=login.username, client_keys=keys or None, agent_path=None,
            gss_host=None, preferred_auth="publickey,password,keyboard-interactive", keepalive_interval=15,
            keepalive_count_max=3, options=_options(legacy=login.legacy),
        )  # fmt: skip
    except asyncssh.PermissionDenied:
        if not client.asked_more:
            raise
    raise AuthError(f"{login.where} is not content with the password: it asks for more.",
                    next_step="Log in by hand. The password may have to be changed first; or a second factor is wanted, "
                    "which no nightly run can give: then ask for a log-in by key.")  # fmt: skip


async def files_of(connection: asyncssh.SSHClientConnection, where: str) -> asyncssh.SFTPClient:
    """The files to which a connection leads. Raises `ForbiddenError` when the server lets the account in and shows it
    none, as it is with a password that must be changed first: trying again would not help."""
    try:
        return await connection.start_sftp_client(path_errors="surrogateescape")
    except asyncssh.SFTPConnectionLost:
        if connection.is_closed():
            raise
    raise ForbiddenError(f"{where} lets the account in and shows it no files.",
                         next_step="Log in by hand, or ask the server's operator: the password may have to be changed "
                         "first, or the account may not use SFTP.")  # fmt: skip


def _options(*, legacy: bool) -> asyncssh.SSHClientConnectionOptions:
    return asyncssh.SSHClientConnectionOptions(
        config=None, agent_path=None, connect_timeout=CONNECT_SECONDS, login_timeout=LOGIN_SECONDS,
        encryption_algs=[*CIPHERS, *(_OLD_CIPHERS if legacy else ())], **(_OLD if legacy else {}),
    )  # fmt: skip


def _private_keys(login: Login) -> list[asyncssh.SSHKey]:
    if login.private_key is None:
        return []
    try:
        phrase = login.passphrase.reveal() if login.passphrase else None
        return [asyncssh.import_private_key(login.private_key.reveal().strip() + "\n", phrase)]
    except asyncssh.KeyEncryptionError:
        raise AuthError("The private key is locked, and passphrase does not open it.") from None
    except asyncssh.KeyImportError:
        raise AuthError("The private key is not in a form that can be read.",
                        next_step="Give it in OpenSSH's or PEM form; `ssh-keygen -p -f FILE` writes it anew.") from None  # fmt: skip
