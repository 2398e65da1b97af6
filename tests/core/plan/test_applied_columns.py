"""Tables that get a column later: what was taken before has nothing there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
from marshmallow import Schema, fields

from syncrun.plan import applied
from syncrun.scratch import publish
from syncrun.sdk import Table

if TYPE_CHECKING:
    from pathlib import Path


class Before(Schema):
    name = fields.String()
    gone = fields.String()


class After(Schema):
    name = fields.String()
    began = fields.Date()


def test_column_that_a_file_lacks_is_blank_and_one_that_is_no_longer_wanted_is_passed_over(tmp_path: Path) -> None:
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA applied")
    row = "SELECT 'create' AS action, 'a' AS key, NULL AS school, NULL AS sink_id, 'A' AS name, 'x' AS gone"
    publish(connection, row, tmp_path / "1.parquet")
    row = "SELECT 'create' AS action, 'b' AS key, NULL AS school, NULL AS sink_id, 'B' AS name, DATE '2026-01-01' AS began"
    publish(connection, row, tmp_path / "2.parquet")
    applied.open_table(connection, Table("rows", After, ""), [tmp_path / "1.parquet", tmp_path / "2.parquet"])
    found = connection.execute("SELECT key, name, began::VARCHAR FROM applied.rows ORDER BY key").fetchall()
    assert found == [("a", "A", None), ("b", "B", "2026-01-01")]
    connection.close()
