"""Writing one batch into one table inside a transaction at hand: a fast way, and a careful one for when a row is bad.

The fast way sends the whole batch at once (COPY on PostgreSQL, one prepared statement on SQLite). If the database
refuses a row, everything of the batch is rolled back to a savepoint and the careful way finds the bad rows, so that a
bad row fails alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field as declared
from typing import TYPE_CHECKING, Any

from syncrun.sdk.sink import Action, Batch, Constant, Outcome
from syncrun.sdk.sql import before
from syncrun.sdk.sql.rejection import REJECTIONS, is_rejection, rejection
from syncrun.sqltext import literal, name, names

if TYPE_CHECKING:
    import sqlalchemy as sa

BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Target:
    """Where the rows of one sink table live: the SQL table, the column that says who owns a row (the district, or
    NULL for people's own rows), the one that sets it aside, and, if there is one, the one that shows our key.

    `keeps`: columns that no change overwrites in rows where another column is filled, as `{"email": "claimed_at"}` for
    accounts whose owners look after them, or where they are filled themselves, as `{"language": "language"}`."""

    table: sa.Table
    owner: str = "managed_by"
    archived: str = "archived_at"
    external: str | None = None
    keeps: Mapping[str, str] = declared(default_factory=dict)

    @property
    def sql_name(self) -> str:
        """The table's name, quoted."""
        return name(self.table.name)


def write(connection: sa.Connection, batch: Batch, target: Target, hints: Mapping[str, str]) -> list[Outcome]:
    """Carry out the batch; the exceptions are returned. Errors that are not about a row are raised as they come."""
    kind = _Postgres if connection.dialect.name == "postgresql" else _Sqlite
    return kind(connection, batch, target, hints).write()


def plain_types(table: sa.Table, dialect: sa.Dialect) -> dict[str, str]:
    """The SQL type of each column; texts without a length, since a cast to VARCHAR(3) cuts what is longer, where an
    INSERT refuses it."""
    return {
        column.name: re.sub(r"^(VAR)?CHAR\(\d+\)", "VARCHAR", column.type.compile(dialect)) for column in table.columns
    }


@contextmanager
def savepoint(execute: Callable[[str], Any]) -> Iterator[None]:
    """Undo what an error leaves of a batch, and nothing before it."""
    execute("SAVEPOINT syncrun_batch")
    try:
        yield
    except Exception:
        execute("ROLLBACK TO SAVEPOINT syncrun_batch")
        execute("RELEASE SAVEPOINT syncrun_batch")
        raise
    execute("RELEASE SAVEPOINT syncrun_batch")


def _layout(batch: Batch, target: Target) -> tuple[list[str], list[str | Constant]]:
    """Columns of a new row and where their values come from."""
    columns: list[str] = [target.table.primary_key.columns.keys()[0], target.owner]
    sources: list[str | Constant] = ["id", Constant(batch.claim.district)]
    if target.external:
        columns.append(target.external)
        sources.append("key")
    return [*columns, *batch.fields], [*sources, *batch.fields]


def _unless_kept(target: Target, field: str, value: str, row: str) -> str:
    """The expression for a field of a row that is there; `row` names the row."""
    guard = target.keeps.get(field)
    return f"CASE WHEN {row}.{name(guard)} IS NULL THEN {value} ELSE {row}.{name(field)} END" if guard else value


def _assignments(batch: Batch, target: Target, value: Callable[[str], str], now: str, row: str) -> str:
    """The SET list of an UPDATE; `value` gives the expression for a field, `row` names the row."""
    pairs = [(field, _unless_kept(target, field, value(field), row)) for field in batch.fields]
    if batch.action is Action.ARCHIVE:
        pairs.append((target.archived, now))
    if batch.action in {Action.RESTORE, Action.LINK}:
        pairs.append((target.archived, "NULL"))
    if batch.action is Action.LINK:
        pairs.append((target.owner, literal(batch.claim.district)))
        if target.external:
            pairs.append((target.external, value("key")))
    return ", ".join(f"{name(column)} = {expression}" for column, expression in pairs)


def _overwritten(batch: Batch, target: Target, row: str) -> str:
    """The SET list of an INSERT whose row is there already."""
    values = {field: _unless_kept(target, field, f"excluded.{name(field)}", row) for field in batch.fields}
    return ", ".join(f"{name(field)} = {value}" for field, value in values.items())


def _ours(batch: Batch, target: Target, alias: str = "") -> str:
    """The condition that keeps an UPDATE to rows it may touch."""
    owner = f"{alias}{name(target.owner)}"
    return f"{owner} IS NULL" if batch.action is Action.LINK else f"{owner} = {literal(batch.claim.district)}"


def _gone(key: str, action: Action) -> Outcome:
    if action is Action.ARCHIVE:
        return Outcome(key, "unchanged")
    return Outcome(key, "conflict", code="S-GONE-1", reason=REJECTIONS["S-GONE-1"])


class _Postgres:
    """COPY straight into the table; for other actions, and when a row is refused, by way of a temporary table."""

    def __init__(self, connection: sa.Connection, batch: Batch, target: Target, hints: Mapping[str, str]) -> None:
        self.driver: Any = connection.connection.driver_connection
        self.batch, self.target, self.hints = batch, target, hints
        self.types = plain_types(target.table, connection.dialect)
        self.id = target.table.primary_key.columns.keys()[0]

    def write(self) -> list[Outcome]:
        if self.batch.action is Action.CREATE:
            try:
                with savepoint(self.driver.execute):
                    columns, sources = _layout(self.batch, self.target)
                    self._copy(self.target.sql_name, columns, sources)
                return []
            except Exception as error:
                if not is_rejection(error):
                    raise
        return self._careful()

    def _copy(self, table: str, columns: Sequence[str], sources: Sequence[str | Constant]) -> None:
        with (
            self.driver.cursor() as cursor,
            cursor.copy(f"COPY {table} ({names(columns)}) FROM STDIN (FORMAT csv)") as copy,
            self.batch.csv(sources) as stream,
        ):
            while block := stream.read(BLOCK):
                copy.write(block)

    def _careful(self) -> list[Outcome]:
        fields = self.batch.fields
        declared = "".join(f", {name('f_' + field)} TEXT" for field in fields)
        self.driver.execute("DROP TABLE IF EXISTS pg_temp.syncrun_stage")
        self.driver.execute(
            "CREATE TEMPORARY TABLE syncrun_stage (n INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
            f"id TEXT, key TEXT{declared}) ON COMMIT DROP"
        )
        self._copy("syncrun_stage", ["id", "key", *(f"f_{field}" for field in fields)], ["id", "key", *fields])
        taken: set[str] = set()
        if self.batch.action is Action.LINK:
            self._keep_images()
            # what is ours already cannot be linked a second time, and afterwards could not be told from what was linked now
            taken = self._missing("IS NULL")
        exceptions = self._settle(1, self.batch.size + 1)
        gone = taken | self._missing(f"= {literal(self.batch.claim.district)}")
        refused = {each.key for each in exceptions}
        return exceptions + [_gone(key, self.batch.action) for key in sorted(gone - refused)]

    def _keep_images(self) -> None:
        target = self.target
        rows = (
            f"FROM {target.sql_name} t JOIN syncrun_stage s ON t.{name(self.id)} = s.id::{self.types[self.id]} "
            f"WHERE t.{name(target.owner)} IS NULL"
        )
        taken = before.columns(self.batch, target.external, target.archived)
        self.driver.execute(before.keep("postgresql", self.batch, taken, self.id, rows))

    def _cast(self, field: str) -> str:
        if field == "key":
            return "s.key"
        return f"s.{name('f_' + field)}::{self.types[field]}"

    def _statement(self) -> str:
        table, id_type = self.target.sql_name, self.types[self.id]
        where = "s.n >= %s AND s.n < %s"
        if self.batch.action is not Action.CREATE:
            sets = _assignments(self.batch, self.target, self._cast, "now()", "t")
            ours = _ours(self.batch, self.target, "t.")
            return (
                f"UPDATE {table} t SET {sets} FROM syncrun_stage s "
                f"WHERE t.{name(self.id)} = s.id::{id_type} AND {ours} AND {where}"
            )
        columns, sources = _layout(self.batch, self.target)
        values = [f"s.id::{id_type}" if source == "id" else literal(source.text) if isinstance(source, Constant)
                  else self._cast(source) for source in sources]  # fmt: skip
        again = _overwritten(self.batch, self.target, "t")
        return (
            f"INSERT INTO {table} AS t ({names(columns)}) SELECT {', '.join(values)} FROM syncrun_stage s "
            f"WHERE {where} ON CONFLICT ({name(self.id)}) DO UPDATE SET {again}, {name(self.target.archived)} = NULL "
            f"WHERE {_ours(self.batch, self.target, 't.')}"
        )

    def _settle(self, start: int, stop: int) -> list[Outcome]:
        """Write the staged rows from `start` to before `stop`; halve the range until each bad row stands alone."""
        try:
            with savepoint(self.driver.execute):
                self.driver.execute(self._statement(), (start, stop))
            return []
        except Exception as error:
            if not is_rejection(error):
                raise
            if stop - start == 1:
                (key,) = self.driver.execute("SELECT key FROM syncrun_stage WHERE n = %s", (start,)).fetchone()
                code, reason = rejection(error, self.hints)
                return [Outcome(key, "rejected", code=code, reason=reason)]
            middle = (start + stop) // 2
            return self._settle(start, middle) + self._settle(middle, stop)

    def _missing(self, owned: str) -> set[str]:
        """Keys of staged rows that the table does not have with such an owner; empty in the usual case."""
        rows = self.driver.execute(
            f"SELECT s.key FROM syncrun_stage s LEFT JOIN {self.target.sql_name} t "
            f"ON t.{name(self.id)} = s.id::{self.types[self.id]} AND t.{name(self.target.owner)} {owned} "
            f"WHERE t.{name(self.id)} IS NULL"
        ).fetchall()
        return {key for (key,) in rows}


class _Sqlite:
    """One prepared statement for the batch; row by row when a row is refused or not found."""

    def __init__(self, connection: sa.Connection, batch: Batch, target: Target, hints: Mapping[str, str]) -> None:
        self.driver: Any = connection.connection.driver_connection
        self.batch, self.target, self.hints = batch, target, hints
        self.id = target.table.primary_key.columns.keys()[0]

    def write(self) -> list[Outcome]:
        if self.batch.action is Action.LINK:
            self._keep_images()
        statement, sources = self._statement()
        try:
            with savepoint(self.driver.execute):
                done = self.driver.executemany(statement, self.batch.rows(sources)).rowcount
                if done != self.batch.size:
                    raise _CountError
            return []
        except Exception as error:
            if not isinstance(error, _CountError) and not is_rejection(error):
                raise
        return list(self._careful(statement, sources))

    def _keep_images(self) -> None:
        target = self.target
        rows = f"FROM {target.sql_name} AS t WHERE t.{name(self.id)} = ? AND t.{name(target.owner)} IS NULL"
        taken = before.columns(self.batch, target.external, target.archived)
        self.driver.executemany(before.keep("sqlite", self.batch, taken, self.id, rows), self.batch.rows(["id"]))

    def _careful(self, statement: str, sources: Sequence[str | Constant]) -> Iterator[Outcome]:
        for key, *row in self.batch.rows(["key", *sources]):
            try:
                with savepoint(self.driver.execute):
                    done = self.driver.execute(statement, row).rowcount
            except Exception as error:
                if not is_rejection(error):
                    raise
                code, reason = rejection(error, self.hints)
                yield Outcome(key, "rejected", code=code, reason=reason)
            else:
                if done != 1:
                    yield _gone(key, self.batch.action)

    def _statement(self) -> tuple[str, list[str | Constant]]:
        table, batch = self.target.sql_name, self.batch
        if batch.action is Action.CREATE:
            columns, sources = _layout(batch, self.target)
            again = _overwritten(batch, self.target, table)
            return (
                f"INSERT INTO {table} ({names(columns)}) VALUES ({', '.join('?' * len(columns))}) "
                f"ON CONFLICT ({name(self.id)}) DO UPDATE SET {again}, {name(self.target.archived)} = NULL "
                f"WHERE {_ours(batch, self.target)}"
            ), sources
        external: list[str | Constant] = ["key"] if batch.action is Action.LINK and self.target.external else []
        sets = _assignments(batch, self.target, lambda field: "?", "CURRENT_TIMESTAMP", table)
        statement = f"UPDATE {table} SET {sets} WHERE {name(self.id)} = ? AND {_ours(batch, self.target)}"
        return statement, [*batch.fields, *external, "id"]


class _CountError(Exception):
    """The prepared statement touched fewer rows than it was given."""
