"""Why a record is not in a sink, or since when it is there as it is: the decisions and the shapes of a run's sinks, asked
for one record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from syncrun.match import mapping, route
from syncrun.plan import shape
from syncrun.report.source import RunFiles
from syncrun.roster import view
from syncrun.roster.entity import ENTITIES
from syncrun.run.planning import known_teachers, open_applied
from syncrun.scratch import has, read_parquet
from syncrun.sqltext import literal, name

if TYPE_CHECKING:
    from syncrun.roster.route import Route
    from syncrun.sdk import Table
    from syncrun.state.decision import Decision
    from syncrun.state.store import AppliedFile

_EVERYTHING = frozenset(cell.privacy for entity in ENTITIES.values() for cell in entity.cells().values())


@dataclass(frozen=True, slots=True)
class Ground:
    """One sink as the district has it: its tables, what people decided, the chosen school years, and what it has taken.
    `path` is where the district file names it, for errors; `routes` are those that the district file has for it,
    and `new_teachers` is what it says of teachers whom nobody decided on."""

    sink: str
    tables: Sequence[Table]
    decisions: Sequence[Decision]
    school_years: Sequence[str]
    taken: Sequence[AppliedFile]
    home: Path
    path: str
    routes: Sequence[Route] = ()
    new_teachers: str = "add"

    def tables_of(self, entity: str) -> list[Table]:
        """The tables whose rows are records of that entity. Guardians may stand among the users."""
        sources = {entity, "guardians"} if entity == "users" else {entity}
        return [table for table in self.tables if table.source in sources]


def lay(files: RunFiles) -> None:
    """Make the canonical views over the run's roster."""
    connection = files.connection
    connection.execute("CREATE SCHEMA accepted")
    for entity in ENTITIES:
        if has(connection, "roster", entity):
            connection.execute(f"CREATE VIEW accepted.{name(entity)} AS FROM roster.{name(entity)}")
    view.lift(connection, _EVERYTHING)


def stand(files: RunFiles, ground: Ground) -> None:
    """Make the decisions and the shapes of one sink, in place of those of another."""
    routed = route.settle(files.connection, ground.routes, ground.decisions, ground.path)
    mapping.settle(files.connection, [*routed.decisions, *routed.targets], ground.school_years, ground.path,
                   by_year=any("mapped_years" in table.shape for table in ground.tables),
                   known_teachers=_known_teachers(files, ground))  # fmt: skip
    shape.shape(files.connection, ground.tables, ground.sink)


def _known_teachers(files: RunFiles, ground: Ground) -> list[str] | None:
    """The keys of teachers whom the sink has taken, where later ones are ignored; None where they are not."""
    there = [each for each in ground.taken if (ground.home / each.path).exists()]
    open_applied(files.connection, ground.tables, there, ground.home)
    return known_teachers(files.connection, ground.tables, ground.new_teachers, there)


def taken(files: RunFiles, ground: Ground, entity: str, key: str) -> Iterator[tuple[str, bool, str]]:
    """Table, whether the row is set aside, and the run that last did something to it."""
    for table in ground.tables_of(entity):
        for each in sorted(ground.taken, key=lambda file: -file.seq):
            if each.table != table.name or not (ground.home / each.path).exists():
                continue
            found = files.connection.execute(
                f"SELECT action FROM {read_parquet([ground.home / each.path])} WHERE key = ? LIMIT 1", [key]
            ).fetchone()
            if found:
                yield table.name, found[0] == "archive", each.run
                break


def had(files: RunFiles, ground: Ground, person: str, class_: str) -> set[str]:
    """The keys of enrollments of a person in a class that the sink once took."""
    found: set[str] = set()
    for table in ground.tables_of("enrollments"):
        people = [column for column, parent in table.parents.items() if parent in _names(ground, "users")]
        classes = [column for column, parent in table.parents.items() if parent in _names(ground, "classes")]
        for each in ground.taken:
            path = ground.home / each.path
            if each.table == table.name and people and classes and path.exists():
                who = " OR ".join(f"{name(column)} = $1" for column in people)
                where = " OR ".join(f"{name(column)} = $2" for column in classes)
                found |= set(
                    _keys(files, f"SELECT key FROM {read_parquet([path])} WHERE ({who}) AND ({where})", person, class_)
                )
    return found


def _names(ground: Ground, entity: str) -> set[str]:
    return {table.name for table in ground.tables_of(entity)}


def wanted(files: RunFiles, ground: Ground, entity: str, key: str) -> bool:
    """Whether a table of the sink asks for the record."""
    return any(
        files.connection.execute(f"SELECT 1 FROM shaped.{name(table.name)} WHERE key = ? LIMIT 1", [key]).fetchone()
        for table in ground.tables_of(entity)
    )


def why_not(files: RunFiles, ground: Ground, entity: str, key: str) -> list[str]:
    """Why no table of the sink asks for an accepted record."""
    reasons = list({"users": _person, "classes": _class, "enrollments": _enrollment}[entity](files, ground, key))
    return reasons or [f"{ground.sink} has no table for such a record"]


def _keys(files: RunFiles, query: str, *values: str) -> list[str]:
    return [str(found) for (found,) in files.connection.execute(query, list(values)).fetchall()]


def _person(files: RunFiles, ground: Ground, key: str) -> Iterator[str]:
    roles = _keys(files, "SELECT DISTINCT role FROM roles WHERE userSourcedId = ? ORDER BY ALL", key)
    if not roles:
        yield "the person has no role in an org that there is"
        return
    schools = _keys(files, "SELECT DISTINCT orgSourcedId FROM roles WHERE userSourcedId = ? ORDER BY ALL", key)
    if not _keys(files, "SELECT school FROM homes WHERE userSourcedId = ?", key):
        yield from (_school(files, ground, school) for school in schools)
        return
    if _decided(ground, "teachers", key) == "skip":
        yield "the mapping skips this teacher"
    elif _is_ignored(files, ground, key):
        yield ('new teachers are left out, as new_teachers = "ignore" in the district file says, until somebody decides on '
               f"them: `syncrun map teachers set {key} --add`, or a row of the mapping file where there is one")  # fmt: skip
    if "student" in roles and not _keys(files, "SELECT sourcedId FROM mapped_years"):
        yield "no school year is chosen, and without one students are not synced"
    if not {"student", "teacher"} & set(roles):
        yield f"{ground.sink} has no table for a person who is {' and '.join(roles)}"


def _is_ignored(files: RunFiles, ground: Ground, key: str) -> bool:
    """Whether a person would be taken as a teacher, were they not new."""
    if _known_teachers(files, ground) is None or _decided(ground, "teachers", key):
        return False
    would = "SELECT userSourcedId FROM homes WHERE userSourcedId = ? AND role = 'teacher'"
    return bool(_keys(files, f"{would} EXCEPT SELECT sourcedId FROM mapped_teachers", key))


def _school(files: RunFiles, ground: Ground, school: str) -> str:
    """Why an org takes no part."""
    decided = _decided(ground, "orgs", school)
    if decided == "skip":
        return f"school {school} takes no part: the mapping skips it"
    if any(each.kind == "orgs" and each.decision != "skip" for each in ground.decisions):
        return f"school {school} takes no part: the mapping picks others"
    kinds = _keys(files, "SELECT type FROM orgs WHERE sourcedId = ?", school)
    return f"org {school} takes no part: it is a {kinds[0]}, no school" if kinds else f"there is no org {school}"


def _decided(ground: Ground, kind: str, key: str) -> str:
    return next((each.decision for each in ground.decisions if (each.kind, each.source_id) == (kind, key)), "")


def _class(files: RunFiles, ground: Ground, key: str) -> Iterator[str]:
    for school in _keys(files, "SELECT schoolSourcedId FROM classes WHERE sourcedId = ?", key):
        if not _keys(files, "SELECT sourcedId FROM mapped_orgs WHERE sourcedId = ?", school):
            yield _school(files, ground, school)
    years = _keys(files, """
        SELECT DISTINCT yearSourcedId FROM class_terms JOIN session_years USING (sessionSourcedId) WHERE classSourcedId = ?
        ORDER BY ALL""", key)  # fmt: skip
    chosen = _keys(files, "SELECT sourcedId FROM mapped_years ORDER BY ALL")
    if not years:
        yield "none of the terms of the class belongs to a school year"
    elif not set(years) & set(chosen):
        yield f"the class belongs to the school year {', '.join(years)}, which is not chosen " \
              f"(chosen: {', '.join(chosen) or 'none'})"  # fmt: skip


def _enrollment(files: RunFiles, ground: Ground, key: str) -> Iterator[str]:
    found = files.connection.execute(
        "SELECT userSourcedId, classSourcedId, role FROM enrollments WHERE sourcedId = ?", [key]
    ).fetchone()
    if found is None:
        return
    person, class_, role = map(str, found)
    for entity, named, words in (("users", person, "person"), ("classes", class_, "class")):
        if not wanted(files, ground, entity, named):
            yield from (f"the {words} is not asked for: {each}" for each in why_not(files, ground, entity, named))
    roles = _keys(files, f"SELECT DISTINCT role FROM homes WHERE userSourcedId = {literal(person)}")
    if roles and role not in roles:
        yield f"it enrolls as {role} a person who is {' and '.join(sorted(roles))}"
