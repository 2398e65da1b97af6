"""Bringing one file over, whole or not at all: its size and time before, the bytes that came, and both again after.

A file that was cut, grew or was replaced meanwhile does not count. Nothing resumes: a roster is small, and what came
before a break may be of another night.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

import asyncssh

from syncrun.connectors.sftp.generation import Remote
from syncrun.errors import ArrivingError, InputError, TooLargeError

if TYPE_CHECKING:
    from asyncssh import SFTPClient

STALLED_SECONDS = 60
"""A server that is silent for so long in the middle of a file is given up."""
_BLOCK = 1 << 18


def remote(name: str, attrs: asyncssh.SFTPAttrs) -> Remote:
    """A file by what the server says of it."""
    return Remote(name, attrs.size, float(attrs.mtime or 0))


def may_be_file(attrs: asyncssh.SFTPAttrs) -> bool:
    """Whether this is a file, or of a kind that the server does not say; never a link, a folder or a device."""
    return attrs.type in {asyncssh.FILEXFER_TYPE_REGULAR, asyncssh.FILEXFER_TYPE_UNKNOWN}


async def bring(sftp: SFTPClient, path: str, expected: Remote, target: Path, most: int, cut: Callable[[], None]) -> int:
    """Bring the file at `path` to `target`, with its time; the number of bytes. It must still be what `expected` says.
    `cut` ends the connection.

    Raises `ArrivingError` when it is or becomes another, `TooLargeError` beyond `most` bytes.
    """
    _unchanged(expected, await _look(sftp, path, expected.name))
    _made(target)
    watch = _Watch(cut)
    try:
        await _copy(sftp, path, expected, target, most, watch)
    except asyncssh.SFTPFailure:
        if expected.size and _size(target) != expected.size:
            raise ArrivingError(f"{expected.name} became shorter while it was fetched.") from None
        raise
    finally:
        watch.end()
    came = _size(target)
    _unchanged(expected, await _look(sftp, path, expected.name))
    if expected.size and came != expected.size:
        raise ArrivingError(f"{expected.name} has {expected.size} bytes, and {came} came.")
    if expected.modified:
        os.utime(target, (expected.modified, expected.modified))
    return came


def _made(target: Path) -> None:
    """The file, empty, for us alone; it must not be there."""
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _size(target: Path) -> int:
    return target.stat().st_size


class _Watch:
    """Cuts the connection when nothing has come for a while: a server that is stuck would not answer to less."""

    def __init__(self, cut: Callable[[], None]) -> None:
        self._cut, self._loop = cut, asyncio.get_running_loop()
        self._timer = self._loop.call_later(STALLED_SECONDS, cut)

    def alive(self, *told: object) -> None:
        """Something has come."""
        self._timer.cancel()
        self._timer = self._loop.call_later(STALLED_SECONDS, self._cut)

    def end(self) -> None:
        """All has come."""
        self._timer.cancel()


async def _copy(sftp: SFTPClient, path: str, expected: Remote, target: Path, most: int, watch: _Watch) -> None:
    """Some servers say no size, or 0: then the file ends where nothing more comes. Otherwise the library's own copying
    is used, which asks for many parts at once; `sparse` would take a file that ends early for one with a hole."""
    if expected.size:
        await sftp.get(sftp.encode(path), target, sparse=False, progress_handler=watch.alive, follow_symlinks=False)
        return
    came = 0
    with target.open("wb") as stream:
        source = await sftp.open(path, "rb")
        while block := cast("bytes", await source.read(_BLOCK, came)):
            watch.alive()
            came += len(block)
            if came > most:
                raise TooLargeError("A file is larger than we take in.", next_step="Raise max_file_mb if it is right.")
            stream.write(block)
        await source.close()


async def _look(sftp: SFTPClient, path: str, name: str) -> Remote:
    try:
        attrs = await sftp.lstat(path)
    except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
        raise ArrivingError(f"{name} went away while it was fetched.") from None
    if not may_be_file(attrs):
        raise InputError(f"{name} is no longer a file.")
    return remote(name, attrs)


def _unchanged(expected: Remote, now: Remote) -> None:
    if now != expected:
        raise ArrivingError(f"{expected.name} changed while it was fetched.")
