"""What a sink that publishes whole tables is to have, as views: `before.<table>`, what it has taken, and `after.<table>`,
the same with what is released of the plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from syncrun.apply.release import SCHEMA as RELEASED
from syncrun.plan.applied import SCHEMA as APPLIED
from syncrun.scratch import has, renew_schema
from syncrun.scratch import rows as rows_of
from syncrun.sdk import Table
from syncrun.sqltext import name, names

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

BEFORE, AFTER = "before", "after"
FETCHED = 5_000


def show(connection: DuckDBPyConnection, tables: Sequence[Table]) -> bool:
    """Make the views; False where there is nothing in any of them. They are tables in memory: several queries use each."""
    renew_schema(connection, BEFORE)
    renew_schema(connection, AFTER)
    some = False
    for table in tables:
        columns = names(["key", "school", *(column.name for column in table.columns)])
        taken, released = f"{APPLIED}.{name(table.name)}", f"{RELEASED}.{name(table.name)}"
        connection.execute(
            f"CREATE TABLE {BEFORE}.{name(table.name)} AS SELECT {columns} FROM {taken} WHERE NOT archived"
        )
        kept = f"SELECT {columns} FROM {BEFORE}.{name(table.name)}"
        if has(connection, RELEASED, table.name):
            kept += f" ANTI JOIN {released} USING (key) UNION ALL SELECT {columns} FROM {released} WHERE action <> 'archive'"
        connection.execute(f"CREATE TABLE {AFTER}.{name(table.name)} AS {kept}")
        some = some or any(rows_of(connection, f"{schema}.{name(table.name)}") for schema in (BEFORE, AFTER))
    return some


def rows(connection: DuckDBPyConnection, query: str) -> Iterator[tuple[Any, ...]]:
    """The rows of a query over the views."""
    cursor = connection.cursor()
    cursor.execute(query)
    while found := cursor.fetchmany(FETCHED):
        yield from found
