"""Opening SQLite and PostgreSQL databases the way `syncrun` needs them, with errors an operator can act on."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from syncrun.errors import AuthError, ConfigError, FaultError, Problem, SyncError, TransientError

BUSY_SECONDS = 30
CONNECT_SECONDS = 10


def normal_url(url: str, folder: Path | None = None) -> sa.URL:
    """The address with the driver we use; a relative SQLite path starts at `folder`.

    Raises `ConfigError` for databases other than SQLite and PostgreSQL, and for one in memory, which would be gone
    with its connection.
    """
    if url.startswith("postgres://"):
        url = "postgresql://" + url.removeprefix("postgres://")
    try:
        parsed = sa.engine.make_url(url)
    except (sa.exc.ArgumentError, ValueError):  # their texts quote the address
        raise _unusable("is not a database address", "write it like postgresql://user@host/name") from None
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise _unusable(f"names a database of kind {backend}", "SQLite and PostgreSQL are served")
    if not parsed.database or parsed.database == ":memory:":
        raise _unusable("names no file", "write it like sqlite:///planner.db")
    if folder:
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
    `ConfigError`, a lost or refused connection and a lock `TransientError`, anything else `FaultError`.
    """
    try:
        yield
    except (sa.exc.DBAPIError, sqlite3.Error) as error:
        raise translated(error, what) from None
    except Exception as error:
        if type(error).__module__.split(".")[0] == "psycopg":
            raise translated(error, what) from None
        raise


_AUTH = re.compile(
    'authentication failed|no password supplied|role ".*" (does not exist|is not permitted)|permission denied|pg_hba'
)
"""Why PostgreSQL turns a user away; while a connection is being made, there is only the text to go by."""
_LACKS = ("lacks a table or column that is needed", "create the schema or correct the address")
_PASSING = (sa.exc.OperationalError, sa.exc.InterfaceError)
"""Errors of a connection or a server, which may pass; others come of a statement, and would come again."""
_FILE = {
    "no such": _LACKS,
    "no column named": _LACKS,
    "unable to open": ("cannot be opened", "check that its folder exists and may be written to"),
    "not a database": ("is a file, but not a SQLite database", "correct the path"),
    "readonly": ("may not be written to", "check who owns the file, and its mode"),
    "malformed": ("is damaged", "restore it from a backup"),
}
"""What SQLite says of a file, what we say, and what helps."""


def translated(error: Exception, what: str) -> SyncError:
    """One of our errors for an error of a driver."""
    cause: Any = getattr(error, "orig", None) or error
    state = getattr(cause, "sqlstate", None) or ""
    text = str(cause)
    if isinstance(cause, sqlite3.Error):
        found = next((words for words in _FILE if words in text), None)
        if found and not isinstance(cause, sqlite3.IntegrityError):
            return _wrong(what, *_FILE[found])
    elif state == "3D000" or (not state and re.search('database ".*" does not exist', text)):
        return _wrong(what, "is not there", "create the database or correct its name")
    elif state[:2] == "28" or state == "42501" or (not state and _AUTH.search(text)):
        return AuthError(f"{what} does not accept the user name, the password or the rights given.")
    elif state[:2] == "42":
        return _wrong(what, *_LACKS)
    kind = f"{type(cause).__name__}{' ' + state if state else ''}"
    if (
        isinstance(error, _PASSING)
        or state[:2] == "25"
        or type(cause).__name__ in {"OperationalError", "InterfaceError"}
    ):
        return TransientError(f"{what} cannot be reached or is busy ({kind}).")
    return FaultError(f"{what} did not carry out a statement ({kind}).")


def _wrong(what: str, message: str, hint: str) -> ConfigError:
    return ConfigError([Problem("E-CONFIG-3", "database_url", f"{what} {message}", hint)], source=what)
