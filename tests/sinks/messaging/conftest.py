"""Fixtures for the messaging app."""

from __future__ import annotations

from pathlib import Path

import pytest
from messenger import Messenger

from syncrun.testing.postgres import PostgresServer


@pytest.fixture
def messenger(tmp_path: Path, home: Path) -> Messenger:
    """A district with an empty messaging app on SQLite."""
    return Messenger(tmp_path)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def each_messenger(
    request: pytest.FixtureRequest, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Messenger:
    """The same, with app and state on SQLite, then both on PostgreSQL."""
    if request.param == "sqlite":
        return Messenger(tmp_path)
    server: PostgresServer = request.getfixturevalue("postgres_server")
    monkeypatch.setenv("SYNCRUN_DATABASE_URL", server.create())
    return Messenger(tmp_path, server.create())
