"""The story of one person, or of a person in a class: from the line in the source through findings and plan to what
became of it, and if nothing did, why not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from syncrun.errors import UsageError
from syncrun.intake import origin
from syncrun.report import why
from syncrun.report.source import RunFiles
from syncrun.report.why import Ground
from syncrun.rules.rule import RULES
from syncrun.sqltext import name

_FOUND_BY = ("sourcedId", "identifier", "username", "email")
_STATUS = {
    "applied": "done",
    "held": "waits for a person",
    "rejected": "rejected by the sink",
    "conflict": "not done: the sink's row has changed",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One step of the story."""

    stage: str
    words: str


def explain(files: RunFiles, grounds: Sequence[Ground], person: str, class_: str | None = None) -> list[Fact]:
    """The story of a person given by sourcedId, identifier, username or e-mail address; with `class_` (sourcedId or
    classCode), of their enrollments in that class. `grounds` are the district's sinks as they are now.

    Raises `UsageError` when there is no such person in the run, or more than one.
    """
    key = _person(files, grounds, person)
    why.lay(files)
    facts = [Fact("run", f"{files.run.id}, which ended {files.run.outcome}")]
    facts += _row(files, _entity(files, key), key)
    if class_ is None:
        facts += _fates(files, grounds, "users", key)
        facts += _own_enrollments(files, key)
        return facts
    class_key = _class(files, class_)
    facts += _row(files, "classes", class_key)
    facts += _fates(files, grounds, "classes", class_key)
    enrollments = _enrollments(files, grounds, key, class_key)
    if not enrollments:
        facts.append(Fact("enrollment", "the source has no usable enrollment of this person in this class"))
    for enrollment in enrollments:
        facts += _row(files, "enrollments", enrollment)
        facts += _fates(files, grounds, "enrollments", enrollment)
    return facts


def _enrollments(files: RunFiles, grounds: Sequence[Ground], person: str, class_: str) -> list[str]:
    """The enrollments of a person in a class: those that were accepted, else those that a sink had."""
    found = files.connection.execute(
        "SELECT sourcedId FROM enrollments WHERE userSourcedId = ? AND classSourcedId = ? ORDER BY ALL",
        [person, class_],
    ).fetchall()
    return [str(key) for (key,) in found] or sorted(
        {key for ground in grounds for key in why.had(files, ground, person, class_)}
    )


def _entity(files: RunFiles, person: str) -> str:
    """Where a person stands: among the users, or among the guardians alone."""
    if "guardians" not in files.snapshot.tables or not _has(files, "guardians", person):
        return "users"
    return "users" if _has(files, "users", person) else "guardians"


def _has(files: RunFiles, entity: str, key: str) -> bool:
    query = f"SELECT 1 FROM roster.{name(entity)} WHERE sourcedId = ? LIMIT 1"
    return files.connection.execute(query, [key]).fetchone() is not None


def _columns(files: RunFiles, entity: str) -> set[str]:
    return {row[0] for row in files.connection.execute(f"DESCRIBE roster.{name(entity)}").fetchall()}


def _person(files: RunFiles, grounds: Sequence[Ground], wanted: str) -> str:
    here = [column for column in _FOUND_BY if column in _columns(files, "users")]
    for column in here:
        found = files.connection.execute(
            f"SELECT DISTINCT sourcedId FROM roster.users WHERE {name(column)} = ? LIMIT 3", [wanted]
        ).fetchall()
        if len(found) == 1:
            return str(found[0][0])
        if found:
            raise UsageError(f"More than one person has this {column}.", next_step="Give the sourcedId.")
    lost = files.connection.execute("""
        SELECT 1 FROM findings WHERE split_part(split_part(file, '.', 1), ' from ', 1) = 'users' AND key = $1 UNION SELECT 1 FROM fates WHERE entity IN ('users', 'guardians') AND key = $1
    """, [wanted]).fetchone()  # fmt: skip
    guardian = "guardians" in files.snapshot.tables and _has(files, "guardians", wanted)
    if lost or guardian or any(list(why.taken(files, ground, "users", wanted)) for ground in grounds):
        return wanted
    raise UsageError(f"The run has nobody with this {' or '.join(here)}.",
                     next_step="The source did not send the person, or under another id.")  # fmt: skip


def _class(files: RunFiles, wanted: str) -> str:
    found = files.connection.execute(
        "SELECT DISTINCT sourcedId FROM roster.classes WHERE sourcedId = $1 OR classCode = $1 LIMIT 3", [wanted]
    ).fetchall()
    exact = [key for (key,) in found if key == wanted]
    if len(found) == 1 or exact:
        return exact[0] if exact else str(found[0][0])
    raise UsageError("The run has no such class." if not found else "More than one class has this code.",
                     next_step="Give the sourcedId of the class.")  # fmt: skip


def _row(files: RunFiles, entity: str, key: str) -> list[Fact]:
    """Where the row stood, and what was remarked on it."""
    if entity not in files.snapshot.tables:
        return [Fact("source", f"no file of {entity} was ever accepted")]
    told = files.snapshot.tables[entity]
    file = told.file or entity
    found = files.connection.execute(f"SELECT line FROM roster.{name(entity)} WHERE sourcedId = ?", [key]).fetchone()
    remarks = files.connection.execute(
        'SELECT DISTINCT code, line, "column" FROM findings WHERE file = ? AND key = ? ORDER BY line, code',
        [file, key],
    ).fetchall()
    facts = []
    facts.append(Fact("source", f"{_where(files, entity, found, rejected=bool(remarks))} ({key})"))
    for code, place, column in remarks:
        line = origin.told(file, place, told.origins)[1] if place else 0
        where = ", ".join(filter(None, (f"line {line}" if line else "", column or "")))
        facts.append(Fact("finding", f"{code} {RULES[code].title} ({where}). {RULES[code].fix}"))
    return facts


def _where(files: RunFiles, entity: str, found: tuple[int | None] | None, *, rejected: bool) -> str:
    """What the run knows of a record's row. A file that did not come, or that only adds, says nothing of most rows."""
    told = files.snapshot.tables[entity]
    file = told.file or entity
    arrived = (files.run.summary or {}).get("files", {}).get(file)
    if found is None:
        return f"{file}: no usable row"
    if arrived is None:
        return f"{file} did not come in this run: the row is as it was accepted before"
    if found[0] is not None:
        where, line = origin.told(file, found[0], told.origins)
        return f"{where}, line {line}: read and accepted"
    if arrived["mode"] != "bulk" and not rejected:
        return f"{file}: not mentioned in this run; the row that was accepted before stays"
    return f"{file}: no usable row this time; the one accepted before was kept"


def _fates(files: RunFiles, grounds: Sequence[Ground], entity: str, key: str) -> list[Fact]:
    """What the plan of each sink meant for the record; where it meant nothing, why."""
    found = files.connection.execute(
        'SELECT sink, "table", action, fields, part, status, code, reason FROM fates WHERE entity IN (?, ?) AND key = ? ORDER BY ALL',
        [entity, "guardians" if entity == "users" else entity, key],
    ).fetchall()
    facts = []
    for sink, table, action, fields, part, status, code, reason in found:
        touched = f" ({fields.replace(',', ', ')})" if action == "update" and fields else ""
        why = f": {code} {reason}" if code else ""
        facts.append(Fact("plan", f"{sink}.{table}: {action}{touched}, {_STATUS[status]}{why}"))
        if status == "held":
            reasons = files.plan.sinks[sink].parts[part].reasons if part in files.plan.sinks[sink].parts else ()
            facts += [Fact("held", f"{reason.code} {reason.words}") for reason in reasons] or [
                Fact("held", "a row that it belongs to waits")
            ]
        if action == "archive":
            facts += [
                fact for ground in grounds if ground.sink == sink for fact in _not_asked(files, ground, entity, key)
            ]
    for ground in grounds:
        if not any(each[0] == ground.sink for each in found):
            facts += _no_fate(files, ground, entity, key)
    return facts


def _no_fate(files: RunFiles, ground: Ground, entity: str, key: str) -> Iterator[Fact]:
    """Where the plan of a sink does nothing to a record: since when it is there as it is, or why it is not."""
    why.stand(files, ground)
    asked = why.wanted(files, ground, entity, key)
    there = list(why.taken(files, ground, entity, key))
    for table, archived, run in there:
        if archived:
            yield Fact("removed", f"{ground.sink}.{table}: set aside by run {run}")
        else:
            kept = "" if asked else "; it is kept, though no longer asked for"
            yield Fact("plan", f"{ground.sink}.{table}: unchanged since run {run}{kept}")
    if asked and not there:
        yield Fact("plan", f"{ground.sink}: asked for, and not taken yet")
    if not asked:
        yield from _not_asked(files, ground, entity, key)


def _not_asked(files: RunFiles, ground: Ground, entity: str, key: str) -> Iterator[Fact]:
    """Why a sink does not ask for a record, or asks for it no more."""
    why.stand(files, ground)
    known = files.connection.execute(f"SELECT 1 FROM {name(entity)} WHERE sourcedId = ?", [key]).fetchone()
    reasons = why.why_not(files, ground, entity, key) if known else ["the source sends no usable row of it"]
    yield from (Fact("not asked", f"{ground.sink}: {each}") for each in reasons)


def _own_enrollments(files: RunFiles, key: str) -> list[Fact]:
    if "enrollments" not in files.snapshot.tables:
        return []
    found = files.connection.execute(
        "SELECT count(*), count(DISTINCT classSourcedId) FROM roster.enrollments WHERE userSourcedId = ?", [key]
    ).fetchone()
    count = int(found[0]) if found else 0
    words = f"{count} accepted, in {found[1] if found else 0} classes; add a class to see one of them"
    return [Fact("enrollments", words if count else "none accepted: the source sends none, or they were rejected")]
