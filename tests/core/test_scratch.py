"""The engine: it touches only the folders it was given, and what it writes is whole or not there."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from duckdb import DuckDBPyConnection

from syncrun.scratch import has, publish, read_parquet, renew_schema, rows, scratch


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckDBPyConnection]:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine-too").mkdir()
    (tmp_path / "mine-too" / "a.csv").write_text("a\n1\n")
    with scratch(tmp_path / "spill", [tmp_path / "mine"]) as connection:
        yield connection


@pytest.mark.parametrize(
    "query",
    [
        "FROM read_csv('{0}/mine-too/a.csv')",
        "FROM read_text('/etc/hostname')",
        "FROM read_csv('{0}/mine/../mine-too/a.csv')",
        "COPY (SELECT 1) TO '{0}/b.parquet'",
        "ATTACH '{0}/c.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "FROM read_csv('http://127.0.0.1:9/a.csv')",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
    ],
)
def test_nothing_outside_its_folders_can_be_touched(engine: DuckDBPyConnection, tmp_path: Path, query: str) -> None:
    with pytest.raises(duckdb.Error):
        engine.execute(query.format(tmp_path)).fetchall()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["mine", "mine-too"]


def test_published_file_is_private_and_whole(engine: DuckDBPyConnection, tmp_path: Path) -> None:
    target = tmp_path / "mine" / "a.parquet"
    publish(engine, "SELECT range AS n FROM range(3)", target)
    assert rows(engine, read_parquet([target])) == 3
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [each.name for each in target.parent.iterdir()] == ["a.parquet"]


def test_query_that_fails_leaves_the_published_file_as_it_was(engine: DuckDBPyConnection, tmp_path: Path) -> None:
    target = tmp_path / "mine" / "a.parquet"
    publish(engine, "SELECT 1 AS n", target)
    with pytest.raises(duckdb.Error):
        publish(engine, "SELECT error('no') FROM range(3)", target)
    assert engine.execute(f"FROM {read_parquet([target])}").fetchall() == [(1,)]


def test_memory_can_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCRUN_MEMORY", "512MiB")
    with scratch(tmp_path / "spill", []) as connection:
        assert connection.execute("SELECT current_setting('memory_limit')").fetchone() == ("512.0 MiB",)


def test_threads_can_be_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCRUN_THREADS", "1")
    with scratch(tmp_path / "spill", []) as connection:
        assert connection.execute("SELECT current_setting('threads')").fetchone() == (1,)


def test_engine_spills_into_the_folder_it_was_given(engine: DuckDBPyConnection, tmp_path: Path) -> None:
    assert engine.execute("SELECT current_setting('temp_directory')").fetchone() == (os.fspath(tmp_path / "spill"),)


def test_schema_is_empty_after_it_was_renewed(engine: DuckDBPyConnection) -> None:
    renew_schema(engine, "shaped")
    engine.execute("CREATE TABLE shaped.a AS SELECT 1")
    assert has(engine, "shaped", "a")
    renew_schema(engine, "shaped")
    assert not has(engine, "shaped", "a")
