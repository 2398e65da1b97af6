"""The tables of an export as queries over the canonical roster: what takes part, with nothing in it that names what does
not.

Without a chosen school year all of them take part. Orgs that are no schools always do. Persons take part who have a role
in an org that does, but for those whom people took out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from syncrun.sqltext import name

SESSIONS_CHOSEN = """(NOT EXISTS (FROM mapped_years) OR sourcedId IN (
    SELECT sessionSourcedId FROM session_years JOIN mapped_years ON mapped_years.sourcedId = yearSourcedId))"""
TERMS = """(
    SELECT classSourcedId, string_agg(sessionSourcedId, ',' ORDER BY list_position(termSourcedIds, sessionSourcedId)) AS terms
    FROM class_terms JOIN classes ON classes.sourcedId = classSourcedId
    JOIN shaped.academicSessions AS session ON session.key = sessionSourcedId GROUP BY ALL)"""
_OF_SCHOOL = "CASE WHEN {org} IN (SELECT sourcedId FROM mapped_orgs) THEN {org} END"
AGENTS = """(
    WITH named AS (
        SELECT one, other, min(place) AS place FROM (
            SELECT sourcedId AS one, unnest(agentSourcedIds) AS other, generate_subscripts(agentSourcedIds, 1) AS place
            FROM users) GROUP BY ALL
    ), pupil AS (SELECT DISTINCT userSourcedId AS id FROM roles WHERE role = 'student'),
    guardian AS (SELECT DISTINCT userSourcedId AS id FROM roles WHERE role IN ('guardian', 'parent', 'relative')),
    related AS (SELECT userSourcedId AS pupil, agentSourcedId AS guardian FROM relationships),
    allowed AS (
        SELECT one, other, place FROM named
        WHERE NOT (one IN (FROM pupil) AND other IN (FROM guardian) AND (one, other) NOT IN (FROM related))
            AND NOT (other IN (FROM pupil) AND one IN (FROM guardian) AND (other, one) NOT IN (FROM related))
        UNION ALL
        SELECT pupil, guardian, NULL FROM related
        WHERE (pupil, guardian) NOT IN (SELECT (one, other) FROM named)
            AND (guardian, pupil) NOT IN (SELECT (one, other) FROM named)
    )
    SELECT one, string_agg(other, ',' ORDER BY place NULLS LAST, other) AS agents FROM allowed
    WHERE other IN (FROM taking_part) GROUP BY one)"""
"""The agents of each person who take part. A pair between whom there must be no contact is not among `relationships`, and
goes nowhere, whatever names it; one that `guardians.csv` alone names is told with the pupil."""
TAKING_PART = """
    SELECT DISTINCT userSourcedId AS id FROM roles JOIN shaped.orgs AS org ON org.key = orgSourcedId
    WHERE userSourcedId NOT IN (SELECT sourcedId FROM left_out WHERE kind IN ('teachers', 'students'))
        AND userSourcedId NOT IN (SELECT userSourcedId FROM homes WHERE role = 'teacher'
            AND userSourcedId NOT IN (SELECT sourcedId FROM mapped_teachers))"""

QUERIES: Mapping[str, str] = MappingProxyType({
    "orgs": f"""
SELECT org.sourcedId AS key, {_OF_SCHOOL.format(org="org.sourcedId")} AS school, {{columns}} FROM orgs AS org
WHERE org.type <> 'school' OR org.sourcedId IN (SELECT sourcedId FROM mapped_orgs)""",
    "academicSessions": f"""
SELECT sourcedId AS key, NULL AS school, {{columns}} FROM academicSessions WHERE {SESSIONS_CHOSEN}""",
    "courses": f"""
SELECT course.sourcedId AS key, {_OF_SCHOOL.format(org="org")} AS school, {{columns}}
FROM (
    SELECT course.*, CASE WHEN orgSourcedId IN (SELECT key FROM shaped.orgs) THEN orgSourcedId ELSE user.school END AS org
    FROM courses AS course LEFT JOIN (
        SELECT courseSourcedId, min(schoolSourcedId) AS school FROM classes
        JOIN shaped.orgs AS org ON org.key = schoolSourcedId GROUP BY ALL) AS user ON user.courseSourcedId = course.sourcedId
) AS course WHERE org IS NOT NULL""",
    "classes": f"""
SELECT class.sourcedId AS key, {_OF_SCHOOL.format(org="schoolSourcedId")} AS school, {{columns}}
FROM classes AS class JOIN {TERMS} AS term ON term.classSourcedId = class.sourcedId
JOIN shaped.orgs AS org ON org.key = schoolSourcedId JOIN shaped.courses AS course ON course.key = courseSourcedId""",
    "users": f"""
WITH taking_part AS ({TAKING_PART})
SELECT person.sourcedId AS key, home.school, {{columns}} FROM users AS person
JOIN taking_part ON taking_part.id = person.sourcedId
LEFT JOIN (SELECT userSourcedId, arg_min(school, role) AS school FROM homes GROUP BY ALL) AS home
    ON home.userSourcedId = person.sourcedId
LEFT JOIN (
    SELECT userSourcedId, arg_min(orgSourcedId, (ordinal, orgSourcedId)) AS org FROM roles
    JOIN shaped.orgs AS org ON org.key = orgSourcedId GROUP BY ALL HAVING count(DISTINCT orgSourcedId) > 1
) AS first ON first.userSourcedId = person.sourcedId
LEFT JOIN {AGENTS} AS agent ON agent.one = person.sourcedId""",
    "roles": f"""
SELECT role.sourcedId AS key, {_OF_SCHOOL.format(org="orgSourcedId")} AS school, {{columns}}
FROM roles AS role JOIN shaped.users AS person ON person.key = userSourcedId
JOIN shaped.orgs AS org ON org.key = orgSourcedId""",
    "enrollments": """
SELECT enrolled.sourcedId AS key, class.school, {columns}
FROM enrollments AS enrolled JOIN shaped.classes AS class ON class.key = classSourcedId
JOIN shaped.users AS person ON person.key = userSourcedId
LEFT JOIN shaped.orgs AS org ON org.key = enrolled.schoolSourcedId""",
    "demographics": """
SELECT fact.sourcedId AS key, person.school, {columns}
FROM demographics AS fact JOIN shaped.users AS person ON person.key = fact.sourcedId""",
    "studentAttributes": """
SELECT fact.sourcedId AS key, person.school, {columns}
FROM studentAttributes AS fact JOIN shaped.users AS person ON person.key = userSourcedId""",
})  # fmt: skip
"""By table; `{columns}` are those that are wanted."""

_ALIAS = {"orgs": "org", "academicSessions": "academicSessions", "courses": "course", "classes": "class", "users": "person",
          "roles": "role", "enrollments": "enrolled", "demographics": "fact", "studentAttributes": "fact"}  # fmt: skip
_OTHERWISE: Mapping[tuple[str, str], str] = MappingProxyType({
    ("courses", "orgSourcedId"): "org",
    ("classes", "termSourcedIds"): "term.terms",
    ("users", "agentSourcedIds"): "agent.agents",
    ("users", "primaryOrgSourcedId"): "coalesce(person.primaryOrgSourcedId, first.org)",
    ("roles", "place"): "row_number() OVER (PARTITION BY userSourcedId ORDER BY ordinal, orgSourcedId, role.sourcedId)",
    ("enrollments", "schoolSourcedId"): "coalesce(org.key, class.schoolSourcedId)",
})  # fmt: skip
"""Columns that are not as the roster has them. Somebody with several orgs and no primary one has the first: readers of
another version would guess another."""


def query(table: str, wanted: Collection[str], lists: Collection[str]) -> str:
    """The shape of a table with the wanted columns; `lists` are those of them that hold several items."""
    return QUERIES[table].format(columns=", ".join(f"{_value(table, each, lists)} AS {name(each)}" for each in wanted))


def _value(table: str, column: str, lists: Collection[str]) -> str:
    if (table, column) in _OTHERWISE:
        return _OTHERWISE[table, column]
    value = f"{_ALIAS[table]}.{name(column)}"
    return f"array_to_string({value}, ',')" if column in lists else value
