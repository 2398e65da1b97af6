"""What was in the planner before the first sync: rows that people made there, alike to those of the demo district."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from syncrun.sinks.planner import database

if TYPE_CHECKING:
    from world import World


def made_by_hand(world: World, table: str, called: str, **values: Any) -> str:
    """Put a row that nobody's sync owns into the planner; its id, which follows from `called`."""
    row = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{table}/{called}"))
    with world.planner() as connection:
        database.metadata.create_all(connection)
        connection.execute(database.metadata.tables[table].insert().values(id=row, **values))
    return row


def schools(world: World) -> dict[str, str]:
    """The three schools of the demo district as people called them, by sourcedId; codes are not kept."""
    return {
        "school-1": made_by_hand(world, "schools", "birch", name="Birch Elem."),
        "school-2": made_by_hand(world, "schools", "linden", name="Linden MS"),
        "school-3": made_by_hand(world, "schools", "oak", name="Oak High"),
    }


def person(world: World, key: str) -> dict[str, str]:
    """Name and number of a person of the source, in the planner's words."""
    (row,) = (row for row in world.rows("users") if row["sourcedId"] == key)
    return {"given_name": row["givenName"], "family_name": row["familyName"], "number": row["identifier"]}
