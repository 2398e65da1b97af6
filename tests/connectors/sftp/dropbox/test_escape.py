"""From one account nothing outside of its box is seen or written, by any request with any path."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from collections.abc import Awaitable, Callable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import asyncssh
import pytest
from asyncssh.constants import FXP_LINK, FXP_MKDIR, FXP_READLINK, FXP_RMDIR, FXP_SYMLINK
from asyncssh.packet import String, UInt32

if TYPE_CHECKING:
    from harbour import Harbour

CANARY = b"canary-roster-of-elm"
PATHS = [
    *("/etc/passwd", "../elm/users.csv", "../../elm/users.csv", "/../elm/users.csv", "upload/../../elm/users.csv"),
    *("..", "../..", "/../../../../etc/passwd", "./../elm", "elm/users.csv", "/upload/../../boxes/elm/users.csv"),
    *("../../host_key", "../accounts/elm.json", "../ready/elm/users.csv", "..%2felm%2fusers.csv", "..\\elm\\users.csv"),
    *("//etc//passwd", "/proc/self/environ", "/proc/self/cwd", "/dev/zero", "link", "link/users.csv", "loop", "hard"),
    *("~", "~elm", "~/users.csv", "", ".", "/", "users.csv/..", "users.csv/../../elm/users.csv", ".hidden", "a\nb", "a\x00b"),
    *("CON", "a:b", "x" * 300, "upload/" * 50 + "x", "\udcff", "../arriving", "fifo"),
]  # fmt: skip


def tree(root: Path, but: Path) -> dict[str, bytes]:
    """Everything outside of a folder, with what is in it."""
    return {
        str(path): bytes(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        for path in root.rglob("*")
        if but not in path.parents and path.name != "audit.jsonl"
    }


@pytest.fixture
def set_up(port: Harbour) -> Harbour:
    """Links that somebody on the machine left in the box, and another account's roster."""
    boxes = port.place.boxes
    for name in ("oak", "elm"):
        (boxes / name).mkdir()
        (boxes / name / "users.csv").write_bytes(CANARY if name == "elm" else b"mine")
    (boxes / "oak" / "link").symlink_to(boxes / "elm")
    (boxes / "oak" / "loop").symlink_to("loop")
    (boxes / "oak" / "out.csv").symlink_to(boxes / "elm" / "users.csv")
    os.mkfifo(boxes / "oak" / "fifo")
    account = port.drop.accounts.get("oak")
    port.drop.accounts.put(dataclasses.replace(account, reads=True))
    return port


Act = Callable[[asyncssh.SFTPClient, bytes], Awaitable[Any]]


async def _read(sftp: asyncssh.SFTPClient, path: bytes) -> bytes:
    async with sftp.open(path, "rb") as stream:
        return await stream.read()


async def _write(sftp: asyncssh.SFTPClient, path: bytes) -> None:
    async with sftp.open(path, "wb") as stream:
        await stream.write(b"intruder")


async def _list(sftp: asyncssh.SFTPClient, path: bytes) -> list[bytes]:
    return [each.filename async for each in sftp.scandir(path)]


async def _raw(sftp: asyncssh.SFTPClient, kind: int | bytes, *parts: bytes) -> Any:
    return await sftp._handler._make_request(kind, *map(String, parts))


ACTS: dict[str, Act] = {
    "read": _read,
    "write": _write,
    "append": lambda sftp, path: sftp.open(path, "ab"),
    "list": _list,
    "stat": lambda sftp, path: sftp.stat(path),
    "lstat": lambda sftp, path: sftp.lstat(path),
    "realpath": lambda sftp, path: sftp.realpath(path),
    "setstat": lambda sftp, path: sftp.setstat(path, asyncssh.SFTPAttrs(permissions=0o4777, uid=0, gid=0)),
    "truncate": lambda sftp, path: sftp.setstat(path, asyncssh.SFTPAttrs(size=0)),
    "remove": lambda sftp, path: sftp.remove(path),
    "rename from": lambda sftp, path: sftp.rename(path, b"taken.csv"),
    "rename to": lambda sftp, path: sftp.rename(b"users.csv", path),
    "posix rename from": lambda sftp, path: sftp.posix_rename(path, b"taken.csv"),
    "posix rename to": lambda sftp, path: sftp.posix_rename(b"users.csv", path),
    "mkdir": lambda sftp, path: _raw(sftp, FXP_MKDIR, path, UInt32(0)),
    "rmdir": lambda sftp, path: _raw(sftp, FXP_RMDIR, path),
    "readlink": lambda sftp, path: _raw(sftp, FXP_READLINK, path),
    "symlink to": lambda sftp, path: _raw(sftp, FXP_SYMLINK, path, b"new.csv"),
    "symlink at": lambda sftp, path: _raw(sftp, FXP_SYMLINK, b"users.csv", path),
    "link": lambda sftp, path: _raw(sftp, FXP_LINK, path, b"new.csv"),
    "hardlink": lambda sftp, path: _raw(sftp, b"hardlink@openssh.com", path, b"new.csv"),
    "statvfs": lambda sftp, path: _raw(sftp, b"statvfs@openssh.com", path),
    "lsetstat": lambda sftp, path: _raw(sftp, b"lsetstat@openssh.com", path, b"\0" * 5),
}
NEVER = {"mkdir", "rmdir", "readlink", "symlink to", "symlink at", "link", "hardlink", "statvfs", "lsetstat", "append"}


@pytest.mark.requirement("S2-15")
@pytest.mark.parametrize("act", ACTS)
def test_no_path_leads_out(set_up: Harbour, act: str, tmp_path: Path) -> None:
    mine = set_up.place.boxes / "oak"
    before = tree(tmp_path, mine)

    async def attempt() -> list[tuple[str, Any]]:
        done = []
        async with set_up.client() as sftp:
            for path in PATHS:
                (mine / "users.csv").write_bytes(b"mine")
                try:
                    async with asyncio.timeout(5):
                        found = await ACTS[act](sftp, path.encode("utf-8", "surrogateescape"))
                    done.append((path, found))
                except asyncssh.SFTPError:
                    continue
        return done

    done = asyncio.run(attempt())
    assert tree(tmp_path, mine) == before
    assert not any(path.is_symlink() and path.name not in {"link", "loop", "out.csv"} for path in mine.iterdir())
    assert not any(CANARY in repr(found).encode() for _, found in done)
    if act in NEVER:
        assert done == []
    if act == "list":
        assert all(set(found) == {b"users.csv"} for _, found in done)
        assert "/" in {path for path, _ in done}
    if act == "realpath":
        assert all(PurePosixPath(found.decode()).parent == PurePosixPath("/") for _, found in done)
    if act in {"stat", "lstat"}:
        assert all(found.size in {0, 4} for _, found in done)


def test_links_of_the_machine_are_not_there(set_up: Harbour) -> None:
    async def attempt() -> None:
        async with set_up.client() as sftp:
            for name in ("link", "out.csv", "fifo", "loop"):
                with pytest.raises(asyncssh.SFTPError):
                    await sftp.stat(name)
                with pytest.raises(asyncssh.SFTPError):
                    await sftp.remove(name)
            await _write(sftp, b"out.csv")  # takes the link's place

    asyncio.run(attempt())
    assert (set_up.place.boxes / "elm" / "users.csv").read_bytes() == CANARY
    assert (set_up.place.boxes / "oak" / "out.csv").read_bytes() == b"intruder"


def test_accounts_do_not_see_each_other(port: Harbour) -> None:
    async def both() -> None:
        async with port.client("oak") as oak, port.client("elm") as elm:
            await _write(oak, b"users.csv")
            assert await _list(elm, b"/") == []
            with pytest.raises(asyncssh.SFTPNoSuchFile):
                await elm.stat(b"users.csv")

    asyncio.run(both())


def test_what_was_sent_is_not_read_back_unless_that_is_allowed(port: Harbour) -> None:
    async def attempt() -> None:
        async with port.client() as sftp:
            await _write(sftp, b"users.csv")
            assert await _list(sftp, b"/upload") == [b"users.csv"]
            with pytest.raises(asyncssh.SFTPPermissionDenied):
                await _read(sftp, b"users.csv")

    asyncio.run(attempt())


def test_no_shell_no_command_no_tunnel(port: Harbour) -> None:
    async def attempt() -> None:
        async with port.connection() as connection:
            for what in ({"command": "id"}, {}, {"subsystem": "shell"}, {"command": "scp -t /"}):
                with pytest.raises(asyncssh.ChannelOpenError):
                    await connection.create_process(**what)
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.open_connection("127.0.0.1", 22)
            with pytest.raises(asyncssh.ChannelListenError):
                await connection.forward_remote_port("", 0, "127.0.0.1", 22)

    asyncio.run(attempt())
