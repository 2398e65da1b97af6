"""Opening SQLite and PostgreSQL databases the way `syncrun` needs them, with errors an operator can act on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from syncrun.errors import AuthError, ConfigError, Problem, SyncError, TransientError

BUSY_SECONDS = 30
CONNECT_SECONDS = 10


def normal_url(url: str, folder: Path | None = None) -> sa.URL:
    """The address with the driver we use; a relative SQLite path starts at `folder`.

    Raises `ConfigError` for databases other than SQLite and PostgreSQL.
    """
    if url.startswith("postgres://"):
        url = "postgresql://" + url.removeprefix("postgres://")
    try:
        parsed = sa.engine.make_url(url)
    except sa.exc.ArgumentError:
        raise _unusable("is not a database address", "write it like postgresql://user@host/name") from None
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise _unusable(f"names a database of kind {backend}", "SQLite and PostgreSQL are served")
    if folder and parsed.database and parsed.database != ":memory:":
        parsed = parsed.set(database=str(folder / parsed.database))
    return parsed


def _unusable(message: str, hint: str) -> ConfigError:
    return ConfigError([Problem("E-CONFIG-3", "database_url", message, hint)], source="the database address")


def open_engine(url: sa.URL, *, journal: str | None = None) -> sa.Engine:
    """An engine without a pool. On SQLite a transaction takes the write lock at once (`BEGIN IMMEDIATE`), waits for
    others up to `BUSY_SECONDS` and keeps foreign keys; `journal` sets the journal mode of a file that is ours."""
    if url.get_backend_name() == "postgresql":
        try:
            return sa.create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": CONNECT_SECONDS})
        except ModuleNotFoundError:
            raise _unusable("needs the PostgreSQL driver", "install syncrun[postgres]") from None
    engine = sa.create_engine(url, poolclass=NullPool, connect_args={"timeout": BUSY_SECONDS})

    @sa.event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, record: object) -> None:
        connection.isolation_level = None  # we begin ourselves, see below
        connection.execute("PRAGMA foreign_keys = ON")
        if journal:
            connection.execute(f"PRAGMA journal_mode = {journal}")

    @sa.event.listens_for(engine, "begin")
    def begun(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


@contextmanager
def spoken(what: str) -> Iterator[None]:
    """Turn errors of drivers into ours. `what` names the database: "the planner's database".

    Texts of drivers are left out: they quote rows. Wrong credentials become `AuthError`, an unknown database
    `ConfigError`, a lost or refused connection and a lock `TransientError`.
    """
    try:
        yield
    except (sa.exc.DBAPIError, sqlite3.Error) as error:
        raise translated(error, what) from None
    except Exception as error:
        if type(error).__module__.split(".")[0] == "psycopg":
            raise translated(error, what) from None
        raise


_AUTH = ("password authentication failed", "no password supplied", "role", "permission denied", "pg_hba")


def translated(error: Exception, what: str) -> SyncError:
    """One of our errors for an error of a driver."""
    cause: Any = getattr(error, "orig", None) or error
    state = getattr(cause, "sqlstate", None) or ""
    text = str(cause)
    if state[:2] in {"28", "42"} or (not state and "FATAL" in text and any(word in text for word in _AUTH)):
        if state == "42501" or state[:2] != "42":
            return AuthError(f"{what} does not accept the user name, the password or the rights given.")
        return _schema_error(what)
    if state == "3D000" or ("database" in text and "does not exist" in text):
        return ConfigError([Problem("E-CONFIG-3", "database_url", f"{what} is not there",
                                    "create the database or correct its name")])  # fmt: skip
    if isinstance(cause, sqlite3.OperationalError) and "no such" in text:
        return _schema_error(what)
    if isinstance(cause, sqlite3.OperationalError) and "unable to open" in text:
        return ConfigError([Problem("E-CONFIG-3", "database_url", f"{what} cannot be opened",
                                    "check that its folder exists and may be written to")])  # fmt: skip
    if isinstance(cause, sqlite3.DatabaseError) and "not a database" in text:
        return ConfigError([Problem("E-CONFIG-3", "database_url", f"{what} is a file, but not a SQLite database",
                                    "correct the path")])  # fmt: skip
    return TransientError(
        f"{what} cannot be reached or is busy ({type(cause).__name__}{' ' + state if state else ''})."
    )


def _schema_error(what: str) -> ConfigError:
    return ConfigError([Problem("E-CONFIG-3", "database_url", f"{what} lacks a table or column that the sink needs",
                                "create the schema or correct the address; nothing was written")])  # fmt: skip
