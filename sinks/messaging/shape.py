"""The messaging app's tables as queries over the canonical roster.

With no school year chosen the app gets schools and teachers and nothing else. A guardian comes through students alone:
whoever has none with whom they may be in contact (see `relationships`) is not there at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SCHOOLS = """
SELECT sourcedId AS key, sourcedId AS school, name, identifier AS code
FROM orgs JOIN mapped_orgs USING (sourcedId)
"""
CLASSROOMS = """
SELECT classes.sourcedId AS key, schoolSourcedId AS school, schoolSourcedId AS school_id, title, classCode AS code,
    array_to_string(grades, ', ') AS grade, array_to_string(periods, ', ') AS period, starts_on, ends_on
FROM classes JOIN mapped_orgs ON mapped_orgs.sourcedId = schoolSourcedId JOIN (
    SELECT term.classSourcedId, min(session.startDate) AS starts_on, max(session.endDate) AS ends_on
    FROM class_terms AS term JOIN session_years USING (sessionSourcedId)
    JOIN mapped_years AS year ON year.sourcedId = yearSourcedId
    JOIN academicSessions AS session ON session.sourcedId = sessionSourcedId GROUP BY ALL
) AS dates ON dates.classSourcedId = classes.sourcedId
"""
MEMBERSHIPS = """
SELECT enrollments.sourcedId AS key, classrooms.school, classrooms.key AS classroom_id, students.key AS student_id,
    NULL AS teacher_id, NULL AS is_lead
FROM enrollments JOIN shaped.classrooms AS classrooms ON classrooms.key = classSourcedId
JOIN shaped.students AS students ON students.key = userSourcedId
WHERE enrollments.role = 'student'
UNION ALL
SELECT enrollments.sourcedId, classrooms.school, classrooms.key, NULL, teachers.key,
    coalesce("primary", false) OR NOT coalesce(bool_or("primary") OVER class, false) AND row_number() OVER class = 1
FROM enrollments JOIN shaped.classrooms AS classrooms ON classrooms.key = classSourcedId
JOIN shaped.teachers AS teachers ON teachers.key = userSourcedId
WHERE enrollments.role = 'teacher'
WINDOW class AS (PARTITION BY classSourcedId ORDER BY beginDate NULLS LAST, enrollments.sourcedId
    ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
"""
"""Where the source marks no teacher of a class as primary, the first to begin leads."""
STUDENT_ATTRIBUTES = """
SELECT sourcedId AS key, students.school, students.key AS student_id, name, value
FROM studentAttributes JOIN shaped.students AS students ON students.key = userSourcedId
"""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a district wants of persons; `syncrun.sinks.messaging.setting` says what each is."""

    login_phone: Literal["sms", "phone"] = "sms"
    student_number: Literal["identifier", "sourcedId"] = "identifier"
    guardians_most: int = 6

    @property
    def contacts(self) -> str:
        """The columns by which a person is reached."""
        second = "phone" if self.login_phone == "sms" else "sms"
        return f"email, {self.login_phone} AS login_phone, {second} AS second_phone, language"


def teachers(wish: Wish) -> str:
    """Teachers at their home school."""
    return f"""
        SELECT users.sourcedId AS key, home.school, home.school AS school_id, givenName AS given_name,
            familyName AS family_name, {wish.contacts}, enabledUser AS can_sign_in, identifier AS number
        FROM users JOIN mapped_teachers USING (sourcedId) JOIN homes AS home ON home.userSourcedId = users.sourcedId
        WHERE home.role = 'teacher'
    """


def students(wish: Wish) -> str:
    """Students at their home school, when a year is chosen."""
    return f"""
        SELECT users.sourcedId AS key, home.school, home.school AS school_id, givenName AS given_name,
            familyName AS family_name, array_to_string(grades, ', ') AS grade, users.{wish.student_number} AS number
        FROM users JOIN homes AS home ON home.userSourcedId = users.sourcedId
        WHERE home.role = 'student' AND EXISTS (FROM mapped_years)
    """


def pairs() -> str:
    """Student and guardian who may be in contact: student, guardian, relationship, school, and the guardian's place
    among those of the student."""
    return """
        SELECT student, guardian, relationship, school,
            row_number() OVER (PARTITION BY student ORDER BY relationship = 'relative', guardian) AS place
        FROM (
            SELECT userSourcedId AS student, agentSourcedId AS guardian, min(relation.type) AS relationship,
                any_value(students.school) AS school
            FROM relationships AS relation JOIN shaped.students AS students ON students.key = relation.userSourcedId
            SEMI JOIN users ON users.sourcedId = relation.agentSourcedId
            GROUP BY ALL)
    """


def guardians(wish: Wish) -> str:
    """Those who are among the first of some student, at that student's school; of several, the first by id."""
    return f"""
        SELECT users.sourcedId AS key, pair.school, pair.school AS school_id, givenName AS given_name,
            familyName AS family_name, {wish.contacts}, enabledUser AS can_sign_in
        FROM users JOIN (
            SELECT guardian, min(school) AS school FROM ({pairs()}) WHERE place <= {wish.guardians_most} GROUP BY guardian
        ) AS pair ON pair.guardian = users.sourcedId
    """


def guardianships(wish: Wish) -> str:
    """The same pairs, as rows of their own."""
    return f"""
        SELECT to_json([student, guardian]) AS key, school, student AS student_id, guardian AS guardian_id, relationship
        FROM ({pairs()}) WHERE place <= {wish.guardians_most}
    """
