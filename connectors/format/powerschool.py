"""The short set of a PowerSchool export: users, classes and enrollments with OneRoster's columns, and not all of them.

What OneRoster needs beside is filled in: people may log in, are called by their address or id where there is no user
name, classes are scheduled and have a course of their own and the school year where none is named, and an enrollment
has the id that its class, person and role make. Schools, courses and terms have their ids as names.

An export that a district set up by itself has rows that the plug-in's queries leave out: people who left, dropped and
ended enrollments, no-shows, a row for each school of a teacher. Their records are taken for removed, or put together,
and counted (`R-DRAWN-*`). Facts: PowerSchool's data dictionary, ENROLL_STATUS, SCHOOLSTAFF.STATUS, CC.SECTIONID, CC.DATELEFT.
"""

from __future__ import annotations

from syncrun.connectors.format.expression import year_dates
from syncrun.sdk import Drawn, FileColumn, FileKind, Format


def _columns(required: str, **optional: str) -> tuple[FileColumn, ...]:
    more = [FileColumn(name, privacy=privacy) for privacy, names in optional.items() for name in names.split()]
    named = {"givenName": "name", "familyName": "name"}
    return (
        *(FileColumn(name, required=True, privacy=named.get(name, "structure")) for name in required.split()),
        *more,
    )


_KINDS = (
    FileKind("users.csv", "ps_users", required=True, columns=_columns(
        "sourcedId orgSourcedIds role givenName familyName",
        structure="enabledUser agentSourcedIds status enrollStatus", name="middleName",
        contact="username email sms phone", identifier="userIds identifier", profile="grades language")),
    FileKind("classes.csv", "ps_classes", required=True, columns=_columns(
        "sourcedId title schoolSourcedId", structure="grades location courseSourcedId classCode classType termSourcedIds "
        "subjects subjectCodes periods status")),
    FileKind("enrollments.csv", "ps_enrollments", required=True, columns=_columns(
        "classSourcedId schoolSourcedId userSourcedId role", structure="sourcedId primary beginDate endDate status "
        "dateEnrolled dateLeft dropped")),
)  # fmt: skip


def _same(names: str) -> dict[str, str]:
    """Columns that are taken as they are."""
    return {name: f'"{name}"' for name in names.split()}


_GONE = ("tobedeleted", "inactive", "deleted", "dropped", "left", "withdrawn", "transferred", "transferred out", "graduated",
         "no show", "no-show", "noshow", "imported", "historical")  # fmt: skip
_LEFT = f"coalesce(lower(trim(status)) IN {_GONE}, false)"
_PERSON_LEFT = f"""({_LEFT} OR coalesce(lower(role) <> 'student' AND status = '2', false)
    OR coalesce(lower(role) = 'student' AND upper(trim(enrollStatus)) NOT IN ('0', '-1', 'A', 'P', 'ACTIVE', ''), false))"""
"""PowerSchool's numbers: of a student 0 is active and -1 pre-registered, any other is not; of staff 2 is not."""
_ROWS = "PARTITION BY sourcedId"
_ALL = "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"
_STAFF = "(sourcedId IS NOT NULL AND bool_and(lower(role) <> 'student') OVER (PARTITION BY sourcedId))"
_RANK = """CASE lower(role) WHEN 'teacher' THEN 1 WHEN 'administrator' THEN 2 WHEN 'aide' THEN 3 ELSE 4 END"""
_ROLE = f"""CASE WHEN {_STAFF} THEN first_value(role) OVER ({_ROWS} ORDER BY {_PERSON_LEFT}, {_RANK}, line {_ALL})
    ELSE role END"""
"""The standard's first version has one role a person; nobody who is a student in any row gets another by it."""


def _gathered(column: str) -> str:
    """What all rows of a person list, those that have left only where all have; what has no id stays by itself."""
    return f"""CASE WHEN sourcedId IS NULL THEN {column} ELSE coalesce(
        string_agg({column}, ',' ORDER BY line) FILTER (NOT {_PERSON_LEFT}) OVER ({_ROWS}),
        string_agg({column}, ',' ORDER BY line) OVER ({_ROWS})) END"""


def _day(column: str) -> str:
    """A day as the standard or PowerSchool's pages write it."""
    return f"coalesce(try_cast(substr({column}, 1, 10) AS DATE), CAST(try_strptime({column}, ['%m/%d/%Y', '%-m/%-d/%Y']) AS DATE))"


_CLASS = r"regexp_replace(classSourcedId, '^-([0-9]+)$', '\1')"
"""PowerSchool turns the id of a class negative in rows that do not count any more."""
_ENTERED = f"coalesce({_day('beginDate')}, {_day('dateEnrolled')})"
_LAST = f"coalesce({_day('endDate')}, {_day('dateLeft')} - 1)"
"""`dateLeft` is the day after the last one."""
_NO_SHOW = f"coalesce({_LAST} < {_ENTERED}, false)"
_OVER = f"""({_LEFT} OR coalesce(lower(dropped) IN ('true', '1', 'yes', 'y'), false)
    OR coalesce({_LAST} < DATE '$today', {_CLASS} <> classSourcedId))"""
_NOT_THERE = f"""(userSourcedId IN (SELECT sourcedId FROM ps_users WHERE sourcedId IS NOT NULL
        GROUP BY sourcedId HAVING bool_and({_PERSON_LEFT}))
    OR {_CLASS} IN (SELECT sourcedId FROM ps_classes WHERE {_LEFT}))"""
_TEACHES = "lower(trim(role)) IN ('lead teacher', 'co-teacher', 'co teacher', 'coteacher')"
_PLACE_ROLE = f"CASE WHEN {_TEACHES} THEN 'teacher' ELSE role END"
_PLACE = f"coalesce(sourcedId, concat_ws('_', {_CLASS}, userSourcedId, {_PLACE_ROLE}))"
_SCHOOL = {"type": "'school'"}
_COURSE = "coalesce(courseSourcedId, 'course-of-' || sourcedId)"
_TERMS = "trim(unnest(string_split(termSourcedIds, ',')))"
_ORGS = "trim(unnest(string_split(orgSourcedIds, ',')))"
_YEAR = year_dates("'$year'")
_ENROLLED = {
    **_same("schoolSourcedId userSourcedId"), "sourcedId": _PLACE, "classSourcedId": _CLASS, "role": _PLACE_ROLE,
    "primary": "coalesce(\"primary\", CASE WHEN lower(trim(role)) = 'lead teacher' THEN 'true' END)",
    "beginDate": f"coalesce(beginDate, CAST({_day('dateEnrolled')} AS VARCHAR), dateEnrolled)",
    "endDate": f"CASE WHEN NOT {_NO_SHOW} THEN coalesce(endDate, CAST({_day('dateLeft')} - 1 AS VARCHAR), dateLeft) END",
}  # fmt: skip
_ENDED = f"{_NO_SHOW} OR {_OVER} OR {_NOT_THERE}"
_ENDED_NOTED = {"R-DRAWN-01": f"NOT {_NO_SHOW} AND ({_OVER} OR {_NOT_THERE})", "R-DRAWN-02": _NO_SHOW}

_DRAWN = (
    Drawn("orgs", "ps_users", {"sourcedId": _ORGS, "name": _ORGS, "identifier": _ORGS, **_SCHOOL}, same="first"),
    Drawn("academicSessions", "ps_classes", _YEAR, same="first"),
    Drawn("academicSessions", "ps_classes", {
        **_YEAR, "sourcedId": _TERMS, "title": _TERMS, "type": "'term'", "parentSourcedId": _YEAR["sourcedId"]},
        where="termSourcedIds IS NOT NULL", same="first"),
    Drawn("courses", "ps_classes", {
        "sourcedId": _COURSE, "title": "coalesce(courseSourcedId, title)", "orgSourcedId": "schoolSourcedId"},
        same="first"),
    Drawn("classes", "ps_classes", {
        **_same("sourcedId title grades classCode location schoolSourcedId subjects subjectCodes periods"),
        "courseSourcedId": _COURSE, "classType": "coalesce(classType, 'scheduled')",
        "termSourcedIds": "coalesce(termSourcedIds, 'schoolYear-$year')"},
        left=_LEFT, noted={"R-DRAWN-01": _LEFT}),
    Drawn("users", "ps_users", {
        **_same("sourcedId givenName familyName middleName userIds identifier email sms phone grades language"),
        "orgSourcedIds": _gathered("orgSourcedIds"), "agentSourcedIds": _gathered("agentSourcedIds"), "role": _ROLE,
        "enabledUser": "coalesce(enabledUser, 'true')", "username": "coalesce(username, email, sourcedId)"}, same="alike",
        left=f"bool_and({_PERSON_LEFT}) OVER ({_ROWS})", noted={
            "R-DRAWN-01": _PERSON_LEFT,
            "R-DRAWN-03": f"sourcedId IS NOT NULL AND row_number() OVER ({_ROWS} ORDER BY line) = 2",
            "R-DRAWN-04": f"NOT {_PERSON_LEFT} AND lower(role) <> lower({_ROLE})"}),
    Drawn("enrollments", "ps_enrollments", _ENROLLED, where="sourcedId IS NOT NULL", left=_ENDED, noted=_ENDED_NOTED),
    Drawn("enrollments", "ps_enrollments", _ENROLLED, where="sourcedId IS NULL", left=_ENDED, same="first",
          order="status IS NOT NULL, beginDate DESC NULLS LAST, line", noted={
              **_ENDED_NOTED, "R-DRAWN-05": f"row_number() OVER (PARTITION BY {_PLACE} ORDER BY line) = 2"}),
)  # fmt: skip

POWERSCHOOL = Format(name="powerschool", title="a short PowerSchool export", kinds=_KINDS, drawn=_DRAWN, short=True)
