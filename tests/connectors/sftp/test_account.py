"""Accounts with a password on a real OpenSSH: let in, refused, shut into a folder, and asked for more than they can give."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from harbour import PASSWORD, source

from syncrun.connectors.sftp.source import Sftp
from syncrun.errors import AuthError, ForbiddenError, InputError
from syncrun.testing.sftp_account import USER_ID, Account, hindrance
from syncrun.testing.sftp_server import OpenSshServer, Way, openssh

HINDRANCE = hindrance()
OAK, EXPIRED = Account("oak", PASSWORD), Account("oak", PASSWORD, expired=True)
WAYS: list[tuple[Way, ...]] = [("password",), ("keyboard-interactive",), ("password", "keyboard-interactive")]
each_way = pytest.mark.parametrize("ways", WAYS, ids="+".join)

pytestmark = pytest.mark.skipif(bool(HINDRANCE), reason=f"no account with a password can be made: {HINDRANCE}")


def of(server: OpenSshServer, password: str = PASSWORD, **settings: object) -> Sftp:
    return source(server.port, server.host_key(), password=password, **settings)


def put(folder: Path, text: str = "sourcedId\n") -> None:
    (folder / "users.csv").write_text(text)


def refused(server: OpenSshServer) -> list[str]:
    """What the server has noted of attempts that failed."""
    return [line for line in server.log.read_text().splitlines() if line.startswith("Failed ")]


def refused_in_time(server: OpenSshServer) -> list[str]:
    """The same, once the server has come to note it: that is after it has hung up."""
    end = time.monotonic() + 10
    while not refused(server) and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.1)
    return refused(server)


def marks(folder: Path) -> list[tuple[str, int, int]]:
    """What tells a file that was changed, moved or given to somebody else."""
    return [(each.name, each.stat().st_ino, each.stat().st_ctime_ns) for each in (folder, *folder.iterdir())]


@each_way
def test_right_password_fetches(into: Path, ways: tuple[Way, ...]) -> None:
    with openssh(account=OAK, ways=ways) as server:
        put(server.root)
        (found,) = of(server).fetch(into).files
        assert found.read_text() == "sourcedId\n"
        assert refused(server) == []


@each_way
def test_wrong_password_is_tried_once_and_stops_the_night(ways: tuple[Way, ...]) -> None:
    with openssh(account=OAK, ways=ways) as server:
        with pytest.raises(AuthError) as caught:
            of(server, "wrong-canary").check()
        assert len(refused_in_time(server)) == 1
        assert len(server.connections) == 1
    assert (caught.value.code, caught.value.exit_code) == ("E-AUTH-1", 2)
    assert "canary" not in str(caught.value.as_dict())


def test_unknown_account_is_told_like_a_wrong_password() -> None:
    with openssh(account=OAK, ways=("password",)) as server, pytest.raises(AuthError) as caught:
        of(server, username="elm").check()
    assert "does not accept the user name with the password" in caught.value.message


def test_password_does_for_a_server_that_wants_a_key_in_vain() -> None:
    with openssh(account=OAK, ways=("publickey",)) as server, pytest.raises(AuthError):
        of(server).check()


@pytest.mark.parametrize(
    ("ways", "kind", "words"),
    [(("password",), ForbiddenError, "shows it no files"), (("keyboard-interactive",), AuthError, "asks for more")],
    ids=["let in for nothing", "asked in a dialogue"],
)
def test_password_that_must_be_changed_is_not_tried_night_after_night(
    ways: tuple[Way, ...], kind: type[AuthError | ForbiddenError], words: str
) -> None:
    with openssh(account=EXPIRED, ways=ways) as server, pytest.raises(kind) as caught:
        of(server).check()
    assert words in caught.value.message
    assert "changed first" in caught.value.next_step
    assert caught.value.exit_code == 2


def test_account_shut_into_a_folder_sees_nothing_else(into: Path) -> None:
    with openssh(account=OAK, ways=("password",), chroot=True) as server:
        put(server.root / "upload")
        (server.root / "upload" / "link").symlink_to("/etc")
        for folder in ("/upload", "upload", "/upload/../upload"):
            (found,) = of(server, folder=folder).fetch(into).files
            assert found.read_text() == "sourcedId\n"
        for folder in (str(server.root), "/etc", "upload/link", "../../etc"):
            with pytest.raises(InputError):
                of(server, folder=folder).check()
        assert f'Changed root directory to "{server.root}"' in server.log.read_text()


def test_what_the_account_may_not_read_is_not_missing(into: Path) -> None:
    with openssh(account=OAK, ways=("password",)) as server:
        put(server.root)
        (server.root / "users.csv").chmod(0o600)
        with pytest.raises(ForbiddenError):
            of(server).fetch(into)
        os.chown(server.root / "users.csv", USER_ID, -1)
        assert of(server).fetch(into).files


def test_connection_without_files_is_no_broken_line() -> None:
    with openssh(account=OAK, ways=("password",)) as server:
        settings = server.settings / "sshd_config"
        settings.write_text(settings.read_text().replace("internal-sftp", "/bin/false"))
        with pytest.raises(ForbiddenError) as caught:
            of(server).check()
    assert caught.value.code == "E-AUTH-2"


def test_nothing_is_changed_on_the_server(into: Path) -> None:
    """Nothing is written, moved or renamed there: an account that may only read is enough."""
    with openssh(account=OAK, ways=("password",), only_read=True) as server:
        put(server.root)
        before = marks(server.root)
        assert of(server).fetch(into).files
        assert marks(server.root) == before
