"""What reading changes alone had missed, found when everything is read again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from syncrun.finding import Finding
from syncrun.intake.land import Landed
from syncrun.scratch import has
from syncrun.snapshot.merge import ACCEPTED
from syncrun.snapshot.whole import BEFORE
from syncrun.sqltext import name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_NO_CONTENT = {"line", "place", "status", "dateLastModified"}


def weigh(connection: DuckDBPyConnection, landed: Mapping[str, Landed], since: str | None) -> list[Finding]:
    """A finding for each entity with records that differ from those accepted before, though the source dates them as
    unchanged `since` (ISO 8601), and with records that are gone without a word. Where nothing is dated, records that
    differ may have changed today, and only those that are gone count."""
    findings = []
    for entity, each in landed.items() if since else ():
        if each.file.mode != "bulk" or not has(connection, BEFORE, entity):
            continue
        dated = "dateLastModified" in each.columns
        count = _missed(connection, entity, since or "") if dated else _gone(connection, entity)
        if count:
            findings.append(Finding("R-PULL-04", each.file.name, count=count, words=f"{count} records"))
    return findings


def _missed(connection: DuckDBPyConnection, entity: str, since: str) -> int:
    was, now = f"{BEFORE}.{name(entity)}", f"{ACCEPTED}.{name(entity)}"
    both = _columns(connection, was) & _columns(connection, now) - _NO_CONTENT
    differs = f"({_row('was', both)}) IS DISTINCT FROM ({_row('now', both)})"
    dated = "coalesce(TRY_CAST(now.dateLastModified AS TIMESTAMPTZ) < CAST(? AS TIMESTAMPTZ), true)"
    found = connection.execute(
        f"SELECT count(*) FROM {was} AS was FULL JOIN {now} AS now USING (sourcedId) WHERE {differs} AND {dated}",
        [since],
    ).fetchone()
    return int(found[0]) if found else 0


def _gone(connection: DuckDBPyConnection, entity: str) -> int:
    found = connection.execute(
        f"SELECT count(*) FROM {BEFORE}.{name(entity)} ANTI JOIN {ACCEPTED}.{name(entity)} USING (sourcedId)"
    ).fetchone()
    return int(found[0]) if found else 0


def _columns(connection: DuckDBPyConnection, relation: str) -> set[str]:
    return {row[0] for row in connection.execute(f"DESCRIBE {relation}").fetchall()}


def _row(table: str, columns: set[str]) -> str:
    return "row(" + ", ".join(f"{table}.{name(column)}" for column in sorted(columns)) + ")"
