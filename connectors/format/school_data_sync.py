"""Microsoft School Data Sync 2.1, read into OneRoster 1.2.

Roles and enrollments have no ids there: they are made of what they join. Classes may lack a course or a session: then
one is made up for them. A school year is named by the year in which it begins; here it is the one in which it ends.
Facts: `https://learn.microsoft.com/schooldatasync/sds-v2.1-csv-file-format`.
"""

from __future__ import annotations

from syncrun.connectors.format.expression import flag, school_year, words, year_dates
from syncrun.sdk import Drawn, FileColumn, FileKind, Format

_ROLES = {"professor": "teacher", "faculty": "teacher", "lecturer": "teacher", "teacherAssistant": "aide",
          "paraprofessional": "aide", "aid": "aide"}  # fmt: skip
_ORG_TYPES = {
    **{word: word for word in ("department", "school", "district", "local", "state", "national")},
    "localAuthority": "local",
}
"""The other words are kept as `ext:` words."""
_RACES = ("americanIndianOrAlaskaNative", "asian", "blackOrAfricanAmerican", "nativeHawaiianOrOtherPacificIslander",
          "white", "demographicRaceTwoOrMoreRaces")  # fmt: skip

_NO_COURSE = "'course-of-' || sourcedId"
_GRADES = """(SELECT string_agg(DISTINCT role.grade, ',' ORDER BY role.grade) FROM sds_roles AS role
    WHERE role.userSourcedId = sds_users.sourcedId AND lower(role.role) = 'student')"""
_AGENTS = """(SELECT string_agg(DISTINCT pair.relationshipUserSourcedId, ',' ORDER BY pair.relationshipUserSourcedId)
    FROM sds_relationships AS pair WHERE pair.userSourcedId = sds_users.sourcedId)"""
_CHILDS_ORG = """(SELECT min(role.orgSourcedId) FROM sds_roles AS role
    WHERE role.userSourcedId = sds_relationships.userSourcedId)"""
_SCHOOL = """coalesce(
    (SELECT min(class.orgSourcedId) FROM sds_classes AS class WHERE class.sourcedId = sds_enrollments.classSourcedId),
    (SELECT min(role.orgSourcedId) FROM sds_roles AS role WHERE role.userSourcedId = sds_enrollments.userSourcedId))"""
"""The class's; where there is no such class, the person's, so that the class is what is missed."""

_KINDS = (
    FileKind("orgs.csv", "sds_orgs", required=True, columns=(
        FileColumn("sourcedId", required=True), FileColumn("name", required=True), FileColumn("type", required=True),
        FileColumn("parentSourcedId"))),
    FileKind("users.csv", "sds_users", required=True, columns=(
        FileColumn("sourcedId", required=True), FileColumn("username", required=True, privacy="contact"),
        FileColumn("givenName", privacy="name"), FileColumn("familyName", privacy="name"),
        FileColumn("activeDirectoryMatchId", privacy="identifier"), FileColumn("email", privacy="contact"),
        FileColumn("phone", privacy="contact"), FileColumn("sms", privacy="contact"))),
    FileKind("roles.csv", "sds_roles", required=True, columns=(
        FileColumn("userSourcedId", required=True), FileColumn("orgSourcedId", required=True), FileColumn("role", required=True),
        FileColumn("sessionSourcedId"), FileColumn("grade", privacy="profile"), FileColumn("isPrimary"),
        FileColumn("roleStartDate"), FileColumn("roleEndDate"))),
    FileKind("classes.csv", "sds_classes", columns=(
        FileColumn("sourcedId", required=True), FileColumn("orgSourcedId", required=True), FileColumn("title", required=True),
        FileColumn("sessionSourcedIds"), FileColumn("courseSourcedId"), FileColumn("code"))),
    FileKind("enrollments.csv", "sds_enrollments", columns=(
        FileColumn("classSourcedId", required=True), FileColumn("userSourcedId", required=True), FileColumn("role", required=True))),
    FileKind("academicSessions.csv", "sds_sessions", columns=(
        FileColumn("sourcedId", required=True), FileColumn("title", required=True), FileColumn("type", required=True),
        FileColumn("schoolYear", required=True), FileColumn("startDate", required=True), FileColumn("endDate", required=True))),
    FileKind("courses.csv", "sds_courses", columns=(
        FileColumn("sourcedId", required=True), FileColumn("orgSourcedId", required=True), FileColumn("title", required=True), FileColumn("code"),
        FileColumn("schoolYearSourcedId"), FileColumn("subject"), FileColumn("grade"))),
    FileKind("demographics.csv", "sds_demographics", columns=(
        FileColumn("userSourcedId", required=True), *(FileColumn(name, privacy="demographic") for name in (
            "sex", "birthDate", "birthCity", "birthState", "birthCountry", "ethnicityCodes", "raceCodes")))),
    FileKind("relationships.csv", "sds_relationships", columns=(
        FileColumn("userSourcedId", required=True), FileColumn("relationshipUserSourcedId", required=True),
        FileColumn("relationshipRole", required=True))),
)  # fmt: skip


def _listed(word: str, column: str) -> str:
    """`true` when a list holds a word, `false` when it holds others."""
    held = (
        f"list_contains(list_transform(string_split(lower({column}), ','), lambda each: trim(each)), '{word.lower()}')"
    )
    return f"CASE WHEN {held} THEN 'true' WHEN {column} IS NOT NULL THEN 'false' END"


_DRAWN = (
    Drawn("orgs", "sds_orgs", {"sourcedId": "sourcedId", "name": "name", "type": words("type", _ORG_TYPES, "'ext:' || trim(type)"),
                               "parentSourcedId": "parentSourcedId"}),
    Drawn("academicSessions", "sds_sessions", {
        "sourcedId": "sourcedId", "title": "title", "type": words("type", {"quarter": "gradingPeriod"}),
        "startDate": "startDate", "endDate": "endDate", "schoolYear": school_year("startDate", "schoolYear")}),
    Drawn("academicSessions", "sds_classes", year_dates("'$year'"), where="sessionSourcedIds IS NULL", same="first"),
    Drawn("courses", "sds_courses", {
        "sourcedId": "sourcedId", "schoolYearSourcedId": "schoolYearSourcedId", "title": "title", "courseCode": "code",
        "grades": "grade", "orgSourcedId": "orgSourcedId",
        "subjects": "CASE WHEN NOT regexp_full_match(subject, '[0-9]+') THEN subject END",
        "subjectCodes": "CASE WHEN regexp_full_match(subject, '[0-9]+') THEN subject END"}),
    Drawn("courses", "sds_classes", {"sourcedId": _NO_COURSE, "title": "title", "orgSourcedId": "orgSourcedId"},
          where="courseSourcedId IS NULL"),
    Drawn("classes", "sds_classes", {
        "sourcedId": "sourcedId", "title": "title", "courseSourcedId": f"coalesce(courseSourcedId, {_NO_COURSE})",
        "classCode": "code", "classType": "'scheduled'", "schoolSourcedId": "orgSourcedId",
        "termSourcedIds": "coalesce(sessionSourcedIds, 'schoolYear-$year')"}),
    Drawn("users", "sds_users", {
        "sourcedId": "sourcedId", "enabledUser": "'true'", "username": "username", "givenName": "givenName",
        "familyName": "familyName", "email": "email", "sms": "sms", "phone": "phone", "agentSourcedIds": _AGENTS,
        "userIds": "'{activeDirectory:' || activeDirectoryMatchId || '}'", "grades": _GRADES}),
    Drawn("roles", "sds_roles", {
        "sourcedId": "concat_ws('_', userSourcedId, orgSourcedId, role, sessionSourcedId)",
        "userSourcedId": "userSourcedId", "role": words("role", _ROLES), "orgSourcedId": "orgSourcedId",
        "roleType": f"CASE {flag('isPrimary')} WHEN 'true' THEN 'primary' ELSE 'secondary' END",
        "beginDate": "roleStartDate", "endDate": "roleEndDate"}),
    Drawn("roles", "sds_relationships", {
        "sourcedId": f"concat_ws('_', relationshipUserSourcedId, {_CHILDS_ORG}, relationshipRole)",
        "userSourcedId": "relationshipUserSourcedId", "role": "relationshipRole", "orgSourcedId": _CHILDS_ORG,
        "roleType": "'secondary'"},
        where="relationshipUserSourcedId NOT IN (SELECT role.userSourcedId FROM sds_roles AS role "
              "WHERE role.userSourcedId IS NOT NULL)", same="first"),
    Drawn("enrollments", "sds_enrollments", {
        "sourcedId": "concat_ws('_', classSourcedId, userSourcedId, role)", "classSourcedId": "classSourcedId",
        "schoolSourcedId": _SCHOOL, "userSourcedId": "userSourcedId", "role": words("role", _ROLES)}),
    Drawn("demographics", "sds_demographics", {
        "sourcedId": "userSourcedId", "birthDate": "birthDate", "sex": "sex",
        **{race: _listed(race, "raceCodes") for race in _RACES},
        "hispanicOrLatinoEthnicity": _listed("hispanicOrLatinoEthnicity", "ethnicityCodes"),
        "countryOfBirthCode": "birthCountry", "stateOfBirthAbbreviation": "birthState", "cityOfBirth": "birthCity"}),
)  # fmt: skip

SDS_V2_1 = Format(
    name="sds_v2.1",
    title="Microsoft School Data Sync 2.1",
    kinds=_KINDS,
    drawn=_DRAWN,
    ignored=frozenset({"userFlags.csv"}),
)
