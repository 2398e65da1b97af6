"""Who goes where by the routes of one sink, worked out for the whole roster at once.

- A pupil goes by the own grade, to one target from each school. Who is asked for by course, subject or department is no
  pupil but a class.
- A class goes by its own grades where they all lead to one target. Where they do not, or it has none, it goes where most
  of its pupils would; of two that are equal, to the one of the earlier route.
- A teacher, or who else stands at classes, goes along with the classes, to several schools if need be, and is at home
  where most of them are. A guardian goes along with the pupils. All others stay, or go to the first target where the
  school itself is gone.
- A school is gone when a route takes all of it, or when no pupil and no class is left in it; unless a route leads to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from syncrun.roster.vocabulary import GUARDIAN_ROLES
from syncrun.sqltext import literals

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from syncrun.roster.route import Route

_OF_NO_CLASS = ("principal", "siteAdministrator", "districtAdministrator", "systemAdministrator")
"""Who belongs to a school, whatever they teach beside."""
_RULES = """CREATE OR REPLACE TEMP TABLE route_rules (n INTEGER, source VARCHAR, target VARCHAR, of_classes BOOLEAN,
    grades VARCHAR[], courses VARCHAR[], subjects VARCHAR[], departments VARCHAR[])"""
_PUPILS = """
SELECT role.userSourcedId AS person, school.source, coalesce(arg_min(rule.target, rule.n), school.source) AS target,
    min(rule.n) AS n, any_value(school.by_grade) AND any_value(person.grades) IS NULL AND min(rule.n) IS NULL AS unknown
FROM {roles} AS role
JOIN (SELECT source, bool_or(grades IS NOT NULL AND NOT of_classes) AS by_grade FROM route_rules GROUP BY source) AS school
    ON school.source = role.orgSourcedId
JOIN (SELECT sourcedId, {grades} AS grades FROM {users}) AS person ON person.sourcedId = role.userSourcedId
LEFT JOIN route_rules AS rule ON rule.source = school.source AND NOT rule.of_classes
    AND (rule.grades IS NULL OR list_has_any(rule.grades, person.grades))
WHERE role.role = 'student' GROUP BY role.userSourcedId, school.source
"""
"""Where each pupil goes, by which route (NULL: none, the pupil stays), and whether it lacks but the grade."""
_CLASS_RULES = """
SELECT class.sourcedId AS class, rule.source, rule.n, rule.target, rule.grades, class.grades AS own
FROM {classes} AS class JOIN route_rules AS rule ON rule.source = class.schoolSourcedId
LEFT JOIN {courses} AS course ON course.sourcedId = class.courseSourcedId
WHERE (rule.courses IS NULL OR list_has_any(rule.courses, [class.courseSourcedId, course.courseCode]))
    AND (rule.subjects IS NULL OR list_has_any(rule.subjects, list_concat(
        class.subjects, class.subjectCodes, course.subjects, course.subjectCodes)))
    AND (rule.departments IS NULL OR list_contains(rule.departments, course.orgSourcedId))
"""
"""The routes that each class may take, when only its grades, or its pupils', are still to be asked."""
_BY_GRADE = """
SELECT class, source, coalesce(arg_min(target, n), source) AS target, min(n) AS n,
    count(DISTINCT target) > 1 OR bool_or(asks) AS open
FROM (
    SELECT class, source, coalesce(arg_min(target, n) FILTER (WHERE fits), source) AS target, min(n) FILTER (WHERE fits) AS n,
        grade IS NULL AND coalesce(min(n) FILTER (WHERE NOT fits) < coalesce(min(n) FILTER (WHERE fits), {last}), false) AS asks
    FROM (
        SELECT *, coalesce(grades IS NULL OR list_contains(grades, grade), false) AS fits
        FROM (SELECT *, unnest(coalesce(own, [NULL])) AS grade FROM route_class_rules)
    ) GROUP BY class, source, grade
) GROUP BY class, source
""".replace("{last}", str(2**31 - 1))
"""Where each class goes by its own grades, and whether its pupils are asked (`open`): the grades lead to several targets, or
a route asks for grades and the class has none."""
_VOTES = """
SELECT class, person, coalesce(arg_min(target, n) FILTER (WHERE fits), any_value(source)) AS target,
    min(n) FILTER (WHERE fits) AS n
FROM (
    SELECT rule.*, person.sourcedId AS person, person.grades IS NOT NULL AS graded,
        coalesce(rule.grades IS NULL OR list_has_any(rule.grades, person.grades), false) AS fits
    FROM (
        SELECT DISTINCT classSourcedId, userSourcedId FROM {enrollments}
        WHERE role = 'student' AND classSourcedId IN (SELECT class FROM route_by_grade WHERE open)
    ) AS enrolled
    JOIN (SELECT sourcedId, {grades} AS grades FROM {users}) AS person ON person.sourcedId = enrolled.userSourcedId
    JOIN route_class_rules AS rule ON rule.class = enrolled.classSourcedId
) GROUP BY class, person HAVING bool_or(graded OR fits)
"""
"""Where each pupil of an open class would take it; one whose grade is not known has no say."""
_CLASSES = """
SELECT class.class, class.source, coalesce(most.target, class.target) AS target,
    CASE WHEN most.class IS NULL THEN class.n ELSE most.n END AS n, coalesce(most.mixed, false) AS mixed,
    open AND most.class IS NULL AND class.n IS NULL AS unknown
FROM route_by_grade AS class LEFT JOIN (
    SELECT class, target, min(n) AS n, count(*) OVER (PARTITION BY class) > 1 AS mixed FROM route_votes GROUP BY class, target
    QUALIFY row_number() OVER (PARTITION BY class ORDER BY count(*) DESC, min(n) NULLS LAST) = 1
) AS most USING (class)
"""
"""Where each class goes; `mixed`: its pupils did not agree; `unknown`: neither it nor any pupil has a grade."""
_SCHOOLS = """
WITH left_over AS (
    SELECT source, bool_or(target = source) AS stays, arg_min(target, n) FILTER (WHERE target <> source) AS first
    FROM (SELECT source, target, n FROM route_pupils UNION ALL SELECT source, target, n FROM route_classes UNION ALL
        SELECT class.schoolSourcedId, class.schoolSourcedId, NULL FROM {classes} AS class
        WHERE class.sourcedId NOT IN (SELECT class FROM route_classes)
            AND class.schoolSourcedId IN (SELECT source FROM route_rules))
    GROUP BY source
)
SELECT source, gone, coalesce(whole, CASE WHEN gone THEN first END, source) AS target
FROM (
    SELECT source, whole, first,
        source NOT IN (SELECT target FROM route_rules) AND (whole IS NOT NULL OR coalesce(NOT stays, false)) AS gone
    FROM (
        SELECT source, arg_min(target, n) FILTER (WHERE grades IS NULL AND NOT of_classes) AS whole FROM route_rules GROUP BY source
    ) LEFT JOIN left_over USING (source)
)
"""
"""Each school with routes: whether it is gone, and where those go of whom nothing else is known."""
_ESCORTS = """
SELECT person, source, kind, target, row_number() OVER (
    PARTITION BY person, source, kind ORDER BY count DESC, target <> source, rule.n NULLS LAST, target) AS rank
FROM (
    SELECT enrolled.userSourcedId AS person, class.source, 'class' AS kind, class.target, count(DISTINCT class.class) AS count
    FROM {enrollments} AS enrolled JOIN {placed_classes} AS class ON class.class = enrolled.classSourcedId
    WHERE enrolled.role <> 'student' GROUP BY ALL
    UNION ALL
    SELECT related.agentSourcedId, pupil.source, 'pupil', pupil.target, count(*)
    FROM {relationships} AS related JOIN route_pupils AS pupil ON pupil.person = related.userSourcedId GROUP BY ALL
) LEFT JOIN (SELECT source, target, min(n) AS n FROM route_rules GROUP BY ALL) AS rule USING (source, target)
UNION ALL SELECT person, source, 'self', target, 1 FROM route_pupils
"""
"""Where people go along with their classes, their pupils or themselves; 1 is the rank of the target with most of them."""
_PLACED_CLASSES = """(
    SELECT class, source, target FROM route_classes
    UNION ALL SELECT sourcedId, schoolSourcedId, schoolSourcedId FROM {classes}
    WHERE schoolSourcedId IN (SELECT source FROM route_rules) AND sourcedId NOT IN (SELECT class FROM route_classes)
)"""
"""All classes of schools with routes, those included that no route may take."""
_ROLES = f"""
SELECT role.sourcedId AS role, role.userSourcedId AS person, school.source, coalesce(along.target, school.target) AS target,
    coalesce(along.rank, 1) AS rank
FROM {{roles}} AS role JOIN route_schools AS school ON school.source = role.orgSourcedId
LEFT JOIN route_escorts AS along ON along.person = role.userSourcedId AND along.source = school.source
    AND along.kind = CASE WHEN role.role = 'student' THEN 'self' WHEN role.role IN ({literals(GUARDIAN_ROLES)}) THEN 'pupil'
        WHEN role.role NOT IN ({literals(_OF_NO_CLASS)}) THEN 'class' END
"""
"""The schools of each role in a school with routes; 1 is the rank of the one where the person is at home."""
_DOUBLES = """
SELECT role, target FROM (
    SELECT role.sourcedId AS role, coalesce(place.target, role.orgSourcedId) AS target,
        row_number() OVER (same ORDER BY role.ordinal, coalesce(place.rank, 1), role.sourcedId) AS seat,
        bool_or(place.target <> place.source) OVER (same) AS moved
    FROM {roles} AS role LEFT JOIN route_roles AS place ON place.role = role.sourcedId
    WHERE role.userSourcedId IN (SELECT userSourcedId FROM {roles} GROUP BY userSourcedId HAVING count(*) > 1)
    WINDOW same AS (PARTITION BY role.userSourcedId, role.role, coalesce(place.target, role.orgSourcedId))
) WHERE seat > 1 AND moved
"""
"""Roles that somebody has twice in a school, since two schools became one; the first is not among them."""


def place(connection: DuckDBPyConnection, routes: Iterable[tuple[int, Route]], tables: Mapping[str, str]) -> bool:
    """Make the tables `route_rules`, `route_pupils`, `route_classes`, `route_schools` (source, gone, target),
    `route_roles` (role, person, source, target, rank) and `route_doubles` (role, target); whether anything goes elsewhere.

    `routes` are those in force, with their numbers; `tables` says how SQL names the canonical ones. Users have grades if
    a route asks for them.
    """
    connection.execute(_RULES)
    found = list(routes)
    rules = [
        (number, source, route.to, route.of_classes, *(list(each) or None for each in (
            route.grades, route.courses, route.subjects, route.departments)))
        for number, route in found for source in route.sources
    ]  # fmt: skip
    if not rules:
        return False
    connection.executemany("INSERT INTO route_rules VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rules)
    terms = {**tables, "grades": "grades" if any(route.grades for _, route in found) else "NULL::VARCHAR[]"}
    terms["placed_classes"] = _PLACED_CLASSES.format_map(terms)
    for table, query in (
        ("pupils", _PUPILS), ("class_rules", _CLASS_RULES), ("by_grade", _BY_GRADE), ("votes", _VOTES),
        ("classes", _CLASSES), ("schools", _SCHOOLS), ("escorts", _ESCORTS), ("roles", _ROLES), ("doubles", _DOUBLES),
    ):  # fmt: skip
        connection.execute(f"CREATE OR REPLACE TEMP TABLE route_{table} AS {query.format_map(terms)}")
    moved = connection.execute("""
        SELECT 1 FROM route_roles WHERE target <> source UNION ALL SELECT 1 FROM route_classes WHERE target <> source
        UNION ALL SELECT 1 FROM route_schools WHERE target <> source LIMIT 1
    """).fetchone()
    return moved is not None
