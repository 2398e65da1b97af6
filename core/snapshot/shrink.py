"""Whether a bulk file has so few rows, beside what was accepted last, that it may not be the whole: an export that was
filtered, or a list of changes that is taken for all there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from syncrun.finding import Finding
from syncrun.intake.land import SCHEMA, Landed
from syncrun.scratch import has, rows
from syncrun.snapshot.table import Snapshot
from syncrun.snapshot.whole import BEFORE
from syncrun.sqltext import name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_CHANGES = ("status", "dateLastModified")


def weigh(
    connection: DuckDBPyConnection, landed: Mapping[str, Landed], before: Snapshot | None, *, share: float, floor: int
) -> list[Finding]:  # fmt: skip
    """A finding for each bulk file that lost more than `share` per cent of its rows, and more than `floor`; and for each
    of whose rows every one says when it was changed and some ask for a deletion, though others are missing."""
    return list(_weigh(connection, landed, before, share, floor)) if before else []


def _weigh(
    connection: DuckDBPyConnection, landed: Mapping[str, Landed], before: Snapshot, share: float, floor: int
) -> Iterator[Finding]:  # fmt: skip
    for entity, each in landed.items():
        if each.file.mode != "bulk" or not has(connection, BEFORE, entity) or before.tables[entity].made_up:
            continue
        was = rows(connection, f"{BEFORE}.{name(entity)}")
        lost = was - each.rows
        if lost > floor and lost * 100 > share * was:
            yield Finding("R-SET-34", each.file.name, count=lost, words=f"{each.rows} instead of {was}")
        if lost > 0 and not each.file.pulled and _tells_changes(connection, each):
            yield Finding("R-SET-35", each.file.name, count=lost)


def _tells_changes(connection: DuckDBPyConnection, landed: Landed) -> bool:
    """Whether every row has a status and a date of change, and at least one asks for a deletion."""
    if not set(_CHANGES) <= set(landed.columns):
        return False
    found = connection.execute(f"""
        SELECT bool_and(coalesce(status, '') <> '' AND coalesce(dateLastModified, '') <> ''),
            bool_or(lower(status) = 'tobedeleted')
        FROM {SCHEMA}.{name(landed.entity)}""").fetchone()
    return bool(found and found[0] and found[1])
