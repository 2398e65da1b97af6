"""Reading a source: fetch, land, check, accept. Nothing outside the run's own folders is written."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncrun.config.district import Limits
from syncrun.errors import ArrivingError, ConfigError, InputError
from syncrun.finding import Finding
from syncrun.intake import draw
from syncrun.intake import land as landing
from syncrun.intake.arrival import Arrival, arrive, vanished
from syncrun.intake.header import first_line
from syncrun.intake.land import Landed
from syncrun.intake.settle import Patience
from syncrun.intake.upload import SCHOOL_COLUMNS, Scope, Upload, laid_over
from syncrun.roster import view
from syncrun.roster.rule import Severity
from syncrun.rules import cells, fit, sanity, school, table
from syncrun.rules.rule import RULES
from syncrun.run.folder import made
from syncrun.run.progress import Progress
from syncrun.sdk import FileSource
from syncrun.snapshot import generation, merge, missed, shrink, whole
from syncrun.snapshot.made_up import made_up, named, school_year
from syncrun.snapshot.table import Snapshot

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class SetRefusedError(InputError):
    """A set that cannot be used. `findings` say which files and why."""

    code = "E-INPUT-2"

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        first = findings[0]
        where = f"{first.file}: " if first.file else ""
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        what = ": ".join(filter(None, (RULES[first.code].title, first.column, first.words)))
        super().__init__(f"{where}{first.code} {what}{more}.",
                         next_step=RULES[first.code].fix)  # fmt: skip

    def as_dict(self) -> dict[str, object]:
        """The error and its findings."""
        return {**super().as_dict(), "findings": [describe(each) for each in self.findings]}


@dataclass(frozen=True, slots=True)
class FileFigures:
    """What became of the rows of one file on reading."""

    rows: int
    rejected: int
    mode: str
    proved: bool = True


@dataclass(frozen=True, slots=True)
class Reading:
    """A set that was accepted. `doubts` are findings for which a person must approve the whole plan."""

    snapshot: Snapshot
    figures: Mapping[str, FileFigures]
    doubts: list[Finding]


def describe(finding: Finding) -> dict[str, object]:
    """A finding as `--json` prints it."""
    rule = RULES[finding.code]
    told = {"file": finding.file, "line": finding.line, "key": finding.key, "column": finding.column,
            "shape": finding.shape, "words": finding.words}  # fmt: skip
    return {"code": finding.code, "severity": rule.severity.value, "title": rule.title, "count": finding.count,
            **{key: value for key, value in told.items() if value}, "fix": rule.fix}  # fmt: skip


def fetch(
    source: FileSource, folder: Path, patience: Patience | None = None, upload: Upload | None = None
) -> Arrival:  # fmt: skip
    """Bring the files and recognise them."""
    found = arrive(source.fetch(made(folder / "fetched")), source.format, made(folder / "unpacked"), patience)
    return laid_over(found, complete=upload.complete) if upload else found


def identity(content: Mapping[str, Any], *facts: str) -> str:
    """A hash of everything that decides what a run would do: equal means the same plan over the same base."""
    told = {**content, "facts": facts}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def content(arrival: Arrival, today: datetime.date) -> dict[str, Any]:
    """What stands for files in the identity of a run."""
    made_up = arrival.partial or arrival.upload
    return {"files": arrival.identity(), "modes": {name: each.mode for name, each in arrival.files.items()},
            "absent": sorted(arrival.absent),
            "year": school_year(today) if made_up or arrival.form.drawn else None,
            **({"day": today.isoformat()} if draw.daily(arrival.form) else {})}  # fmt: skip


def read(
    connection: DuckDBPyConnection, arrival: Arrival, before: Snapshot | None, *,
    staged: Collection[str], limits: Limits, today: datetime.date, home: Path, snapshots: Path, run: str,
    progress: Progress, scope: Scope | None = None, missed_since: str | None = None,
) -> Reading:  # fmt: skip
    """Land, check and accept a set; leaves the canonical views and the table of findings. `scope` says to which
    schools the rows of an upload must belong; an upload without one is checked by itself, whatever it names. `missed_since`
    is given for everything read after changes alone were (`syncrun.snapshot.missed`).

    Raises `SetRefusedError` when the set cannot be used, `ArrivingError` when a file changed meanwhile.
    """
    table.prepare(connection)
    landed, findings = _land(connection, arrival, before, staged, progress, scope)
    figures = {}
    if arrival.form.drawn:
        figures = {
            each.file.name: FileFigures(each.rows, each.unreadable, each.file.mode, _proved(each))
            for each in landed.values()
        }  # fmt: skip
        arrival, landed, more = _drawn(connection, arrival, landed, before, staged, today)
        findings += more
    findings += [] if arrival.upload else generation.weigh(arrival, before, limits.spread_hours)
    changed = generation.changed(arrival, before)
    findings += changed
    progress.phase("check")
    cells.prepare(connection)
    for each in landed.values():
        cells.check(connection, each, today)
    merge.open_before(connection, before, home, staged)
    school.prepare(connection)
    if scope:
        school.keep_to(connection, landed, scope)
    is_whole, more = whole.weigh(connection, landed, alike=not changed)
    if not arrival.upload:
        more += shrink.weigh(connection, landed, before, share=limits.shrink, floor=limits.shrink_floor)
    findings += more
    findings += generation.past(connection, landed, today)
    progress.phase("accept")
    queries, more = _made_up(arrival, landed, before, today, scope)
    findings += more
    snapshot = merge.merge(connection, arrival, landed, is_whole, before, queries, made(snapshots), home, run,
                           guardians=limits.guardians)  # fmt: skip
    rejected = {entity: merge.rejected(connection, each) for entity, each in landed.items()}
    for entity, each in landed.items():
        findings += merge.findings_hold(each, rejected[entity], share=limits.rejected, floor=limits.rejected_floor)
    findings += missed.weigh(connection, landed, missed_since)
    table.note(connection, findings)
    _look(connection, landed, today)
    if limits.strict:
        _refuse(connection)
    view.lift(connection, staged)
    figures |= {
        each.file.name: FileFigures(each.rows, rejected[entity], each.file.mode, _proved(each))
        for entity, each in landed.items()
    }
    return Reading(snapshot, figures, [each for each in findings if RULES[each.code].severity is Severity.HOLD])


def _proved(landed: Landed) -> bool:
    """Whether all records of a collection are proved to have come. Of a file the lines that were not read tell."""
    return landed.proved or not landed.file.pulled


def _look(connection: DuckDBPyConnection, landed: Mapping[str, Landed], today: datetime.date) -> None:
    """Look at what was accepted as a whole: whether it fits together and makes sense."""
    files = {entity: each.file.name for entity, each in landed.items()}
    here = fit.columns(connection)
    here |= fit.prepare(connection, here)
    fit.check(connection, files, today, here)
    sanity.check(connection, files, today, here)


def _refuse(connection: DuckDBPyConnection) -> None:
    """In strict mode whatever is against the standard stops the set."""
    found = table.of(connection, [code for code, rule in RULES.items() if rule.standard])
    if found:
        raise SetRefusedError(found)


def _made_up(
    arrival: Arrival, landed: Mapping[str, Landed], before: Snapshot | None, today: datetime.date, scope: Scope | None
) -> tuple[dict[str, str], list[Finding]]:
    """What is made up: for a set of three all that it needs, for an upload what the roster has not from files."""
    if not arrival.upload:
        return made_up(landed, today) if arrival.partial else ({}, [])
    if scope is None:
        return named(landed), []
    real = {*landed, *(before.arrived() if before else ())}
    queries, findings = made_up(landed, today, school.REGISTERED)
    missing = {entity: query for entity, query in queries.items() if entity not in real}
    return missing, [each for each in findings if (each.file or "").removesuffix(".csv") in missing]


def _land(
    connection: DuckDBPyConnection, arrival: Arrival, before: Snapshot | None, staged: Collection[str],
    progress: Progress, scope: Scope | None,
) -> tuple[dict[str, Landed], list[Finding]]:  # fmt: skip
    findings = arrival.findings + vanished(arrival, arrival.form, before.arrived() if before else [])
    findings += _origins_gone(arrival, before)
    _stop(findings)
    progress.phase("land")
    landing.prepare(connection)
    landed: dict[str, Landed] = {}
    version = _version(arrival, before, alone=arrival.upload and scope is None)
    for entity, file in arrival.files.items():
        with _steady(arrival):
            spared = SCHOOL_COLUMNS.get(entity) if scope and scope.school else None
            found, more = landing.land(connection, file, version, staged, spared)
        findings += more
        if found and spared and scope and scope.school:
            found = landing.fill(connection, found, spared, scope.school)
        if found:
            landed[entity] = found
    findings += _cut_since(arrival, before)
    with _steady(arrival):
        _stop(findings)
    return landed, findings


def _drawn(
    connection: DuckDBPyConnection, arrival: Arrival, landed: dict[str, Landed], before: Snapshot | None,
    staged: Collection[str], today: datetime.date,
) -> tuple[Arrival, dict[str, Landed], list[Finding]]:  # fmt: skip
    """The canonical entities' tables, drawn from those of another format, and what is to be told of rows."""
    table.note_origins(connection, draw.origins(arrival.form), draw.sources(arrival.form))
    for each in landed.values():
        cells.unreadable(connection, each)
    drawn, found, findings = draw.draw(connection, arrival, landed, staged, draw.Day(today, school_year(today)))
    _stop(_cut_since(drawn, before))
    return drawn, found, findings


def _origins_gone(arrival: Arrival, before: Snapshot | None) -> list[Finding]:
    """Files that the last accepted set of another format was drawn from, and that this one of the same does not have."""
    there = {each.name for each in arrival.files.values()}
    read = {each.name for each in arrival.form.kinds}
    used = {
        name for each in (before.tables.values() if before else ()) for name in each.file.partition(" from ")[2].split(", ")
        if each.origins
    }  # fmt: skip
    return [Finding("R-SET-05", name) for name in sorted((used & read) - there)] if arrival.form.drawn else []


@contextmanager
def _steady(arrival: Arrival) -> Iterator[None]:
    """Whatever came of reading a file that changed meanwhile does not count."""
    try:
        yield
    finally:
        if any(each.changed() for each in arrival.scans):
            raise ArrivingError("A file changed while it was read.") from None


def _version(arrival: Arrival, before: Snapshot | None, *, alone: bool) -> str:
    """Which version's columns the files have: a set that leaves `roles.csv` out goes by the roles there are, but for an
    upload, whose users say themselves what they are."""
    if alone and "users" in arrival.files and b"role" not in first_line(arrival.files["users"].scan.path).lower():
        return "1.2"
    if arrival.upload:
        return arrival.version
    return "1.2" if before is not None and "roles" in before.tables else arrival.version


def _cut_since(arrival: Arrival, before: Snapshot | None) -> list[Finding]:
    """Files whose last line has no line end, though it had one in the set before."""
    if before is None:
        return []
    ended = {entity for entity, each in before.tables.items() if each.ended and not each.made_up}
    return [Finding("R-SET-06", file.name, file.scan.lines + 1)
            for entity, file in arrival.files.items()
            if entity in ended and not file.scan.ended and file.mode != "additions"]  # fmt: skip


def _stop(findings: list[Finding]) -> None:
    stopping = [each for each in findings if RULES[each.code].severity is Severity.STOP]
    if stopping:
        raise SetRefusedError(stopping)


@contextmanager
def first_of_all(doubts: Collection[Finding]) -> Iterator[None]:
    """Settings that do not fit a set of another format are not what is wrong: the set is refused for its format.

    Raises `SetRefusedError` then, in place of `ConfigError`."""
    try:
        yield
    except ConfigError:
        other = [each for each in doubts if each.code == "R-FORM-06"]
        if not other:
            raise
        raise SetRefusedError(other) from None


def doubt(finding: Finding) -> str:
    """A finding as a reason for which a plan waits."""
    where = f"{finding.file}: " if finding.file else ""
    return f"{finding.code} {where}{RULES[finding.code].title}{': ' + finding.words if finding.words else ''}"
