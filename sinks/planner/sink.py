"""The planner as a sink: its tables, its schema, and why it refuses a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from syncrun.sdk.sql.sink import SqlSink
from syncrun.sinks.planner.database import TARGETS, metadata
from syncrun.sinks.planner.table import TABLES

_MAIL = "a teacher account with this e-mail address is already there; link it in the mapping file"


class Planner(SqlSink):
    """The planner's database."""

    title = "the planner's database"
    tables = TABLES
    metadata = metadata
    targets = TARGETS
    hints: ClassVar[Mapping[str, str]] = {
        "teachers_email": _MAIL,
        "teachers.email": _MAIL,
    }  # PostgreSQL names the index, SQLite the column
