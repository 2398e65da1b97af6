"""Sending files as districts do it, with OpenSSH's client and in bad ways."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path

import asyncssh
import pytest
from harbour import PASSWORD, Harbour, auto_send, harbour, new_key, sending

from syncrun.connectors.sftp.dropbox.account import Accounts
from syncrun.connectors.sftp.dropbox.place import Place
from syncrun.connectors.sftp.dropbox.rule import Rules

SET = ("users.csv", "classes.csv", "enrollments.csv")


@pytest.fixture
def key(port: Harbour, tmp_path: Path) -> Path:
    path = tmp_path / "key"
    accounts = port.drop.accounts
    accounts.put(dataclasses.replace(accounts.get("oak"), keys=(new_key(path),)))
    return path


@pytest.fixture
def export(tmp_path: Path) -> Path:
    folder = tmp_path / "export"
    folder.mkdir()
    for name in SET:
        (folder / name).write_text(f"{name}\n" * 1000)
    return folder


def until(port: Harbour) -> None:
    end = time.monotonic() + 10
    while not port.completed and time.monotonic() < end:
        time.sleep(0.01)


@pytest.mark.requirement("S2-1")
def test_auto_send_with_the_client_of_openssh(port: Harbour, key: Path, export: Path) -> None:
    done = auto_send(port, key, *(f"put {export / name}" for name in SET), "ls -l")
    assert done.returncode == 0, done.stderr
    assert port.box() == {name: (export / name).read_bytes() for name in SET}
    lines = [json.loads(line) for line in port.audit().splitlines()]
    assert [line["event"] for line in lines] == ["log-in", "received", "received", "received"]
    assert lines[1] == {
        "when": lines[1]["when"], "event": "received", "account": "oak", "address": "127.0.0.1", "name": "users.csv",
        "bytes": 10_000, "sha256": hashlib.sha256((export / "users.csv").read_bytes()).hexdigest(),
    }  # fmt: skip
    assert port.place.audit.stat().st_mode & 0o777 == 0o600
    assert {path.stat().st_mode & 0o777 for path in (port.place.boxes / "oak").iterdir()} == {0o600}


def test_common_habits_of_clients_work(port: Harbour, key: Path, export: Path) -> None:
    done = auto_send(
        port, key, "cd upload", f"put -p {export}/users.csv users.csv.filepart", "rename users.csv.filepart users.csv",
        f"put {export}/classes.csv users.csv", "cd /DailyImport", f"put {export}/classes.csv", "rm classes.csv",
        "-mkdir upload", "chmod 644 users.csv",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert port.box() == {"users.csv": (export / "classes.csv").read_bytes()}


@pytest.mark.parametrize("name", [".hidden", "a/b.csv", "größe.csv", "a|b.csv", "x" * 200])
def test_names_that_are_not_allowed_are_refused(port: Harbour, key: Path, export: Path, name: str) -> None:
    done = auto_send(port, key, f'put {export}/users.csv "{name}"')
    assert done.returncode != 0
    assert port.box() == {}
    assert port.arriving() == []


def test_nothing_is_seen_before_it_is_whole_and_a_lost_connection_leaves_nothing(port: Harbour) -> None:
    async def attempt() -> None:
        async with port.connection() as connection:
            sftp = await connection.start_sftp_client()
            stream = await sftp.open("users.csv", "wb")
            await stream.write(b"half")
            assert port.box() == {}
            assert [name async for name in sftp.scandir("/")] == []
            assert len(port.arriving()) == 1
            connection.abort()

    asyncio.run(attempt())
    end = time.monotonic() + 10
    while port.arriving() and time.monotonic() < end:
        time.sleep(0.01)
    assert port.arriving() == []
    assert port.box() == {}


def test_channel_that_ends_without_a_close_leaves_nothing(port: Harbour) -> None:
    async def attempt() -> None:
        async with port.client() as sftp:
            stream = await sftp.open("users.csv", "wb")
            await stream.write(b"half")
            sftp.exit()  # the stream is never closed
            await sftp.wait_closed()

    asyncio.run(attempt())
    end = time.monotonic() + 10
    while port.arriving() and time.monotonic() < end:
        time.sleep(0.01)
    assert (port.box(), port.arriving()) == ({}, [])


def test_client_that_is_killed_in_the_middle_leaves_nothing(port: Harbour, key: Path, tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_bytes(b"x" * 2_000_000)
    with sending(port, key, path) as process:
        process.kill()
        process.wait()
    end = time.monotonic() + 10
    while port.arriving() and time.monotonic() < end:
        time.sleep(0.01)
    assert (port.box(), port.arriving()) == ({}, [])
    assert '"received"' not in port.audit()


def test_holes_are_no_file(port: Harbour) -> None:
    async def attempt() -> None:
        async with port.client() as sftp:
            stream = await sftp.open("users.csv", "wb")
            await stream.write(b"end", 1_000_000)
            with pytest.raises(asyncssh.SFTPError):
                await stream.close()

    asyncio.run(attempt())
    assert (port.box(), port.arriving()) == ({}, [])


def test_parts_out_of_order_are_one_file_with_the_right_hash(port: Harbour) -> None:
    async def attempt() -> None:
        async with port.client() as sftp, sftp.open("users.csv", "wb") as stream:
            await stream.write(b"world", 6)
            await stream.write(b"hello ", 0)

    asyncio.run(attempt())
    assert port.box() == {"users.csv": b"hello world"}
    assert hashlib.sha256(b"hello world").hexdigest() in port.audit()


def test_quota_and_size_of_a_file_are_bounds(port: Harbour) -> None:
    accounts = port.drop.accounts
    accounts.put(dataclasses.replace(accounts.get("oak"), quota=1000))

    async def attempt() -> None:
        async with port.client() as sftp:
            async with sftp.open("a.csv", "wb") as stream:
                await stream.write(b"x" * 900)
            two = [await sftp.open(name, "wb") for name in ("b.csv", "c.csv")]
            await two[0].write(b"x" * 60)
            with pytest.raises(asyncssh.SFTPError):
                await two[1].write(b"x" * 60)
            await two[0].close()
            with pytest.raises(asyncssh.SFTPError):
                await two[1].close()
            async with sftp.open("c.csv", "wb") as stream:  # what was refused takes no room
                await stream.write(b"x" * 40)

    asyncio.run(attempt())
    assert {name: len(body) for name, body in port.box().items()} == {"a.csv": 900, "b.csv": 60, "c.csv": 40}
    assert port.arriving() == []


def test_number_of_files_is_bounded(tmp_path: Path) -> None:
    async def attempt(port: Harbour) -> None:
        async with port.client() as sftp:
            for n in range(3):
                async with sftp.open(f"{n}.csv", "wb"):
                    pass
            with pytest.raises(asyncssh.SFTPError):
                await sftp.open("3.csv", "wb")
            async with sftp.open("2.csv", "wb"):  # once more
                pass

    with harbour(tmp_path / "home", Rules(files=3)) as port:
        asyncio.run(attempt(port))
        assert len(port.box()) == 3


def test_rename_takes_no_name_away_unless_asked_to(port: Harbour) -> None:
    async def attempt() -> None:
        async with port.client() as sftp:
            for name in ("a.csv", "b.csv"):
                async with sftp.open(name, "wb") as stream:
                    await stream.write(name.encode())
            with pytest.raises(asyncssh.SFTPError):
                await sftp.rename("a.csv", "b.csv")
            await sftp.posix_rename("a.csv", "b.csv")

    asyncio.run(attempt())
    assert port.box() == {"b.csv": b"a.csv"}


def test_server_that_is_killed_in_the_middle_offers_nothing_and_sweeps(tmp_path: Path) -> None:
    home = tmp_path / "home"
    place = Place(home)
    with harbour(home):
        pass  # makes the accounts
    program = (
        "import asyncio, pathlib, sys\n"
        "from syncrun.connectors.sftp.dropbox.server import serving\n"
        "async def main():\n"
        "    async with serving(pathlib.Path(sys.argv[1])) as drop:\n"
        "        print(drop.port, flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )

    async def send_half(port: int) -> None:
        async with asyncssh.connect("127.0.0.1", port, username="oak", password=PASSWORD, known_hosts=None, config=None,
                                    agent_path=None, client_keys=None) as connection:  # fmt: skip
            sftp = await connection.start_sftp_client()
            async with sftp.open("classes.csv", "wb") as whole:
                await whole.write(b"whole")
            stream = await sftp.open("users.csv", "wb")
            await stream.write(b"half")
            process.kill()
            await connection.wait_closed()

    with subprocess.Popen([sys.executable, "-c", program, str(home)], stdout=subprocess.PIPE, text=True) as process:
        asyncio.run(send_half(int(process.stdout.readline())))
    assert [path.name for path in (place.boxes / "oak").iterdir()] == ["classes.csv"]
    assert len(list(place.arriving.iterdir())) == 1
    with harbour(home) as port:
        assert port.arriving() == []
        assert port.box() == {"classes.csv": b"whole"}


def test_whole_set_is_set_aside_and_told_of_once(tmp_path: Path, export: Path) -> None:
    async def send(port: Harbour, *names: str) -> None:
        async with port.client() as sftp:
            for name in names:
                await sftp.put(export / name, name)

    with harbour(tmp_path / "home", Rules(quiet=0.05)) as port:
        ready = port.place.ready / "oak"
        asyncio.run(send(port, *SET[:2]))
        time.sleep(0.3)
        assert port.completed == []
        assert not ready.exists()
        asyncio.run(send(port, SET[2]))
        until(port)
        assert port.completed == [("oak", tuple(sorted(SET)))]
        first = {path.name: path.read_bytes() for path in ready.iterdir()}
        assert set(first) == set(SET)
        held = (ready / "users.csv").resolve()
        (export / "users.csv").write_text("another night\n")
        asyncio.run(send(port, "users.csv"))
        end = time.monotonic() + 10
        while len(port.completed) < 2 and time.monotonic() < end:
            time.sleep(0.01)
        assert (ready / "users.csv").read_text() == "another night\n"
        assert held.read_bytes() == first["users.csv"]  # a run that reads the older set goes on with it
    port_audit = Place(tmp_path / "home").audit.read_text()
    assert port_audit.count('"ready"') == 2
    with harbour(tmp_path / "home", Rules(quiet=0.05)) as port:
        time.sleep(0.3)
        assert port.completed == []  # nothing is new after a start


def test_marker_ends_the_wait(port: Harbour, export: Path) -> None:
    async def send() -> None:
        async with port.client() as sftp:
            await sftp.put(export / "users.csv", "whatever.txt")
            await sftp.put(export / "users.csv", "all.done")

    asyncio.run(send())
    until(port)
    assert port.completed == [("oak", ("whatever.txt",))]


@pytest.mark.requirement("S2-15")
def test_withdrawn_account_is_sent_away_and_stays_out(tmp_path: Path) -> None:
    async def attempt(port: Harbour) -> None:
        accounts = Accounts(port.place.accounts)
        async with port.client() as sftp:
            accounts.put(dataclasses.replace(accounts.get("oak"), enabled=False))
            with pytest.raises(asyncssh.SFTPError):
                await sftp.open("users.csv", "wb")
        async with port.connection("elm") as connection:
            accounts.put(dataclasses.replace(accounts.get("elm"), enabled=False))
            async with asyncio.timeout(10):
                await connection.wait_closed()
        with pytest.raises(asyncssh.PermissionDenied):
            async with port.connection():
                pass

    with harbour(tmp_path / "home", Rules(tick=0.05)) as port:
        asyncio.run(attempt(port))


def test_idle_and_long_sessions_end(tmp_path: Path) -> None:
    clock = [0.0]

    async def attempt(port: Harbour, ticks: list[float]) -> None:
        async with port.connection() as connection:
            sftp = await connection.start_sftp_client()
            for each in ticks:
                clock[0] += each
                await sftp.stat("/")
                await asyncio.sleep(0.05)
            clock[0] += 600
            async with asyncio.timeout(10):
                await connection.wait_closed()

    with harbour(tmp_path / "home", Rules(tick=0.01, idle=500, session=2000), seconds=lambda: clock[0]) as port:
        asyncio.run(attempt(port, [400, 400, 400]))


def test_sessions_of_one_account_are_bounded(tmp_path: Path) -> None:
    async def attempt(port: Harbour) -> None:
        async with port.connection(), port.connection():
            with pytest.raises((asyncssh.DisconnectError, asyncssh.ChannelOpenError, ConnectionError)):
                async with port.connection() as third:
                    await third.start_sftp_client()
            async with port.connection("elm"):
                pass

    with harbour(tmp_path / "home", Rules(account_sessions=2)) as port:
        asyncio.run(attempt(port))
    assert not any((tmp_path / "home" / "sftp" / "arriving").iterdir())
