"""Bringing one file over, whole or not at all: its size and time before, the bytes that came, and both again after.

A file that was cut, grew or was replaced meanwhile does not count. Nothing resumes: a roster is small, and what came
before a break may be of another night.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import asyncssh

from syncrun.connectors.sftp.generation import Remote
from syncrun.errors import ArrivingError, InputError, TooLargeError
from syncrun.sdk import TransientError

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


async def bring(sftp: SFTPClient, path: str, expected: Remote, target: Path, most: int) -> int:
    """Bring the file at `path` to `target`, with its time; the number of bytes. It must still be what `expected` says.

    Raises `ArrivingError` when it is or becomes another, `TooLargeError` beyond `most` bytes.
    """
    _unchanged(expected, await _look(sftp, path, expected.name))
    _made(target)
    try:
        if expected.size:
            await _known_size(sftp, path, target)
        else:
            await _unknown_size(sftp, path, target, most)
    except asyncssh.SFTPFailure:
        if expected.size and _size(target) != expected.size:
            raise ArrivingError(f"{expected.name} became shorter while it was fetched.") from None
        raise
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


async def _known_size(sftp: SFTPClient, path: str, target: Path) -> None:
    try:
        async with asyncio.timeout(STALLED_SECONDS) as alarm:
            await sftp.get(
                sftp.encode(path), target, sparse=False, progress_handler=_alive(alarm), follow_symlinks=False
            )  # sparse would take a file that ends early for one with a hole
    except TimeoutError:
        raise TransientError("The server stopped in the middle of a file.") from None


def _alive(alarm: asyncio.Timeout) -> Callable[[bytes, bytes, int, int], None]:
    loop = asyncio.get_running_loop()

    def progress(source: bytes, target: bytes, copied: int, total: int) -> None:
        alarm.reschedule(loop.time() + STALLED_SECONDS)

    return progress


async def _unknown_size(sftp: SFTPClient, path: str, target: Path, most: int) -> None:
    """Some servers say no size, or 0: then the file ends where nothing more comes."""
    came = 0
    with target.open("wb") as stream:
        async with sftp.open(path, "rb") as source:
            while True:
                async with asyncio.timeout(STALLED_SECONDS):
                    block = await source.read(_BLOCK, came)
                if not block:
                    return
                came += len(block)
                if came > most:
                    raise TooLargeError(
                        "A file is larger than we take in.", next_step="Raise max_file_mb if it is right."
                    )
                stream.write(block)


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
