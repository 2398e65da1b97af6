"""Quoting: whatever a text holds, the database reads it back as it was."""

from __future__ import annotations

import sqlite3

import duckdb
import psycopg
from hypothesis import given, settings
from hypothesis import strategies as st

from syncrun.sdk.sql.connect import normal_url
from syncrun.sqltext import literal, literals, name, names
from syncrun.testing.postgres import PostgresServer

TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)
HOSTILE = ["", "'", "''; DROP TABLE x; --", "O'Brien", 'a"b', "\\", "\\'", "%s ? :x $1", "línea\n", "🚸", "e\u0301"]


def test_examples() -> None:
    assert name('a"b') == '"a""b"'
    assert names(["a", "b c"], "n") == 'n."a", n."b c"'
    assert names([]) == ""
    assert literal("O'Brien") == "'O''Brien'"
    assert literals(["a", "b'"]) == "'a', 'b'''"


@given(text=TEXT)
@settings(deadline=None, max_examples=60)
def test_literals_survive_in_duckdb_and_sqlite(text: str) -> None:
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT {literal(text)}").fetchone() == (text,)
    with sqlite3.connect(":memory:") as other:
        assert other.execute(f"SELECT {literal(text)}").fetchone() == (text,)
    other.close()


def test_literals_and_names_survive_in_postgresql(postgres_server: PostgresServer) -> None:
    url = normal_url(postgres_server.admin).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        for text in HOSTILE:
            assert connection.execute(f"SELECT {literal(text)}").fetchone() == (text,)
        for each in filter(None, HOSTILE):
            found = connection.execute(f"SELECT 1 AS {name(each)}").description
            assert [column.name for column in found or ()] == [each]


def test_names_survive_in_duckdb_and_sqlite() -> None:
    with duckdb.connect() as connection, sqlite3.connect(":memory:") as other:
        for each in filter(None, HOSTILE):
            assert connection.execute(f"SELECT 1 AS {name(each)}").description[0][0] == each
            assert other.execute(f"SELECT 1 AS {name(each)}").description[0][0] == each
    other.close()
