"""SFTP beside OpenSSH: how quickly a file is fetched from `sshd`, and how quickly the drop box takes one in.

    python -m benchmarks.sftp --megabytes 500

Fetching: the connector and OpenSSH's `sftp get`, from the same `sshd`. Sending: OpenSSH's `sftp put` to the drop box, and
to `sshd`. All over loopback, turn by turn; the ratio is of the medians, and must be 0.7 at the least.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from syncrun.connectors.sftp.dropbox.account import Account, Accounts
from syncrun.connectors.sftp.dropbox.place import Place
from syncrun.connectors.sftp.setting import SftpSettings
from syncrun.connectors.sftp.source import Sftp
from syncrun.sdk import Context, SecretText
from syncrun.testing.sftp_server import OpenSshServer, openssh, program

LEAST = 0.7
FAST = "Ciphers=aes128-gcm@openssh.com"
"""The cipher that both ends of ours agree on; OpenSSH's own choice would be slower here."""


def batch(port: int, user: str, key: Path, line: str) -> None:
    subprocess.run(
        [program("sftp"), "-q", "-P", str(port), "-i", key, "-F", "none", "-o", FAST, "-oStrictHostKeyChecking=no",
         "-oUserKnownHostsFile=/dev/null", "-oIdentityAgent=none", "-b", "-", f"{user}@127.0.0.1"],
        input=line + "\n", text=True, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def fetch(server: OpenSshServer, into: Path) -> None:
    settings = SftpSettings().load(
        {"host": "127.0.0.1", "port": server.port, "username": server.username, "private_key": "env:X",
         "host_key": server.host_key(), "quiet_seconds": 0}
    )  # fmt: skip
    settings["private_key"] = SecretText(server.key.read_text(encoding="utf-8"))
    Sftp(settings, Context("bench", Path(), "bench")).fetch(into)


def seconds(work: Callable[[], None], after: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    took = time.perf_counter() - begun
    after()
    return took


@click.command()
@click.option("--megabytes", default=500, show_default=True, type=click.IntRange(1), help="Size of the file.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
def main(megabytes: int, rounds: int) -> None:
    """Measure. Exit code 1 when ours is too slow."""
    with tempfile.TemporaryDirectory(prefix="syncrun-bench-") as name, openssh() as server:
        folder = Path(name)
        body = os.urandom(1_000_000)
        with (server.root / "users.csv").open("wb") as stream:
            for _ in range(megabytes):
                stream.write(body)
        into, home = folder / "into", folder / "home"
        into.mkdir()
        place = Place(home)
        place.make()
        public = server.key.with_suffix(".pub").read_text(encoding="utf-8").strip()
        Accounts(place.accounts).put(Account("bench", "bench", keys=(public,), quota=10**12))
        command = [sys.executable, "-m", "syncrun", "sftp", "serve", "--home", str(home), "--port", "0", "--no-runs"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as drop:
            port = int((drop.stdout.readline() if drop.stdout else "").split(",")[0].rpartition(":")[2])
            try:
                times = measured(server, port, into, place, rounds)
            finally:
                drop.terminate()
    table = Table("", "ours MB/s", "OpenSSH MB/s", "ratio", "at least", box=None)
    slow = False
    for what, (ours, theirs) in times.items():
        ratio = theirs / ours
        slow |= ratio < LEAST
        table.add_row(what, f"{megabytes / ours:.0f}", f"{megabytes / theirs:.0f}", f"{ratio:.2f}", f"{LEAST}")
    Console(width=120).print(table)
    sys.exit(int(slow))


def measured(server: OpenSshServer, port: int, into: Path, place: Place, rounds: int) -> dict[str, tuple[float, float]]:
    """By way the median seconds, ours and OpenSSH's."""
    here = into / "users.csv"
    source = server.root / "users.csv"
    ways: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {
        "fetch, ours": (lambda: fetch(server, into), here.unlink),
        "fetch, theirs": (lambda: batch(server.port, server.username, server.key, f"get {source} {here}"), here.unlink),
        "send, ours": (
            lambda: batch(port, "bench", server.key, f"put {source}"),
            (place.boxes / "bench" / "users.csv").unlink,
        ),
        "send, theirs": (
            lambda: batch(server.port, server.username, server.key, f"put {source} back.csv"),
            (server.root / "back.csv").unlink,
        ),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (work, after) in ways.items():
            taken[name].append(seconds(work, after))
    middle = {name: statistics.median(each) for name, each in taken.items()}
    return {what: (middle[f"{what}, ours"], middle[f"{what}, theirs"]) for what in ("fetch", "send")}


if __name__ == "__main__":
    main()
