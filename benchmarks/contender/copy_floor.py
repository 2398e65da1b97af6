"""Plain COPY of the planner's rows: the floor of every first load.

The rows are worked out, given their ids, sorted by id and written as CSV before the clock starts; the clock runs from
connecting to the commit. Once into tables without keys or checks, once into the planner's own.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import sqlalchemy as sa

from benchmarks import measure, planner
from benchmarks.course import Course, Figure, Stage
from syncrun.sdk.sql.connect import normal_url
from syncrun.sinks.planner.database import metadata

BARE, KEYED = "COPY, bare tables", "COPY, planner's tables"


def missing() -> str:
    """Nothing but the driver is needed."""
    return ""


def make_planner(url: str) -> None:
    """The planner's own empty tables, which an app's owner would have."""
    metadata.create_all(sa.create_engine(normal_url(url), poolclass=sa.pool.NullPool))


def run(course: Course) -> Iterator[Figure]:
    """Copy into both kinds of tables."""
    room = course.room("copy")
    planner.prepare_copy(course.days[0], room)
    files = [room / f"{table.name}.csv" for table in metadata.sorted_tables]
    for name, bare in ((BARE, True), (KEYED, False)):
        url = course.postgres.fresh("bench_copy")
        make_planner(url)
        if bare:
            _strip(url)
        course.postgres.rest()
        measured = measure.worker("copy_rows", url, *files)
        rows = planner.prove(url, course.days[0], room, name)
        yield Figure(name, Stage.FIRST, measured.told()["copy"], measured.peak, note=f"{rows:,} rows; a floor")
    course.postgres.drop("bench_copy")


def _strip(url: str) -> None:
    """Put tables of the same columns without keys, indexes or checks in the place of the planner's."""
    with psycopg.connect(url) as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(f"CREATE TABLE bare AS SELECT * FROM {table.name}")
            connection.execute(f"DROP TABLE {table.name}")
            connection.execute(f"ALTER TABLE bare RENAME TO {table.name}")
