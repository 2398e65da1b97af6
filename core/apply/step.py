"""The steps of applying a plan and their chunks. Steps and chunk numbers follow from the plan and the approvals alone,
so a resumed run cuts the same chunks again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncrun.apply.release import SCHEMA as RELEASED
from syncrun.apply.release import ordered
from syncrun.sdk import Action, Table
from syncrun.sqltext import name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

CHUNK_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Step:
    """Changes of one table and one action that touch the same columns. `first_chunk` is the number of its first."""

    table: Table
    action: Action
    fields: tuple[str, ...]
    rows: int
    first_chunk: int

    @property
    def chunks(self) -> range:
        """The numbers of its chunks."""
        return range(self.first_chunk, self.first_chunk + -(-self.rows // CHUNK_ROWS))


_BRINGING = (Action.LINK, Action.CREATE, Action.RESTORE, Action.MOVE, Action.UPDATE)
_TAKING = (Action.ARCHIVE, Action.RETIRE)


def steps(connection: DuckDBPyConnection, tables: Sequence[Table]) -> list[Step]:
    """What is given back, so that nothing of it stands in the way; all that brings or changes rows, parents first; then
    all that takes rows away, children first."""
    found: list[Step] = []
    number = 0
    for table, action, fields, rows in _grouped(connection, ordered(tables)):
        found.append(Step(table, action, fields, rows, number))
        number = found[-1].chunks.stop
    return found


def _grouped(
    connection: DuckDBPyConnection, tables: Sequence[Table]
) -> Iterator[tuple[Table, Action, tuple[str, ...], int]]:
    counts = {
        table.name: connection.execute(
            f"""SELECT action, CASE WHEN action = 'update' THEN fields ELSE '' END AS touched, count(*)
            FROM {RELEASED}.{name(table.name)} GROUP BY ALL ORDER BY ALL"""
        ).fetchall()
        for table in tables
    }
    yield from _of(tables, counts, Action.RELEASE)
    for table in tables:
        for wanted in _BRINGING:
            for action, touched, rows in counts[table.name]:
                if action == wanted:
                    every = tuple(column.name for column in table.columns)
                    yield table, wanted, tuple(touched.split(",")) if wanted is Action.UPDATE else every, rows
    for taking in _TAKING:
        yield from _of(tables[::-1], counts, taking)


def _of(
    tables: Sequence[Table], counts: Mapping[str, Sequence[tuple[str, str, int]]], wanted: Action
) -> Iterator[tuple[Table, Action, tuple[str, ...], int]]:
    """The steps of one action that touches no column."""
    for table in tables:
        for action, _, rows in counts[table.name]:
            if action == wanted:
                yield table, wanted, (), rows
