"""Publishing to a folder on an SFTP server: each file is sent under another name, looked at, and renamed.

Servers that know `posix-rename` (OpenSSH and most others) put a file in the place of an older one in one step. With one
that does not, a file of the same name is removed first.
"""

from __future__ import annotations

import asyncio
import contextlib
import posixpath
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncssh

from syncrun.errors import InputError, TransientError
from syncrun.sdk.file.target import part_of
from syncrun.sdk.sftp.connection import Login, connected, files_of
from syncrun.sdk.sftp.fault import told

if TYPE_CHECKING:
    from asyncssh import SFTPClient

_ABSENT = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath)


class SftpFolder:
    """A folder on a server. `settings` are those of `SftpTargetSettings`."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._folder = settings["folder"]
        self._seconds = 60 * settings["minutes"]
        self._login = Login(
            settings["host"], settings["port"], settings["username"], settings.get("password"),
            settings.get("private_key"), settings.get("passphrase"), tuple((settings.get("host_key") or "").split()),
            settings["legacy"],
        )  # fmt: skip

    def check(self) -> None:
        """The server is the pinned one, lets us in, and shows the folder."""
        asyncio.run(self._sizes(()))

    def sizes(self, names: Iterable[str]) -> dict[str, int]:
        """Of these files, those that are there."""
        return asyncio.run(self._sizes(names))

    def deliver(self, files: Mapping[str, Path], abandoned: Iterable[str], old: Iterable[str]) -> None:
        """Send the files, then give them their names; remove what is `old`, and what was begun and `abandoned`."""
        asyncio.run(self._deliver(files, abandoned, old))

    @contextlib.asynccontextmanager
    async def _files(self) -> AsyncIterator[SFTPClient]:
        async with connected(self._login, self._seconds) as connection:
            with told(self._login.where):
                sftp = await files_of(connection, self._login.where)
                if not await sftp.isdir(self._folder):
                    raise InputError(f"There is no such folder on {self._login.where}.",
                                     next_step="Correct `folder` under [sinks.sftp]; then run again.")  # fmt: skip
                yield sftp

    def _path(self, name: str) -> str:
        return posixpath.join(self._folder, name)

    async def _sizes(self, names: Iterable[str]) -> dict[str, int]:
        found = {}
        async with self._files() as sftp:
            for name in names:
                with contextlib.suppress(*_ABSENT):
                    found[name] = (await sftp.lstat(self._path(name))).size or 0
        return found

    async def _deliver(self, files: Mapping[str, Path], abandoned: Iterable[str], old: Iterable[str]) -> None:
        async with self._files() as sftp:
            for name in abandoned:
                await self._remove(sftp, part_of(name))
            for name, path in files.items():
                await self._send(sftp, path, part_of(name))
            for name in files:
                await self._rename(sftp, part_of(name), name)
            for name in old:
                await self._remove(sftp, name)

    async def _send(self, sftp: SFTPClient, source: Path, part: str) -> None:
        """Send one file; what is there afterwards must have all of its bytes."""
        await sftp.put(str(source), self._path(part))
        there, size = (await sftp.lstat(self._path(part))).size, source.lstat().st_size  # noqa: ASYNC240 # a quick one
        if there != size:
            raise TransientError(f"Of a file of {size} bytes {there} reached {self._login.where}.")

    async def _rename(self, sftp: SFTPClient, part: str, name: str) -> None:
        try:
            await sftp.posix_rename(self._path(part), self._path(name))
        except asyncssh.SFTPOpUnsupported:
            await self._remove(sftp, name)
            await sftp.rename(self._path(part), self._path(name))

    async def _remove(self, sftp: SFTPClient, name: str) -> None:
        with contextlib.suppress(*_ABSENT):
            await sftp.remove(self._path(name))
