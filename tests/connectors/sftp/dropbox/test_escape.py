"""From one account nothing outside of its box is seen or written, by any request with any path.

That the sweep can tell is proved by boxes whose guards are broken.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncssh
import pytest
from asyncssh.sftp import SFTPServerHandler
from escape import ACTS, BOX, CANARY, OWN, PATHS, REFUSED, escapes

from syncrun.connectors.sftp.dropbox import session
from syncrun.connectors.sftp.dropbox.box import Box

if TYPE_CHECKING:
    from harbour import Harbour


@pytest.fixture
def set_up(port: Harbour) -> Harbour:
    """Links that somebody on the machine left in the box, and another account's roster."""
    boxes = port.place.boxes
    for name in ("oak", "elm"):
        (boxes / name).mkdir()
        (boxes / name / "hollow").mkdir()
        (boxes / name / "users.csv").write_bytes(CANARY if name == "elm" else b"mine")
    (boxes / "oak" / "link").symlink_to(boxes / "elm")
    (boxes / "oak" / "loop").symlink_to("loop")
    (boxes / "oak" / "out.csv").symlink_to(boxes / "elm" / "users.csv")
    os.mkfifo(boxes / "oak" / "fifo")
    account = port.drop.accounts.get("oak")
    port.drop.accounts.put(dataclasses.replace(account, reads=True))
    return port


@pytest.mark.requirement("S2-15")
@pytest.mark.parametrize("act", [*ACTS, *REFUSED])
def test_no_path_leads_out(set_up: Harbour, act: str, tmp_path: Path) -> None:
    assert escapes(set_up, tmp_path, act) == []


def test_every_request_of_the_protocol_is_answered_in_the_sweep_or_not_at_all() -> None:
    """Also those that a later version of the library may learn."""
    left_out = {kind for kind, _ in REFUSED.values()}
    assert set(session._Handler._packet_handlers) == session.KEPT
    assert set(SFTPServerHandler._packet_handlers) == session.KEPT | left_out


@pytest.mark.parametrize("act", ["read", "write", "list", "stat", "realpath", "remove"])
def test_own_names_are_answered(set_up: Harbour, act: str) -> None:
    """The sweep finds nothing for another reason than that nothing is answered at all."""
    wanted = BOX if act == "list" else "users.csv"

    async def attempt() -> None:
        async with set_up.client() as sftp:
            for path in (path for path, name in OWN.items() if name == wanted):
                (set_up.place.boxes / "oak" / "users.csv").write_bytes(b"mine")
                await ACTS[act](sftp, path.encode())

    asyncio.run(attempt())


# -- broken guards: the same sweep finds them ----------------------------------------------------------------------------
# These boxes do let requests out, so that they are given no path that leads out of the test's own folder.

FOLDERS = ("list", "open folder")
WHATEVER_THE_PATH = {"append", "read and write", "truncate"}
"""Refused before it matters where they lead."""
NOT_OURS = {"fstatvfs", "ranges", "block", "unblock"}
"""The library could not carry them out on the files that the drop box opens."""


def harmless(port: Harbour) -> dict[str, str | None]:
    paths = {path: name for path, name in PATHS.items() if path.count("..") <= 2 and not path.startswith(("/", "~"))}
    return {**paths, str(port.place.boxes / "elm" / "users.csv"): None, str(port.place.boxes / "elm" / "new.csv"): None,
            str(port.place.boxes / "elm"): None}  # fmt: skip


@pytest.fixture
def safe(set_up: Harbour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str | None]:
    box = set_up.place.boxes / "oak"
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)  # where a raw path without a folder leads
    found = harmless(set_up)
    for path in found:
        assert Path(os.path.normpath(box / path.replace("\0", ""))).is_relative_to(tmp_path)
    return found


@pytest.mark.parametrize("act", [each for each in ACTS if each not in {*FOLDERS, *WHATEVER_THE_PATH}])
def test_sweep_finds_a_path_that_is_taken_as_it_comes(
    set_up: Harbour, safe: dict[str, str | None], act: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raw(self: Box, path: bytes) -> str | None:
        return os.fsdecode(path) or None

    monkeypatch.setattr(Box, "name", raw)
    found = escapes(set_up, tmp_path, act, safe)
    assert any("elm" in each for each in found)
    if act in {"write", "remove"} or "rename" in act:
        assert any(each.startswith("changed") and "elm" in each for each in found)
    if act in {"read", "fstat", "stat", "lstat"}:
        assert any("gave another's" in each for each in found)


@pytest.mark.parametrize("act", FOLDERS)
def test_sweep_finds_a_listing_of_other_folders(
    set_up: Harbour, safe: dict[str, str | None], act: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def listed(self: session.Files, path: bytes) -> Any:
        for found in (set_up.place.boxes / "oak" / os.fsdecode(path)).iterdir():
            yield asyncssh.SFTPName(os.fsencode(found.name))

    monkeypatch.setattr(session.Files, "scandir", listed)
    assert "'../elm' gave a folder that is none" in escapes(set_up, tmp_path, act, safe)


@pytest.mark.parametrize("act", ["read", "stat", "lstat", "fstat"])
def test_sweep_finds_links_that_are_followed(
    set_up: Harbour, safe: dict[str, str | None], act: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(self: Box, name: str) -> os.stat_result:
        return os.stat(name, dir_fd=self._files)

    def open_(self: Box, name: str) -> int:
        return os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self._files)

    monkeypatch.setattr(Box, "look", look)
    monkeypatch.setattr(Box, "open", open_)
    assert "'out.csv' gave another's " in " ".join(escapes(set_up, tmp_path, act, safe))


@pytest.mark.parametrize("act", [each for each in REFUSED if each not in NOT_OURS])
def test_sweep_finds_requests_that_are_left_in(
    set_up: Harbour, safe: dict[str, str | None], act: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(set_up.place.boxes / "oak")
    monkeypatch.setattr(session._Handler, "_packet_handlers", SFTPServerHandler._packet_handlers)
    assert escapes(set_up, tmp_path, act, safe) != []


def test_links_of_the_machine_are_not_there(set_up: Harbour) -> None:
    async def attempt() -> None:
        async with set_up.client() as sftp:
            for name in ("link", "out.csv", "fifo", "loop"):
                with pytest.raises(asyncssh.SFTPError):
                    await sftp.stat(name)
                with pytest.raises(asyncssh.SFTPError):
                    await sftp.remove(name)
            await ACTS["write"](sftp, b"out.csv")  # takes the link's place

    asyncio.run(attempt())
    assert (set_up.place.boxes / "elm" / "users.csv").read_bytes() == CANARY
    assert (set_up.place.boxes / "oak" / "out.csv").read_bytes() == b"intruder"


@pytest.mark.requirement("S2-15")
def test_accounts_do_not_see_each_other(port: Harbour) -> None:
    async def both() -> None:
        async with port.client("oak") as oak, port.client("elm") as elm:
            await ACTS["write"](oak, b"users.csv")
            assert await ACTS["list"](elm, b"/") == []
            with pytest.raises(asyncssh.SFTPNoSuchFile):
                await elm.stat(b"users.csv")

    asyncio.run(both())


def test_what_was_sent_is_not_read_back_unless_that_is_allowed(port: Harbour) -> None:
    async def attempt() -> None:
        async with port.client() as sftp:
            await ACTS["write"](sftp, b"users.csv")
            assert await ACTS["list"](sftp, b"/upload") == [b"users.csv"]
            with pytest.raises(asyncssh.SFTPPermissionDenied):
                await ACTS["read"](sftp, b"users.csv")

    asyncio.run(attempt())


def test_no_shell_no_command_no_tunnel(port: Harbour) -> None:
    async def attempt() -> None:
        async with port.connection() as connection:
            for what in ({"command": "id"}, {}, {"subsystem": "shell"}, {"command": "scp -t /"}):
                with pytest.raises(asyncssh.ChannelOpenError):
                    await connection.create_process(**what)
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.open_connection("127.0.0.1", 22)
            with pytest.raises(asyncssh.ChannelListenError):
                await connection.forward_remote_port("", 0, "127.0.0.1", 22)

    asyncio.run(attempt())
