"""The connector against a real OpenSSH."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from pathlib import Path

import pytest
from harbour import PASSWORD, misbehaving, source

from syncrun.connectors.sftp.fault import NothingNewError, NotReadyError
from syncrun.connectors.sftp.source import Sftp
from syncrun.errors import (
    ArrivingError,
    AuthError,
    InputError,
    TooLargeError,
    UnknownHostError,
    UnreachableError,
)
from syncrun.sdk.sftp.fault import HostKeyChangedError, HostKeyUnknownError
from syncrun.testing.sftp_server import OpenSshServer, openssh

NAMES = ("orgs.csv", "academicSessions.csv", "courses.csv", "classes.csv", "users.csv", "enrollments.csv")


def of(server: OpenSshServer, **settings: object) -> Sftp:
    told = {
        "host_key": server.host_key(),
        "username": server.username,
        "private_key": server.key.read_text(),
        **settings,
    }
    return source(server.port, **told)


def write(server: OpenSshServer, *names: str, at: float = 1_000_000_000) -> None:
    for name in names:
        path = server.root / name
        path.write_text(f"{name}\n" * 3)
        os.utime(path, (at, at))


def test_loose_files_come_with_their_times_and_nothing_else_does(district: OpenSshServer, into: Path) -> None:
    write(district, *NAMES)
    write(district, "users.csv.filepart", "a.csv.tmp", "notes.md", ".hidden.csv", "~$users.csv", "users.csv~")
    (district.root / "archive.csv").mkdir()
    (district.root / "link.csv").symlink_to("/etc/passwd")
    os.mkfifo(district.root / "pipe.csv")
    found = of(district).fetch(into)
    assert {path.name for path in found.files} == set(NAMES) == {path.name for path in into.iterdir()}
    assert [path.read_text() for path in found.files] == [f"{path.name}\n" * 3 for path in found.files]
    assert {path.stat().st_mtime for path in found.files} == {1_000_000_000}
    assert {path.stat().st_mode & 0o777 for path in found.files} == {0o600}
    assert found.left == ()
    assert len(district.connections) == 1


def test_archive_comes_whole_and_older_loose_files_are_left_aside(district: OpenSshServer, into: Path) -> None:
    write(district, *NAMES, at=1_000_000_000)
    write(district, "night.ZIP", at=1_000_100_000)
    found = of(district).fetch(into)
    assert [path.name for path in found.files] == ["night.ZIP"]
    assert set(found.left) == set(NAMES)


def test_folder_and_patterns_are_the_settings(district: OpenSshServer, into: Path) -> None:
    (district.root / "out").mkdir()
    write(district, "out/users.csv", "out/other.csv", "users.csv")
    found = of(district, folder="out", files=["USERS*"]).fetch(into)
    assert [path.name for path in found.files] == ["users.csv"]


def test_fetching_again_after_a_break_takes_files_whole(district: OpenSshServer, into: Path) -> None:
    write(district, *NAMES)
    (into / "users.csv").write_text("half of anoth")
    of(district).fetch(into)
    assert (into / "users.csv").read_text() == "users.csv\n" * 3


def test_without_a_pin_nothing_is_sent_and_the_fingerprint_is_shown(district: OpenSshServer) -> None:
    with pytest.raises(HostKeyUnknownError) as caught:
        of(district, host_key=None).check()
    assert district.host_key() in caught.value.message
    assert f'host_key = "{district.host_key()}"' in caught.value.next_step
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_pin_of_any_of_the_servers_keys_holds(district: OpenSshServer, kind: str) -> None:
    of(district, host_key=district.host_key(kind)).check()


def test_changed_key_stops_before_anything_is_sent() -> None:
    with openssh() as server:
        pinned = server.host_key()
        server.change_host_keys()
        with pytest.raises(HostKeyChangedError) as caught:
            of(server, host_key=pinned).check()
        assert pinned in caught.value.message
        assert server.host_key() in caught.value.message
        assert caught.value.exit_code == 2
        of(server, host_key=f"{pinned} {server.host_key()}").check()  # both, while keys are exchanged


def test_password_is_not_sent_to_another_server(tmp_path: Path) -> None:
    with misbehaving(tmp_path) as server:
        with pytest.raises(HostKeyChangedError):
            source(server.port, f"SHA256:{'a' * 43}", password=PASSWORD).check()
        assert server.tried == []


def test_wrong_password_is_tried_once(tmp_path: Path) -> None:
    with misbehaving(tmp_path) as server:
        server.source().check()
        server.tried.clear()
        with pytest.raises(AuthError) as caught:
            server.source(password="wrong-canary").check()
        assert server.tried == ["wrong-canary"]
        assert "canary" not in caught.value.message


def test_server_that_asks_for_a_new_password_gets_none(tmp_path: Path) -> None:
    with misbehaving(tmp_path) as server:
        server.expired = True
        with pytest.raises(AuthError) as caught:
            server.source().check()
        assert server.tried == [PASSWORD]
    assert "asks for more" in caught.value.message


def test_wrong_key_is_no_empty_folder(district: OpenSshServer) -> None:
    (district.settings / "authorized_keys").write_text("")
    with pytest.raises(AuthError):
        of(district).fetch(district.root)


def test_nothing_there_is_said_as_such(district: OpenSshServer, into: Path) -> None:
    with pytest.raises(NothingNewError) as caught:
        of(district).fetch(into)
    assert caught.value.exit_code == 75
    of(district).check()  # an empty folder can be reached


def test_folder_that_is_not_there(district: OpenSshServer, into: Path) -> None:
    with pytest.raises(InputError):
        of(district, folder="nowhere").check()


def test_set_that_is_too_old(district: OpenSshServer, into: Path) -> None:
    write(district, *NAMES)
    with pytest.raises(NothingNewError):
        of(district, max_age_hours=26, now=lambda: 1_000_000_000 + 27 * 3600.0).fetch(into)
    assert of(district, max_age_hours=26, now=lambda: 1_000_000_000 + 25 * 3600.0).fetch(into).files


def test_server_that_is_down_and_name_that_nobody_knows() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(UnreachableError):
        source(port, f"SHA256:{'a' * 43}", password=PASSWORD).check()
    with pytest.raises(UnknownHostError):
        source(22, f"SHA256:{'a' * 43}", password=PASSWORD, host="nowhere.invalid").check()


def test_marker_says_when_a_set_counts(district: OpenSshServer, into: Path) -> None:
    write(district, *NAMES, at=1_000_000_000)
    write(district, "all.done", at=999_999_000)
    with pytest.raises(NotReadyError):
        of(district, marker="*.done").fetch(into)
    write(district, "all.done", at=1_000_000_060)
    assert len(of(district, marker="*.done").fetch(into).files) == 6


def test_file_that_grows_between_two_looks_is_still_coming(district: OpenSshServer, into: Path) -> None:
    write(district, *NAMES, at=1_000_000_000)

    async def grow(seconds: float) -> None:
        assert seconds == 30
        with (district.root / "users.csv").open("a") as stream:
            stream.write("more\n")
        os.utime(district.root / "users.csv", (1_000_000_000, 1_000_000_000))

    young = {"quiet_seconds": 30, "now": lambda: 1_000_000_010.0}
    with pytest.raises(ArrivingError):
        of(district, pause=grow, **young).fetch(into)
    assert not any(into.iterdir())
    quiet = of(district, pause=lambda seconds: asyncio.sleep(0), **young)
    assert len(quiet.fetch(into).files) == 6


def test_long_quiet_set_is_not_waited_for(district: OpenSshServer, into: Path) -> None:
    write(district, *NAMES, at=1_000_000_000)

    async def never(seconds: float) -> None:
        raise AssertionError

    of(district, quiet_seconds=30, pause=never, now=lambda: 1_000_001_000.0).fetch(into)


def test_sizes_are_bounded_before_anything_comes(district: OpenSshServer, into: Path) -> None:
    write(district, *NAMES)
    with pytest.raises(TooLargeError):
        of(district, max_file_mb=0.00001).fetch(into)
    with pytest.raises(TooLargeError):
        of(district, max_total_mb=0.0001).fetch(into)
    assert not any(into.iterdir())


def test_names_that_differ_in_capitals_alone_are_refused(district: OpenSshServer, into: Path) -> None:
    write(district, "users.csv", "USERS.csv")
    with pytest.raises(InputError):
        of(district).fetch(into)


@pytest.mark.skipif(os.getuid() != 0, reason="OpenSSH shuts accounts into a folder for root alone")
def test_account_that_is_shut_into_a_folder(into: Path) -> None:
    with openssh(chroot=True) as server:
        write(server, "upload/users.csv")
        assert [path.name for path in of(server, folder="upload").fetch(into).files] == ["users.csv"]
        assert [path.name for path in of(server, folder="/upload").fetch(into).files] == ["users.csv"]


def test_logs_hold_no_secret_and_no_name(district: OpenSshServer, into: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(district, *NAMES)
    with caplog.at_level(logging.DEBUG):
        of(district).fetch(into)
    assert "users.csv" not in caplog.text
    assert "asyncssh" not in {record.name.split(".")[0] for record in caplog.records}
