"""A vendor's sink of two tables, with every way a database has of refusing a row, and batches to send to it."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import sqlalchemy as sa
from marshmallow import Schema, fields
from sqlalchemy.dialects import postgresql

from syncrun.apply.identity import derived
from syncrun.sdk import Action, Batch, Chunk, Claim, Constant, Context, Outcome, Ref, Table
from syncrun.sdk.sql.connect import normal_url, open_engine
from syncrun.sdk.sql.sink import SqlSink
from syncrun.sdk.sql.write import Target

metadata = sa.MetaData()
_ID = sa.String(36).with_variant(postgresql.UUID(as_uuid=False), "postgresql")
_OWNED = ("managed_by", sa.Text), ("external_id", sa.Text), ("archived_at", sa.DateTime(timezone=True))

buildings = sa.Table(
    "buildings", metadata, sa.Column("id", _ID, primary_key=True), sa.Column("title", sa.Text, nullable=False),
    *(sa.Column(*each) for each in _OWNED),
)  # fmt: skip
rooms = sa.Table(
    "rooms", metadata, sa.Column("id", _ID, primary_key=True), sa.Column("building_id", sa.ForeignKey("buildings.id")),
    sa.Column("name", sa.Text, nullable=False), sa.Column("code", sa.Text, unique=True),
    sa.Column("seats", sa.Integer), sa.Column("wing", sa.String(3)), sa.Column("since", sa.Date),
    sa.Column("open", sa.Boolean),
    *(sa.Column(*each) for each in _OWNED),
    sa.CheckConstraint("seats >= 0", name="rooms_seats"), sa.CheckConstraint("length(wing) <= 3", name="rooms_wing"),
)  # fmt: skip


class Building(Schema):
    title = fields.String(required=True)


class Room(Schema):
    building_id = Ref("buildings")
    name = fields.String(required=True)
    code = fields.String()
    seats = fields.Integer()
    wing = fields.String()
    since = fields.Date()
    open = fields.Boolean()


TABLES = (Table("buildings", Building, "SELECT 1"), Table("rooms", Room, "SELECT 1"))
ROOMS = TABLES[1]
EVERY = tuple(column.name for column in ROOMS.columns)
ME = Claim("riverside", "installation-1", 1)


class Estate(SqlSink):
    """The sink."""

    title = "the estate's database"
    tables = TABLES
    metadata = metadata
    targets: Mapping[str, Target] = {
        "buildings": Target(buildings, external="external_id"), "rooms": Target(rooms, external="external_id"),
    }  # fmt: skip
    hints: ClassVar[Mapping[str, str]] = {"rooms_code_key": "the code is taken", "rooms.code": "the code is taken"}


def estate(
    url: str, district: str = "riverside", *, create: bool = True, owner: str = "installation-1"
) -> Estate:  # fmt: skip
    """The sink for one district."""
    return Estate({"database_url": url, "create_tables": create}, Context(district, Path("/"), owner))


def room_id(key: str) -> str:
    """The id of the room of that key."""
    return derived("riverside", "estate", "rooms", key)


def row(key: str, **values: Any) -> dict[str, Any]:
    """A room, good unless told otherwise."""
    good = {"building_id": None, "name": f"Room {key}", "code": f"C-{key}", "seats": 20, "wing": "E",
            "since": "2020-09-01", "open": True}  # fmt: skip
    return {"id": room_id(key), "key": key, **good, **values}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return '"' + str(value).replace('"', '""') + '"'


def batch(
    action: Action, rows: Iterable[Mapping[str, Any]], touched: Sequence[str] = EVERY, *, claim: Claim = ME,
    chunk: int = 0, run: str = "run-1",
) -> Batch:  # fmt: skip
    """A batch as the engine makes it."""
    held = list(rows)

    def tuples(columns: Sequence[str | Constant]) -> Iterator[tuple[Any, ...]]:
        for each in held:
            yield tuple(column.text if isinstance(column, Constant) else each[column] for column in columns)

    def stream(columns: Sequence[str | Constant]) -> BinaryIO:
        return io.BytesIO("".join(",".join(map(_cell, each)) + "\n" for each in tuples(columns)).encode())

    return Batch(ROOMS, action, tuple(touched), len(held), Chunk(run, chunk, "plan-1"), claim, quiet=False, rows=tuples,
                 csv=stream)  # fmt: skip


def send(sink: Estate, action: Action, *rows: Mapping[str, Any], touched: Sequence[str] = EVERY) -> list[Outcome]:
    """Send rows as the next chunk; the exceptions, by key."""
    number = len(list(sink.ledger("run-1")))
    return sorted(sink.apply_bulk(batch(action, rows, touched, chunk=number)), key=lambda each: each.key)


@contextlib.contextmanager
def looking(url: str) -> Iterator[sa.Connection]:
    """The database by another door."""
    engine = open_engine(normal_url(url))
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def seen(url: str) -> dict[str, dict[str, Any]]:
    """The rooms by id."""
    with looking(url) as connection:
        return {each.id: dict(each._mapping) for each in connection.execute(sa.select(rooms))}
