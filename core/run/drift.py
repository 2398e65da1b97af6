"""A full sync reads the sink and compares it with what the sink is thought to have: somebody may have changed a row.

A row of ours with other values, or one that is gone, is put right by the plan. A row that a person archived stays
archived; that is said once. Columns that are not to be put right count as they were sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from syncrun.apply.identity import sql_derived
from syncrun.config.district import SinkConfig
from syncrun.match import link
from syncrun.plan.applied import SCHEMA as APPLIED
from syncrun.plan.diff import BEFORE
from syncrun.run.aside import Aside
from syncrun.sdk import Cap, Sink, Table
from syncrun.sqltext import literal, name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

IDS = "sink_ids"


def repair(
    connection: DuckDBPyConnection, sink: Sink, tables: Sequence[Table], district: str, config: SinkConfig, folder: Path,
    aside: Aside,
) -> list[str]:  # fmt: skip
    """Put what the sink really has in the place of what it is thought to have; what was found, in words."""
    _note_ids(connection, tables, district, config)
    return [line for table in tables for line in _repair(connection, sink, table, folder, aside)]


def _note_ids(connection: DuckDBPyConnection, tables: Sequence[Table], district: str, config: SinkConfig) -> None:
    """The sink's id of every row that was taken. One that was set aside before may be a record by now: then it is that."""
    connection.execute(f'CREATE OR REPLACE TABLE {IDS} ("table" VARCHAR, key VARCHAR, id VARCHAR)')
    for table in tables:
        derived = "NULL"
        if Cap.CLIENT_IDS in config.info.caps:
            derived = f"{sql_derived(district, config.name, table.name, 'key')}::VARCHAR"
        connection.execute(
            f"INSERT INTO {IDS} SELECT ?, key, coalesce(sink_id, {derived}) FROM {APPLIED}.{name(table.name)} "
            f"WHERE NOT starts_with(key, {literal(BEFORE)})",
            [table.name],
        )


def _repair(connection: DuckDBPyConnection, sink: Sink, table: Table, folder: Path, mentioned: Aside) -> list[str]:
    link.observe(connection, sink, table, folder)
    thought = name("thought " + table.name)
    connection.execute(f"CREATE OR REPLACE TABLE {thought} AS FROM {APPLIED}.{name(table.name)}")
    chosen, joins = [], []
    for n, column in enumerate(table.columns):
        if not column.drift:
            chosen.append(f"was.{name(column.name)}")
        elif column.parent:
            joins.append(f'LEFT JOIN {IDS} AS parent{n} ON parent{n}."table" = {literal(column.parent)} '
                         f"AND parent{n}.id = seen.{name(column.name)}")  # fmt: skip
            chosen.append(f"parent{n}.key AS {name(column.name)}")
        else:
            chosen.append(f"seen.{name(column.name)}")
    differ = " OR ".join(f"now.{name(c.name)} IS DISTINCT FROM was.{name(c.name)}" for c in table.columns)
    found = name("found " + table.name)
    connection.execute(f"""
        CREATE OR REPLACE TABLE {found} AS
        SELECT own.key, was.school, was.sink_id, {", ".join(chosen)}, seen.archived
        FROM {link.SCHEMA}.{name(table.name)} AS seen
        JOIN {IDS} AS own ON own."table" = {literal(table.name)} AND own.id = seen.sink_id
        JOIN {thought} AS was ON was.key = own.key {" ".join(joins)} WHERE seen.owned
    """)
    gone = _count(connection, f"SELECT count(*) FROM {thought} ANTI JOIN {found} USING (key) WHERE NOT archived")
    aside = f"SELECT key FROM {found} AS now JOIN {thought} AS was USING (key) WHERE now.archived AND NOT was.archived"
    left = mentioned.news(table.name, [key for (key,) in connection.execute(aside).fetchall()])
    differs = _count(connection, f"""
        SELECT count(*) FROM {found} AS now JOIN {thought} AS was USING (key)
        WHERE NOT now.archived AND NOT was.archived AND ({differ})
    """)  # fmt: skip
    # What a person archived counts as it was, so that no change comes of it.
    connection.execute(f"""
        CREATE OR REPLACE VIEW {APPLIED}.{name(table.name)} AS
        SELECT * FROM {found} WHERE key NOT IN ({aside})
        UNION ALL BY NAME SELECT * FROM {thought} WHERE key IN ({aside}) OR starts_with(key, {literal(BEFORE)})
    """)
    told = ((differs, "differ from what was sent and are put right"), (gone, "are gone and are sent again"),
            (left, "were archived by hand and are left so"))  # fmt: skip
    return [f"{count} {table.name} {words}." for count, words in told if count]


def _count(connection: DuckDBPyConnection, query: str) -> int:
    found = connection.execute(query).fetchone()
    return int(found[0]) if found else 0
