"""The rarer actions on a database: moving a row, setting one aside that was there before, giving one back.

The batch goes into a temporary table, and each action is a few statements over it, the same for PostgreSQL and SQLite.
If the database refuses, the batch is halved until each bad row stands alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from syncrun.sdk.sink import Action, Batch, Outcome
from syncrun.sdk.sql import before
from syncrun.sdk.sql.rejection import REJECTIONS, is_rejection, rejection
from syncrun.sdk.sql.write import Target, plain_types, savepoint
from syncrun.sqltext import literal, name, names

if TYPE_CHECKING:
    import sqlalchemy as sa

STAGE = "syncrun_stage"
ACTIONS = frozenset({Action.MOVE, Action.RETIRE, Action.RELEASE})


def write(connection: sa.Connection, batch: Batch, target: Target, hints: Mapping[str, str]) -> list[Outcome]:
    """Carry out a batch of one of `ACTIONS`; the exceptions are returned."""
    return _Staged(connection, batch, target, hints).write()


class _Staged:
    def __init__(self, connection: sa.Connection, batch: Batch, target: Target, hints: Mapping[str, str]) -> None:
        self.driver: Any = connection.connection.driver_connection
        self.server = connection.dialect.name == "postgresql"
        self.dialect = connection.dialect.name
        self.batch, self.target, self.hints = batch, target, hints
        self.types = plain_types(target.table, connection.dialect)
        self.id = target.table.primary_key.columns.keys()[0]
        self.district = literal(batch.claim.district)
        self.now = "now()" if self.server else "CURRENT_TIMESTAMP"
        self.owner, self.archived = name(target.owner), name(target.archived)

    def write(self) -> list[Outcome]:
        self._stage()
        refused = self._settle(1, self.batch.size + 1)
        return refused + (self._foreign({each.key for each in refused}) if self.batch.action is Action.MOVE else [])

    # -- the stage ---------------------------------------------------------------------------------------------------

    def _stage(self) -> None:
        """Put the batch into a temporary table: n (from 1), id, key, for a move from_id, and f_<field>."""
        keys = ["id", "key", *(["from_id"] if self.batch.action is Action.MOVE else [])]
        held = [*keys, *(f"f_{field}" for field in self.batch.fields)]
        kind = " TEXT" if self.server else ""  # SQLite keeps a value as it comes where no type is named
        self.driver.execute(f"DROP TABLE IF EXISTS {'pg_temp' if self.server else 'temp'}.{STAGE}")
        self.driver.execute(
            f"CREATE TEMPORARY TABLE {STAGE} (n INTEGER, {', '.join(name(each) + kind for each in held)})"
        )
        marks = ", ".join(["%s" if self.server else "?"] * (len(held) + 1))
        rows = ((n, *self._told(row)) for n, row in enumerate(self.batch.rows([*keys, *self.batch.fields]), 1))
        self.driver.cursor().executemany(f"INSERT INTO {STAGE} (n, {names(held)}) VALUES ({marks})", rows)

    def _told(self, row: tuple[Any, ...]) -> Iterator[Any]:
        return (each if each is None or not self.server else str(each) for each in row)

    def _as(self, column: str, staged: str) -> str:
        """A staged column with the type of a column of the table."""
        return f"s.{name(staged)}::{self.types[column]}" if self.server else f"s.{name(staged)}"

    def _settle(self, start: int, stop: int) -> list[Outcome]:
        """Carry out the rows from `start` to before `stop`; halve the range until each bad row stands alone."""
        try:
            with savepoint(self.driver.execute):
                for statement in self._statements(f"s.n >= {start} AND s.n < {stop}"):
                    self.driver.execute(statement)
            return []
        except Exception as error:
            if not is_rejection(error):
                raise
            if stop - start == 1:
                (key,) = self.driver.execute(f"SELECT key FROM {STAGE} WHERE n = {start}").fetchone()
                code, reason = rejection(error, self.hints)
                return [Outcome(key, "rejected", code=code, reason=reason)]
            middle = (start + stop) // 2
            return self._settle(start, middle) + self._settle(middle, stop)

    def _foreign(self, refused: set[str]) -> list[Outcome]:
        """Rows of a move that are not ours afterwards: their id belongs to another."""
        rows = self.driver.execute(
            f"SELECT s.key FROM {STAGE} s LEFT JOIN {self.target.sql_name} t ON t.{name(self.id)} = {self._as(self.id, 'id')} "
            f"AND t.{self.owner} = {self.district} WHERE t.{name(self.id)} IS NULL ORDER BY s.key"
        ).fetchall()
        return [
            Outcome(key, "conflict", code="S-GONE-1", reason=REJECTIONS["S-GONE-1"]) for (key,) in rows if key not in refused
        ]  # fmt: skip

    # -- the statements ----------------------------------------------------------------------------------------------

    def _statements(self, rows: str) -> Iterator[str]:
        if self.batch.action is Action.MOVE:
            return self._move(rows)
        return self._retire(rows) if self.batch.action is Action.RETIRE else self._release(rows)

    def _move(self, rows: str) -> Iterator[str]:
        """The new row with what people keep in the old one, or without it where there is no old one; the old one aside."""
        own = {self.id: self._as(self.id, "id"), self.target.owner: self.district}
        own |= {self.target.external: "s.key"} if self.target.external else {}
        own |= {field: self._as(field, f"f_{field}") for field in self.batch.fields}
        theirs = {each.name: f"o.{name(each.name)}" for each in self.target.table.columns
                  if each.name not in {*own, self.target.archived}}  # fmt: skip
        was = (
            f"{STAGE} s LEFT JOIN {self.target.sql_name} o ON o.{name(self.id)} = {self._as(self.id, 'from_id')} "
            f"AND o.{self.owner} = {self.district} WHERE {rows} AND o.{name(self.id)}"
        )
        yield self._insert(own | theirs, f"{was} IS NOT NULL")
        yield self._insert(own, f"{was} IS NULL")
        yield (
            f"UPDATE {self.target.sql_name} AS t SET {self.archived} = {self.now} FROM {STAGE} s "
            f"WHERE t.{name(self.id)} = {self._as(self.id, 'from_id')} AND t.{self.owner} = {self.district} "
            f"AND t.{self.archived} IS NULL AND {rows} AND EXISTS (SELECT 1 FROM {self.target.sql_name} n "
            f"WHERE n.{name(self.id)} = {self._as(self.id, 'id')} AND n.{self.owner} = {self.district})"
        )

    def _insert(self, values: Mapping[str, str], source: str) -> str:
        again = ", ".join(f"{name(column)} = excluded.{name(column)}" for column in values if column != self.id)
        return (
            f"INSERT INTO {self.target.sql_name} AS t ({names(values)}) SELECT {', '.join(values.values())} FROM {source} "
            f"ON CONFLICT ({name(self.id)}) DO UPDATE SET {again}, {self.archived} = NULL WHERE t.{self.owner} = {self.district}"
        )

    def _retire(self, rows: str) -> Iterator[str]:
        """Only what nobody's sync owns and nobody archived."""
        free = f"t.{name(self.id)} = {self._as(self.id, 'id')} AND t.{self.owner} IS NULL AND t.{self.archived} IS NULL AND {rows}"
        taken = before.columns(self.batch, self.target.external, self.target.archived)
        yield before.keep(
            self.dialect, self.batch, taken, self.id, f"FROM {self.target.sql_name} t, {STAGE} s WHERE {free}"
        )
        yield f"UPDATE {self.target.sql_name} AS t SET {self.archived} = {self.now} FROM {STAGE} s WHERE {free}"

    def _release(self, rows: str) -> Iterator[str]:
        """What has an image becomes as it was, and nobody's; what the sync made is archived."""
        mine = f"b.table_name = {literal(self.batch.table.name)} AND b.district = {self.district}"
        here = f"t.{name(self.id)} = {self._as(self.id, 'id')}"
        taken = before.columns(self.batch, self.target.external, self.target.archived)
        back = before.given_back(self.dialect, taken, self.types, "t")
        yield (
            f"UPDATE {self.target.sql_name} AS t SET {back}, {self.owner} = NULL FROM {STAGE} s, {before.TABLE} b "
            f"WHERE {mine} AND b.row_id = s.id AND {here} AND (t.{self.owner} = {self.district} OR t.{self.owner} IS NULL) "
            f"AND {rows}"
        )
        yield (
            f"UPDATE {self.target.sql_name} AS t SET {self.archived} = {self.now} FROM {STAGE} s WHERE {here} "
            f"AND t.{self.owner} = {self.district} AND t.{self.archived} IS NULL AND {rows} "
            f"AND NOT EXISTS (SELECT 1 FROM {before.TABLE} b WHERE {mine} AND b.row_id = s.id)"
        )
        yield (
            f"DELETE FROM {before.TABLE} AS b WHERE {mine} AND b.row_id IN (SELECT s.id FROM {STAGE} s WHERE {rows})"
        )
