"""Publishing to real SFTP servers: OpenSSH's, and one of the library's own that misbehaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncssh
import pytest
from exporter import Exporter, unpacked
from harbour import PASSWORD, misbehaving

from syncrun.demo import roster
from syncrun.testing.sftp_server import OpenSshServer, openssh

if TYPE_CHECKING:
    from pathlib import Path

    from syncrun.run.ending import Result


def error(result: Result) -> tuple[int, str]:
    assert result.error is not None
    return result.exit_code, result.error.code


def place(server: OpenSshServer, **more: str) -> str:
    told = {"host": "127.0.0.1", "username": server.username, "private_key": f"file:{server.key}",
            "host_key": server.host_key(), **more}  # fmt: skip
    pairs = ", ".join(f'{key} = "{value}"' for key, value in told.items())
    return f"sftp = {{ port = {server.port}, {pairs} }}"


@pytest.mark.slow
def test_archive_appears_whole_and_the_next_in_its_turn(exporter: Exporter, tmp_path: Path) -> None:
    with openssh() as server:
        (server.root / "in").mkdir()
        exporter.configure(place=place(server, folder="in"), sink="keep = 1")
        exporter.first()
        (name,) = [each.name for each in (server.root / "in").iterdir()]
        first = (server.root / "in" / name).read_bytes()
        assert (name, len(unpacked(first)["users"])) == ("riverside-2026-11-20.zip", 210)
        (server.root / "in" / name).write_bytes(b"cut")
        assert exporter.sync(mode="full").exit_code == 0
        assert (server.root / "in" / name).read_bytes() == first
        exporter.files = roster.next_day()
        exporter.night()
        (name,) = [each.name for each in (server.root / "in").iterdir()]
        assert name == "riverside-2026-11-21.zip"
        (server.root / "in" / "riverside-2026-11-22.zip").write_bytes(b"of somebody else")
        exporter.edit("classes", "class-1-0", title="Other")
        exporter.write()
        exporter.clock.move(days=1)
        assert error(exporter.sync()) == (2, "E-EXPORT-1")
        assert (server.root / "in" / "riverside-2026-11-22.zip").read_bytes() == b"of somebody else"


@pytest.mark.parametrize(("more", "code"), [
    ({"host_key": "SHA256:" + "A" * 43}, (2, "E-SFTP-2")), ({"folder": "nowhere"}, (2, "E-INPUT-1")),
])  # fmt: skip
def test_server_that_is_not_the_one_that_was_meant(
    exporter: Exporter, more: dict[str, str], code: tuple[int, str]
) -> None:
    with openssh() as server:
        exporter.configure(place=place(server, **more))
        exporter.write()
        assert error(exporter.sync()) == code
        assert list(server.root.iterdir()) == []


class Breaking(asyncssh.SFTPServer):
    """A server that breaks off in the middle of an upload, as often as it is told to."""

    left = 0
    renames = True

    def write(self, file_obj: Any, offset: int, data: bytes) -> Any:
        if Breaking.left:
            Breaking.left -= 1
            super().write(file_obj, offset, data[:100])
            raise asyncssh.SFTPConnectionLost("gone")
        return super().write(file_obj, offset, data)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> Any:
        if not Breaking.renames:
            raise asyncssh.SFTPOpUnsupported("no")
        return super().posix_rename(oldpath, newpath)


@pytest.fixture
def breaking(exporter: Exporter, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("EXPORT_PASSWORD", PASSWORD)
    monkeypatch.setattr("syncrun.apply.stop.Stop.pause", lambda stop, seconds: None)
    monkeypatch.setattr(Breaking, "left", 0)
    monkeypatch.setattr(Breaking, "renames", True)
    (tmp_path / "there").mkdir()
    with misbehaving(tmp_path / "there", Breaking) as server:
        exporter.configure(place=f'sftp = {{ host = "127.0.0.1", port = {server.port}, username = "oak", '
                                 f'password = "env:EXPORT_PASSWORD", host_key = "{server.key.get_fingerprint()}" }}')  # fmt: skip
        yield server


def test_upload_that_breaks_off_is_made_again_and_nothing_half_done_is_seen(exporter: Exporter, breaking) -> None:
    exporter.first()
    exporter.write(roster.next_day())
    exporter.clock.move(days=1)
    Breaking.left = 1000
    result = exporter.sync()
    assert result.exit_code == 75
    assert PASSWORD not in str(result.summary)
    seen = [each.name for each in breaking.root.iterdir() if not each.name.startswith(".")]
    assert seen == ["riverside-2026-11-20.zip"]
    Breaking.left = 2
    assert exporter.sync().exit_code == 0
    names = sorted(each.name for each in breaking.root.iterdir())
    assert names == ["riverside-2026-11-20.zip", "riverside-2026-11-21.zip"]
    assert "s1900" in {row["sourcedId"] for row in unpacked((breaking.root / names[1]).read_bytes())["users"]}


def test_server_that_cannot_rename_over_a_file(exporter: Exporter, breaking) -> None:
    Breaking.renames = False
    exporter.first()
    exporter.edit("classes", "class-1-0", title="The same day")
    exporter.write()
    assert exporter.sync().exit_code == 0
    (name,) = [each.name for each in breaking.root.iterdir()]
    assert "The same day" in {row["title"] for row in unpacked((breaking.root / name).read_bytes())["classes"]}
