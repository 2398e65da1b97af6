"""Making the plan of one sink: decisions, shape, links, diff, judgement. The sink is only read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from syncrun.config.district import Limits, SinkConfig
from syncrun.match import link, mapping, route
from syncrun.plan import applied, diff, judge, shape
from syncrun.plan.model import Part, SinkPlan, TablePlan
from syncrun.roster.route import Route
from syncrun.run.drift import repair
from syncrun.run.folder import made
from syncrun.scratch import renew_schema
from syncrun.sdk import Cap, Sink, Table
from syncrun.sqltext import name
from syncrun.state.decision import Decision
from syncrun.state.store import AppliedFile

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ALWAYS_STAGED = "structure"


@dataclass(frozen=True, slots=True)
class Desk:
    """What planning for one sink works with."""

    district: str
    config: SinkConfig
    sink: Sink
    limits: Limits
    decisions: Sequence[Decision]
    files: Sequence[AppliedFile]
    """What this sink has taken."""
    home: Path
    folder: Path
    """The run's folder; the plan's files go below it."""
    observe: bool
    """Whether to read the sink and repair what has drifted (a full sync)."""


def staged(sinks: Iterable[Sink], routes: Iterable[Route] = ()) -> frozenset[str]:
    """The kinds of privacy that the sinks and their routes ask for; columns of other kinds are never staged."""
    asked = {column.privacy for sink in sinks for table in sink.tables for column in table.columns}
    asked |= {"profile" for each in routes if each.grades}
    return frozenset(asked | {ALWAYS_STAGED}) - {"credential"}


def make(
    connection: DuckDBPyConnection, desk: Desk, set_reasons: Sequence[str], position: str
) -> tuple[SinkPlan, list[str]]:
    """The plan of one sink and advice. `position` is where the district file names the sink, for errors."""
    tables = desk.sink.tables
    routed = route.settle(connection, desk.config.routes, desk.decisions, position)
    advice = [*routed.advice, *mapping.settle(
        connection, [*routed.decisions, *routed.targets], desk.config.school_years, position,
        by_year=any("mapped_years" in table.shape for table in tables))]  # fmt: skip
    shape.shape(connection, tables, desk.config.name)
    open_applied(connection, tables, desk.files, desk.home)
    diff.prepare(connection)
    folder = made(desk.folder / "plan" / desk.config.name)
    if desk.observe:
        advice += repair(connection, desk.sink, tables, desk.district, desk.config, folder)
    doubts = (
        link.find(connection, desk.sink, tables, routed.decisions, folder) if Cap.LINK in desk.config.info.caps else {}
    )
    first = not desk.files
    config = desk.config
    terms = diff.Terms(config.info.caps, first, config.new_teachers == "ask" and not first, config.deselected == "keep")
    for table in tables:
        target = folder / f"{table.name}.parquet"
        diff.diff(connection, table, tables, target, terms)
        shape.confirm_keys(connection, f"{diff.SCHEMA}.{name(table.name)}", desk.config.name, table)
    found = judge.parts(connection, tables)
    parts = judge.judge(connection, tables, found, desk.limits, first=first, set_reasons=set_reasons, doubts=doubts)
    described = {
        table.name: _describe(connection, table, folder / f"{table.name}.parquet", desk.home, found) for table in tables
    }
    return SinkPlan(desk.config.name, first, described, parts), advice


def open_applied(
    connection: DuckDBPyConnection, tables: Iterable[Table], files: Sequence[AppliedFile], home: Path
) -> None:
    """Make the views of what the sink has taken."""
    renew_schema(connection, applied.SCHEMA)
    for table in tables:
        applied.open_table(connection, table, [home / each.path for each in files if each.table == table.name])


def _describe(
    connection: DuckDBPyConnection, table: Table, path: Path, home: Path, parts: Mapping[str, Part]
) -> TablePlan:
    counts: dict[str, int] = {}
    for part in parts.values():
        for action, count in part.counts.get(table.name, {}).items():
            counts[action] = counts.get(action, 0) + count
    base = _count(connection, f"SELECT count(*) FROM {applied.SCHEMA}.{name(table.name)} WHERE NOT archived")
    kept = 0
    if base and (table.removal == "keep" or _count(connection, f"SELECT count(*) FROM {diff.LEFT_OUT}")):
        gone = f"""SELECT count(*) FROM {applied.SCHEMA}.{name(table.name)}
            ANTI JOIN {shape.SCHEMA}.{name(table.name)} USING (key) WHERE NOT archived"""
        kept = _count(connection, gone) - counts.get("archive", 0)
    unchanged = base - counts.get("update", 0) - counts.get("archive", 0) - kept
    billable = counts.get("create", 0) + counts.get("restore", 0) if table.billable else 0
    return TablePlan(str(path.relative_to(home)), counts, base, unchanged, kept, billable)


def _count(connection: DuckDBPyConnection, query: str) -> int:
    found = connection.execute(query).fetchone()
    return int(found[0]) if found else 0
