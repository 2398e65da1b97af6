"""The connector: it looks at a folder on a server, waits until it is quiet, and brings the newest whole set.

One connection, one file after the other. Nothing is written, moved or removed on the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import posixpath
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncrun.connectors.format import AUTO, named
from syncrun.connectors.sftp import name as names
from syncrun.connectors.sftp.fault import NothingNewError, NotReadyError
from syncrun.connectors.sftp.generation import Generation, Remote, generations, newest
from syncrun.connectors.sftp.transfer import bring, may_be_file, remote
from syncrun.errors import ArrivingError, InputError, TooLargeError
from syncrun.sdk import Context, FileSet, TextForm
from syncrun.sdk.sftp.connection import Login, connected, files_of
from syncrun.sdk.sftp.fault import told

if TYPE_CHECKING:
    from asyncssh import SFTPClient

LONG_QUIET = 900
"""Seconds after which a file is taken for whole at the first look."""
MOST_NAMES = 10_000
"""A folder with more is not one to which rosters are exported."""
_MOST_LEFT = 50
_MEGA = 1_000_000


@dataclass(frozen=True, slots=True)
class Listing:
    """What a folder holds: files to choose from, markers, and the names of what is of no use, fit to be shown."""

    files: tuple[Remote, ...]
    markers: tuple[Remote, ...]
    left: tuple[str, ...]


class Sftp:
    """Files in a folder on a server that the district, or somebody for it, keeps."""

    format = AUTO

    def __init__(
        self, settings: Mapping[str, Any], context: Context, *,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep, now: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._settings, self._pause, self._now = settings, pause, now
        self._login = Login(
            settings["host"], settings["port"], settings["username"], settings.get("password"),
            settings.get("private_key"), settings.get("passphrase"), tuple((settings.get("host_key") or "").split()),
            settings["legacy"],
        )  # fmt: skip
        self._text = TextForm(settings.get("encoding"), settings.get("delimiter"), settings.get("quotes", True))
        self.format = named(settings.get("format", "auto"))

    def check(self) -> None:
        """The server is the pinned one, lets us in, and shows the folder. An empty folder is no error."""
        asyncio.run(self._check())

    def fetch(self, into: Path) -> FileSet:
        """Bring the newest whole set into the folder.

        Raises `NothingNewError` when there is none, `NotReadyError` when its marker is not there, `ArrivingError` when
        files are still being written, and errors of the connection.
        """
        return asyncio.run(self._fetch(into))

    @contextlib.asynccontextmanager
    async def _files(self) -> AsyncIterator[tuple[SFTPClient, Callable[[], None]]]:
        """The server's files, and what cuts the connection to them."""
        async with connected(self._login, 60 * self._settings["minutes"]) as connection:
            with told(self._login.where):
                yield await files_of(connection, self._login.where), connection.abort

    async def _check(self) -> None:
        async with self._files() as (sftp, _):
            await self._look(sftp)

    async def _fetch(self, into: Path) -> FileSet:
        async with self._files() as (sftp, cut):
            chosen, listing = await self._settled(sftp)
            files = [await self._bring(sftp, each, into, cut) for each in chosen.files]
        left = [each.name for each in listing.files if each.name not in chosen.names] + list(listing.left)
        return FileSet(tuple(files), self._login.where, self._text, tuple(left[:_MOST_LEFT]))

    async def _settled(self, sftp: SFTPClient) -> tuple[Generation, Listing]:
        """The set to take, when two looks at it were alike or it is long quiet."""
        listing = await self._look(sftp)
        chosen = self._choose(listing)
        wait = self._settings["quiet_seconds"]
        if wait and self._now() - chosen.written < LONG_QUIET:
            await self._pause(wait)
            listing = await self._look(sftp)
            if self._choose(listing) != chosen:
                raise ArrivingError("Files on the server are still being written.")
        self._bounded(chosen)
        return chosen, listing

    def _choose(self, listing: Listing) -> Generation:
        found = generations(listing.files, 3600 * self._settings["spread_hours"])
        if not found:
            raise NothingNewError(f"There is no file to take on {self._login.where}.")
        chosen = newest(found, self.format)
        oldest = self._settings.get("max_age_hours")
        if oldest and self._now() - chosen.written > 3600 * oldest:
            raise NothingNewError(f"The newest set on {self._login.where} is older than {oldest:g} hours.")
        if self._settings.get("marker") and not any(each.modified >= chosen.written for each in listing.markers):
            raise NotReadyError(f"No marker has come after the newest set on {self._login.where}.")
        return chosen

    def _bounded(self, chosen: Generation) -> None:
        """Neither too large nor with two names that are one on some systems."""
        sizes = [each.size or 0 for each in chosen.files]
        for setting, size in (("max_file_mb", max(sizes)), ("max_total_mb", sum(sizes))):
            if size > self._settings[setting] * _MEGA:
                raise TooLargeError(f"What is there has {size} bytes, more than {setting} allows.",
                                    next_step=f"Raise {setting} if it is right; then run again.")  # fmt: skip
        if len({names.same(each.name) for each in chosen.files}) < len(chosen.files):
            raise InputError("Two files have names that differ in nothing but capitals.",
                             next_step="Have one of them taken away, or name the right one under `files`.")  # fmt: skip

    async def _look(self, sftp: SFTPClient) -> Listing:
        files, markers, left = [], [], []
        count = 0
        async for entry in sftp.scandir(self._settings["folder"]):
            count += 1
            if count > MOST_NAMES:
                raise TooLargeError(f"The folder has more than {MOST_NAMES} names.",
                                    next_step="Set `folder` to one that holds the export alone.")  # fmt: skip
            name = names.decoded(entry.filename)
            if name in {".", ".."} or not may_be_file(entry.attrs):
                continue  # folders, links and devices are never followed
            if not names.plain(name):
                left.append(names.shown(name))
            elif self._settings.get("marker") and names.fits(name, [self._settings["marker"]]):
                markers.append(remote(name, entry.attrs))
            elif names.fits(name, self._settings["files"]) and not names.unfinished(name):
                files.append(remote(name, entry.attrs))
        return Listing(tuple(sorted(files, key=lambda each: each.name)), tuple(markers), tuple(sorted(left)))

    async def _bring(self, sftp: SFTPClient, file: Remote, into: Path, cut: Callable[[], None]) -> Path:
        target = into / file.name
        target.unlink(missing_ok=True)  # of an attempt that was cut off
        path = posixpath.join(self._settings["folder"], file.name)
        await bring(sftp, path, file, target, int(self._settings["max_file_mb"] * _MEGA), cut)
        return target
