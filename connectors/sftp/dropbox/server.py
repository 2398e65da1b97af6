"""The server: it lets accounts in, gives each its box, and says when a whole set has come.

async with serving(home, Rules(), on_complete=starter) as drop:
print(drop.port, drop.fingerprint)
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import datetime
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh

from syncrun.connectors.format import AUTO
from syncrun.connectors.sftp.dropbox.account import Account, Accounts, right
from syncrun.connectors.sftp.dropbox.audit import Audit
from syncrun.connectors.sftp.dropbox.box import Box, Received, Usage, sweep
from syncrun.connectors.sftp.dropbox.door import Door, net
from syncrun.connectors.sftp.dropbox.hostkey import host_key
from syncrun.connectors.sftp.dropbox.offer import MARKERS, offer, ready_set, take, waiting
from syncrun.connectors.sftp.dropbox.place import Place
from syncrun.connectors.sftp.dropbox.rule import Rules
from syncrun.connectors.sftp.dropbox.session import Doings, Files, Session
from syncrun.connectors.sftp.name import fits
from syncrun.errors import UsageError
from syncrun.sdk.sftp.connection import CIPHERS, quiet

Complete = Callable[[Account, tuple[Path, ...]], Awaitable[None]]
"""Is told of a whole set, and comes back when it was dealt with. A set from which nobody came back before the server
stopped is told of again by the next start."""
LOGIN_SECONDS = 60
HASHES_AT_ONCE = 2
"""Passwords that are checked side by side; each takes memory on purpose."""


@dataclass(slots=True, eq=False)
class _Guest:
    """A connection. `account` is set by the log-in."""

    connection: Any
    address: str
    begun: float
    active: float
    account: Account | None = None


class DropBox:
    """A server that runs; see `serving`."""

    def __init__(
        self, place: Place, rules: Rules, on_complete: Complete | None,
        now: Callable[[], datetime.datetime], seconds: Callable[[], float],
    ) -> None:  # fmt: skip
        self.place, self.rules = place, rules
        self.accounts = Accounts(place.accounts)
        self.audit = Audit(place.audit, now)
        self.door = Door(seconds)
        self.guests: set[_Guest] = set()
        self.seconds = seconds
        self.hashing = asyncio.Semaphore(HASHES_AT_ONCE)
        self.fingerprint = ""
        self._now, self._on_complete = now, on_complete
        self._usage: dict[str, Usage] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._offering: dict[str, asyncio.Lock] = collections.defaultdict(asyncio.Lock)
        self._tasks: set[asyncio.Task[None]] = set()
        self._acceptor: asyncssh.SSHAcceptor | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._acceptor.get_port() if self._acceptor else 0

    async def start(self, host: str, port: int) -> None:
        """Begin to listen. Raises `UsageError` when the port cannot be had."""
        quiet()
        sweep(self.place)
        key = host_key(self.place.host_key)
        self.fingerprint = key.get_fingerprint()
        try:
            self._acceptor = await asyncssh.listen(
                host, port, server_host_keys=[key], server_factory=lambda: _Door(self), config=None, encoding=None,
                allow_scp=False, agent_forwarding=False, x11_forwarding=False, login_timeout=LOGIN_SECONDS,
                keepalive_interval=30, keepalive_count_max=4, compression_algs=["none"], encryption_algs=list(CIPHERS),
                server_version="syncrun", gss_host=None, backlog=100,
            )  # fmt: skip
        except OSError:
            raise UsageError(
                f"The port {port} of {host} cannot be had.", next_step="Name another with --port."
            ) from None
        for account in self.accounts.all():
            self._soon(account.name)  # what came before the server stopped
            if account.enabled and (files := waiting(self.place, account.name)):
                self._task(self._complete(account, files))
        self._task(self._watch())

    async def stop(self) -> None:
        """Let nobody in any more, and send all away."""
        for timer in self._timers.values():
            timer.cancel()
        if self._acceptor:
            self._acceptor.close()
            await self._acceptor.wait_closed()
        guests = [each.connection for each in self.guests]
        for each in guests:
            each.abort()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *(each.wait_closed() for each in guests), return_exceptions=True)
        self.audit.close()

    def session(self, guest: _Guest, account: Account) -> Session:
        """The files of an account, for somebody who has logged in."""
        usage = self._usage.setdefault(account.name, Usage())
        doings = Doings(
            received=lambda file: self._received(guest, account, file),
            changed=lambda what, name: self._changed(guest, account, what, name),
            alive=lambda: self._alive(guest),
            allowed=lambda: self.accounts.get(account.name) == account,
        )
        return Session(lambda channel: Files(channel, Box(self.place, account, self.rules, usage), doings))

    def _alive(self, guest: _Guest) -> None:
        guest.active = self.seconds()

    def _received(self, guest: _Guest, account: Account, file: Received) -> None:
        self.audit.note("received", account=account.name, address=guest.address, name=file.name, bytes=file.size,
                        sha256=file.sha256)  # fmt: skip
        self._soon(account.name, marked=fits(file.name, MARKERS))

    def _changed(self, guest: _Guest, account: Account, what: str, name: str) -> None:
        self.audit.note(what, account=account.name, address=guest.address, name=name)
        self._soon(account.name, marked=fits(name, MARKERS))

    def _soon(self, account: str, *, marked: bool = False) -> None:
        """Look whether a whole set is there, when nothing more has come for a while."""
        if account in self._timers:
            self._timers.pop(account).cancel()
        wait = 0 if marked else self.rules.quiet
        self._timers[account] = asyncio.get_running_loop().call_later(wait, lambda: self._task(self._offer(account)))

    async def _offer(self, name: str) -> None:
        account = self.accounts.get(name)
        if account is None or not account.enabled:
            return
        if name in self._usage and self._usage[name].uploads:
            self._soon(name)
            return
        async with self._offering[name]:
            files = await asyncio.to_thread(offer, self.place, name, AUTO, self.rules.spread, self._now())
        if files:
            self.audit.note("ready", account=name, address="", files=len(files))
            await self._complete(account, files)

    async def _complete(self, account: Account, files: tuple[Path, ...]) -> None:
        """Tell of the newest set, and note when it was dealt with."""
        name = ready_set(self.place, account.name)
        if self._on_complete is None or name is None:
            return
        await self._on_complete(account, files)
        await asyncio.to_thread(take, self.place, account.name, name)
        self.audit.note("taken", account=account.name, address="", files=len(files))

    async def _watch(self) -> None:
        """Send away who is idle, stays too long, or may no longer be here."""
        while True:
            await asyncio.sleep(self.rules.tick)
            now = self.seconds()
            for guest in list(self.guests):
                if now - guest.active > self.rules.idle or now - guest.begun > self.rules.session:
                    guest.connection.disconnect(asyncssh.DISC_BY_APPLICATION, "Time is up")
                elif guest.account and self.accounts.get(guest.account.name) != guest.account:
                    guest.connection.disconnect(asyncssh.DISC_BY_APPLICATION, "The account has changed")

    def _task(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception():
            self.audit.note("fault", account=None, address="", kind=type(task.exception()).__name__)


class _Door(asyncssh.SSHServer):
    """One connection, up to its log-in and to what it asks for then."""

    def __init__(self, drop: DropBox) -> None:
        self._drop = drop
        self._guest: _Guest | None = None
        self._proved: Account | None = None
        self._wrong = self._keys = 0

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        drop, now = self._drop, self._drop.seconds()
        peer = conn.get_extra_info("peername") or ("unknown",)
        guest = _Guest(conn, net(peer[0]), now, now)
        greeting = sum(each.account is None and each.address == guest.address for each in drop.guests)
        if len(drop.guests) >= drop.rules.sessions or greeting >= drop.rules.address_greetings:
            conn.abort()
            return
        drop.guests.add(guest)
        self._guest = guest

    def connection_lost(self, exc: Exception | None) -> None:
        if self._guest:
            self._drop.guests.discard(self._guest)

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    async def validate_password(self, username: str, password: str) -> bool:
        drop, guest = self._drop, self._guest
        if guest is None:
            return False
        account = drop.accounts.get(username)
        if drop.door.wait(username, guest.address) or len(password) > 200:
            self._refused(account, "wait")
        async with drop.hashing:
            good = await asyncio.to_thread(right, account, password)
        if good:
            return self._welcome(account)
        drop.door.failed(username, guest.address)
        self._wrong += 1
        if self._wrong >= drop.rules.tries:
            self._refused(account, "wrong password")
        self._note(account, "wrong password")
        return False

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        drop, guest = self._drop, self._guest
        account = drop.accounts.get(username)
        self._keys += 1
        if guest is None or self._keys > 20 or drop.door.wait(username, guest.address):
            self._refused(account, "too many keys")
        if account is None or not account.enabled:
            return False
        offered = key.public_data
        if any(asyncssh.import_public_key(each).public_data == offered for each in account.keys):
            return self._welcome(account)
        return False

    def _welcome(self, account: Account | None) -> bool:
        """Whoever proved to be somebody is that one, whatever else they said to be."""
        self._proved = account
        return account is not None

    def auth_completed(self) -> None:
        guest, account = self._guest, self._proved
        if guest is None or account is None or guest.connection.get_extra_info("username") != account.name:
            raise asyncssh.PermissionDenied("Log in")
        mine = sum(each.account is not None and each.account.name == account.name for each in self._drop.guests)
        if mine >= self._drop.rules.account_sessions:
            raise asyncssh.DisconnectError(asyncssh.DISC_TOO_MANY_CONNECTIONS, "Too many sessions of this account")
        guest.account = account
        guest.active = self._drop.seconds()
        self._drop.door.succeeded(account.name, guest.address)
        self._drop.audit.note("log-in", account=account.name, address=guest.address)

    def session_requested(self) -> Any:
        if self._guest is None or self._guest.account is None:
            return False
        return self._drop.session(self._guest, self._guest.account)

    def _note(self, account: Account | None, why: str) -> None:
        if self._guest:
            self._drop.audit.note("refused", account=account.name if account else None, address=self._guest.address,
                                  why=why)  # fmt: skip

    def _refused(self, account: Account | None, why: str) -> None:
        self._note(account, why)
        raise asyncssh.PermissionDenied("Too many attempts: try again later")


@contextlib.asynccontextmanager
async def serving(
    home: Path, rules: Rules | None = None, *, host: str = "127.0.0.1", port: int = 0, on_complete: Complete | None = None,
    now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
    seconds: Callable[[], float] = time.monotonic,
) -> AsyncIterator[DropBox]:  # fmt: skip
    """Run a drop box for a home folder."""
    place = Place(home)
    place.make()
    drop = DropBox(place, rules or Rules(), on_complete, now, seconds)
    try:
        await drop.start(host, port)
        yield drop
    finally:
        await drop.stop()
