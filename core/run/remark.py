"""What a sink tells of a roster beside the changes: counts, in the sink's own words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from syncrun.errors import ContractError
from syncrun.sdk import Remark, Sink

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def remarks(connection: DuckDBPyConnection, sink: Sink, plugin: str) -> Iterator[str]:
    """The sink's remarks whose number is not 0. The shapes have been made. Raises `ContractError` for a query that
    cannot be used or that gives no number."""
    import duckdb  # noqa: PLC0415 # heavy, and loaded by now

    offered: tuple[Remark, ...] = getattr(sink, "remarks", ())
    for each in offered:
        try:
            rows = connection.execute(each.query).fetchall()
        except duckdb.Error as error:
            first = str(error).splitlines()[0]
            raise ContractError(f"A remark of {plugin} cannot be used: {first}") from None
        if len(rows) != 1 or not isinstance(rows[0][0], int):
            raise ContractError(f"A remark of {plugin} gives no number.")
        if rows[0][0]:
            yield each.words.format(count=rows[0][0])
