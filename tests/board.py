"""Rows that a small sink wants and rows that it has taken, and what the engine makes of the difference."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields

from syncrun.apply.release import release
from syncrun.config.district import Limits
from syncrun.config.schema import LimitsSchema
from syncrun.plan import applied, diff, judge
from syncrun.plan.model import Part, Reason, SinkPlan, TablePlan
from syncrun.scratch import publish, renew_schema, scratch
from syncrun.sdk import Cap, Ref, Table
from syncrun.sqltext import name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class Class(Schema):
    title = fields.String()
    seats = fields.Integer()
    since = fields.Date()
    open = fields.Boolean()


class Pupil(Schema):
    name = fields.String()


class Teacher(Schema):
    name = fields.String()
    number = fields.String()


class Seat(Schema):
    class_id = Ref("classes")
    pupil_id = Ref("pupils")


class Note(Schema):
    text = fields.String()


TABLES = (
    Table("classes", Class, "SELECT 1"),
    Table("pupils", Pupil, "SELECT 1", privilege=1),
    Table("teachers", Teacher, "SELECT 1", privilege=2, billable=True, match=("number",), mapping="teachers"),
    Table("seats", Seat, "SELECT 1", shrink="class_id"),
    Table("notes", Note, "SELECT 1", removal="keep"),
    Table("contacts", Pupil, "SELECT 1", prompt=True),
)
EVERYTHING = ~Cap(0)
BY_NAME = {table.name: table for table in TABLES}
Row = Mapping[str, Any]


def limits(**values: Any) -> Limits:
    """The limits that a district file has by default, but for these."""
    return Limits(**{**LimitsSchema().load({}), **values})


def row(key: str, school: str | None = "s1", **values: Any) -> Row:
    """A row; what is not said of it is NULL."""
    return {"key": key, "school": school, **values}


def _made(connection: DuckDBPyConnection, table: Table, rows: Sequence[Row]) -> str:
    """A relation with the rows in the types of the table."""
    texts = ["key", "school", "sink_id", "action", *(column.name for column in table.columns)]
    held = [{each: _text(found.get(each)) for each in texts} for found in rows]
    shape = ", ".join(f"{name(each)} VARCHAR" for each in texts)
    query = f"CREATE OR REPLACE TEMP TABLE made AS SELECT unnest(?::STRUCT({shape})[], recursive := true)"
    connection.execute(query, [held])
    typed = ", ".join(f"{name(column.name)}::{column.sql_type} AS {name(column.name)}" for column in table.columns)
    return f"(SELECT action, key, school, sink_id, {typed} FROM made)"


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


class Board:
    """`wants` says what there should be, `took` what a sink has taken, file by file."""

    def __init__(self, connection: DuckDBPyConnection, folder: Path) -> None:
        self.connection, self.folder = connection, folder
        self.files: dict[str, list[Path]] = {table.name: [] for table in TABLES}
        renew_schema(connection, "shaped")
        renew_schema(connection, applied.SCHEMA)
        diff.prepare(connection)
        connection.execute(f"CREATE TEMP TABLE {diff.LEFT_OUT} (kind VARCHAR, sourcedId VARCHAR)")
        for table in TABLES:
            self.wants(table.name)
            self.took(table.name)

    def wants(self, table: str, *rows: Row) -> None:
        """These rows, and no others."""
        found = _made(self.connection, BY_NAME[table], rows)
        self.connection.execute(
            f"CREATE OR REPLACE TABLE shaped.{table} AS SELECT * EXCLUDE (action, sink_id) FROM {found}"
        )

    def took(self, table: str, *rows: Row) -> None:
        """Another file of rows that were taken; `archived` and `sink_id` may be said of each."""
        if rows:
            target = self.folder / f"{table}-{len(self.files[table])}.parquet"
            noted = [{**each, "action": "archive" if each.get("archived") else "create"} for each in rows]
            publish(self.connection, f"FROM {_made(self.connection, BY_NAME[table], noted)}", target)
            self.files[table].append(target)
        applied.open_table(self.connection, BY_NAME[table], self.files[table])

    def link(self, table: str, key: str, sink_id: str) -> None:
        """A row of the sink that is to be taken over."""
        self.connection.execute(f"INSERT INTO {diff.LINKS} VALUES (?, ?, ?)", [table, key, sink_id])

    def leave_out(self, kind: str, sourced_id: str) -> None:
        """Take an org or a teacher out of the sync."""
        self.connection.execute(f"INSERT INTO {diff.LEFT_OUT} VALUES (?, ?)", [kind, sourced_id])

    def diff(
        self, *, first: bool = False, ask_new: bool = False, caps: Cap = EVERYTHING, keep_left_out: bool = True
    ) -> dict[str, dict[str, Any]]:
        """The changes, by table and key."""
        terms = diff.Terms(caps, first, ask_new, keep_left_out)
        for table in TABLES:
            target = self.folder / f"changes-{table.name}.parquet"
            diff.diff(self.connection, table, TABLES, target, terms)
        return {f"{table.name} {each['key']}": each for table in TABLES for each in self.rows(f"changes.{table.name}")}

    def rows(self, relation: str) -> list[dict[str, Any]]:
        """The rows of a relation."""
        cursor = self.connection.execute(f"FROM {relation} ORDER BY key")
        columns = [each[0] for each in cursor.description]
        return [dict(zip(columns, each, strict=True)) for each in cursor.fetchall()]

    def parts(self, **options: Any) -> dict[str, Part]:
        """The parts of the plan."""
        self.diff(**options)
        return judge.parts(self.connection, TABLES)

    def release(self, held: Collection[str] = (), approved: Collection[str] = (), **options: Any) -> int:
        """Let go what may go, where the parts `held` wait unless they are `approved`; how many changes wait."""
        parts = {name: dataclasses.replace(part, reasons=(Reason("P-REVIEW-1", "x"),) if name in held else ())
                 for name, part in self.parts(**options).items()}  # fmt: skip
        counts: dict[str, TablePlan] = {each.name: TablePlan("", {}, 0, 0) for each in TABLES}
        return release(self.connection, SinkPlan("sink", first=False, tables=counts, parts=parts), TABLES, approved)

    def judged(
        self, limit: Limits | None = None, *, first: bool = False, ask_new: bool = False, doubts: Mapping[str, str] | None = None,
        set_reasons: Sequence[str] = (),
    ) -> dict[str, list[str]]:  # fmt: skip
        """By part the reasons for which it waits, as `CODE words`."""
        found = judge.judge(
            self.connection, TABLES, self.parts(first=first, ask_new=ask_new), limit or limits(), first=first,
            set_reasons=set_reasons, doubts=doubts or {},
        )  # fmt: skip
        return {part: [f"{reason.code} {reason.words}" for reason in each.reasons] for part, each in found.items()}


@contextmanager
def board(folder: Path) -> Iterator[Board]:
    """A board in a folder of its own."""
    with scratch(folder / "spill", [folder]) as connection:
        yield Board(connection, folder)
