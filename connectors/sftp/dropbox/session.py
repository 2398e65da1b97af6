"""The SFTP protocol for one log-in, cut down to what sending files takes.

What is not in the table of `_Handler` does not exist: no links, no folders, no copies on the server, no file-system
figures; and neither a shell nor a command nor a tunnel. Version 3, which every client speaks.
"""

from __future__ import annotations

import asyncio
import errno
import os
import stat
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import asyncssh
from asyncssh.constants import (
    FXP_CLOSE,
    FXP_FSETSTAT,
    FXP_FSTAT,
    FXP_LSTAT,
    FXP_OPEN,
    FXP_OPENDIR,
    FXP_READ,
    FXP_READDIR,
    FXP_REALPATH,
    FXP_REMOVE,
    FXP_RENAME,
    FXP_SETSTAT,
    FXP_STAT,
    FXP_WRITE,
)
from asyncssh.sftp import SFTPServerHandler
from asyncssh.stream import SSHServerStreamSession

from syncrun.connectors.sftp.dropbox.box import Box, Received, Upload

KEPT = {
    *(FXP_OPEN, FXP_CLOSE, FXP_READ, FXP_WRITE, FXP_LSTAT, FXP_FSTAT, FXP_SETSTAT, FXP_FSETSTAT, FXP_OPENDIR),
    *(FXP_READDIR, FXP_REMOVE, FXP_REALPATH, FXP_STAT, FXP_RENAME),
    *(b"posix-rename@openssh.com", b"limits@openssh.com", b"fsync@openssh.com"),
}
"""The requests that are answered."""
MOST_OPEN = 64
"""Files that one session may have open; the widest client opens a handful."""
_FOLDER = asyncssh.SFTPAttrs(permissions=stat.S_IFDIR | 0o700, size=0, uid=0, gid=0, atime=0, mtime=0, nlink=1)


@dataclass(frozen=True, slots=True)
class Doings:
    """Who is told: `received` of a file that came whole, `changed` of one renamed or removed (with what was done), `alive`
    of any request, `allowed` is asked whether the account may still send."""

    received: Callable[[Received], None]
    changed: Callable[[str, str], None]
    alive: Callable[[], None]
    allowed: Callable[[], bool]


class _Handler(SFTPServerHandler):
    """The library's reading of requests, of which most are left out."""

    _extensions = [each for each in SFTPServerHandler._extensions if each[0] in KEPT]  # noqa: SLF001, RUF012 # the only way
    _packet_handlers = {  # noqa: RUF012 # as the library has it
        kind: handler for kind, handler in SFTPServerHandler._packet_handlers.items() if kind in KEPT  # noqa: SLF001 # the same
    }  # fmt: skip

    async def _process_packet(self, pkttype: int, pktid: int, packet: Any) -> None:
        self._server.alive()  # type: ignore[attr-defined] # ours is the only server that it is given
        await super()._process_packet(pkttype, pktid, packet)

    async def _cleanup(self, exc: Exception | None) -> None:
        """The connection ended. The library closes the open files as if the client had: they did not come whole."""
        self._server.lost = True  # type: ignore[attr-defined] # the same
        await super()._cleanup(exc)


class Session(SSHServerStreamSession[bytes]):
    """A channel on which SFTP may be asked for, and nothing else."""

    def __init__(self, files: Callable[[Any], Files]) -> None:
        super().__init__(None)
        self._make = files

    def pty_requested(self, term_type: str, term_size: Any, term_modes: Any) -> bool:
        """There is no terminal."""
        return False

    def shell_requested(self) -> bool:
        """There is no shell."""
        return False

    def exec_requested(self, command: str) -> bool:
        """There are no commands, and no scp."""
        return False

    def subsystem_requested(self, subsystem: str) -> bool:
        """Files alone."""
        return subsystem == "sftp"

    def session_started(self) -> None:
        """Begin to answer."""
        channel, connection = self._chan, self._conn
        if channel is None or connection is None:  # it was closed meanwhile
            return
        connection.create_task(self._answer(channel, self._make(channel)))

    async def _answer(self, channel: Any, files: Files) -> None:
        try:
            await _Handler(files, asyncssh.SSHReader(self, channel), asyncssh.SSHWriter(self, channel), 3).run()
        finally:
            files.exit()
            channel.close()


class Files(asyncssh.SFTPServer):
    """What clients may do with the files of a box."""

    def __init__(self, channel: Any, box: Box, doings: Doings) -> None:
        super().__init__(channel)
        self._box, self._doings = box, doings
        self._open: list[object] = []
        self.lost = False

    def alive(self) -> None:
        """Something was asked."""
        self._doings.alive()

    def format_user(self, uid: int | None) -> str:
        """Nobody outside learns who runs the server."""
        return "you"

    def format_group(self, gid: int | None) -> str:
        """The same."""
        return "you"

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        """Open a file to send it, whole, or to read it."""
        if len(self._open) >= MOST_OPEN:
            raise OSError(errno.EMFILE, "Too many open files")
        found = self._opened(self._box.file(path), pflags)
        self._open.append(found)
        return found

    def _opened(self, name: str, pflags: int) -> object:
        if not pflags & (asyncssh.FXF_WRITE | asyncssh.FXF_APPEND):
            return self._box.open(name)
        there = self._box.there(name)
        if pflags & asyncssh.FXF_EXCL and there:
            raise OSError(errno.EEXIST, "File exists")
        if not pflags & asyncssh.FXF_CREAT and not there:
            raise OSError(errno.ENOENT, "No such file")
        if pflags & (asyncssh.FXF_READ | asyncssh.FXF_APPEND) or (there and not pflags & asyncssh.FXF_TRUNC):
            raise asyncssh.SFTPOpUnsupported("Files are sent whole: nothing is resumed or appended to")
        if not self._doings.allowed():
            raise asyncssh.SFTPPermissionDenied("The account is disabled")
        return self._box.begin(name)

    async def close(self, file_obj: object) -> None:
        """The client has sent all, or the connection ended."""
        self._open.remove(file_obj)
        if not isinstance(file_obj, Upload):
            os.close(_handle(file_obj))
        elif self.lost:
            self._box.drop(file_obj)
        else:
            self._doings.received(await asyncio.to_thread(self._box.finish, file_obj))

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """A part of a file."""
        if isinstance(file_obj, Upload):
            raise OSError(errno.EACCES, "Permission denied")
        return os.pread(_handle(file_obj), min(size, asyncssh.sftp.MAX_SFTP_READ_LEN), offset)

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """A part of a file."""
        if not isinstance(file_obj, Upload):
            raise OSError(errno.EACCES, "Permission denied")
        return self._box.write(file_obj, offset, data)

    async def fsync(self, file_obj: object) -> None:
        """It is done when the file is closed."""

    def lstat(self, path: bytes) -> os.stat_result | asyncssh.SFTPAttrs:
        """The figures of a file or of the box."""
        name = self._box.name(path)
        return _FOLDER if name is None else _figures(self._box.look(name))

    stat = lstat

    def fstat(self, file_obj: object) -> os.stat_result | asyncssh.SFTPAttrs:
        """The figures of an open file."""
        return _figures(os.fstat(_handle(file_obj)))

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Times, owners and rights that a client wants to set are of no account: when a file came is our own figure."""
        _no_cut(attrs, self.lstat(path))

    def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        """The same."""
        _no_cut(attrs, self.fstat(file_obj))

    def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        """The files of the box. Any other folder is refused when it is opened, and not first when it is read."""
        if self._box.name(path) is not None:
            raise asyncssh.SFTPNoSuchFile("No such folder")
        return self._listing()

    async def _listing(self) -> AsyncIterator[asyncssh.SFTPName]:
        for name, found in list(self._box.listed()):
            yield asyncssh.SFTPName(name.encode(), attrs=_figures(found))

    def remove(self, path: bytes) -> None:
        """Remove a file."""
        name = self._box.file(path)
        self._box.remove(name)
        self._doings.changed("removed", name)

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename a file, to a name that is free."""
        self._rename(oldpath, newpath, over=False)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename a file, in place of one that is there."""
        self._rename(oldpath, newpath, over=True)

    def _rename(self, oldpath: bytes, newpath: bytes, *, over: bool) -> None:
        old, new = self._box.file(oldpath), self._box.file(newpath)
        self._box.rename(old, new, over=over)
        self._doings.changed("renamed", new)

    def realpath(self, path: bytes) -> bytes:
        """The path as this server writes it."""
        name = self._box.name(path)
        return b"/" if name is None else b"/" + name.encode()

    def exit(self) -> None:
        """The session is over; what is still open did not come whole."""
        for each in self._open:
            if isinstance(each, Upload):
                self._box.drop(each)
            else:
                os.close(_handle(each))
        self._open.clear()
        self._box.close()


def _handle(file_obj: object) -> int:
    if isinstance(file_obj, Upload):
        return file_obj.handle
    if not isinstance(file_obj, int):
        raise TypeError(file_obj)
    return file_obj


def _figures(found: os.stat_result) -> asyncssh.SFTPAttrs:
    """What outsiders learn of a file: its size and time."""
    return asyncssh.SFTPAttrs(
        size=found.st_size, permissions=stat.S_IFREG | 0o600, uid=0, gid=0, atime=int(found.st_mtime),
        mtime=int(found.st_mtime), nlink=1,
    )  # fmt: skip


def _no_cut(attrs: asyncssh.SFTPAttrs, now: asyncssh.SFTPAttrs | os.stat_result) -> None:
    size = now.size if isinstance(now, asyncssh.SFTPAttrs) else now.st_size
    if attrs.size is not None and attrs.size != size:
        raise asyncssh.SFTPOpUnsupported("Files are sent whole, and not cut")
