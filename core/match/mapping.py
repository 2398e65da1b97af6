"""The decisions as tables for the shapes: `mapped_orgs`, `mapped_teachers`, `mapped_years` (sourcedId).

Orgs: when any is decided on, only those that are added or linked take part, otherwise every school does. Teachers:
everyone with that role in an org that takes part, but for those that are skipped, and, where new ones are to be ignored,
for those that are new and undecided. Years: those that are chosen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from syncrun.errors import ConfigError, Problem
from syncrun.roster.view import settle_homes
from syncrun.state.decision import Decision

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def settle(
    connection: DuckDBPyConnection, decisions: Sequence[Decision], school_years: Iterable[str], path: str, *,
    by_year: bool = True, known_teachers: Collection[str] | None = None,
) -> list[str]:  # fmt: skip
    """Make the three tables, `homes`, and `left_out` (kind, sourcedId: orgs of the source that take no part, teachers
    who are skipped); advice for the operator. `path` is where the district file names the sink; `by_year` says that the sink
    takes rows by school year. `known_teachers` are the keys of teachers whom the sink has taken: where they are given, others
    take part only if somebody decided so (`new_teachers = "ignore"` after the first sync).

    Raises `ConfigError` for a school year that the source does not have.
    """
    connection.execute("CREATE OR REPLACE TEMP TABLE decided (kind VARCHAR, sourcedId VARCHAR, decision VARCHAR)")
    if decisions:
        connection.executemany(
            "INSERT INTO decided VALUES (?, ?, ?)", [(each.kind, each.source_id, each.decision) for each in decisions]
        )
    picked = any(each.kind == "orgs" and each.decision != "skip" for each in decisions)
    orgs = "sourcedId IN (SELECT sourcedId FROM decided WHERE kind = 'orgs' AND decision <> 'skip')" if picked else (
        "type = 'school' AND sourcedId NOT IN (SELECT sourcedId FROM decided WHERE kind = 'orgs')")  # fmt: skip
    connection.execute(f"CREATE OR REPLACE TEMP TABLE mapped_orgs AS SELECT sourcedId FROM orgs WHERE {orgs}")
    settle_homes(connection)
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE mapped_teachers AS SELECT userSourcedId AS sourcedId FROM homes
        WHERE role = 'teacher' AND userSourcedId NOT IN (
            SELECT sourcedId FROM decided WHERE kind = 'teachers' AND decision = 'skip')
    """)
    ignored = [] if known_teachers is None else _ignore(connection, known_teachers)
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE left_out AS
        SELECT 'orgs' AS kind, sourcedId FROM orgs WHERE sourcedId NOT IN (SELECT sourcedId FROM mapped_orgs)
        UNION ALL SELECT kind, sourcedId FROM decided WHERE kind IN ('teachers', 'classes', 'students') AND decision = 'skip'
    """)
    advice = _years(connection, decisions, list(school_years), path)
    return _strangers(connection) + ignored + (advice if by_year else [])


def _ignore(connection: DuckDBPyConnection, known: Collection[str]) -> list[str]:
    """Leave out teachers who are neither known nor decided on; how many, for the operator, who may want them."""
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE ignored_teachers AS SELECT DISTINCT sourcedId FROM mapped_teachers
        WHERE sourcedId NOT IN (SELECT unnest(?::VARCHAR[]))
            AND sourcedId NOT IN (SELECT sourcedId FROM decided WHERE kind = 'teachers')
    """, [list(known)])  # fmt: skip
    connection.execute("DELETE FROM mapped_teachers WHERE sourcedId IN (SELECT sourcedId FROM ignored_teachers)")
    found = connection.execute("SELECT count(*) FROM ignored_teachers").fetchone()
    if not found or not found[0]:
        return []
    return [f"New teachers are ignored, as new_teachers says: {found[0]}. `syncrun map teachers --open` lists them."]


def _strangers(connection: DuckDBPyConnection) -> list[str]:
    """Decisions on records that the source does not have: a slip of the pen, or a record that is gone."""
    found = connection.execute("""
        SELECT kind, sourcedId FROM decided WHERE (kind = 'orgs' AND sourcedId NOT IN (SELECT sourcedId FROM orgs))
            OR (kind = 'teachers' AND sourcedId NOT IN (SELECT userSourcedId FROM roles WHERE role = 'teacher'))
            OR (kind = 'students' AND sourcedId NOT IN (SELECT userSourcedId FROM roles WHERE role = 'student'))
            OR (kind = 'classes' AND sourcedId NOT IN (SELECT sourcedId FROM classes)) ORDER BY ALL
    """).fetchall()
    return [f"A decision is about {kind} {key}, which the source does not share." for kind, key in found]


def _years(
    connection: DuckDBPyConnection, decisions: Sequence[Decision], school_years: list[str], path: str
) -> list[str]:
    chosen = {
        *school_years,
        *(each.source_id for each in decisions if each.kind == "years" and each.decision != "skip"),
    }
    known = dict(connection.execute(
        "SELECT sourcedId, title FROM academicSessions WHERE type = 'schoolYear' ORDER BY startDate, sourcedId"
    ).fetchall())  # fmt: skip
    unknown = sorted(chosen - known.keys())
    if unknown:
        there = ", ".join(f"{key} ({title})" for key, title in known.items()) or "none"
        raise ConfigError([Problem("E-CONFIG-3", f"{path}.school_years", f"the source has no school year {each}",
                                   f"it has: {there}") for each in unknown])  # fmt: skip
    connection.execute("CREATE OR REPLACE TEMP TABLE mapped_years (sourcedId VARCHAR)")
    if chosen:
        connection.executemany("INSERT INTO mapped_years VALUES (?)", [(each,) for each in sorted(chosen)])
    if not chosen and known:
        there = ", ".join(f"{key} ({title})" for key, title in known.items())
        return [f"No school year is chosen, so only schools and teachers are synced. The source has: {there}."]
    if len(chosen) > 1:
        return [f"{len(chosen)} school years are chosen. Choose one unless you are sure: every chosen year is added to "
                "every teacher's account."]  # fmt: skip
    return []
