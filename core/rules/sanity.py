"""Whether the roster as a whole makes sense: what a school would miss on the first morning.

Nothing here is against the standard, and much of it has good reasons in August. It is counted over all that is accepted,
also over what came with an earlier set, and told apart from the other findings.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from syncrun.rules.fit import GUARDIANS, Look
from syncrun.rules.table import Counted, tally
from syncrun.sqltext import literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_CLASSES = """
SELECT line, sourcedId, coalesce(taught, false) AS taught, coalesce(attended, false) AS attended
FROM accepted.classes LEFT JOIN (
    SELECT classSourcedId, bool_or(role = 'teacher') AS taught, bool_or(role = 'student') AS attended
    FROM accepted.enrollments GROUP BY classSourcedId
) AS enrolled ON enrolled.classSourcedId = classes.sourcedId
"""
_IDLE = """
SELECT line, sourcedId, student, list_contains(roles, 'teacher') AS teaches
FROM people ANTI JOIN accepted.enrollments AS enrolled ON enrolled.userSourcedId = people.sourcedId
WHERE student OR list_contains(roles, 'teacher')
"""
_TEACHERS = """
SELECT line, sourcedId FROM people WHERE list_contains(roles, 'teacher') AND NOT coalesce(
    list_has_any(orgs, (SELECT coalesce(list(sourcedId), []) FROM accepted.orgs WHERE type = 'school')), false)
"""
_CHILDLESS = f"""
SELECT line, sourcedId FROM accepted.users
SEMI JOIN (FROM people WHERE list_has_any(roles, {GUARDIANS.replace("(", "[").replace(")", "]")})) AS guardian USING (sourcedId)
ANTI JOIN (SELECT unnest(agentSourcedIds) AS agent FROM accepted.users) AS named ON named.agent = users.sourcedId
WHERE agentSourcedIds IS NULL
"""
_SCHOOLS = """
SELECT line, sourcedId, sourcedId NOT IN (SELECT schoolSourcedId FROM accepted.classes) AS closed,
    sourcedId NOT IN (SELECT DISTINCT unnest(orgs) FROM people WHERE orgs IS NOT NULL) AS deserted
FROM accepted.orgs WHERE type = 'school'
"""
_COURSES = """
SELECT line, sourcedId FROM accepted.courses ANTI JOIN accepted.classes ON classes.courseSourcedId = courses.sourcedId
"""
_YEARS = """
SELECT line, sourcedId, count(*) FILTER (startDate <= {0} AND {0} <= endDate) OVER () AS now
FROM accepted.academicSessions WHERE type = 'schoolYear'
"""


def check(
    connection: DuckDBPyConnection, files: Mapping[str, str], today: datetime.date, here: Collection[str]
) -> None:
    """Note what makes no sense; arguments as in `syncrun.rules.fit.check`."""
    for look in looks(today):
        if set(look.needs) <= set(here):
            file = files.get(look.entity, f"{look.entity}.csv")
            tally(connection, file, f"({look.relation})", look.tests, carried=True)


def looks(today: datetime.date) -> Iterator[Look]:
    """Everything that is asked."""
    lessons = ["classes.sourcedId", "enrollments.userSourcedId"]
    yield Look("classes", lessons, _CLASSES, {
        "R-SANE-01": Counted("NOT taught"), "R-SANE-02": Counted("NOT attended"),
    })  # fmt: skip
    yield Look("users", ["people", *lessons], _IDLE, {
        "R-SANE-03": Counted("student"), "R-SANE-05": Counted("teaches"),
    })  # fmt: skip
    yield Look("users", ["people", "orgs.type"], _TEACHERS, {"R-SANE-04": Counted("true")})
    yield Look("users", ["people", "users.agentSourcedIds"], _CHILDLESS, {"R-SANE-06": Counted("true")})
    yield Look("orgs", ["people", "orgs.type", "classes.schoolSourcedId"], _SCHOOLS, {
        "R-SANE-07": Counted("closed"), "R-SANE-11": Counted("deserted"),
    })  # fmt: skip
    yield Look("courses", ["courses.sourcedId", "classes.courseSourcedId"], _COURSES, {"R-SANE-08": Counted("true")})
    yield Look("users", ["people", "roles.userSourcedId"], "SELECT line, sourcedId, roles FROM people",
               {"R-SANE-09": Counted("roles IS NULL")})  # fmt: skip
    day = f"DATE {literal(today.isoformat())}"
    yield Look("academicSessions", ["academicSessions.startDate"], _YEARS.format(day),
               {"R-SANE-10": Counted("now = 0")})  # fmt: skip
