"""Servers that lie, cut, grow and stop in the middle: nothing of theirs becomes a path here, and no part a file."""

from __future__ import annotations

import asyncio
import io
import os
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from harbour import misbehaving

from syncrun.connectors.sftp import source as source_module
from syncrun.connectors.sftp import transfer
from syncrun.errors import ArrivingError, SyncError, TooLargeError, TransientError

BODY = b"sourcedId,status\n" * 800_000


@pytest.fixture
def served(tmp_path: Path) -> Path:
    folder = tmp_path / "served"
    folder.mkdir()
    path = folder / "users.csv"
    path.write_bytes(BODY)
    os.utime(path, (1_000_000_000, 1_000_000_000))
    return folder


EVIL = [b"../escaped.csv", b"/tmp/escaped.csv", b"a/../../escaped.csv", b"..\\escaped.csv", b"C:escaped.csv", b"nul.csv",
        b"a\0b.csv", b"a\nb.csv", b"\x1b[2Jb.csv", b"x" * 5000 + b".csv", b"\xff\xfe.csv", b"..", b".", b""]  # fmt: skip


def test_hostile_names_never_become_paths(served: Path, into: Path, tmp_path: Path) -> None:
    class Evil(asyncssh.SFTPServer):
        async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
            attrs = asyncssh.SFTPAttrs.from_local((served / "users.csv").stat())
            for name in (*EVIL, b"users.csv"):
                yield asyncssh.SFTPName(name, attrs=attrs)

        def map_path(self, path: bytes) -> bytes:
            return bytes(served / "users.csv")  # whatever is asked for, it gives

    before = {path for path in tmp_path.rglob("*") if into not in path.parents}
    with misbehaving(served, Evil) as server:
        found = server.source().fetch(into)
    assert [path.name for path in into.iterdir()] == ["users.csv"] == [path.name for path in found.files]
    assert {path for path in tmp_path.rglob("*") if into not in path.parents} == before
    assert found.left
    assert all(name.isprintable() and len(name) <= 80 for name in found.left)


def reading(act: Callable[[Path], None], after: int = 5_000_000) -> type[asyncssh.SFTPServer]:
    """A server on which something happens to the file while it is read."""
    done = threading.Event()

    class Happening(asyncssh.SFTPServer):
        def read(self, file_obj: Any, offset: int, size: int) -> Any:
            if offset >= after and not done.is_set():
                done.set()
                act(Path(os.fsdecode(file_obj.name)))
            return super().read(file_obj, offset, size)

    return Happening


def cut(path: Path) -> None:
    os.truncate(path, 1_000_000)


def grow(path: Path) -> None:
    with path.open("ab") as stream:
        stream.write(b"more\n")


def replace(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_bytes(BODY)
    other.replace(path)


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("act", [cut, grow, replace, remove])
def test_file_that_changes_while_it_is_fetched_does_not_count(
    served: Path, into: Path, act: Callable[[Path], None]
) -> None:
    with misbehaving(served, reading(act)) as server, pytest.raises(ArrivingError) as caught:
        server.source().fetch(into)
    assert caught.value.exit_code == 75


def test_same_file_that_does_not_change_counts(served: Path, into: Path) -> None:
    with misbehaving(served, reading(lambda path: None)) as server:
        (found,) = server.source().fetch(into).files
    assert found.read_bytes() == BODY


def test_short_reads_are_put_together(served: Path, into: Path) -> None:
    class Short(asyncssh.SFTPServer):
        def read(self, file_obj: Any, offset: int, size: int) -> Any:
            return super().read(file_obj, offset, min(size, 10_240))

    with misbehaving(served, Short) as server:
        (found,) = server.source().fetch(into).files
    assert found.read_bytes() == BODY


@pytest.mark.parametrize("size", [None, 0])
def test_server_that_says_no_size_is_read_to_the_end(served: Path, into: Path, size: int | None) -> None:
    class Silent(asyncssh.SFTPServer):
        def _silent(self, path: bytes) -> asyncssh.SFTPAttrs:
            found = asyncssh.SFTPAttrs.from_local(os.lstat(self.map_path(path)))
            return asyncssh.SFTPAttrs(size=size, permissions=found.permissions, atime=found.atime, mtime=found.mtime)

        def lstat(self, path: bytes) -> Any:
            return self._silent(path)

        stat = lstat

        async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
            yield asyncssh.SFTPName(b"users.csv", attrs=self._silent(b"users.csv"))

    with misbehaving(served, Silent) as server:
        (found,) = server.source().fetch(into).files
        assert found.read_bytes() == BODY
        found.unlink()
        with pytest.raises(TooLargeError):
            server.source(max_file_mb=5).fetch(into)


def test_server_that_stops_in_the_middle_is_given_up(served: Path, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stuck(asyncssh.SFTPServer):
        def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
            return io.BytesIO()

        async def read(self, file_obj: Any, offset: int, size: int) -> bytes:
            if offset > 5_000_000:
                await asyncio.sleep(1)
            return b"x" * size

    monkeypatch.setattr(transfer, "STALLED_SECONDS", 0.3)
    with misbehaving(served, Stuck) as server, pytest.raises(TransientError):
        server.source().fetch(into)


def test_connection_that_breaks_is_to_be_tried_again(served: Path, into: Path) -> None:
    class Gone(asyncssh.SFTPServer):
        def read(self, file_obj: Any, offset: int, size: int) -> Any:
            if offset > 5_000_000:
                self.connection.abort()
            return super().read(file_obj, offset, size)

    with misbehaving(served, Gone) as server:
        with pytest.raises(TransientError) as caught:
            server.source().fetch(into)
        assert caught.value.code == "E-NET-1"


def test_listing_without_end_is_bounded(served: Path, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "MOST_NAMES", 200)

    class Endless(asyncssh.SFTPServer):
        async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
            count = 0
            while True:
                count += 1
                yield asyncssh.SFTPName(f"{count}.csv".encode(), attrs=asyncssh.SFTPAttrs(size=1, permissions=0o100600))

    with misbehaving(served, Endless) as server, pytest.raises(TooLargeError):
        server.source().fetch(into)


def test_what_a_server_says_is_not_repeated(served: Path, into: Path) -> None:
    class Talker(asyncssh.SFTPServer):
        def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
            raise asyncssh.SFTPFailure("cannot open for ana.berg@example.org")

    with misbehaving(served, Talker) as server, pytest.raises(SyncError) as caught:
        server.source().fetch(into)
    assert "berg" not in str(caught.value.as_dict())
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("kind", ["link", "folder"])
def test_file_that_becomes_another_thing_is_not_followed(served: Path, into: Path, kind: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_bytes(BODY)

    class Swap(asyncssh.SFTPServer):
        async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
            attrs = asyncssh.SFTPAttrs.from_local((served / "users.csv").lstat())
            (served / "users.csv").unlink()
            if kind == "link":
                (served / "users.csv").symlink_to(secret)
            else:
                (served / "users.csv").mkdir()
            yield asyncssh.SFTPName(b"users.csv", attrs=attrs)

    with misbehaving(served, Swap) as server, pytest.raises(SyncError):
        server.source().fetch(into)
    assert not any(into.iterdir())
