"""The roster as one sink wants it: each table's shape, run over the canonical roster and the decisions.

A shape may use `shaped.<table>` of the tables before it. Tables that others use are kept in memory; most others are views.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from syncrun.errors import ContractError
from syncrun.scratch import renew_schema
from syncrun.sdk import Table
from syncrun.sqltext import literal, name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SCHEMA = "shaped"
LEFT_OUT = "left_out"
"""What people took out of the sync: (kind, sourcedId); see `syncrun.match.mapping`."""
SKIPPED_HERE = ("classes", "students")
"""Kinds of records whose shapes know nothing of what is skipped; orgs and teachers have `mapped_orgs`, `mapped_teachers`."""


def shape(connection: DuckDBPyConnection, tables: Iterable[Table], plugin: str) -> None:
    """Make `shaped.<table>` for each table: key, school, the table's columns in their types."""
    tables = list(tables)
    renew_schema(connection, SCHEMA)
    for table in tables:
        typed = ", ".join(f"{name(column.name)}::{column.sql_type} AS {name(column.name)}" for column in table.columns)
        kind = "TABLE" if _is_kept(table, tables) else "VIEW"
        query = f"SELECT key::VARCHAR AS key, school::VARCHAR AS school, {typed} FROM ({table.shape})"
        if table.mapping in SKIPPED_HERE:
            query += f" WHERE key NOT IN (SELECT sourcedId FROM {LEFT_OUT} WHERE kind = {literal(table.mapping)})"
        _run(connection, f"CREATE {kind} {SCHEMA}.{name(table.name)} AS {query}", plugin, table)


def _is_kept(table: Table, tables: Sequence[Table]) -> bool:
    """Whether its rows are kept in memory: others use them, or it is called as a canonical table that it is drawn from. A
    view would take itself for that."""
    used = any(f"{SCHEMA}.{table.name}" in other.shape for other in tables)
    return used or re.search(rf"\b{re.escape(table.name)}\b", table.shape) is not None


def _run(connection: DuckDBPyConnection, statement: str, plugin: str, table: Table) -> Any:
    import duckdb  # noqa: PLC0415 # heavy, and loaded by now

    try:
        return connection.execute(statement)
    except duckdb.Error as error:
        first = str(error).splitlines()[0]
        raise ContractError(f"The shape of {plugin}.{table.name} cannot be used: {first}") from None


def confirm_keys(connection: DuckDBPyConnection, changes: str, plugin: str, table: Table) -> None:
    """A shape must give each key once, and never NULL. `changes` is the relation of its changes."""
    found = connection.execute(
        f"SELECT count(*) FILTER (WHERE key IS NULL), count(*) - count(DISTINCT key) FROM {changes}"
    ).fetchone()
    if found and (found[0] or found[1]):
        what = "rows without a key" if found[0] else "one key for two rows"
        raise ContractError(f"The shape of {plugin}.{table.name} gives {what}.")
