"""Whether accepted records fit together: rules about several records, after OneRoster's meaning of them.

A record of itself in order may still contradict another: an enrollment in another school than its class, two people
with one user name. Official packages break some of these rules and are valid, so all that is found here is a note.
Each `Look` is one pass over one relation, however many rules it asks, since a large district has ten million
enrollments. A look whose columns are not all there, because no file brought them or no sink asks for them, is left out.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncrun.roster.vocabulary import ORG_TYPES
from syncrun.rules.table import Counted, tally
from syncrun.sqltext import literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

GUARDIANS = "('guardian', 'parent', 'relative')"
_LAST_DAY = "DATE '9999-12-31'"
_FIRST_DAY = "DATE '0001-01-01'"


@dataclass(frozen=True, slots=True)
class Look:
    """One pass: the file that the remarks are on (`entity`), the columns that must be there, as `users.email`, a
    relation with `line` and `sourcedId`, and by code the predicates on it."""

    entity: str
    needs: Collection[str]
    relation: str
    tests: Mapping[str, Counted]


PEOPLE_OF_1_1 = """
SELECT sourcedId, line, enabledUser, [role] AS roles, orgSourcedIds AS orgs, role = 'student' AS student,
    orgSourcedIds[1] AS home, CASE WHEN len(orgSourcedIds) > 1 THEN orgSourcedIds END AS more
FROM accepted.users
"""
PEOPLE_OF_1_2 = """
SELECT sourcedId, line, enabledUser, roles, orgs, coalesce(list_contains(roles, 'student'), false) AS student,
    orgs[1] AS home, CASE WHEN len(orgs) > 1 THEN orgs END AS more
FROM accepted.users LEFT JOIN (
    SELECT userSourcedId, list(role ORDER BY line) AS roles, list(orgSourcedId ORDER BY line) AS orgs
    FROM accepted.roles GROUP BY userSourcedId
) AS held ON held.userSourcedId = users.sourcedId
"""
LESSONS = """
SELECT class.sourcedId, any_value(class.school) AS school, min(session.startDate) AS starts, max(session.endDate) AS ends
FROM (SELECT sourcedId, schoolSourcedId AS school, unnest(termSourcedIds) AS term FROM accepted.classes) AS class
JOIN accepted.academicSessions AS session ON session.sourcedId = class.term
GROUP BY class.sourcedId
"""
_ORGS = """
SELECT org.line, org.sourcedId, org.type, list_position(words, org.type) > list_position(words, parent.type) AS above
FROM accepted.orgs AS org JOIN accepted.orgs AS parent ON parent.sourcedId = org.parentSourcedId, (SELECT {0} AS words)
"""
_SESSIONS = """
SELECT session.line, session.sourcedId, session.startDate < parent.startDate OR session.endDate > parent.endDate AS outside
FROM accepted.academicSessions AS session
JOIN accepted.academicSessions AS parent ON parent.sourcedId = session.parentSourcedId
"""
_COURSES = """
SELECT course.line, course.sourcedId, course.schoolYearSourcedId, session.type
FROM accepted.courses AS course JOIN accepted.academicSessions AS session ON session.sourcedId = course.schoolYearSourcedId
"""
_NO_SCHOOLS = """
SELECT line, sourcedId, schoolSourcedId FROM accepted.{0}
SEMI JOIN (FROM accepted.orgs WHERE type <> 'school') AS org ON org.sourcedId = schoolSourcedId
"""
_YEARS = """
SELECT class.line, class.sourcedId, term.schoolYear <> year.schoolYear AS differs
FROM (SELECT line, sourcedId, courseSourcedId, unnest(termSourcedIds) AS term FROM accepted.classes) AS class
JOIN accepted.academicSessions AS term ON term.sourcedId = class.term
JOIN accepted.courses AS course ON course.sourcedId = class.courseSourcedId
JOIN accepted.academicSessions AS year ON year.sourcedId = course.schoolYearSourcedId
"""
_ENROLLED = """
SELECT row.line, row.sourcedId, row.role, row.schoolSourcedId, {columns}
FROM accepted.enrollments AS row JOIN lessons AS lesson ON lesson.sourcedId = row.classSourcedId {join}
"""
_BY_PERSON = """row.schoolSourcedId <> lesson.school AS elsewhere,
    row.schoolSourcedId <> person.home AND (person.more IS NULL OR NOT list_contains(person.more, row.schoolSourcedId))
        AS stranger,
    (row.role = 'student') <> person.student AS other_role, NOT person.enabledUser AS disabled"""
_BY_DATE = (
    """row.beginDate, row.endDate, row.beginDate < lesson.starts AS early, row.endDate > lesson.ends + 1 AS late"""
)
_TWICE = """
SELECT line, sourcedId, {begin} < max({end}) OVER (PARTITION BY {by} ORDER BY {begin}, line
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS again
FROM accepted.{entity} SEMI JOIN (
    SELECT hash({by}) AS twin FROM accepted.{entity} WHERE {which} GROUP BY twin HAVING count(*) > 1
) AS twins ON twins.twin = hash({by})
WHERE {which}
"""
"""Rows that overlap with another of the same `by`. Hashes pick out the few that may, before anything is sorted."""
_SHARED = """
SELECT line, sourcedId, {column} FROM (
    SELECT *, row_number() OVER (PARTITION BY lower({column}) ORDER BY line) AS nth FROM accepted.users
    SEMI JOIN (
        SELECT hash(lower({column})) AS twin FROM accepted.users WHERE {column} IS NOT NULL GROUP BY twin HAVING count(*) > 1
    ) AS twins ON twins.twin = hash(lower({column}))
) WHERE nth > 1
"""
_DOUBLES = """
SELECT line, sourcedId FROM (
    SELECT user.line, user.sourcedId,
        row_number() OVER (PARTITION BY lower(givenName), lower(familyName), birthDate, home ORDER BY user.line) AS nth
    FROM accepted.users AS user JOIN accepted.demographics AS fact USING (sourcedId)
    JOIN people AS person USING (sourcedId) WHERE person.student AND birthDate IS NOT NULL
) WHERE nth > 1
"""
_AGENTS = """
SELECT line, sourcedId FROM (
    SELECT user.line, user.sourcedId, unnest(agentSourcedIds) AS agent
    FROM accepted.users AS user JOIN people AS person USING (sourcedId)
    WHERE person.student AND agentSourcedIds IS NOT NULL
) SEMI JOIN (FROM people WHERE student) AS other ON other.sourcedId = agent
"""
_ROLELESS = """
SELECT user.line, user.sourcedId, primaryOrgSourcedId, NOT coalesce(list_contains(orgs, primaryOrgSourcedId), false) AS lost
FROM accepted.users AS user JOIN people USING (sourcedId)
"""


def columns(connection: DuckDBPyConnection) -> set[str]:
    """What was accepted, as `users.email`."""
    query = "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'accepted'"
    return {found for (found,) in connection.execute(query).fetchall()}


def prepare(connection: DuckDBPyConnection, here: Collection[str]) -> set[str]:
    """Make the tables that several looks use, `people` and `lessons`, as far as there is what they are made of. Gives
    their names as looks may need them."""
    made = set()
    if "users.enabledUser" in here and {"roles.userSourcedId", "users.orgSourcedIds"} & set(here):
        query = PEOPLE_OF_1_2 if "roles.userSourcedId" in here else PEOPLE_OF_1_1
        connection.execute(f"CREATE OR REPLACE TEMP TABLE people AS {query}")
        made.add("people")
    if {"classes.termSourcedIds", "academicSessions.startDate"} <= set(here):
        connection.execute(f"CREATE OR REPLACE TEMP TABLE lessons AS {LESSONS}")
        made.add("lessons")
    return made


def check(
    connection: DuckDBPyConnection, files: Mapping[str, str], today: datetime.date, here: Collection[str]
) -> None:
    """Note what does not fit together. `files` has the names of the files that arrived by entity, `here` what there is
    (`columns`, and what `prepare` made)."""
    for look in looks(today, here):
        if look.entity in files and set(look.needs) <= set(here):
            tally(connection, files[look.entity], f"({look.relation})", look.tests)


def looks(today: datetime.date, here: Collection[str]) -> Iterator[Look]:
    """Everything that is asked."""
    words = "[" + ", ".join(map(literal, ORG_TYPES)) + "]"
    yield Look("orgs", ["orgs.parentSourcedId"], _ORGS.format(words), {"R-FIT-02": Counted("above", "type")})
    yield Look("academicSessions", ["academicSessions.parentSourcedId"], _SESSIONS,
               {"R-FIT-03": Counted("outside")})  # fmt: skip
    yield Look("courses", ["courses.schoolYearSourcedId", "academicSessions.type"], _COURSES,
               {"R-FIT-04": Counted("type <> 'schoolYear'", "schoolYearSourcedId")})  # fmt: skip
    for entity in ("classes", "enrollments"):
        yield Look(entity, [f"{entity}.schoolSourcedId", "orgs.type"], _NO_SCHOOLS.format(entity),
                   {"R-FIT-05": Counted("true", "schoolSourcedId")})  # fmt: skip
    yield Look("classes", ["classes.termSourcedIds", "courses.schoolYearSourcedId", "academicSessions.schoolYear"],
               _YEARS, {"R-FIT-07": Counted("differs", "")})  # fmt: skip
    yield from _of_enrollments(here)
    yield from _of_people(today)


def _of_enrollments(here: Collection[str]) -> Iterator[Look]:
    dated = {"enrollments.beginDate", "enrollments.endDate"} <= set(here)
    tests: dict[str, Counted] = {}
    columns, join = [], ""
    if "people" in here:
        columns.append(_BY_PERSON)
        join = "JOIN people AS person ON person.sourcedId = row.userSourcedId"
        tests |= {"R-FIT-06": Counted("elsewhere", "schoolSourcedId"), "R-FIT-17": Counted("stranger", "schoolSourcedId"),
                  "R-FIT-11": Counted("other_role", "role"), "R-FIT-16": Counted("disabled")}  # fmt: skip
    if dated:
        columns.append(_BY_DATE)
        tests |= {"R-FIT-08": Counted("early", "beginDate"), "R-FIT-21": Counted("late", "endDate")}
    if tests:
        yield Look("enrollments", ["enrollments.userSourcedId", "lessons"],
                   _ENROLLED.format(columns=", ".join(columns), join=join), tests)  # fmt: skip
    begin, end = _FIRST_DAY, _LAST_DAY
    if dated:
        begin, end = f"coalesce(beginDate, {_FIRST_DAY})", f"coalesce(endDate, {_LAST_DAY})"
    primary = _TWICE.format(entity="enrollments", by="classSourcedId", which="\"primary\" AND role = 'teacher'",
                            begin=begin, end=end)  # fmt: skip
    yield Look("enrollments", ["enrollments.primary"], primary, {"R-FIT-09": Counted("again")})
    twice = _TWICE.format(entity="enrollments", by="classSourcedId, userSourcedId, role", which="true",
                          begin=begin, end=end)  # fmt: skip
    yield Look("enrollments", ["enrollments.role"], twice, {"R-FIT-12": Counted("again")})


def _of_people(today: datetime.date) -> Iterator[Look]:
    twice = _TWICE.format(entity="roles", by="userSourcedId, orgSourcedId", which="roleType = 'primary'",
                          begin=_FIRST_DAY, end=_LAST_DAY)  # fmt: skip
    yield Look("roles", ["roles.roleType"], twice, {"R-FIT-10": Counted("again")})
    for code, column in ("R-FIT-13", "username"), ("R-FIT-14", "email"):
        yield Look("users", [f"users.{column}"], _SHARED.format(column=column), {code: Counted("true", column)})
    names = ["users.givenName", "users.familyName", "demographics.birthDate", "people"]
    yield Look("users", names, _DOUBLES, {"R-FIT-15": Counted("true")})
    yield Look("users", ["users.primaryOrgSourcedId", "people"], _ROLELESS,
               {"R-FIT-18": Counted("lost AND primaryOrgSourcedId IS NOT NULL", "primaryOrgSourcedId")})  # fmt: skip
    yield Look("users", ["users.agentSourcedIds", "people"], _AGENTS, {"R-FIT-22": Counted("true")})
    born = f"birthDate < DATE '1900-01-01' OR birthDate > DATE {literal(today.isoformat())}"
    yield Look("demographics", ["demographics.birthDate"], "FROM accepted.demographics",
               {"R-FIT-20": Counted(born, "birthDate")})  # fmt: skip
