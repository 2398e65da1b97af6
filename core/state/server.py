"""The servers that begin runs: each says that it is there, again and again; who does not say so for long is taken for
dead, on this machine as soon as its process is gone."""

from __future__ import annotations

import datetime
import os
import secrets
import socket
from dataclasses import dataclass

import sqlalchemy as sa

from syncrun.state.lease import now_of
from syncrun.state.model import servers
from syncrun.state.process import born, is_dead
from syncrun.state.store import State

SILENCE = datetime.timedelta(seconds=90)
"""A server that was silent for longer is taken for dead. One that hangs finds, should it go on, that others have its jobs."""


@dataclass(frozen=True, slots=True)
class Server:
    """A process that begins runs."""

    id: str
    host: str
    pid: int
    started_at: datetime.datetime


def announce(state: State) -> str:
    """Say that this process begins runs from now on; its id."""
    found = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    with state.transaction() as connection:
        now = now_of(connection, state.clock)
        connection.execute(sa.insert(servers).values(
            id=found, host=socket.gethostname(), pid=os.getpid(), born=born(os.getpid()), started_at=now, seen_at=now))  # fmt: skip
    return found


def seen(state: State, server: str) -> None:
    """Say that it is still there. One that was taken for dead meanwhile is there again."""
    with state.transaction() as connection:
        now = now_of(connection, state.clock)
        if connection.execute(sa.update(servers).where(servers.c.id == server).values(seen_at=now)).rowcount == 0:
            connection.execute(sa.insert(servers).values(
                id=server, host=socket.gethostname(), pid=os.getpid(), born=born(os.getpid()), started_at=now, seen_at=now))  # fmt: skip


def leave(state: State, server: str) -> None:
    """Say that it begins runs no more."""
    with state.transaction() as connection:
        connection.execute(sa.delete(servers).where(servers.c.id == server))


def living(state: State) -> list[Server]:
    """The servers that are there, the oldest first. What is known of others is taken away."""
    with state.transaction() as connection:
        now = now_of(connection, state.clock)
        found = list(connection.execute(sa.select(servers).order_by(servers.c.started_at)))
        dead = [row.id for row in found if _is_dead(row, now)]
        if dead:
            connection.execute(sa.delete(servers).where(servers.c.id.in_(dead)))
    return [Server(row.id, row.host, row.pid, row.started_at) for row in found if row.id not in dead]


def _is_dead(found: sa.Row[tuple[object, ...]], now: datetime.datetime) -> bool:
    known = found.host == socket.gethostname() and is_dead(found.pid, found.born)
    return bool(known or now - found.seen_at > SILENCE)
