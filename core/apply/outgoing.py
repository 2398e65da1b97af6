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
from syncrun.sdk import Action, Cap, Constant, Table
from syncrun.sqltext import literal, name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FETCHED = 5_000
_IDS = ("id", "from_id")
KNOWN = "known_ids"
"""The sink's own ids that are not derived: ("table", key, sink_id)."""
FAILED = "failed"
"""Rows whose creation failed in this run, or that cannot take the place of what they were: ("table", key). These and
rows that name them are not sent."""

Columns = Sequence[str | Constant]


def prepare(connection: DuckDBPyConnection, tables: Sequence[Table]) -> None:
    """Make the tables of known ids, from what was taken before and what this plan links, and of failures."""
    connection.execute(f'CREATE OR REPLACE TABLE {KNOWN} ("table" VARCHAR, key VARCHAR, sink_id VARCHAR)')
    connection.execute(f'CREATE OR REPLACE TABLE {FAILED} ("table" VARCHAR, key VARCHAR)')
    for table in tables:
        changes = f"{CHANGES}.{name(table.name)}"
        connection.execute(
            f"""INSERT INTO {KNOWN}
            SELECT ?, key, sink_id FROM {APPLIED}.{name(table.name)} WHERE sink_id IS NOT NULL
                AND key NOT IN (SELECT key FROM {changes} WHERE action IN ('create', 'link'))
            UNION SELECT ?, key, sink_id FROM {changes} WHERE action IN ('create', 'link') AND sink_id IS NOT NULL
            UNION SELECT ?, key, sink_id FROM {changes} WHERE action IN ('release', 'retire')""",
            [table.name] * 3,
        )


class Outgoing:
    """The rows of one step."""

    def __init__(
        self, connection: DuckDBPyConnection, step: Step, district: str, sink: str, caps: Cap, folder: Path
    ) -> None:
        self.step = step
        self._connection = connection
        self._district, self._sink, self._caps, self._folder = district, sink, caps, folder
        self._table = name(f"outgoing {step.first_chunk}")
        self._pool = ThreadPoolExecutor(1)
        self._ahead: tuple[int, Columns, Future[Path]] | None = None
        connection.execute(f"CREATE OR REPLACE TABLE {self._table} AS {self._query()} ORDER BY id, key")

    def _query(self) -> str:
        """The ids of parents are worked out once for each parent, not once for each row that names it."""
        step = self.step
        own = self._ids("own", step.table.name, "key", self._rows())
        chosen, joins = ["own.id AS id", "change.key AS key"], [f"JOIN {own} ON own.key = change.key"]
        if not self._has_known(step.table.name) and Cap.CLIENT_IDS in self._caps:
            derived = sql_derived(self._district, self._sink, step.table.name, "change.key")
            chosen, joins = [f"{derived} AS id", "change.key AS key"], []
        if step.action is Action.MOVE:
            origin = self._ids("origin", step.table.name, "from_key", self._rows())
            joins.append(f"JOIN {origin} ON origin.key = change.from_key")
            chosen.append("origin.id AS from_id")
        for n, column in enumerate(column for column in step.table.columns if column.name in step.fields):
            value = f"change.{name(column.name)}"
            if column.parent:
                parents = self._ids(f"parent{n}", column.parent, name(column.name), self._rows())
                joins.append(f"LEFT JOIN {parents} ON parent{n}.key = {value}")
                chosen += [f"parent{n}.id AS {name('f ' + column.name)}", f"{value} AS {name('key ' + column.name)}"]
            else:
                chosen.append(f"{value} AS {name('f ' + column.name)}")
        return f"SELECT {', '.join(chosen)} FROM ({self._rows()}) AS change {' '.join(joins)}"

    def _rows(self) -> str:
        """The changes of the step."""
        step = self.step
        where = f"action = {literal(step.action)}"
        if step.action == "update":
            where += f" AND fields = {literal(','.join(step.fields))}"
        return f"SELECT * FROM {RELEASED}.{name(step.table.name)} WHERE {where}"

    def _ids(self, alias: str, table: str, column: str, rows: str) -> str:
        """The sink's ids of the rows of one table that a column of the step names: a relation of key and id."""
        derived = "NULL"
        if Cap.CLIENT_IDS in self._caps:
            derived = f"{sql_derived(self._district, self._sink, table, 'named.key')}::VARCHAR"
        return f"""(
            SELECT named.key, coalesce(known.sink_id, {derived}) AS id
            FROM (SELECT DISTINCT {column} AS key FROM ({rows}) WHERE {column} IS NOT NULL) AS named
            LEFT JOIN {KNOWN} AS known ON known."table" = {literal(table)} AND known.key = named.key) AS {alias}"""

    def _has_known(self, table: str) -> bool:
        found = self._connection.execute(f'SELECT 1 FROM {KNOWN} WHERE "table" = ? LIMIT 1', [table]).fetchone()
        return found is not None

    # -- chunks ------------------------------------------------------------------------------------------------------

    def _bounds(self, number: int) -> str:
        start = (number - self.step.first_chunk) * CHUNK_ROWS
        return f"rowid >= {start} AND rowid < {start + CHUNK_ROWS}"

    def _sent(self) -> str:
        """The condition that leaves out rows which failed before they were sent, or which name one that failed."""
        if not self._any_failed():
            return "true"
        names = [column.name for column in self.step.table.columns if column.parent and column.name in self.step.fields]
        parents = {column.name: column.parent for column in self.step.table.columns}
        tests = [
            f'coalesce({name("key " + column)} NOT IN (SELECT key FROM {FAILED} WHERE "table" = '
            f"{literal(str(parents[column]))}), true)"
            for column in names
        ]
        if self.step.action in {Action.CREATE, Action.LINK}:
            tests.append(f'key NOT IN (SELECT key FROM {FAILED} WHERE "table" = {literal(self.step.table.name)})')
        return " AND ".join(tests) or "true"

    def _any_failed(self) -> bool:
        return self._connection.execute(f"SELECT 1 FROM {FAILED} LIMIT 1").fetchone() is not None

    def size(self, number: int) -> int:
        """How many rows of a chunk are to be sent."""
        query = f"SELECT count(*) FROM {self._table} WHERE {self._bounds(number)} AND {self._sent()}"
        found = self._connection.execute(query).fetchone()
        return int(found[0]) if found else 0

    def failing(self, number: int) -> list[str]:
        """Keys of a chunk that are not sent since a row that they name failed."""
        if not self._any_failed():
            return []
        query = f"SELECT key FROM {self._table} WHERE {self._bounds(number)} AND NOT ({self._sent()})"
        return [key for (key,) in self._connection.execute(query).fetchall()]

    def _select(self, number: int, columns: Columns, *, plain: bool = False) -> str:
        """The query for a chunk; `plain`: ids and dates as text."""
        as_text = set(_IDS) | {column.name for column in self.step.table.columns if column.sql_type == "DATE"}
        chosen = []
        for column in columns:
            if isinstance(column, Constant):
                chosen.append(literal(column.text))
                continue
            held = name(column if column in _IDS or column == "key" else "f " + column)
            chosen.append(f"{held}::VARCHAR" if plain and column in as_text else held)
        where = f"{self._bounds(number)} AND {self._sent()}"
        return f"SELECT {', '.join(chosen)} FROM {self._table} WHERE {where} ORDER BY rowid"

    def rows(self, number: int, columns: Columns) -> Iterator[tuple[Any, ...]]:
        """The chunk as tuples of plain values."""
        cursor = self._connection.cursor()
        cursor.execute(self._select(number, columns, plain=True))
        while rows := cursor.fetchmany(FETCHED):
            yield from rows

    def csv(self, number: int, columns: Columns) -> BinaryIO:
        """The chunk as CSV bytes; the next one is begun at once."""
        ahead, self._ahead = self._ahead, None
        if ahead and ahead[0] == number and list(ahead[1]) == list(columns):
            path = ahead[2].result()
        else:
            path = self._write(*self._writing(number, columns))
        following = number + 1
        if following in self.step.chunks:
            self._ahead = following, columns, self._pool.submit(self._write, *self._writing(following, columns))
        stream = path.open("rb")
        path.unlink()
        return stream

    def _writing(self, number: int, columns: Columns) -> tuple[DuckDBPyConnection, str, Path]:
        """What `_write` needs. A connection serves one thread at a time, so it is not asked for anything over there."""
        return self._connection.cursor(), self._select(number, columns), self._folder / f"outgoing-{number}.csv"

    @staticmethod
    def _write(cursor: DuckDBPyConnection, query: str, path: Path) -> Path:
        path.touch(mode=0o600)
        cursor.execute(f"COPY ({query}) TO {literal(str(path))} (FORMAT csv, HEADER false, USE_TMP_FILE false)")
        return path

    def close(self) -> None:
        """Drop the rows, and what was written ahead and not asked for."""
        ahead, self._ahead = self._ahead, None
        if ahead:
            ahead[2].result().unlink(missing_ok=True)
        self._pool.shutdown()
        self._connection.execute(f"DROP TABLE IF EXISTS {self._table}")
