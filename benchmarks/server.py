"""The PostgreSQL that all contenders share: started with its default settings, brought to rest before each measurement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from syncrun.testing.postgres import PostgresServer, server

SHOWN = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size")


@dataclass(frozen=True, slots=True)
class Postgres:
    """A server and what the benchmark does with it. It needs the rights of a superuser."""

    server: PostgresServer

    def fresh(self, name: str) -> str:
        """An empty database, also when one of that name was there; its address."""
        self.drop(name)
        url = self.server.create(name)
        self.rest()
        return url

    def drop(self, name: str) -> None:
        """Remove a database."""
        with psycopg.connect(self.server.admin, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def rest(self, url: str | None = None) -> None:
        """Write out what is pending, so that no contender pays for the one before. With `url`, look after that database
        as autovacuum would have done overnight."""
        if url:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("VACUUM (ANALYZE)")
        with psycopg.connect(self.server.admin, autocommit=True) as connection:
            connection.execute("CHECKPOINT")

    def settings(self) -> dict[str, str]:
        """The version and the settings that matter for speed."""
        with psycopg.connect(self.server.admin) as connection:
            rows = connection.execute(
                "SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY(%s)", [list(SHOWN)]
            )
            found = {str(name): str(value) for name, value in rows}
        return {name: found[name] for name in SHOWN}


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Start a server, or take the one that `SYNCRUN_TEST_PG_URL` names."""
    with server(quick=False) as started:
        yield Postgres(started)
