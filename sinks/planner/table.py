"""What the planner wants of a roster: its tables as schemas and as shapes over the canonical roster.

With no school year chosen, the planner gets schools and teachers and nothing else. Every chosen year goes to every
teacher that is synced.
"""

from __future__ import annotations

from marshmallow import Schema, fields

from syncrun.sdk import Ref, Table


def _personal(privacy: str) -> fields.String:
    return fields.String(metadata={"privacy": privacy})


class School(Schema):
    """A school."""

    name = fields.String(required=True)
    code = fields.String()


class SchoolYear(Schema):
    """A school year that an operator chose."""

    title = fields.String(required=True)
    starts_on = fields.Date()
    ends_on = fields.Date()


class Teacher(Schema):
    """A teacher's account."""

    school_id = Ref("schools")
    given_name = _personal("name")
    family_name = _personal("name")
    email = _personal("contact")
    number = _personal("identifier")
    can_sign_in = fields.Boolean()


class TeacherYear(Schema):
    """A school year in a teacher's account."""

    teacher_id = Ref("teachers")
    school_year_id = Ref("school_years")


class Class(Schema):
    """A class in one school and one school year."""

    school_id = Ref("schools")
    school_year_id = Ref("school_years")
    title = fields.String(required=True)
    code = fields.String()
    grade = fields.String()
    period = fields.String()
    room = fields.String()


class Student(Schema):
    """A student, without any means of contact."""

    school_id = Ref("schools")
    given_name = _personal("name")
    family_name = _personal("name")
    grade = _personal("profile")
    number = _personal("identifier")


class ClassMember(Schema):
    """A student or a teacher in a class."""

    class_id = Ref("classes")
    student_id = Ref("students")
    teacher_id = Ref("teachers")
    is_lead = fields.Boolean()
    begins_on = fields.Date()
    ends_on = fields.Date()


SCHOOLS = """
SELECT sourcedId AS key, sourcedId AS school, name, identifier AS code
FROM orgs JOIN mapped_orgs USING (sourcedId)
"""
SCHOOL_YEARS = """
SELECT sourcedId AS key, NULL AS school, title, startDate AS starts_on, endDate AS ends_on
FROM academicSessions JOIN mapped_years USING (sourcedId)
"""
TEACHERS = """
SELECT users.sourcedId AS key, home.school, home.school AS school_id, givenName AS given_name,
    familyName AS family_name, email, identifier AS number, enabledUser AS can_sign_in
FROM users JOIN mapped_teachers USING (sourcedId) JOIN homes AS home ON home.userSourcedId = users.sourcedId
WHERE home.role = 'teacher'
"""
TEACHER_YEARS = """
SELECT teachers.key || '|' || years.key AS key, teachers.school, teachers.key AS teacher_id,
    years.key AS school_year_id
FROM shaped.teachers AS teachers CROSS JOIN shaped.school_years AS years
"""
CLASSES = """
SELECT classes.sourcedId AS key, schoolSourcedId AS school, schoolSourcedId AS school_id,
    class_years.year AS school_year_id, title, classCode AS code, array_to_string(grades, ', ') AS grade,
    array_to_string(periods, ', ') AS period, location AS room
FROM classes JOIN mapped_orgs ON mapped_orgs.sourcedId = schoolSourcedId JOIN (
    SELECT term.classSourcedId, min(year.sourcedId) AS year
    FROM class_terms AS term JOIN session_years USING (sessionSourcedId)
    JOIN mapped_years AS year ON year.sourcedId = yearSourcedId GROUP BY ALL
) AS class_years ON class_years.classSourcedId = classes.sourcedId
"""
STUDENTS = """
SELECT users.sourcedId AS key, home.school, home.school AS school_id, givenName AS given_name,
    familyName AS family_name, array_to_string(grades, ', ') AS grade, identifier AS number
FROM users JOIN homes AS home ON home.userSourcedId = users.sourcedId
WHERE home.role = 'student' AND EXISTS (FROM mapped_years)
"""
MEMBERS = """
SELECT enrollments.sourcedId AS key, classes.school, classes.key AS class_id, students.key AS student_id,
    NULL AS teacher_id, NULL AS is_lead, beginDate AS begins_on, endDate AS ends_on
FROM enrollments JOIN shaped.classes AS classes ON classes.key = classSourcedId
JOIN shaped.students AS students ON students.key = userSourcedId
WHERE enrollments.role = 'student'
UNION ALL
SELECT enrollments.sourcedId, classes.school, classes.key, NULL, teachers.key, "primary", beginDate, endDate
FROM enrollments JOIN shaped.classes AS classes ON classes.key = classSourcedId
JOIN shaped.teachers AS teachers ON teachers.key = userSourcedId
WHERE enrollments.role = 'teacher'
"""

TABLES = (
    Table("schools", School, SCHOOLS, source="orgs", removal="keep", match=("code",), mapping="orgs"),
    Table("school_years", SchoolYear, SCHOOL_YEARS, source="academicSessions", removal="keep", mapping="years"),
    Table("teachers", Teacher, TEACHERS, source="users", match=("number",), mapping="teachers", billable=True,
          privilege=2),
    Table("teacher_years", TeacherYear, TEACHER_YEARS),
    Table("classes", Class, CLASSES, source="classes", mapping="classes"),
    Table("students", Student, STUDENTS, source="users", mapping="students", privilege=1),
    Table("class_members", ClassMember, MEMBERS, source="enrollments", shrink="class_id", moves="class_id"),
)  # fmt: skip
