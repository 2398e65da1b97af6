"""SFTP servers for tests, beside the test in a thread of their own: the drop box, and servers that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import asyncssh

from syncrun.connectors.sftp.dropbox.account import Account, Accounts, hashed
from syncrun.connectors.sftp.dropbox.place import Place
from syncrun.connectors.sftp.dropbox.rule import Rules
from syncrun.connectors.sftp.dropbox.server import Complete, DropBox, serving
from syncrun.connectors.sftp.setting import SftpSettings
from syncrun.connectors.sftp.source import Sftp
from syncrun.sdk import Context, SecretText

PASSWORD = "canary-password-9d1c"
Completed = tuple[str, tuple[str, ...]]
"""An account, and the names of the files of a whole set."""


@contextlib.contextmanager
def beside(server: AbstractAsyncContextManager[Any]) -> Iterator[tuple[Any, Callable[..., Any]]]:
    """A server in a thread; with it comes what runs a coroutine there."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def there(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(20)

    try:
        made = there(server.__aenter__())
        try:
            yield made, there
        finally:
            with contextlib.suppress(TimeoutError):
                there(server.__aexit__(None, None, None))
            there(_cancel_all())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _cancel_all() -> None:
    mine = asyncio.current_task()
    left = [each for each in asyncio.all_tasks() if each is not mine]
    for each in left:
        each.cancel()
    await asyncio.gather(*left, return_exceptions=True)


class Harbour:
    """A drop box that runs, with accounts `oak` and `elm`, whose password is `PASSWORD`."""

    def __init__(self, home: Path, drop: DropBox, there: Callable[..., Any], completed: list[Completed]) -> None:
        self.place, self.drop, self.there, self.completed = Place(home), drop, there, completed

    @property
    def port(self) -> int:
        return self.drop.port

    def box(self, account: str = "oak") -> dict[str, bytes]:
        """What is in a box."""
        folder = self.place.boxes / account
        return {each.name: each.read_bytes() for each in folder.iterdir()} if folder.is_dir() else {}

    def arriving(self) -> list[Path]:
        return list(self.place.arriving.iterdir())

    def audit(self) -> str:
        return self.place.audit.read_text()

    @contextlib.asynccontextmanager
    async def connection(self, account: str = "oak", password: str = PASSWORD, **more: Any) -> AsyncIterator[Any]:
        async with asyncssh.connect(
            "127.0.0.1", self.port, username=account, password=password, known_hosts=None, config=None, agent_path=None,
            client_keys=None, **more,
        ) as connection:  # fmt: skip
            yield connection

    @contextlib.asynccontextmanager
    async def client(self, account: str = "oak", password: str = PASSWORD) -> AsyncIterator[asyncssh.SFTPClient]:
        async with self.connection(account, password) as connection, connection.start_sftp_client() as sftp:
            yield sftp


@contextlib.contextmanager
def harbour(
    home: Path, rules: Rules | None = None, *, complete: Complete | None = None, **more: Any
) -> Iterator[Harbour]:
    """A drop box. Of each whole set it notes what `completed`, and tells `complete`."""
    place = Place(home)
    place.make()
    accounts = Accounts(place.accounts)
    for name in ("oak", "elm"):
        if accounts.get(name) is None:
            accounts.put(Account(name, name, hashed(PASSWORD)))
    completed: list[Completed] = []

    async def note(account: Account, files: tuple[Path, ...]) -> None:
        completed.append((account.name, tuple(sorted(each.name for each in files))))
        if complete:
            await complete(account, files)

    with beside(serving(home, rules or Rules(quiet=60), on_complete=note, **more)) as (drop, there):
        yield Harbour(home, drop, there, completed)


@contextlib.contextmanager
def misbehaving(
    root: Path, files: Callable[..., asyncssh.SFTPServer] | None = None, *, key: asyncssh.SSHKey | None = None
) -> Iterator[Misbehaving]:
    """A server of the library's own, for the user `oak`; `files` may do what no real server does."""
    server = Misbehaving(root, key or asyncssh.generate_private_key("ssh-ed25519"))

    def factory(channel: Any) -> asyncssh.SFTPServer:
        return (files or asyncssh.SFTPServer)(channel, chroot=str(root).encode())

    listening = asyncssh.listen(
        "127.0.0.1", 0, server_host_keys=[server.key], server_factory=lambda: _Lock(server), sftp_factory=factory
    )
    with beside(listening) as (acceptor, _):
        server.port = acceptor.get_port()
        yield server


class Misbehaving:
    def __init__(self, root: Path, key: asyncssh.SSHKey) -> None:
        self.root, self.key, self.port = root, key, 0
        self.tried: list[str] = []
        self.expired = False

    def source(self, *, password: str = PASSWORD, **settings: Any) -> Sftp:
        return source(self.port, self.key.get_fingerprint(), password=password, **settings)


class _Lock(asyncssh.SSHServer):
    def __init__(self, server: Misbehaving) -> None:
        self._server = server

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        self._server.tried.append(password)
        if self._server.expired:
            raise asyncssh.PasswordChangeRequired("A new one, please")
        return (username, password) == ("oak", PASSWORD)


def source(
    port: int, host_key: str | None, *, username: str = "oak", password: str | None = None, private_key: str | None = None,
    pause: Callable[[float], Any] | None = None, now: Callable[[], float] | None = None, **settings: Any,
) -> Sftp:  # fmt: skip
    """The connector as a district file makes it, its secrets fetched."""
    told = {"host": "127.0.0.1", "port": port, "username": username, "quiet_seconds": 0, **settings}
    told |= {"host_key": host_key} if host_key else {}
    told |= {"password": "env:X"} if password else {}
    told |= {"private_key": "env:X"} if private_key else {}
    loaded = SftpSettings().load(told)
    for name, value in (("password", password), ("private_key", private_key)):
        if value:
            loaded[name] = SecretText(value)
    more = {name: value for name, value in (("pause", pause), ("now", now)) if value}
    return Sftp(loaded, Context("oak", Path(), "installation-1"), **more)


def new_key(path: Path) -> str:
    """A key pair as ssh-keygen makes it; the public half."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", path], check=True)
    return path.with_suffix(".pub").read_text().strip()


@contextlib.contextmanager
def sending(harbour: Harbour, key: Path, path: Path) -> Iterator[subprocess.Popen[str]]:
    """OpenSSH's `sftp` while it sends a file, which takes it a second a megabyte, stopped when a part of it has come. It
    goes on with SIGCONT; at the end it is killed."""
    command = sftp_command(harbour.port, key, "oak", "-l", "8000")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:  # fmt: skip
        try:
            process.stdin.write(f"put {path}\n")
            process.stdin.flush()
            end = time.monotonic() + 20
            while not any(each.stat().st_size for each in harbour.arriving()):
                assert time.monotonic() < end, "nothing comes"
                time.sleep(0.002)
            process.send_signal(signal.SIGSTOP)
            assert len(harbour.arriving()) == 1, "all of it has come"
            yield process
        finally:
            process.kill()


def auto_send(harbour: Harbour, key: Path, *lines: str, account: str = "oak") -> subprocess.CompletedProcess[str]:
    """OpenSSH's `sftp` with a batch, as schedulers call it."""
    return subprocess.run(sftp_command(harbour.port, key, account), input="\n".join(lines) + "\n", text=True,
                          capture_output=True, timeout=60, check=False)  # fmt: skip


def sftp_command(port: int, key: Path, account: str, *options: str) -> list[str]:
    return ["sftp", "-q", *options, "-P", str(port), "-i", str(key), "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null",
            "-oIdentitiesOnly=yes", "-oIdentityAgent=none", "-F", "none", "-b", "-", f"{account}@127.0.0.1"]  # fmt: skip
