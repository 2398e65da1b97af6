"""Many accounts at one drop box, and what they take of memory. The long form has 1000 accounts, 200 of them connected."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncssh
import psutil
import pytest
from harbour import harbour, new_key

from syncrun.connectors.sftp.dropbox.account import Account
from syncrun.connectors.sftp.dropbox.rule import Rules

PER_SESSION = 1_000_000
"""Bytes that one more connected account may take, both of its ends, since both are in this process."""


@pytest.mark.parametrize(
    ("accounts", "connected"), [(60, 20), pytest.param(1000, 200, marks=[pytest.mark.slow, pytest.mark.timeout(300)])]
)
def test_many_accounts_send_at_once(tmp_path: Path, accounts: int, connected: int) -> None:
    public = new_key(tmp_path / "key")
    key = asyncssh.read_private_key(tmp_path / "key")
    me = psutil.Process()

    async def send(port: int, n: int, gate: asyncio.Semaphore, all_in: asyncio.Barrier) -> None:
        async with gate:
            connection = await asyncssh.connect(
                "127.0.0.1", port, username=f"a{n}", client_keys=[key], known_hosts=None, config=None, agent_path=None
            )
        async with connection, connection.start_sftp_client() as sftp:
            await all_in.wait()
            async with sftp.open("users.csv", "wb") as stream:
                await stream.write(f"{n}\n".encode() * 10_000)

    async def all_of_them(port: int) -> None:
        gate, all_in = asyncio.Semaphore(10), asyncio.Barrier(connected + 1)
        sending = [asyncio.create_task(send(port, n, gate, all_in)) for n in range(connected)]
        await all_in.wait()
        print(f"{connected} connected of {accounts}: {(me.memory_info().rss - before) / 1e6:.0f} MB more")  # noqa: T201 # the figure is part of what the test is for
        await asyncio.gather(*sending)

    with harbour(tmp_path / "home", Rules(address_greetings=50, quiet=600)) as port:
        for n in range(accounts):
            port.drop.accounts.put(Account(f"a{n}", f"a{n}", keys=(public,)))
        before = me.memory_info().rss
        asyncio.run(all_of_them(port.port))
        after = me.memory_info().rss
        assert len(list(port.place.boxes.iterdir())) == connected
        assert port.box("a7") == {"users.csv": b"7\n" * 10_000}
        assert after - before < connected * PER_SESSION
