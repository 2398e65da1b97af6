"""Rows as they were before the sync took them over or set them aside: what a release gives back.

`syncrun_before` stands beside the sink's tables and is written in the transaction that takes a row. Its `image` is a JSON
object with the columns that the taking changes. A retired row's image has only the moment of its archiving, so that what
people changed in it meanwhile stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from syncrun.sdk.sink import Action, Batch
from syncrun.sqltext import literal, name

_metadata = sa.MetaData()
before = sa.Table(
    "syncrun_before",
    _metadata,
    sa.Column("table_name", sa.Text, primary_key=True),
    sa.Column("row_id", sa.Text, primary_key=True),
    sa.Column("district", sa.Text, nullable=False),
    sa.Column("image", sa.Text, nullable=False),
    sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
)
TABLE = name(before.name)


def create(connection: sa.Connection) -> None:
    """Make the table where it is missing."""
    _metadata.create_all(connection)


def columns(batch: Batch, external: str | None, archived: str) -> list[str]:
    """The columns that taking a row changes, its owner aside. A release asks for all of them."""
    if batch.action is Action.RETIRE:
        return [archived]
    return [*(column.name for column in batch.table.columns), *([external] if external else []), archived]


def keep(dialect: str, batch: Batch, taken: Sequence[str], key: str, rows: str) -> str:
    """The statement that keeps the images of rows. `rows` is the FROM and WHERE that finds them as `t`, whose primary key
    is `key`."""
    build, now = ("jsonb_build_object", "now()") if dialect == "postgresql" else ("json_object", "CURRENT_TIMESTAMP")
    pairs = ", ".join(f"{literal(column)}, t.{name(column)}" for column in taken)
    image = f"CAST({build}({pairs}) AS TEXT)"
    return (
        f"INSERT INTO {TABLE} (table_name, row_id, district, image, taken_at) "
        f"SELECT {literal(batch.table.name)}, CAST(t.{name(key)} AS TEXT), {literal(batch.claim.district)}, {image}, {now} {rows} "
        "ON CONFLICT (table_name, row_id) DO UPDATE SET district = excluded.district, image = excluded.image, "
        "taken_at = excluded.taken_at"
    )


def given_back(dialect: str, taken: Sequence[str], types: Mapping[str, str], row: str) -> str:
    """The SET list that gives back what an image, `b`, has, and leaves what it has not; `row` names the row."""
    if dialect == "postgresql":
        each = "CASE WHEN jsonb_exists(b.image::jsonb, {key}) THEN (b.image::jsonb ->> {key})::{type} ELSE {row}.{column} END"
    else:
        each = "CASE WHEN json_type(b.image, {path}) IS NOT NULL THEN json_extract(b.image, {path}) ELSE {row}.{column} END"
    return ", ".join(
        f"{name(column)} = "
        + each.format(key=literal(column), path=literal(f'$."{column}"'), type=types.get(column, ""), row=row, column=name(column))
        for column in taken
    )  # fmt: skip
