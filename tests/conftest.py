"""Fixtures for all tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from remote import KEY, SECRET, Patience, Remote
from world import World

from syncrun.testing import postgres
from syncrun.testing.postgres import PostgresServer


def pytest_xdist_auto_num_workers() -> int:
    """One more than processors: tests wait for servers and processes of their own."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server; it starts when a test asks for it."""
    with postgres.server() as server:
        yield server


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of its own."""
    folder = tmp_path / "home"
    monkeypatch.setenv("SYNCRUN_HOME", str(folder))
    monkeypatch.delenv("SYNCRUN_DATABASE_URL", raising=False)
    monkeypatch.delenv("SYNCRUN_DISTRICTS", raising=False)
    return folder


@pytest.fixture
def world(tmp_path: Path, home: Path) -> World:
    """A district with an empty planner on SQLite."""
    return World(tmp_path)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def each_world(request: pytest.FixtureRequest, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """The same, with planner and state on SQLite, then both on PostgreSQL."""
    if request.param == "sqlite":
        return World(tmp_path)
    server: PostgresServer = request.getfixturevalue("postgres_server")
    monkeypatch.setenv("SYNCRUN_DATABASE_URL", server.create())
    return World(tmp_path, server.create())


@pytest.fixture(scope="session")
def remote_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A district that reads over REST, after its first sync, made once."""
    folder = tmp_path_factory.mktemp("remote")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNCRUN_HOME", str(folder / "home"))
        patch.setenv("CANARY_KEY", KEY)
        patch.setenv("CANARY_SECRET", SECRET)
        patch.delenv("SYNCRUN_DATABASE_URL", raising=False)
        remote = Remote(folder)
        remote.write()
        with remote.serve():
            remote.point()
            assert remote.sync().exit_code == 3
            remote.approve()
            assert remote.sync().exit_code == 0
    return folder


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> Patience:
    """No waiting."""
    return Patience().take_over(monkeypatch)


@pytest.fixture
def fresh(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, patience: Patience) -> Remote:
    """A district that reads over REST and has not been read yet; the server is to be started with `serve`."""
    monkeypatch.setenv("CANARY_KEY", KEY)
    monkeypatch.setenv("CANARY_SECRET", SECRET)
    found = Remote(tmp_path)
    found.write()
    return found


@pytest.fixture
def remote(remote_folder: Path, fresh: Remote, monkeypatch: pytest.MonkeyPatch) -> Iterator[Remote]:
    """The same after a good day, with a server that runs."""
    shutil.copytree(remote_folder, fresh.folder, dirs_exist_ok=True)
    fresh.clock.move(days=1)
    with fresh.serve():
        fresh.point()
        yield fresh
