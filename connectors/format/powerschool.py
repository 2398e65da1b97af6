"""The short set of a PowerSchool export: users, classes and enrollments with OneRoster's columns, and not all of them.

What OneRoster needs beside is filled in: people may log in, are called by their address or id where there is no user
name, classes are scheduled and have a course of their own and the school year where none is named, and an enrollment
has the id that its class, person and role make. Schools, courses and terms have their ids as names.
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
        "sourcedId orgSourcedIds role givenName familyName", structure="enabledUser agentSourcedIds", name="middleName",
        contact="username email sms phone", identifier="userIds identifier", profile="grades language")),
    FileKind("classes.csv", "ps_classes", required=True, columns=_columns(
        "sourcedId title schoolSourcedId", structure="grades location courseSourcedId classCode classType termSourcedIds "
        "subjects subjectCodes periods")),
    FileKind("enrollments.csv", "ps_enrollments", required=True, columns=_columns(
        "classSourcedId schoolSourcedId userSourcedId role", structure="sourcedId primary beginDate endDate")),
)  # fmt: skip


def _same(names: str) -> dict[str, str]:
    """Columns that are taken as they are."""
    return {name: f'"{name}"' for name in names.split()}


_SCHOOL = {"type": "'school'"}
_COURSE = "coalesce(courseSourcedId, 'course-of-' || sourcedId)"
_TERMS = "trim(unnest(string_split(termSourcedIds, ',')))"
_ORGS = "trim(unnest(string_split(orgSourcedIds, ',')))"
_YEAR = year_dates("'$year'")

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
        "termSourcedIds": "coalesce(termSourcedIds, 'schoolYear-$year')"}),
    Drawn("users", "ps_users", {
        **_same("sourcedId orgSourcedIds role givenName familyName middleName userIds identifier email sms phone "
                "agentSourcedIds grades language"),
        "enabledUser": "coalesce(enabledUser, 'true')", "username": "coalesce(username, email, sourcedId)"}),
    Drawn("enrollments", "ps_enrollments", {
        **_same("classSourcedId schoolSourcedId userSourcedId role primary beginDate endDate"),
        "sourcedId": "coalesce(sourcedId, concat_ws('_', classSourcedId, userSourcedId, role))"}),
)  # fmt: skip

POWERSCHOOL = Format(name="powerschool", title="a short PowerSchool export", kinds=_KINDS, drawn=_DRAWN)
