"""What a sink says of its tables is read off its schemas."""

from __future__ import annotations

import dataclasses

import pytest
from marshmallow import Schema, fields

from syncrun.sdk import Action, Claim, Column, Ref, Table


class Room(Schema):
    building_id = Ref("buildings", metadata={"title": "where it is"})
    room_name = fields.String()
    seats = fields.Integer()
    open = fields.Boolean()
    since = fields.Date()
    keeper = fields.String(metadata={"privacy": "name", "drift": False})


ROOMS = Table("rooms", Room, "SELECT 1")


def test_columns_are_the_fields_of_the_schema_in_its_order_with_their_types() -> None:
    assert ROOMS.columns == (
        Column("building_id", "VARCHAR", "structure", "buildings", "where it is"),
        Column("room_name", "VARCHAR", "structure", None, "room name"),
        Column("seats", "INTEGER", "structure", None, "seats"),
        Column("open", "BOOLEAN", "structure", None, "open"),
        Column("since", "DATE", "structure", None, "since"),
        Column("keeper", "VARCHAR", "name", None, "keeper", drift=False),
    )


def test_parents_are_the_tables_referred_to() -> None:
    assert ROOMS.parents == {"building_id": "buildings"}


def test_table_archives_and_costs_nothing_unless_it_says_so() -> None:
    assert (ROOMS.removal, ROOMS.billable, ROOMS.privilege, ROOMS.mapping, ROOMS.shrink) == (
        "archive",
        False,
        0,
        None,
        None,
    )


def test_actions_read_as_plain_words() -> None:
    assert [f"{each}" for each in Action] == [
        "create", "link", "restore", "update", "move", "archive", "retire", "release",
    ]  # fmt: skip


def test_what_travels_cannot_be_changed_on_the_way() -> None:
    claim = Claim("riverside", "me", 3)
    with pytest.raises(dataclasses.FrozenInstanceError):
        claim.epoch = 4  # type: ignore[misc] # that is the point
