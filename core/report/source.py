"""The files of a finished run as relations, for reports: what was read, found, planned, held, and not taken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from syncrun.errors import UsageError
from syncrun.plan.diff import REGROUPED
from syncrun.plan.model import Plan
from syncrun.roster.entity import ENTITIES
from syncrun.run.folder import Folders, made
from syncrun.scratch import read_parquet, scratch
from syncrun.snapshot.table import Snapshot
from syncrun.sqltext import literal, literals, name
from syncrun.state.store import Run

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True, slots=True)
class RunFiles:
    """A run's files, opened: `roster.<entity>`, `findings`, `deletions`, and `fates`: what the plan meant for each row of each
    sink, (sink, "table", entity, key, school, action, fields, part, status, code, reason). The status is `applied`,
    `held`, `rejected` or `conflict`."""

    connection: DuckDBPyConnection
    run: Run
    snapshot: Snapshot
    plan: Plan


NO_FATES = """SELECT '' AS sink, '' AS "table", '' AS entity, '' AS key, '' AS school, '' AS action, '' AS fields,
    '' AS part, '' AS status, '' AS code, '' AS reason WHERE false"""


@contextmanager
def opened(folders: Folders, run: Run, sources: dict[str, dict[str, str | None]], *also: Path) -> Iterator[RunFiles]:
    """Open a run's files. `sources` has, by sink and table, the entity whose sourcedId is the table's key; `also` names
    further folders that may be written to.

    Raises `UsageError` for a run that ended before it had a plan, or whose files were pruned.
    """
    if not run.plan_run or not run.snapshot or not folders.plan(run.plan_run).exists():
        raise UsageError(f"Run {run.id} has no report: it ended before there was a plan, or its files were pruned.",
                         next_step="See `syncrun runs` for the runs that there are.")  # fmt: skip
    plan = Plan.from_json(folders.plan(run.plan_run).read_text(encoding="utf-8"))
    snapshot = Snapshot.from_json(run.snapshot)
    with scratch(made(folders.run(run.id)) / "spill", [folders.home, *also]) as connection:
        connection.execute("CREATE SCHEMA roster")
        for entity in ENTITIES:
            if entity in snapshot.tables:
                path = folders.home / snapshot.tables[entity].path
                connection.execute(f"CREATE VIEW roster.{name(entity)} AS FROM {read_parquet([path])}")
        for each in ("findings", "deletions"):
            path = folders.run(run.plan_run) / f"{each}.parquet"
            connection.execute(f"CREATE VIEW {each} AS FROM {read_parquet([path])}")
        queries = [] if _did_nothing(run) else list(_fates(folders, run, plan, sources, snapshot))
        connection.execute(f"CREATE VIEW fates AS {' UNION ALL '.join([NO_FATES, *queries])}")
        yield RunFiles(connection, run, snapshot, plan)


def _entity(snapshot: Snapshot, source: str) -> str:
    """The expression for the entity whose file tells of a change: guardians may stand among the users."""
    if source != "guardians" or "users" not in snapshot.tables:
        return literal(source)
    users = "change.key IN (SELECT sourcedId FROM roster.users)"
    if source in snapshot.tables:
        users += " AND change.key NOT IN (SELECT sourcedId FROM roster.guardians)"
    return f"CASE WHEN {users} THEN 'users' ELSE 'guardians' END"


def _did_nothing(run: Run) -> bool:
    return bool(run.summary and run.summary.get("nothing_to_do"))


def _fates(
    folders: Folders, run: Run, plan: Plan, sources: dict[str, dict[str, str | None]], snapshot: Snapshot
) -> Iterator[str]:
    for sink, made_for in plan.sinks.items():
        waiting = folders.run(run.id) / f"waiting-{sink}.parquet"
        exceptions = folders.run(run.id) / f"exceptions-{sink}.parquet"
        for table, each in made_for.tables.items():
            change = read_parquet([folders.home / each.path])
            if each.counts.get("move"):  # what a move takes the place of, goes
                change = f"""(FROM {change} UNION ALL BY NAME
                    SELECT * REPLACE (from_key AS key, 'archive' AS action) FROM {change} WHERE action = 'move')"""
            held = f"part IN ({literals(made_for.held) or 'NULL'})"
            if waiting.exists():
                held = f'change.key IN (SELECT key FROM {read_parquet([waiting])} WHERE "table" = {literal(table)})'
            fault = "SELECT ''::VARCHAR AS key, '' AS status, '' AS code, '' AS reason WHERE false"
            if exceptions.exists():
                fault = f"""SELECT key, status, code, reason FROM {read_parquet([exceptions])}
                    WHERE "table" = {literal(table)} AND status IN ('rejected', 'conflict')"""
            entity = _entity(snapshot, sources.get(sink, {}).get(table) or "")
            yield f"""
                SELECT {literal(sink)}, {literal(table)}, {entity}, change.key, school, action, fields, part,
                    CASE WHEN {held} THEN 'held'
                        ELSE coalesce(fault.status, 'applied') END,
                    coalesce(fault.code, ''), coalesce(fault.reason, '')
                FROM {change} AS change LEFT JOIN ({fault}) AS fault USING (key) WHERE action <> {literal(REGROUPED)}"""
