"""Files of a real OpenSSH that become others while they are fetched: none of them is taken for whole."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from harbour import source

from syncrun.connectors.sftp import transfer
from syncrun.errors import ArrivingError
from syncrun.testing.sftp_server import OpenSshServer

LINE = b"user-0000001,active,,true,school-1,student,ana,Ana,Berg\n"
SIZE = 100_000_000
"""More than is asked for at once, so that the change comes before the server has read it all."""
EARLY = 1_000_000
"""So many bytes have come when the file changes."""


@pytest.fixture
def file(district: OpenSshServer) -> Path:
    path = district.root / "users.csv"
    with path.open("wb") as stream:
        for _ in range(100):
            stream.write((LINE * (SIZE // 100 // len(LINE) + 1))[: SIZE // 100])
    os.utime(path, (1_000_000_000, 1_000_000_000))
    return path


def truncate(path: Path) -> None:
    os.truncate(path, SIZE // 2)


def truncate_unseen(path: Path) -> None:
    truncate(path)
    os.utime(path, (1_000_000_000, 1_000_000_000))


def replace(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_bytes(b"another night\n")
    other.replace(path)


def write_over(path: Path) -> None:
    with path.open("r+b") as stream:
        stream.write(b"another night\n")


def begin_anew(path: Path) -> None:
    """As a server does on which the next upload begins."""
    path.write_bytes(b"sourcedId\n")


def grow(path: Path) -> None:
    with path.open("ab") as stream:
        stream.write(LINE)


def grow_unseen(path: Path) -> None:
    grow(path)
    os.utime(path, (1_000_000_000, 1_000_000_000))


def remove(path: Path) -> None:
    path.unlink()


def nothing(path: Path) -> None:
    pass


class Meanwhile:
    """Does something to a file once, when so much of it has come."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, act: Callable[[Path], None], path: Path) -> None:
        self.come: int | None = None
        alive = transfer._Watch.alive

        def noted(watch: transfer._Watch, source: bytes, target: bytes, come: int, size: int) -> None:
            if self.come is None and come >= EARLY:
                self.come = come
                act(path)
            alive(watch)

        monkeypatch.setattr(transfer._Watch, "alive", noted)


@pytest.mark.parametrize(
    "act",
    [truncate, truncate_unseen, replace, write_over, begin_anew, grow, grow_unseen, remove],
    ids=lambda each: each.__name__,
)
def test_file_that_changes_in_the_middle_does_not_count(
    district: OpenSshServer, file: Path, into: Path, monkeypatch: pytest.MonkeyPatch, act: Callable[[Path], None]
) -> None:
    meanwhile = Meanwhile(monkeypatch, act, file)
    with pytest.raises(ArrivingError) as caught:
        fetch(district, into)
    assert meanwhile.come is not None
    assert meanwhile.come < SIZE
    assert caught.value.exit_code == 75
    assert len(district.connections) == 1


def test_next_run_takes_the_file_that_is_there_by_then(
    district: OpenSshServer, file: Path, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as first:
        Meanwhile(first, replace, file)
        with pytest.raises(ArrivingError):
            fetch(district, into)
    assert fetch(district, into).read_bytes() == b"another night\n"


def test_file_that_stays_counts(
    district: OpenSshServer, file: Path, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile = Meanwhile(monkeypatch, nothing, file)
    assert fetch(district, into).read_bytes() == file.read_bytes()
    assert meanwhile.come is not None


def fetch(server: OpenSshServer, into: Path) -> Path:
    sftp = source(server.port, server.host_key(), username=server.username, private_key=server.key.read_text())
    (found,) = sftp.fetch(into).files
    return found
