"""Who gets in, and how often somebody may try."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from pathlib import Path

import asyncssh
import pytest
from harbour import PASSWORD, Harbour, auto_send, harbour, new_key

from syncrun.connectors.sftp.dropbox.account import Account, Accounts, hashed, new_password, right
from syncrun.connectors.sftp.dropbox.door import ACCOUNT_WAITS, ADDRESS_WAITS, FORGOTTEN, Door, net
from syncrun.connectors.sftp.dropbox.hostkey import host_key
from syncrun.errors import FaultError, RefusedError, UsageError


def events(port: Harbour) -> list[tuple[str, str | None]]:
    return [(line["event"], line["account"]) for line in map(json.loads, port.audit().splitlines())]


async def knock(port: Harbour, account: str, password: str) -> bool:
    try:
        async with port.connection(account, password):
            return True
    except (asyncssh.PermissionDenied, asyncssh.ConnectionLost):
        return False


def test_right_password_opens_and_wrong_ones_do_not(port: Harbour) -> None:
    assert asyncio.run(knock(port, "oak", PASSWORD))
    assert not asyncio.run(knock(port, "oak", "wrong-canary"))
    assert not asyncio.run(knock(port, "canary-typed-as-name", PASSWORD))
    assert not asyncio.run(knock(port, "../accounts/oak", PASSWORD))
    assert "canary" not in port.audit()
    assert ("log-in", "oak") in events(port)
    assert ("refused", "oak") in events(port)
    assert ("refused", None) in events(port)


@pytest.mark.requirement("S2-15")
def test_keys_open_their_own_account_alone(port: Harbour, tmp_path: Path) -> None:
    accounts = port.drop.accounts
    accounts.put(dataclasses.replace(accounts.get("oak"), keys=(new_key(tmp_path / "oak"),)))
    new_key(tmp_path / "stranger")
    assert auto_send(port, tmp_path / "oak", "ls").returncode == 0
    assert auto_send(port, tmp_path / "oak", "ls", account="elm").returncode != 0
    assert auto_send(port, tmp_path / "stranger", "ls").returncode != 0


def test_guessing_gets_slower_even_for_the_right_password(tmp_path: Path) -> None:
    clock = [0.0]
    with harbour(tmp_path / "home", seconds=lambda: clock[0]) as port:
        for _ in range(6):
            assert not asyncio.run(knock(port, "oak", "wrong"))
            clock[0] += 0.001
        assert not asyncio.run(knock(port, "oak", PASSWORD))
        clock[0] += ADDRESS_WAITS + 1
        assert asyncio.run(knock(port, "oak", PASSWORD))


def test_delays_grow_to_a_bound_and_are_forgotten() -> None:
    clock = [0.0]
    door = Door(lambda: clock[0])
    waits = []
    for _ in range(20):
        door.failed("oak", "192.0.2.1")
        waits.append(door.wait("oak", "198.51.100.7"))
    assert waits[:2] == [0, 0]
    assert waits == sorted(waits)
    assert waits[-1] == ACCOUNT_WAITS
    assert door.wait("elm", "192.0.2.1") == ADDRESS_WAITS
    assert door.wait("elm", "198.51.100.7") == 0
    door.succeeded("oak", "192.0.2.1")
    assert door.wait("oak", "198.51.100.7") == 0
    assert door.wait("elm", "192.0.2.1") == ADDRESS_WAITS
    clock[0] += FORGOTTEN
    door.failed("elm", "192.0.2.1")
    assert door.wait("elm", "192.0.2.1") == 0


def test_addresses_of_one_household_are_one() -> None:
    assert net("2001:db8::1") == net("2001:db8::ffff:2") != net("2001:db8:0:1::1")
    assert net("::ffff:192.0.2.1") == net("192.0.2.1")
    assert net("fe80::1%eth0") == net("fe80::2")
    assert net("") == "unknown"


def test_accounts_are_kept_whole_and_closed_to_others(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path / "accounts")
    password = new_password()
    made = Account("oak", "riverside", hashed(password), quota=7)
    accounts.put(made)
    assert accounts.all() == [made]
    assert (tmp_path / "accounts" / "oak.json").stat().st_mode & 0o777 == 0o600
    assert password not in (tmp_path / "accounts" / "oak.json").read_text()
    assert "argon2" not in repr(made)
    assert right(made, password)
    assert not right(made, password[:-1])
    assert not right(dataclasses.replace(made, enabled=False), password)
    assert not right(dataclasses.replace(made, password=None), password)
    assert not right(None, password)
    for name in ("../oak", "", "Oak", "a" * 40, "oak\n"):
        assert accounts.get(name) is None
        with pytest.raises(UsageError):
            accounts.put(dataclasses.replace(made, name=name))
    (tmp_path / "accounts" / "oak.json").write_text("{")
    with pytest.raises(FaultError):
        accounts.get("oak")


def test_servers_key_is_made_once_and_refused_when_others_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "host_key"
    first = host_key(path).get_fingerprint()
    assert host_key(path).get_fingerprint() == first
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(RefusedError):
        host_key(path)
    path.chmod(0o600)
    path.write_text("nothing")
    with pytest.raises(RefusedError):
        host_key(path)
