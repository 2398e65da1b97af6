"""The story of one person, or of a person in a class: from the line in the source through findings and plan to what
became of it, and if nothing did, why not."""

from __future__ import annotations

from dataclasses import dataclass

from syncrun.errors import UsageError
from syncrun.intake import origin
from syncrun.report.source import RunFiles
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


def explain(files: RunFiles, person: str, class_: str | None = None) -> list[Fact]:
    """The story of a person given by sourcedId, identifier, username or e-mail address; with `class_` (sourcedId or
    classCode), of their enrollments in that class.

    Raises `UsageError` when there is no such person in the run, or more than one.
    """
    key = _person(files, person)
    facts = [Fact("run", f"{files.run.id}, which ended {files.run.outcome}")]
    facts += _row(files, "users", key)
    if class_ is None:
        facts += _fates(files, "users", key)
        facts += _own_enrollments(files, key)
        return facts
    class_key = _class(files, class_)
    facts += _row(files, "classes", class_key)
    facts += _fates(files, "classes", class_key)
    enrollments = files.connection.execute(
        "SELECT sourcedId FROM roster.enrollments WHERE userSourcedId = ? AND classSourcedId = ? ORDER BY ALL",
        [key, class_key],
    ).fetchall()
    if not enrollments:
        facts.append(Fact("enrollment", "the source has no usable enrollment of this person in this class"))
    for (enrollment,) in enrollments:
        facts += _row(files, "enrollments", enrollment)
        facts += _fates(files, "enrollments", enrollment)
    return facts


def _columns(files: RunFiles, entity: str) -> set[str]:
    return {row[0] for row in files.connection.execute(f"DESCRIBE roster.{name(entity)}").fetchall()}


def _person(files: RunFiles, wanted: str) -> str:
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
        SELECT 1 FROM findings WHERE file = 'users.csv' AND key = $1 UNION SELECT 1 FROM fates WHERE entity = 'users' AND key = $1
    """, [wanted]).fetchone()  # fmt: skip
    if lost:
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
    told = files.snapshot.tables[entity]
    file = told.file or entity
    found = files.connection.execute(f"SELECT line FROM roster.{name(entity)} WHERE sourcedId = ?", [key]).fetchone()
    remarks = files.connection.execute(
        'SELECT DISTINCT code, line, "column" FROM findings WHERE file = ? AND key = ? ORDER BY line, code',
        [file, key],
    ).fetchall()
    facts = []
    if found and found[0] is not None:
        where, line = origin.told(file, found[0], told.origins)
        facts.append(Fact("source", f"{where}, line {line}: read and accepted ({key})"))
    elif found:
        facts.append(Fact("source", f"{file}: no usable row this time; the one accepted before was kept ({key})"))
    else:
        facts.append(Fact("source", f"{file}: no usable row ({key})"))
    for code, place, column in remarks:
        line = origin.told(file, place, told.origins)[1] if place else 0
        where = ", ".join(filter(None, (f"line {line}" if line else "", column or "")))
        facts.append(Fact("finding", f"{code} {RULES[code].title} ({where}). {RULES[code].fix}"))
    return facts


def _fates(files: RunFiles, entity: str, key: str) -> list[Fact]:
    """What the plan of each sink meant for the record."""
    found = files.connection.execute(
        'SELECT sink, "table", action, fields, part, status, code, reason FROM fates WHERE entity = ? AND key = ? ORDER BY ALL',
        [entity, key],
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
    return facts or [Fact("plan", "no change: it is as the sinks have it, or no sink asks for it")]


def _own_enrollments(files: RunFiles, key: str) -> list[Fact]:
    if "enrollments" not in files.snapshot.tables:
        return []
    found = files.connection.execute(
        "SELECT count(*), count(DISTINCT classSourcedId) FROM roster.enrollments WHERE userSourcedId = ?", [key]
    ).fetchone()
    count = int(found[0]) if found else 0
    words = f"{count} accepted, in {found[1] if found else 0} classes; add a class to see one of them"
    return [Fact("enrollments", words if count else "none accepted: the source sends none, or they were rejected")]
