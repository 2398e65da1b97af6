"""Databases that cannot be opened: what is told, who must act, and nothing of what the driver said."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from syncrun.errors import AuthError, ConfigError, SyncError, TransientError
from syncrun.sdk.sql import connect
from syncrun.sdk.sql.connect import normal_url, open_engine, spoken

CANARY = "canary-4f7b"
"""The password of `clerk` too, see the fixture."""


def told(url: sa.URL | str, statement: str = "SELECT 1") -> SyncError:
    """The error of ours that a statement ends in."""
    url = normal_url(url) if isinstance(url, str) else url
    with pytest.raises(SyncError) as raised, spoken("the planner's database"), open_engine(url).begin() as connection:
        connection.execute(sa.text(statement))
    text = f"{raised.value.as_dict()}"
    assert CANARY not in text
    assert raised.value.__suppress_context__
    return raised.value


def problem(error: SyncError) -> str:
    """The words of the one problem of a `ConfigError`."""
    assert isinstance(error, ConfigError)
    return error.problems[0].message.removeprefix("the planner's database ")


# -- addresses -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("url", "normal"), [
    ("postgres://me@host/db", "postgresql+psycopg://me@host/db"),
    ("postgresql://me@host/db?sslmode=require", "postgresql+psycopg://me@host/db?sslmode=require"),
    ("sqlite:///planner.db", "sqlite:////folder/planner.db"),
    ("sqlite:////srv/planner.db", "sqlite:////srv/planner.db"),
])  # fmt: skip
def test_address_gets_our_driver_and_starts_at_the_folder(url: str, normal: str) -> None:
    assert normal_url(url, Path("/folder")).render_as_string() == normal


@pytest.mark.parametrize(("url", "message"), [
    (CANARY, "is not a database address"),
    (f"postgresql://me:{CANARY}@host:{CANARY}/db", "is not a database address"),
    ("mysql://host/db", "names a database of kind mysql"),
    ("sqlite://", "names no file"),
    ("sqlite:///:memory:", "names no file"),
])  # fmt: skip
def test_address_that_cannot_be_used_is_refused_without_repeating_it(url: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        normal_url(url, Path("/folder"))
    assert raised.value.problems[0].message == message
    assert CANARY not in str(raised.value.as_dict())


# -- PostgreSQL ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("user", [
    {"username": "clerk", "password": f"not {CANARY}"}, {"username": "clerk"}, {"username": "nobody-of-ours"},
    {"username": "ghost"}, {"username": "lodger"},
], ids=["wrong password", "no password", "no such user", "may not log in", "turned away"])  # fmt: skip
def test_wrong_credentials_are_ours_to_correct_and_not_to_try_again(
    locked_database: sa.URL, user: dict[str, str]
) -> None:
    error = told(locked_database.set(**user))
    assert isinstance(error, AuthError)
    assert (error.exit_code, error.code) == (2, "E-AUTH-1")


def test_right_password_opens_the_door(locked_database: sa.URL) -> None:
    with open_engine(locked_database.set(username="clerk", password=CANARY)).connect() as connection:
        assert connection.execute(sa.text("SELECT current_user")).scalar() == "clerk"


def test_missing_rights_are_a_matter_of_credentials(locked_database: sa.URL) -> None:
    clerk = locked_database.set(username="clerk", password=CANARY)
    assert isinstance(told(clerk, "SELECT * FROM pupils"), AuthError)


@pytest.mark.parametrize("name", ["nowhere", "the role of it"])
def test_database_that_is_not_there_is_a_wrong_setting(locked_database: sa.URL, name: str) -> None:
    assert problem(told(locked_database.set(database=name))) == "is not there"


@pytest.mark.parametrize("statement", ["SELECT * FROM no_such_table", "SELECT nothing FROM pupils"])
def test_missing_tables_and_columns_are_a_wrong_setting(locked_database: sa.URL, statement: str) -> None:
    assert problem(told(locked_database, statement)) == "lacks a table or column that is needed"


def test_no_connection_left_is_to_be_tried_again_though_the_server_speaks_of_roles() -> None:
    words = "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute"
    assert isinstance(connect.translated(sa.exc.OperationalError("", {}, Exception(words)), "It"), TransientError)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere.invalid:5432"])
def test_server_that_cannot_be_reached_is_to_be_tried_again(address: str) -> None:
    error = told(f"postgresql://me:{CANARY}@{address}/planner")
    assert isinstance(error, TransientError)
    assert error.exit_code == 75


def test_connection_that_is_cut_is_to_be_tried_again(locked_database: sa.URL) -> None:
    assert isinstance(told(locked_database, "SELECT pg_terminate_backend(pg_backend_pid())"), TransientError)


def test_words_of_the_driver_which_quote_rows_are_not_passed_on(locked_database: sa.URL) -> None:
    error = told(locked_database, f"INSERT INTO pupils VALUES ('{CANARY}')")
    assert error.message == "the planner's database did not carry out a statement (CheckViolation 23514)."


# -- SQLite --------------------------------------------------------------------------------------------------------------


def test_file_that_is_no_database_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("name,email\n" * 100)
    assert problem(told(f"sqlite:///{tmp_path / 'x.db'}", "SELECT * FROM x")) == "is a file, but not a SQLite database"


def test_folder_that_is_not_there_is_a_wrong_setting(tmp_path: Path) -> None:
    assert problem(told(f"sqlite:///{tmp_path}/no/where/x.db")) == "cannot be opened"


def test_missing_table_in_a_file_is_a_wrong_setting(tmp_path: Path) -> None:
    found = told(f"sqlite:///{tmp_path / 'x.db'}", "SELECT * FROM absent")
    assert problem(found) == "lacks a table or column that is needed"


def test_file_that_may_not_be_written_to_is_a_wrong_setting(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "x.db").close()
    with pytest.raises(ConfigError) as raised, spoken("the planner's database"):
        sqlite3.connect(f"file:{tmp_path / 'x.db'}?mode=ro", uri=True).execute("CREATE TABLE t (a)")
    assert problem(raised.value) == "may not be written to"


def test_file_that_is_damaged_is_not_tried_again(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("CREATE TABLE t (a)")
        connection.executemany("INSERT INTO t VALUES (?)", [("x" * 500,)] * 100)
    connection.close()
    whole = (tmp_path / "x.db").read_bytes()
    (tmp_path / "x.db").write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    assert problem(told(f"sqlite:///{tmp_path / 'x.db'}", "SELECT * FROM t")) == "is damaged"


def test_file_that_another_writes_to_is_to_be_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "BUSY_SECONDS", 0.05)
    url = f"sqlite:///{tmp_path / 'x.db'}"
    with open_engine(normal_url(url)).begin():
        assert isinstance(told(url), TransientError)


def test_transaction_waits_for_its_turn_and_loses_no_write(tmp_path: Path) -> None:
    engine = open_engine(normal_url(f"sqlite:///{tmp_path / 'x.db'}"))
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE t (n INTEGER)"))
        connection.execute(sa.text("INSERT INTO t VALUES (0)"))

    def count() -> None:
        for _ in range(10):
            with engine.begin() as connection:
                found = connection.execute(sa.text("SELECT n FROM t")).scalar()
                connection.execute(sa.text("UPDATE t SET n = :n"), {"n": int(found or 0) + 1})

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with engine.begin() as connection:
        assert connection.execute(sa.text("SELECT n FROM t")).scalar() == 40


def test_foreign_keys_are_kept_and_the_journal_is_as_asked(tmp_path: Path) -> None:
    url = normal_url(f"sqlite:///{tmp_path / 'x.db'}")
    with open_engine(url, journal="DELETE").connect() as connection:
        assert connection.execute(sa.text("PRAGMA foreign_keys")).scalar() == 1
        assert connection.execute(sa.text("PRAGMA journal_mode")).scalar() == "delete"


# -- what is not a driver's ------------------------------------------------------------------------------------------------


def test_errors_that_are_not_a_drivers_pass_as_they_are() -> None:
    with pytest.raises(KeyError), spoken("it"):
        raise KeyError("x")
    with pytest.raises(AuthError, match="ours"), spoken("it"):
        raise AuthError("ours")
