"""The rows of a step as the sink gets them: with its own ids for keys and references, sorted by id, cut into chunks.

Rows sorted by id load faster: a database's index grows at its end only. While a chunk is on its way, the next one is
being written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from syncrun.apply.identity import sql_derived
from syncrun.apply.release import SCHEMA as RELEASED
from syncrun.apply.step import CHUNK_ROWS, Step
from syncrun.plan.applied import SCHEMA as APPLIED
from syncrun.plan.diff import SCHEMA as CHANGES
from syncrun.sdk import Cap, Constant, Table
from syncrun.sqltext import literal, name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FETCHED = 5_000
KNOWN = "known_ids"
"""The sink's own ids that are not derived: ("table", key, sink_id)."""
FAILED = "failed"
"""Rows whose creation failed in this run: ("table", key). Rows that name them are not sent."""
_OUT = "outgoing"

Columns = Sequence[str | Constant]


def prepare(connection: DuckDBPyConnection, tables: Sequence[Table]) -> None:
    """Make the tables of known ids, from what was taken before and what this plan links, and of failures."""
    connection.execute(f'CREATE OR REPLACE TABLE {KNOWN} ("table" VARCHAR, key VARCHAR, sink_id VARCHAR)')
    connection.execute(f'CREATE OR REPLACE TABLE {FAILED} ("table" VARCHAR, key VARCHAR)')
    for table in tables:
        connection.execute(
            f"""INSERT INTO {KNOWN} SELECT ?, key, sink_id FROM {APPLIED}.{name(table.name)} WHERE sink_id IS NOT NULL
            UNION SELECT ?, key, sink_id FROM {CHANGES}.{name(table.name)} WHERE action = 'link'""",
            [table.name, table.name],
        )


class Outgoing:
    """The rows of one step."""

    def __init__(
        self, connection: DuckDBPyConnection, step: Step, district: str, sink: str, caps: Cap, folder: Path
    ) -> None:
        self._connection = connection
        self._step, self._district, self._sink, self._caps, self._folder = step, district, sink, caps, folder
        self._pool = ThreadPoolExecutor(1)
        self._ahead: tuple[int, Columns, Future[Path]] | None = None
        connection.execute(f"CREATE OR REPLACE TABLE {_OUT} AS {self._query()} ORDER BY id, key")

    def _id(self, table: str, key: str, alias: str) -> str:
        """The expression for the sink's id of a row, given the alias of the join with known ids."""
        if Cap.CLIENT_IDS in self._caps:
            return f"coalesce({alias}.sink_id, {sql_derived(self._district, self._sink, table, key)}::VARCHAR)"
        return f"{alias}.sink_id"

    def _query(self) -> str:
        step = self._step
        chosen = [f"{self._id(step.table.name, 'change.key', 'own')} AS id", "change.key AS key"]
        joins = [self._join("own", step.table.name, "change.key")]
        touched = [column for column in step.table.columns if column.name in step.fields]
        for n, column in enumerate(touched):
            value = f"change.{name(column.name)}"
            if column.parent:
                alias = f"parent{n}"
                joins.append(self._join(alias, column.parent, value))
                value = f"CASE WHEN {value} IS NOT NULL THEN {self._id(column.parent, value, alias)} END"
            chosen.append(f"{value} AS {name('f ' + column.name)}")
        chosen.append(f"({self._fails()}) AS fails")
        where = f"change.action = {literal(step.action)}"
        if step.action == "update":
            where += f" AND change.fields = {literal(','.join(step.fields))}"
        return f"SELECT {', '.join(chosen)} FROM {RELEASED}.{name(step.table.name)} AS change " \
               f"{' '.join(joins)} WHERE {where}"  # fmt: skip

    def _join(self, alias: str, table: str, key: str) -> str:
        return f'LEFT JOIN {KNOWN} AS {alias} ON {alias}."table" = {literal(table)} AND {alias}.key = {key}'

    def _fails(self) -> str:
        """Whether the row names one whose creation failed."""
        tests = [
            f'change.{name(column.name)} IN (SELECT key FROM {FAILED} WHERE "table" = {literal(column.parent)})'
            for column in self._step.table.columns
            if column.parent and column.name in self._step.fields and self._failures(column.parent)
        ]
        return " OR ".join(f"coalesce({test}, false)" for test in tests) or "false"

    def _failures(self, table: str) -> bool:
        found = self._connection.execute(f'SELECT 1 FROM {FAILED} WHERE "table" = ? LIMIT 1', [table]).fetchone()
        return found is not None

    # -- chunks ------------------------------------------------------------------------------------------------------

    def _bounds(self, number: int) -> str:
        start = (number - self._step.first_chunk) * CHUNK_ROWS
        return f"rowid >= {start} AND rowid < {start + CHUNK_ROWS}"

    def size(self, number: int) -> int:
        """How many rows of a chunk are to be sent."""
        query = f"SELECT count(*) FROM {_OUT} WHERE {self._bounds(number)} AND NOT fails"
        found = self._connection.execute(query).fetchone()
        return int(found[0]) if found else 0

    def failing(self, number: int) -> list[str]:
        """Keys of a chunk that are not sent since a row that they name failed."""
        query = f"SELECT key FROM {_OUT} WHERE {self._bounds(number)} AND fails"
        return [key for (key,) in self._connection.execute(query).fetchall()]

    def _select(self, number: int, columns: Columns) -> str:
        chosen = [
            literal(column.text) if isinstance(column, Constant) else name(column if column in {"id", "key"} else "f " + column)
            for column in columns
        ]  # fmt: skip
        return f"SELECT {', '.join(chosen)} FROM {_OUT} WHERE {self._bounds(number)} AND NOT fails ORDER BY rowid"

    def rows(self, number: int, columns: Columns) -> Iterator[tuple[Any, ...]]:
        """The chunk as tuples of plain values."""
        dates = {f"f {c.name}" for c in self._step.table.columns if c.sql_type == "DATE"}
        query = self._select(number, columns)
        for column in dates:
            query = query.replace(name(column), f"{name(column)}::VARCHAR")
        cursor = self._connection.cursor()
        cursor.execute(query)
        while rows := cursor.fetchmany(FETCHED):
            yield from rows

    def csv(self, number: int, columns: Columns) -> BinaryIO:
        """The chunk as CSV bytes; the next one is begun at once."""
        ahead, self._ahead = self._ahead, None
        if ahead and ahead[0] == number and list(ahead[1]) == list(columns):
            path = ahead[2].result()
        else:
            path = self._write(number, columns)
        following = number + 1
        if following in self._step.chunks:
            self._ahead = following, columns, self._pool.submit(self._write, following, columns)
        stream = path.open("rb")
        path.unlink()
        return stream

    def _write(self, number: int, columns: Columns) -> Path:
        path = self._folder / f"outgoing-{number}.csv"
        path.touch(mode=0o600)
        self._connection.cursor().execute(
            f"COPY ({self._select(number, columns)}) TO {literal(str(path))} (FORMAT csv, HEADER false)"
        )
        return path

    def close(self) -> None:
        """Drop what was written ahead and not asked for."""
        if self._ahead:
            self._ahead[2].result().unlink(missing_ok=True)
        self._pool.shutdown()
