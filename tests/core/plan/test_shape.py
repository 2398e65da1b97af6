"""Shapes of vendors: run over the roster, checked for keys, and blamed on whom they belong to."""

from __future__ import annotations

import pytest
from board import Board, Note, Pupil
from marshmallow import Schema, fields

from syncrun.errors import ContractError
from syncrun.plan.shape import confirm_keys, shape
from syncrun.sdk import Table


class Wide(Schema):
    n = fields.Integer()
    day = fields.Date()
    yes = fields.Boolean()


def shaped(board: Board, *tables: Table) -> None:
    board.connection.execute("CREATE OR REPLACE TABLE users AS SELECT 'u1' AS sourcedId, 'Ann' AS name")
    shape(board.connection, tables, "vendor")


def test_shape_becomes_rows_in_the_types_of_the_schema(board: Board) -> None:
    shaped(board, Table("wide", Wide, "SELECT 7 AS key, 8 AS school, '9' AS n, '2026-09-01' AS day, 'true' AS yes"))
    kinds = {each[0]: each[1] for each in board.connection.execute("DESCRIBE shaped.wide").fetchall()}
    assert kinds == {"key": "VARCHAR", "school": "VARCHAR", "n": "INTEGER", "day": "DATE", "yes": "BOOLEAN"}
    assert board.rows("shaped.wide")[0]["key"] == "7"


def test_shape_may_use_the_tables_before_it(board: Board) -> None:
    shaped(
        board, Table("pupils", Pupil, "SELECT sourcedId AS key, 's' AS school, name FROM users"),
        Table("notes", Note, "SELECT key || '!' AS key, school, name AS text FROM shaped.pupils"),
    )  # fmt: skip
    assert board.rows("shaped.notes") == [{"key": "u1!", "school": "s", "text": "Ann"}]


@pytest.mark.parametrize(("query", "words"), [
    ("SELECT sourcedId AS key, 's' AS school, nickname AS name FROM users", "nickname"),
    ("SELECT sourcedId AS key, 's' AS school, name FROM passwords", "passwords"),
    ("SELECT sourcedId AS key, 's' AS school FROM users", "name"),
    ("SELECT name FROM users", "key"),
    ("SELECT FROM WHERE", "syntax error"),
    ("SELECT sourcedId AS key, 's' AS school, name FROM read_csv('/etc/passwd')", "disabled"),
])  # fmt: skip
def test_shape_that_cannot_be_run_is_the_plugins_fault(board: Board, query: str, words: str) -> None:
    with pytest.raises(ContractError, match=r"The shape of vendor\.pupils cannot be used: ") as raised:
        shaped(board, Table("pupils", Pupil, query))
    assert words in raised.value.message
    assert "\n" not in raised.value.message


@pytest.mark.parametrize(("keys", "words"), [
    ("'a', 'a', 'b'", "one key for two rows"), ("'a', NULL", "rows without a key"),
])  # fmt: skip
def test_keys_must_be_there_and_be_unlike(board: Board, keys: str, words: str) -> None:
    table = Table("pupils", Pupil, "SELECT 1")
    board.connection.execute(f"CREATE TABLE changed AS SELECT unnest([{keys}]) AS key")
    with pytest.raises(ContractError, match=f"The shape of vendor.pupils gives {words}"):
        confirm_keys(board.connection, "changed", "vendor", table)


def test_good_keys_pass(board: Board) -> None:
    board.connection.execute("CREATE TABLE changed AS SELECT unnest(['a', 'A', 'a ']) AS key")
    confirm_keys(board.connection, "changed", "vendor", Table("pupils", Pupil, "SELECT 1"))
