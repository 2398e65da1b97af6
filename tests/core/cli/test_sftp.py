"""`syncrun sftp`: accounts, keys and the server, as an operator has them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from harbour import new_key, sftp_command, source

from syncrun.cli.sftp import first_sync_done
from syncrun.testing.sftp_server import openssh

if TYPE_CHECKING:
    from terminal import Terminal
    from world import World


@pytest.mark.requirement("S2-15")
def test_account_from_its_making_to_its_end(terminal: Terminal, home: Path) -> None:
    made = terminal("sftp", "user", "add", "oak", "--district", "riverside", "--json").json
    assert (made["name"], made["district"], len(made["password"])) == ("oak", "riverside", 24)
    again = terminal("sftp", "user", "add", "oak")
    assert (again.code, "rotate" in again.err) == (2, True)
    changed = terminal("sftp", "user", "rotate", "oak", "--json").json
    assert changed["password"] != made["password"]
    assert terminal("sftp", "user", "disable", "oak").code == 0
    (row,) = terminal("sftp", "user", "list", "--json").json
    assert row == {"name": "oak", "district": "riverside", "enabled": False, "password": True, "keys": 0,
                   "quota_mb": 4000, "reads": False}  # fmt: skip
    assert "withdrawn" in terminal("sftp", "user", "list").out
    kept = "".join(path.read_text() for path in (home / "sftp").rglob("*") if path.is_file())
    assert made["password"] not in kept
    assert changed["password"] not in kept


def test_account_with_a_key_has_no_password(terminal: Terminal, home: Path, tmp_path: Path) -> None:
    new_key(tmp_path / "key")
    answer = terminal("sftp", "user", "add", "oak", "--key", tmp_path / "key.pub")
    assert (answer.code, "Password" in answer.out) == (0, False)
    private = terminal("sftp", "user", "add", "elm", "--key", tmp_path / "key")
    assert (private.code, "no public key" in private.err) == (2, True)
    (row,) = terminal("sftp", "user", "list", "--json").json
    assert (row["password"], row["keys"]) == (False, 1)


@pytest.mark.parametrize("arguments", [("user", "rotate", "nobody"), ("user", "disable", "nobody"), ("user", "add", "../x"),
                                       ("serve", "--window", "evening"), ("serve", "--zone", "Mars")])  # fmt: skip
def test_what_cannot_be_is_refused(terminal: Terminal, home: Path, arguments: tuple[str, ...]) -> None:
    answer = terminal("sftp", *arguments)
    assert answer.code == 2
    assert "E-USAGE-1" in answer.err


def test_fingerprints_are_those_of_ssh_keygen(terminal: Terminal, home: Path) -> None:
    with openssh() as server:
        shown = terminal("sftp", "hostkey", "127.0.0.1", "--port", server.port)
        assert shown.code == 0
        assert {line.split()[0] for line in shown.out.splitlines()} == {
            server.host_key(kind) for kind in ("ed25519", "ecdsa", "rsa")
        }
        assert shown.out.startswith(server.host_key())


def test_server_takes_files_from_where_it_says_it_is(terminal: Terminal, home: Path, tmp_path: Path) -> None:
    new_key(tmp_path / "key")
    terminal("sftp", "user", "add", "oak", "--key", tmp_path / "key.pub", "--may-read")
    command = [sys.executable, "-m", "syncrun", "sftp", "serve", "--port", "0", "--no-runs", "--json"]
    (tmp_path / "users.csv").write_text("sourcedId\n")
    into = tmp_path / "into"
    into.mkdir()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        facts = json.loads(process.stdout.readline())
        assert facts["host_key"] == terminal("sftp", "hostkey", "--json").json[0]["fingerprint"]
        sent = subprocess.run(sftp_command(facts["port"], tmp_path / "key", "oak"), input=f"put {tmp_path}/users.csv\n",
                              text=True, capture_output=True, check=False, timeout=30)  # fmt: skip
        assert sent.returncode == 0, sent.stderr
        fetched = source(facts["port"], facts["host_key"], private_key=(tmp_path / "key").read_text()).fetch(into)
        assert [path.read_text() for path in fetched.files] == ["sourcedId\n"]
        process.send_signal(signal.SIGTERM)
        _, error = process.communicate(timeout=30)
        assert (process.returncode, error) == (0, "")
    assert (home / "sftp" / "boxes" / "oak" / "users.csv").read_text() == "sourcedId\n"


def test_port_that_is_taken_is_named(terminal: Terminal, home: Path) -> None:
    with openssh() as server:
        answer = terminal("sftp", "serve", "--port", server.port)
    assert (answer.code, str(server.port) in answer.err) == (2, True)


@pytest.mark.requirement("S2-16")
def test_first_sync_counts_when_a_person_let_it_go_and_it_was_carried_out(world: World) -> None:
    world.write()
    name = world.session().district.name
    assert not first_sync_done(name)
    world.sync()
    assert not first_sync_done(name)  # it is held
    world.approve()
    world.sync()
    assert first_sync_done(name)
