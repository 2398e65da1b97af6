"""Fixtures for the tests of the core."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from board import Board, board
from terminal import Terminal
from vendor import Site
from world import World

from syncrun.sdk.sql.connect import normal_url, open_engine
from syncrun.state.database import open_state
from syncrun.testing.postgres import PostgresServer

PASSWORD = "canary-4f7b"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A folder for vendors' distributions, on the import path here and in child processes."""
    found = Site(tmp_path / "site")
    monkeypatch.syspath_prepend(str(found.folder))
    monkeypatch.setenv("PYTHONPATH", str(found.folder))
    yield found
    found.forget()


@pytest.fixture
def terminal(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    """The command line, in an empty folder with a home of its own."""
    monkeypatch.chdir(tmp_path)
    return Terminal(monkeypatch, capsys)


@pytest.fixture(scope="session")
def settled_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A district after its first sync, made once."""
    folder = tmp_path_factory.mktemp("settled")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNCRUN_HOME", str(folder / "home"))
        patch.delenv("SYNCRUN_DATABASE_URL", raising=False)
        world = World(folder)
        world.write()
        for command, code in ((), 3), (("approve",), 0), ((), 0):
            assert world.syncrun(*command, "--district", str(world.toml))[0] == code
    return folder


@pytest.fixture
def settled(settled_folder: Path, tmp_path: Path, home: Path) -> World:
    """A copy of it: a district whose planner on SQLite is filled."""
    shutil.copytree(settled_folder, tmp_path, dirs_exist_ok=True)
    return World(tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, on each of the two."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'database.db'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.create()


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """An engine on it."""
    found = open_engine(normal_url(database_url))
    yield found
    found.dispose()


@pytest.fixture
def state_engine(database_url: str, tmp_path: Path) -> sa.Engine:
    """A migrated state database."""
    return open_state(tmp_path / "state-home", {"SYNCRUN_DATABASE_URL": database_url})


@pytest.fixture(scope="session")
def locked_database(postgres_server: PostgresServer) -> Iterator[sa.URL]:
    """A database whose user `clerk` must give the password `PASSWORD`, where others of the server are trusted; `lodger`
    is turned away by pg_hba.conf, `ghost` may not log in."""
    url = normal_url(postgres_server.create("roles"))
    with open_engine(url).execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(sa.text(f"CREATE ROLE clerk LOGIN PASSWORD '{PASSWORD}'"))
        connection.execute(sa.text("CREATE ROLE lodger LOGIN"))
        connection.execute(sa.text("CREATE ROLE ghost NOLOGIN"))
        connection.execute(sa.text("CREATE TABLE pupils (name TEXT CHECK (length(name) < 9))"))
        hba = Path(str(connection.execute(sa.text("SHOW hba_file")).scalar()))
        kept = hba.read_text()
        hba.write_text(f"local all clerk scram-sha-256\nlocal all lodger reject\n{kept}")
        connection.execute(sa.text("SELECT pg_reload_conf()"))
        while _lets_in(url.set(username="clerk")):
            time.sleep(0.05)
        yield url
        hba.write_text(kept)
        connection.execute(sa.text("SELECT pg_reload_conf()"))


def _lets_in(url: sa.URL) -> bool:
    try:
        open_engine(url).connect().close()
    except sa.exc.OperationalError:
        return False
    return True


@pytest.fixture(name="board")
def _board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Board]:
    """A board to draw plans on."""
    monkeypatch.setattr("os.fsync", lambda stream: None)  # nothing here must survive a power failure
    with board(tmp_path) as found:
        yield found
