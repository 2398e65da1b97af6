"""Attempts to get out of a box of the drop box: paths, requests, and what came of them.

`PATHS` says of each path which name it means; `ACTS` are the requests that are answered and `REFUSED` those that are not.
`escapes` makes one request with all paths and tells what it should not have been able to do.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncssh
from asyncssh import constants as fxp
from asyncssh.packet import String, UInt32, UInt64

if TYPE_CHECKING:
    from harbour import Harbour

CANARY = b"canary-roster-of-elm"
BOX = ""
"""What a path means that is the box itself."""

CLIMBING = [
    *("../elm/users.csv", "../../elm/users.csv", "/../elm/users.csv", "upload/../../elm/users.csv", "../elm/hollow"),
    *("elm/users.csv", "/upload/../../boxes/elm/users.csv", "../accounts/elm.json"),
    *("../ready/elm/users.csv", "users.csv/../../elm/users.csv", "..//elm//users.csv", "./.././elm/./users.csv"),
    *("upload/" * 50 + "x", "link/users.csv", "link/../elm/users.csv", "users.csv/x"),
]  # fmt: skip
ABSOLUTE = [
    *("/etc/passwd", "/../../../../etc/passwd", "//etc//passwd", "/proc/self/environ", "/proc/self/cwd", "/dev/zero"),
    *("file:///etc/passwd", "C:\\elm\\users.csv", "C:/elm/users.csv", "\\\\elm\\users.csv", "//elm/share/users.csv"),
]  # fmt: skip
WRITTEN_OTHERWISE = [
    *("..%2felm%2fusers.csv", "%2e%2e/elm/users.csv", "..\\elm\\users.csv", "..\\..\\host_key", "%00", "~", "~elm"),
    *("~/users.csv", "$HOME", "*", "users.*", ".hidden", "-rf", "\udcff", "..\udcc0\udcafelm", "\udcc0\udcae\udcc0\udcae/elm"),
]  # fmt: skip
SIGNS = [
    *("a\nb", "a\rb", "a\tb", "a\x00b", "users.csv\x00", "\x00", "users.csv\x00/../elm/users.csv", "a\x1bb", "a\x7fb"),
    *("a<b", 'a"b', "a|b", "a?b", "a:b", "a.csv:x", "users.csv::$DATA", "users.csv:elm", ":users.csv"),
]  # fmt: skip
DEVICES = [
    *("CON", "NUL", "AUX", "PRN", "COM1", "LPT1", "con", "nul.csv", "Aux.txt", "com1.csv", "lpt9.csv", "CON .csv", "nul..csv"),
    *("upload/NUL", "CONIN$", "COM\u00b9"),
]  # fmt: skip
ENDINGS = ["users.csv.", "users.csv..", "users.csv ", " users.csv", "users.csv. .", "...", ". .", " ", ".. ", "../ elm"]
LONG = ["x" * 129, "x" * 256, "x" * 300, "x" * 5000, "x/" * 2000, "é" * 128]
UNICODE = [
    *("\u202euvc.sresu", "users\u202e.csv", "users\u200b.csv", "users.csv\u200d", "\ufeffusers.csv", "us\u00adrs.csv"),
    *("\uff0e\uff0e\uff0felm", "\u2025/elm", "..\u2215elm", "..\u2044elm", "\uff55sers.csv", "users.csv\u2028", "us\u0435rs.csv"),
    *(unicodedata.normalize(form, "größe.csv") for form in ("NFC", "NFD")),
]  # fmt: skip
OWN = {
    **dict.fromkeys(["", ".", "/", "..", "../..", "/../..", "users.csv/..", "upload", "/Incoming/", "UPLOADS/.."], BOX),
    **dict.fromkeys(["users.csv", "/users.csv", "upload/users.csv", "/DailyImport/users.csv", "../users.csv",
                     "link/../users.csv"], "users.csv"),
    # nothing is above the box, as nothing is above /
    "../elm": "elm", "./../elm": "elm", "../arriving": "arriving", "../../host_key": "host_key",
    **{name: name for name in ("USERS.CSV", "Users.csv", "link", "loop", "out.csv", "fifo", "users (1).csv", "x" * 128,
                               "a..csv", "_", "console.csv", "hollow")},
}  # fmt: skip
PATHS: dict[str, str | None] = {
    **dict.fromkeys([*CLIMBING, *ABSOLUTE, *WRITTEN_OTHERWISE, *SIGNS, *DEVICES, *ENDINGS, *LONG, *UNICODE], None), **OWN,
}  # fmt: skip
"""By path the name that it means, None where it means nothing."""


def tree(root: Path, but: Path) -> dict[str, tuple[int, bytes]]:
    """Everything outside of a folder, with its rights and what is in it."""
    return {
        str(path): (path.lstat().st_mode, bytes(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else b"")
        for path in root.rglob("*")
        if but not in path.parents and path.name != "audit.jsonl"
    }  # fmt: skip


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
    return await sftp._handler._make_request(kind, *parts)


def opened(kind: int | bytes, *parts: bytes) -> Act:
    """A request about a file that was opened for reading."""

    async def act(sftp: asyncssh.SFTPClient, path: bytes) -> Any:
        async with sftp.open(path, "rb") as stream:
            return await _raw(sftp, kind, String(stream._handle), *parts)

    return act


async def _copy(sftp: asyncssh.SFTPClient, path: bytes) -> Any:
    async with sftp.open(path, "rb") as source, sftp.open(b"taken.csv", "wb") as target:
        return await _raw(
            sftp, b"copy-data", String(source._handle), UInt64(0), UInt64(0), String(target._handle), UInt64(0)
        )


_RIGHTS = UInt32(fxp.FILEXFER_ATTR_PERMISSIONS) + UInt32(0o4777)
ACTS: dict[str, Act] = {
    "read": _read,
    "write": _write,
    "read and write": lambda sftp, path: sftp.open(path, "r+b"),
    "append": lambda sftp, path: sftp.open(path, "ab"),
    "list": _list,
    "open folder": lambda sftp, path: _raw(sftp, fxp.FXP_OPENDIR, String(path)),
    "stat": lambda sftp, path: sftp.stat(path),
    "lstat": lambda sftp, path: sftp.lstat(path),
    "fstat": opened(fxp.FXP_FSTAT),
    "fsync": opened(b"fsync@openssh.com"),
    "realpath": lambda sftp, path: sftp.realpath(path),
    "setstat": lambda sftp, path: sftp.setstat(path, asyncssh.SFTPAttrs(permissions=0o4777, uid=0, gid=0)),
    "fsetstat": opened(fxp.FXP_FSETSTAT, _RIGHTS),
    "truncate": lambda sftp, path: sftp.setstat(path, asyncssh.SFTPAttrs(size=0)),
    "remove": lambda sftp, path: sftp.remove(path),
    "rename from": lambda sftp, path: sftp.rename(path, b"taken.csv"),
    "rename to": lambda sftp, path: sftp.rename(b"users.csv", path),
    "posix rename from": lambda sftp, path: sftp.posix_rename(path, b"taken.csv"),
    "posix rename to": lambda sftp, path: sftp.posix_rename(b"users.csv", path),
}
REFUSED: dict[str, tuple[int | bytes, Act]] = {
    "mkdir": (fxp.FXP_MKDIR, lambda sftp, path: _raw(sftp, fxp.FXP_MKDIR, String(path), UInt32(0))),
    "rmdir": (fxp.FXP_RMDIR, lambda sftp, path: _raw(sftp, fxp.FXP_RMDIR, String(path))),
    "readlink": (fxp.FXP_READLINK, lambda sftp, path: _raw(sftp, fxp.FXP_READLINK, String(path))),
    "symlink to": (fxp.FXP_SYMLINK, lambda sftp, path: _raw(sftp, fxp.FXP_SYMLINK, String(b"new.csv"), String(path))),
    "symlink at": (fxp.FXP_SYMLINK, lambda sftp, path: _raw(sftp, fxp.FXP_SYMLINK, String(path), String(b"users.csv"))),
    "link": (fxp.FXP_LINK, lambda sftp, path: _raw(sftp, fxp.FXP_LINK, String(b"new.csv"), String(path), b"\0")),
    "hardlink": (b"hardlink@openssh.com", lambda sftp, path: _raw(sftp, b"hardlink@openssh.com", String(path), String(b"new.csv"))),
    "statvfs": (b"statvfs@openssh.com", lambda sftp, path: _raw(sftp, b"statvfs@openssh.com", String(path))),
    "fstatvfs": (b"fstatvfs@openssh.com", opened(b"fstatvfs@openssh.com")),
    "lsetstat": (b"lsetstat@openssh.com", lambda sftp, path: _raw(sftp, b"lsetstat@openssh.com", String(path), _RIGHTS)),
    "copy": (b"copy-data", _copy),
    "ranges": (b"ranges@asyncssh.com", opened(b"ranges@asyncssh.com", UInt64(0), UInt64(100))),
    "block": (fxp.FXP_BLOCK, opened(fxp.FXP_BLOCK, UInt64(0), UInt64(1), UInt32(0x40))),
    "unblock": (fxp.FXP_UNBLOCK, opened(fxp.FXP_UNBLOCK, UInt64(0), UInt64(1))),
}  # fmt: skip
"""Requests that are not answered, with their numbers or names in the protocol."""


def escapes(port: Harbour, root: Path, act: str, paths: Mapping[str, str | None] = PATHS) -> list[str]:
    """What a request could do with these paths that it should not. `root` is the folder in which everything is."""
    mine = port.place.boxes / "oak"
    before = tree(root, mine)
    request = ACTS[act] if act in ACTS else REFUSED[act][1]

    async def attempt() -> list[tuple[str, Any]]:
        done = []
        async with port.client() as sftp:
            for path in paths:
                (mine / "users.csv").write_bytes(b"mine")
                try:
                    async with asyncio.timeout(20):
                        found = await request(sftp, path.encode("utf-8", "surrogateescape"))
                    done.append((path, found))
                except asyncssh.SFTPError:
                    continue
        return done

    done = asyncio.run(attempt())
    after = tree(root, mine)
    return [
        *(f"changed {path}" for path in sorted(before.keys() | after) if before.get(path) != after.get(path)),
        *(f"made a link {path.name}" for path in mine.iterdir() if path.is_symlink() and path.name not in OWN),
        *(f"{path!r} was answered" for path, found in done if paths[path] is None or act in REFUSED),
        *(f"{path!r} gave {fault}" for path, found in done for fault in _told(act, paths[path], found)),
    ]


def _told(act: str, meant: str | None, found: Any) -> Iterable[str]:
    """What an answer told too much."""
    if CANARY in repr(found).encode():
        yield "another's file"
    if act == "list" and not set(found) <= {b"users.csv"}:
        yield "more than the box"
    if act in {"list", "open folder"} and meant != BOX:
        yield "a folder that is none"
    if act == "realpath" and found != f"/{meant}".encode():
        yield "another path"
    if act in {"stat", "lstat", "fstat"} and isinstance(found, asyncssh.SFTPAttrs) and found.size not in {0, 4}:
        yield "another's figures"
