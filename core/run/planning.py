"""Making the plan of one sink: decisions, shape, links, diff, judgement. The sink is only read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from syncrun.apply.identity import sql_derived
from syncrun.config.district import Limits, SinkConfig
from syncrun.match import existing, link, mapping, member, relink, route
from syncrun.match import kept as kept_columns
from syncrun.match.relink import Derive
from syncrun.plan import applied, diff, judge, shape, together
from syncrun.plan.model import Part, Reason, SinkPlan, TablePlan
from syncrun.roster.route import Route
from syncrun.run.aside import Aside
from syncrun.run.drift import repair
from syncrun.run.folder import made
from syncrun.run.remark import remarks
from syncrun.scratch import renew_schema
from syncrun.sdk import Cap, Sink, Table
from syncrun.sqltext import literal, name
from syncrun.state.decision import Decision
from syncrun.state.policy import Policy
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
    policies: Sequence[Policy]
    files: Sequence[AppliedFile]
    """What this sink has taken."""
    home: Path
    folder: Path
    """The run's folder; the plan's files go below it."""
    observe: bool
    """Whether to read the sink and repair what has drifted (a full sync)."""
    aside: Aside
    additions_only: bool = False
    """Whether nothing is set aside because the source has it no more."""


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
    open_applied(connection, tables, desk.files, desk.home)
    advice = [*routed.advice, *mapping.settle(
        connection, [*routed.decisions, *routed.targets], desk.config.school_years, position,
        by_year=_by_year(desk.sink), known_teachers=known_teachers(connection, tables, desk.config.new_teachers, desk.files))]  # fmt: skip
    shape.shape(connection, tables, desk.config.name)
    advice += remarks(connection, desk.sink, desk.config.name)
    diff.prepare(connection)
    renew_schema(connection, link.SCHEMA)
    folder = made(desk.folder / "plan" / desk.config.name)
    if desk.observe and Cap.WHOLE not in desk.config.info.caps:
        advice += repair(connection, desk.sink, tables, desk.district, desk.config, folder, desk.aside)
    first = not desk.files
    config = desk.config
    if _can_give_back(desk):
        relink.give_back(connection, tables)
    doubts = (
        link.find(
            connection,
            desk.sink,
            tables,
            routed.decisions,
            folder,
            _derive(desk),
            releases=Cap.RELEASE | Cap.CLIENT_IDS in config.info.caps,
        )
        if Cap.LINK in config.info.caps
        else {}
    )
    told, questions = _before(connection, desk, folder, first=first)
    advice += told
    kept = frozenset(table.name for table in tables if kept_columns.settle(connection, table, routed.decisions))
    terms = diff.Terms(
        config.info.caps, first, config.new_teachers == "ask" and not first, config.deselected == "keep", kept,
        desk.additions_only,
    )  # fmt: skip
    for table in tables:
        target = folder / f"{table.name}.parquet"
        diff.diff(connection, table, tables, target, terms)
        shape.confirm_keys(connection, f"{diff.SCHEMA}.{name(table.name)}", desk.config.name, table)
    found = judge.parts(connection, tables)
    parts = judge.judge(connection, tables, found, desk.limits, first=first, set_reasons=set_reasons, doubts=doubts,
                        questions=questions)  # fmt: skip
    advice += together.advice(connection, tables, parts)
    described = {
        table.name: _describe(connection, table, folder / f"{table.name}.parquet", desk, found) for table in tables
    }
    advice += _kept_words(tables, described) if desk.additions_only else ()
    return SinkPlan(desk.config.name, first, described, parts), advice


def known_teachers(
    connection: DuckDBPyConnection, tables: Iterable[Table], new_teachers: str, files: Sequence[AppliedFile]
) -> list[str] | None:
    """The keys of teachers whom a sink has taken, as `files` say that are open (`open_applied`), where later ones are to
    be ignored; None where they are not."""
    table = next((each for each in tables if each.mapping == "teachers"), None)
    if new_teachers != "ignore" or not files or table is None:
        return None
    return [key for (key,) in connection.execute(f"SELECT key FROM {applied.SCHEMA}.{name(table.name)}").fetchall()]


def _by_year(sink: Sink) -> bool:
    """Whether a sink gets nothing of a school year unless it is chosen."""
    return not getattr(sink, "every_year", False) and any("mapped_years" in table.shape for table in sink.tables)


def _derive(desk: Desk) -> Derive:
    """The SQL for ids of rows that the sync makes."""
    if Cap.CLIENT_IDS not in desk.config.info.caps:
        return lambda table, key: "NULL"
    return lambda table, key: f"{sql_derived(desk.district, desk.config.name, table, key)}::VARCHAR"


def _can_give_back(desk: Desk) -> bool:
    """Whether the sink can be given rows back that the sync took, under ids that both know."""
    return Cap.RELEASE | Cap.CLIENT_IDS in desk.config.info.caps


def _before(
    connection: DuckDBPyConnection, desk: Desk, folder: Path, *, first: bool
) -> tuple[list[str], dict[str, list[Reason]]]:
    """What becomes of rows that the sink had before and of those that are given back; advice, and by school what a person
    is asked."""
    if not _can_give_back(desk):
        return [], {}
    tables, derive = desk.sink.tables, _derive(desk)
    advice: list[str] = []
    questions: dict[str, list[Reason]] = {}
    existing.school_map(connection, tables, derive)
    for table in tables:
        asked = table.existing != "ignore"
        if asked and (first or any(each.table == table.name and each.scope == "row" for each in desk.policies)):
            link.see(connection, desk.sink, table, folder)
            advice += existing.settle(connection, table, tables, desk.policies, derive, first=first)
        if asked and not first:
            relink.set_aside_again(connection, table, existing.brought_back(table, desk.policies))
        if table.shrink and member.taken_over(connection, table):
            link.see(connection, desk.sink, table, folder)
            told, reasons = member.settle(connection, table, desk.policies, derive)
            advice += told
            for school, each in reasons.items():
                questions.setdefault(school, []).extend(each)
    return advice, questions


def open_applied(
    connection: DuckDBPyConnection, tables: Iterable[Table], files: Sequence[AppliedFile], home: Path
) -> None:
    """Make the views of what the sink has taken."""
    renew_schema(connection, applied.SCHEMA)
    for table in tables:
        applied.open_table(connection, table, [home / each.path for each in files if each.table == table.name])


def _describe(
    connection: DuckDBPyConnection, table: Table, path: Path, desk: Desk, parts: Mapping[str, Part]
) -> TablePlan:
    counts: dict[str, int] = {}
    for part in parts.values():
        for action, count in part.counts.get(table.name, {}).items():
            counts[action] = counts.get(action, 0) + count
    base = _count(connection, f"SELECT count(*) FROM {applied.SCHEMA}.{name(table.name)} WHERE NOT archived")
    kept = 0
    keeps = table.removal == "keep" or desk.additions_only
    if base and (keeps or _count(connection, f"SELECT count(*) FROM {shape.LEFT_OUT}")):
        gone = f"""SELECT count(*) FROM {applied.SCHEMA}.{name(table.name)}
            ANTI JOIN {shape.SCHEMA}.{name(table.name)} USING (key) WHERE NOT archived"""
        gone += f""" AND key NOT IN (SELECT key FROM {diff.GIVEN_UP} WHERE "table" = {literal(table.name)})"""
        kept = _count(connection, gone) - counts.get("archive", 0) - counts.get("move", 0)
    unchanged = base - sum(counts.get(action, 0) for action in ("update", "archive", "move")) - kept
    unchanged -= _count(
        connection,
        f"""SELECT count(*) FROM {applied.SCHEMA}.{name(table.name)} WHERE NOT archived
        AND key IN (SELECT key FROM {diff.RELINKED} WHERE "table" = {literal(table.name)}
            UNION SELECT key FROM {diff.GIVEN_UP} WHERE "table" = {literal(table.name)})""",
    )
    billable = counts.get("create", 0) + counts.get("restore", 0) if table.billable else 0
    return TablePlan(str(path.relative_to(desk.home)), counts, base, unchanged, kept, billable)


def _kept_words(tables: Iterable[Table], described: Mapping[str, TablePlan]) -> Iterator[str]:
    """What a run that adds only leaves as it is."""
    kept = {table.name: described[table.name].kept for table in tables if table.removal != "keep"}
    told = ", ".join(f"{count:,} {name_}" for name_, count in kept.items() if count)
    yield f"This run adds and updates only. What is not wanted any more stays: {told or 'nothing is'}."


def _count(connection: DuckDBPyConnection, query: str) -> int:
    found = connection.execute(query).fetchone()
    return int(found[0]) if found else 0
