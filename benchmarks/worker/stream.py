"""COPY of a CSV file, as `psql` does it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psycopg

BLOCK = 1 << 20


def columns(path: Path) -> list[str]:
    """The header of a CSV file whose column names need no quotes."""
    with path.open(encoding="utf-8") as stream:
        return stream.readline().strip().split(",")


def copy_csv(connection: psycopg.Connection, table: str, path: Path, where: str = "") -> None:
    """COPY a CSV with a header into a table that has its columns; `where` may leave rows out."""
    named = ", ".join(f'"{column}"' for column in columns(path))
    with path.open("rb") as stream, connection.cursor() as cursor:
        stream.readline()
        with cursor.copy(f'COPY "{table}" ({named}) FROM STDIN (FORMAT csv) {where}') as copy:
            while block := stream.read(BLOCK):
                copy.write(block)
