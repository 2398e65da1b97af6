"""Remarks of a sink: counts in its own words, and a vendor's mistake in them is the vendor's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from syncrun.errors import ContractError
from syncrun.run.remark import remarks
from syncrun.scratch import scratch
from syncrun.sdk import Remark

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[DuckDBPyConnection]:
    with scratch(tmp_path / "spill", [tmp_path]) as found:
        yield found


def told(connection: DuckDBPyConnection, *queries: str) -> list[str]:
    sink: Any = SimpleNamespace(remarks=tuple(Remark(query, "{count} seats are wet.") for query in queries))
    return list(remarks(connection, sink, "ferry"))


def test_number_is_told_where_it_is_not_nought(connection: DuckDBPyConnection) -> None:
    assert told(connection, "SELECT 3", "SELECT 0", "SELECT 1::HUGEINT") == [
        "3 seats are wet.", "1 seats are wet.",
    ]  # fmt: skip


def test_sink_without_remarks_tells_nothing(connection: DuckDBPyConnection) -> None:
    sink: Any = SimpleNamespace()
    assert list(remarks(connection, sink, "ferry")) == []


@pytest.mark.parametrize(
    "query",
    ["SELECT * FROM nowhere", "SELECT 'canary'", "SELECT NULL", "SELECT 1 WHERE false", "SELECT unnest([1, 2])"],
)
def test_query_that_gives_no_number_is_the_vendors_fault(connection: DuckDBPyConnection, query: str) -> None:
    with pytest.raises(ContractError, match="remark of ferry") as raised:
        told(connection, query)
    assert "canary" not in str(raised.value)
