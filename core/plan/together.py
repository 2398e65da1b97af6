"""Changes of several schools that go together or not at all: a record that is to be another row of the sink, and all rows
that name it. An operator who lets one of the schools go should hear why nothing comes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from syncrun.plan.diff import SCHEMA as CHANGES
from syncrun.plan.model import Part, school_of
from syncrun.sdk import Table
from syncrun.sqltext import name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SHOWN = 10
"""So many schools are named."""


def advice(connection: DuckDBPyConnection, tables: Sequence[Table], parts: Mapping[str, Part]) -> Iterator[str]:
    """A sentence for each table and set of schools whose changes go together while one of the schools waits."""
    waiting = {school_of(part) for part, each in parts.items() if each.reasons}
    for table in tables if waiting else ():
        for schools, count in connection.execute(_shared(table, tables)).fetchall():
            if waiting & set(schools):
                told = [each or "the district's own rows" for each in schools]
                more = f" and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
                yield (f"{count} {table.name} are to be other records of the sink and have changes in several schools, which go "
                       f"together or not at all: {', '.join(told[:SHOWN])}{more}. Approve all of them that wait.")  # fmt: skip


def _shared(table: Table, tables: Sequence[Table]) -> str:
    """The query for lists of schools, and how many rows of a table become other rows of the sink and are, themselves or
    by rows that name them, in the changes of all of these."""
    again = f"""SELECT key, coalesce(school, '') AS school FROM {CHANGES}.{name(table.name)}
        WHERE action IN ('create', 'link') AND from_key IS NOT NULL"""
    named = "".join(
        f""" UNION SELECT {name(column)}, coalesce(school, '') FROM {CHANGES}.{name(child.name)}
        WHERE action IN ('create', 'link', 'restore', 'update', 'move') AND {name(column)} IN (SELECT key FROM ({again}))"""
        for child in tables for column, parent in child.parents.items() if parent == table.name
    )  # fmt: skip
    return f"""
        SELECT schools, count(*) FROM (
            SELECT key, list(DISTINCT school ORDER BY school) AS schools FROM ({again}{named}) GROUP BY key
            HAVING count(DISTINCT school) > 1)
        GROUP BY schools ORDER BY schools
    """
