"""OpenSSH's own SFTP server for tests, on this machine alone, with keys made for it.

The server is `sshd` of the machine (Debian: `openssh-server`); there is no skipping: where it is missing, starting
raises. It lets the user of this process in, by key; or an account with a password that it alone knows
(`syncrun.testing.sftp_account`). Each connection has a process of its own, so that no port has to be guessed.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from syncrun.testing.sftp_account import USER_ID, Account, known_to

Way = Literal["publickey", "password", "keyboard-interactive"]
"""How a client may prove who it is, as SSH calls it."""
SSHD = ("/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/lib/ssh/sshd")


@dataclass(frozen=True, slots=True)
class OpenSshServer:
    """A server that runs. `root` is the folder that it serves, `key` the file with the private key that opens it;
    `connections` counts those that were made. `account` is who logs in in place of the user of this process, by one of
    `ways`; with `chroot` the folder is all that there is; with `only_read` nothing can be changed in it."""

    port: int
    username: str
    root: Path
    key: Path
    settings: Path
    connections: list[int] = field(default_factory=list)
    account: Account | None = None
    ways: tuple[Way, ...] = ("publickey",)
    chroot: bool = False
    only_read: bool = False

    def host_key(self, kind: str = "ed25519") -> str:
        """The fingerprint of one of its keys, SHA256:..."""
        return _fingerprint(self.settings / f"host_{kind}.pub")

    @property
    def log(self) -> Path:
        """What the server says of connections and log-ins; there when the first was made."""
        return self.settings / "log"

    def change_host_keys(self, *kinds: str) -> None:
        """Give the server other keys, of these kinds alone; without kinds, of those it had."""
        had = [path.stem.removeprefix("host_") for path in self.settings.glob("host_*.pub")]
        for path in self.settings.glob("host_*"):
            path.unlink()
        for kind in kinds or had:
            _new_key(self.settings / f"host_{kind}", kind)
        _configure(self)


def program(name: str = "sshd") -> str:
    """Where a program of OpenSSH is. Raises `RuntimeError` when the machine does not have it."""
    found = shutil.which(name) or next((path for path in SSHD if name == "sshd" and Path(path).is_file()), None)
    if found is None:
        raise RuntimeError(f"No {name}: install OpenSSH (Debian: openssh-server and openssh-client).")
    return found


@contextlib.contextmanager
def openssh(
    root: Path | None = None, *, kinds: tuple[str, ...] = ("ed25519", "ecdsa", "rsa"), chroot: bool = False,
    account: Account | None = None, ways: tuple[Way, ...] = ("publickey",), only_read: bool = False,
) -> Iterator[OpenSshServer]:  # fmt: skip
    """Start a server for a folder, and stop it at the end. With `chroot` it shows the folder as its whole world, which
    OpenSSH does for root alone and only where nobody else can write above it: the folder is then made below /run, and
    in it `upload`, which belongs to who logs in. An `account` must be able to reach the folder: without `root` it can."""
    sshd = program()
    place = Path(tempfile.mkdtemp(prefix="sftp-", dir="/run" if chroot else None))
    settings = Path(tempfile.mkdtemp(prefix="sshd-"))
    stop = threading.Event()
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # privilege separation
    try:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            if chroot or account:
                place.chmod(0o755)
            if chroot:
                (place / "upload").mkdir()
                os.chown(place / "upload", USER_ID if account else 0, -1)
            _new_key(settings / "user", "ed25519")
            for kind in kinds:
                _new_key(settings / f"host_{kind}", kind)
            shutil.copy(settings / "user.pub", settings / "authorized_keys")
            server = OpenSshServer(
                listener.getsockname()[1], account.username if account else getpass.getuser(), root or place,
                settings / "user", settings, account=account, ways=ways, chroot=chroot, only_read=only_read,
            )  # fmt: skip
            _configure(server)
            serving = threading.Thread(target=_serve, args=(listener, sshd, server, stop))
            serving.start()
            try:
                yield server
            finally:
                stop.set()
                serving.join()
    finally:
        shutil.rmtree(settings)
        shutil.rmtree(place, ignore_errors=True)


def _new_key(path: Path, kind: str) -> None:
    bits = ("-b", "2048") if kind == "rsa" else ()
    subprocess.run([program("ssh-keygen"), "-q", "-t", kind, *bits, "-N", "", "-C", "test", "-f", path], check=True)  # noqa: S603 # our own arguments


def _fingerprint(public: Path) -> str:
    said = subprocess.run([program("ssh-keygen"), "-l", "-f", public], check=True, capture_output=True, text=True)  # noqa: S603 # our own arguments
    return said.stdout.split()[1]


def _configure(server: OpenSshServer) -> None:
    place = "" if server.chroot else f"-d {server.root}"
    interactive = "keyboard-interactive" in server.ways
    lines = [
        *(f"HostKey {path.with_suffix('')}" for path in sorted(server.settings.glob("host_*.pub"))),
        f"AuthorizedKeysFile {server.settings / 'authorized_keys'}",
        f"PubkeyAuthentication {_word('publickey' in server.ways)}",
        f"PasswordAuthentication {_word('password' in server.ways)}",
        f"KbdInteractiveAuthentication {_word(interactive)}",
        f"UsePAM {_word(interactive)}",  # without PAM, OpenSSH has nothing to ask in a dialogue
        *("StrictModes no", "PermitRootLogin prohibit-password"),
        *("LogLevel VERBOSE", "PidFile none", "MaxStartups 1000"),
        "Subsystem sftp internal-sftp",
        f"ForceCommand internal-sftp {'-R' if server.only_read else ''} {place}",
        *((f"ChrootDirectory {server.root}",) if server.chroot else ()),
    ]
    (server.settings / "sshd_config").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _word(allowed: bool) -> str:  # noqa: FBT001 # a setting's value
    return "yes" if allowed else "no"


def _serve(listener: socket.socket, sshd: str, server: OpenSshServer, stop: threading.Event) -> None:
    """One process a connection, as inetd does it."""
    command = [sshd, "-i", "-e", "-f", str(server.settings / "sshd_config")]
    if server.account:
        command = known_to(command, server.account, server.settings)
    listener.settimeout(0.1)
    running: list[subprocess.Popen[bytes]] = []
    log = server.log.open("ab")
    while not stop.is_set():
        try:
            connection, address = listener.accept()
        except TimeoutError:
            continue
        with connection:
            connection.settimeout(None)
            server.connections.append(address[1])
            running.append(
                subprocess.Popen(  # noqa: S603 # our own arguments
                    command,
                    stdin=connection.fileno(),
                    stdout=connection.fileno(),
                    stderr=log,
                )
            )
    for process in running:
        process.terminate()
        process.wait()
    log.close()
