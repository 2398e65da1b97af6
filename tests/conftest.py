"""Fixtures for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from world import World

from syncrun.testing import postgres
from syncrun.testing.postgres import PostgresServer


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


@pytest.fixture(params=["sqlite", "postgresql"])
def each_world(request: pytest.FixtureRequest, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """The same, with planner and state on SQLite, then both on PostgreSQL."""
    if request.param == "sqlite":
        return World(tmp_path)
    server: PostgresServer = request.getfixturevalue("postgres_server")
    monkeypatch.setenv("SYNCRUN_DATABASE_URL", server.create())
    return World(tmp_path, server.create())
