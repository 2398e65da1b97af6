"""A sink that is a relational database, whole but for its tables: what every vendor with a database shares."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import sqlalchemy as sa

from syncrun.errors import ConfigError, Problem
from syncrun.sdk.setting import SecretText
from syncrun.sdk.sink import Batch, Claim, LedgerEntry, Observed, Outcome, Table
from syncrun.sdk.source import Context
from syncrun.sdk.sql import before, ledger, staged
from syncrun.sdk.sql.connect import normal_url, open_engine, spoken
from syncrun.sdk.sql.write import Target, write
from syncrun.sqltext import name, names

FETCHED = 10_000


class SqlSink:
    """Give `title`, `tables`, `metadata` and `targets`; `hints` are sentences by constraint name for rejections.

    Settings: `database_url`, and `create_tables` (make what is missing at the first write). Example: the planner in
    `sinks/planner`.
    """

    title: ClassVar[str]
    tables: tuple[Table, ...]
    metadata: ClassVar[sa.MetaData]
    targets: Mapping[str, Target]
    hints: ClassVar[Mapping[str, str]] = {}

    def __init__(self, settings: Mapping[str, Any], context: Context) -> None:
        url = settings["database_url"]
        self._url = normal_url(url.reveal() if isinstance(url, SecretText) else url, context.folder)
        self._create = bool(settings.get("create_tables"))
        self._district, self._owner = context.district, context.owner
        self._kept: sa.Connection | None = None

    # -- reading -----------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Compare the database with the tables that the sink needs, and its owner with us; nothing is written."""
        self._confirm_folder()
        if not self._is_absent_file():
            with spoken(self.title), open_engine(self._url).connect() as connection:
                ledger.confirm_owner(connection, self._district, self._owner)
        missing = list(self._missing())
        if missing and not (self._create and {"." not in each for each in missing} == {True}):
            raise ConfigError(
                [Problem("E-CONFIG-3", "database_url", f"{self.title} lacks {each}",
                         "set create_tables = true to have it made" if "." not in each else "upgrade its schema")
                 for each in missing], source=self.title)  # fmt: skip

    def _missing(self) -> Iterator[str]:
        """Tables, and columns as `table.column`, that the database lacks."""
        if self._is_absent_file():
            yield from self.metadata.tables
            return
        with spoken(self.title):
            inspector = sa.inspect(open_engine(self._url))
            there = set(inspector.get_table_names())
            for table in self.metadata.tables.values():
                if table.name not in there:
                    yield table.name
                    continue
                columns = {column["name"] for column in inspector.get_columns(table.name)}
                yield from (f"{table.name}.{each.name}" for each in table.columns if each.name not in columns)

    def _confirm_folder(self) -> None:
        if self._is_absent_file() and not Path(str(self._url.database)).parent.is_dir():
            raise ConfigError([Problem("E-CONFIG-3", "database_url", f"{self.title} is in a folder that is not there",
                                       "create the folder or correct the address")], source=self.title)  # fmt: skip

    def _is_absent_file(self) -> bool:
        return self._url.get_backend_name() == "sqlite" and not Path(str(self._url.database)).exists()

    def observe(self, table: str) -> Iterator[Observed]:
        """The rows of one table, ours and people's own; those of other districts stay out of sight."""
        target = self.targets[table]
        if self._is_absent_file() or target.table.name in set(self._missing()):
            return
        wanted = [column.name for column in self._table(table).columns]
        key = target.table.primary_key.columns.keys()[0]
        server = self._url.get_backend_name() == "postgresql"
        statement = (
            f"SELECT {names([key, target.owner, target.archived, *wanted])} FROM {target.sql_name} "
            f"WHERE {name(target.owner)} IS NULL OR {name(target.owner)} = {'%s' if server else '?'}"
        )
        with spoken(self.title), contextlib.closing(open_engine(self._url).raw_connection()) as connection:
            driver: Any = connection.driver_connection
            # with a name, the cursor stays on the server; otherwise all rows would come into memory at once
            with contextlib.closing(driver.cursor("syncrun_observe") if server else driver.cursor()) as cursor:
                cursor.execute(statement, (self._district,))
                while rows := cursor.fetchmany(FETCHED):
                    for sink_id, owner, archived, *values in rows:
                        yield Observed(str(sink_id), owner is not None, archived is not None, values)

    def _table(self, wanted: str) -> Table:
        return next(table for table in self.tables if table.name == wanted)

    # -- writing -----------------------------------------------------------------------------------------------------

    def claim(self, claim: Claim) -> None:
        """Make what is missing, then note the writer."""
        with spoken(self.title), self._connection() as connection, connection.begin():
            if self._create:
                self.metadata.create_all(connection)
            ledger.create(connection)
            before.create(connection)
            ledger.stake(connection, claim)

    def latest_run(self) -> str | None:
        """The run whose chunk was committed last."""
        if self._is_absent_file():
            return None
        with spoken(self.title), open_engine(self._url).connect() as connection:
            return ledger.latest_run(connection, self._district)

    def ledger(self, run: str) -> Iterable[LedgerEntry]:
        """The chunks of this run that are committed."""
        with spoken(self.title), self._connection() as connection, connection.begin():
            return ledger.entries(connection, self._district, run)

    def apply_bulk(self, batch: Batch) -> Iterable[Outcome]:
        """The data of the batch and its ledger row, in one transaction."""
        with spoken(self.title), self._connection() as connection, connection.begin():
            ledger.hold(connection, batch.claim)
            carry_out = staged.write if batch.action in staged.ACTIONS else write
            exceptions = carry_out(connection, batch, self.targets[batch.table.name], self.hints)
            self.settled(connection, batch, exceptions)
            ledger.enter(connection, batch, exceptions)
        return exceptions

    def settled(self, connection: sa.Connection, batch: Batch, exceptions: Sequence[Outcome]) -> None:
        """Add what the sink's own software keeps beside its rows: a message that waits, a row of history. Called in the
        transaction of each batch, after its rows and before its ledger row; an error rolls all of it back. `exceptions`
        are the rows that were not taken. Nothing that leaves the database may be done here, since a batch that is
        rolled back comes again. Does nothing unless a sink overrides it."""

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sa.Connection]:
        """The one connection of this sink, opened at need and dropped after an error."""
        if self._kept is None:
            self._kept = open_engine(self._url).connect()
        try:
            yield self._kept
        except Exception:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection; the next write opens another."""
        kept, self._kept = self._kept, None
        if kept is not None:
            with contextlib.suppress(sa.exc.DBAPIError):
                kept.close()
