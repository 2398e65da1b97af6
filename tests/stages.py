"""A district with sinks of two stages: a ledger that takes and gives, and a planner that only takes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from gradebook import Gradebook

if TYPE_CHECKING:
    import pytest
    from vendor import Site
    from world import World

LEDGER = """
from syncrun.sdk import Cap, ConnectorInfo, hookimpl

@hookimpl
def syncrun_sinks():
    yield ConnectorInfo("ledger", "A ledger", "gradebook:Gradebook", "gradebook:Settings", Cap.ARCHIVE | Cap.RESTORE,
                        stage="two_way")
"""
DISTRICT = """
district = "riverside"
time_zone = "America/New_York"
[source]
connector = "oneroster_csv"
path = "inbox"
settle_seconds = 0
[[sinks]]
sink = "planner"
database_url = "{planner}"
create_tables = true
school_years = ["year-2027"]
new_teachers = "add"
{planner_more}
[[sinks]]
sink = "ledger"
school_years = ["year-2027"]
"""


def staged(world: World, site: Site, monkeypatch: pytest.MonkeyPatch, planner_more: str = "") -> None:
    """Make the world's district one with both. The planner stands first in the file, and is served last."""
    Gradebook.fresh()
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site.folder), str(Path(__file__).parent)]))
    site.plugin("ledger", LEDGER)
    restage(world, planner_more)
    world.write()


def restage(world: World, planner_more: str = "") -> None:
    """Write the district file anew, with more settings for the planner."""
    world.configure(DISTRICT.format(planner=world.planner_url, planner_more=planner_more))


def lose_pupils(world: World, school: int, count: int) -> None:
    """Take pupils of a school out of the files, of whom more than a few are too many to go unseen."""
    gone = {f"s{school}{n:03d}" for n in range(20, 20 + count)}
    world.drop("users", *gone)
    enrollments = world.rows("enrollments")
    world.drop("enrollments", *(row["sourcedId"] for row in enrollments if row["userSourcedId"] in gone))
    world.write()
