"""Opening the state database: SQLite in the home folder, or the PostgreSQL that `SYNCRUN_DATABASE_URL` names.

Any number of processes may start at once on a new or an old database: one migrates it, under a lock that the
transaction of the migration itself holds, and the others find it done. SQLite keeps its rollback journal; WAL mode has
a race that can corrupt a file with several writers in the versions of SQLite that are common today (before 3.51.3).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import sqlalchemy as sa

from syncrun.errors import ConfigError, Problem, RefusedError
from syncrun.sdk.sql.connect import normal_url, open_engine, spoken

HEAD = "0005"
"""The revision that this code is written for; a test compares it with the newest migration."""
_LOCK = 7_201_964
"""The number of the advisory lock for migrations on PostgreSQL."""
WHAT = "the state database"


class NewerStateError(RefusedError):
    """The state database was migrated by a newer `syncrun`."""

    code = "E-STATE-1"
    next_step = "Upgrade syncrun here; going back to an older version is not possible with this database."


def open_state(home: Path, environment: Mapping[str, str] = os.environ) -> sa.Engine:
    """The engine of the state database, migrated. The home folder is made with mode 0700, the file with 0600."""
    file = home / "state.db"
    with spoken(WHAT):
        url = normal_url(environment.get("SYNCRUN_DATABASE_URL") or f"sqlite:///{file}")
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            if url.get_backend_name() == "sqlite" and url.database:
                Path(url.database).touch(mode=0o600)
        except OSError as error:
            raise ConfigError([Problem("E-CONFIG-3", "SYNCRUN_HOME", f"{error.filename}: {error.strerror}",
                                       "name a folder that may be written to")], source=WHAT) from None  # fmt: skip
        engine = open_engine(url, journal="DELETE")
        if _revision(engine) != HEAD:
            _migrate(engine)
    return engine


def _revision(engine: sa.Engine) -> str | None:
    """What the database is at, without loading Alembic: that takes a third of a second."""
    with engine.connect() as connection:
        return _revision_of(connection)


def _revision_of(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(engine: sa.Engine) -> None:
    # ruff: disable[PLC0415] # heavy, and needed once
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError
    # ruff: enable[PLC0415]

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        found = _revision_of(connection)
        if found == HEAD:
            return
        try:
            if found is not None:
                ScriptDirectory.from_config(config).get_revision(found)
        except CommandError:
            raise NewerStateError(
                f"The state database is at revision {found}, which this syncrun does not know."
            ) from None
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
