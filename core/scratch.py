"""The engine: a DuckDB in memory, one per run, that spills into the run's folder and never holds anything durable.

It can read and write files only below the folders it is given, and fetches nothing from the network.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from syncrun.sqltext import literals, name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY = "2500MB"
"""What one run may hold in memory before it spills; `SYNCRUN_MEMORY` sets another figure."""
THREADS = "SYNCRUN_THREADS"
"""The variable that says how many threads of the engine work at once; without it, as many as there are cores."""


@contextmanager
def scratch(spill: Path, folders: Iterable[Path]) -> Iterator[DuckDBPyConnection]:
    """Open the engine; `spill` takes what does not fit in memory, `folders` are all it may touch."""
    import duckdb  # noqa: PLC0415 # heavy

    threads = os.environ.get(THREADS)
    connection = duckdb.connect(
        ":memory:",
        config={
            "memory_limit": os.environ.get("SYNCRUN_MEMORY", MEMORY),
            "temp_directory": str(spill),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            **({"threads": threads} if threads else {}),
        },
    )
    try:
        connection.execute(f"SET allowed_directories = [{literals(f'{folder}/' for folder in (*folders, spill))}]")
        connection.execute("SET enable_external_access = false")
        yield connection
    finally:
        connection.close()


def rows(connection: DuckDBPyConnection, relation: str) -> int:
    """How many rows a table or view has; `relation` is a name as SQL writes it."""
    found = connection.execute(f"SELECT count(*) FROM {relation}").fetchone()
    return int(found[0]) if found else 0


def has(connection: DuckDBPyConnection, schema: str, table: str) -> bool:
    """Whether there is such a table or view."""
    query = "SELECT count(*) FROM information_schema.tables WHERE table_schema = ? AND table_name = ?"
    found = connection.execute(query, [schema, table]).fetchone()
    return bool(found and found[0])


def renew_schema(connection: DuckDBPyConnection, schema: str) -> None:
    """Make a schema, empty also when it was there."""
    connection.execute(f"DROP SCHEMA IF EXISTS {name(schema)} CASCADE")
    connection.execute(f"CREATE SCHEMA {name(schema)}")


def publish(connection: DuckDBPyConnection, query: str, target: Path) -> None:
    """Write the rows of a query to a Parquet file, whole or not at all: under another name first, synced, then
    renamed."""
    part = target.with_suffix(".part")
    connection.execute(f"COPY ({query}) TO {literals([str(part)])} (FORMAT parquet, COMPRESSION zstd)")
    settle(part, target)


def settle(part: Path, target: Path) -> None:
    """Make a written file durable and give it its name."""
    part.chmod(0o600)
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
    part.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_parquet(paths: Iterable[Path]) -> str:
    """The FROM clause that reads Parquet files. A folder called `name=Elm` says nothing about the column `name`."""
    return f"read_parquet([{literals(map(str, paths))}], hive_partitioning = false)"
