"""What the messaging app wants of a roster, as schemas: the columns that a sync writes."""

from __future__ import annotations

from marshmallow import Schema, fields

from syncrun.sdk import Ref, Table
from syncrun.sinks.messaging import shape
from syncrun.sinks.messaging.shape import Wish


def _column(match: str | None = None, privacy: str = "structure", *, drift: bool = True) -> fields.String:
    told = {"privacy": privacy, "drift": drift}
    return fields.String(metadata=told | ({"match": match} if match else {}))


def _contact(match: str | None) -> fields.String:
    """A contact: a full sync leaves alone what a person has put in its place in the app."""
    return _column(match, "contact", drift=False)


class School(Schema):
    """A school."""

    name = fields.String(required=True, metadata={"match": "name"})
    code = _column("identifier")


class Teacher(Schema):
    """A teacher's account."""

    school_id = Ref("schools", metadata={"match": "school"})
    given_name = _column("givenName", "name")
    family_name = _column("familyName", "name")
    email = _contact("email")
    login_phone = _contact("phone")
    second_phone = _contact(None)
    language = _column(None, "profile", drift=False)
    can_sign_in = fields.Boolean()
    number = _column("identifier", "identifier")


class Classroom(Schema):
    """A class in one school."""

    school_id = Ref("schools", metadata={"match": "school"})
    title = fields.String(required=True, metadata={"match": "title"})
    code = _column("classCode")
    grade = _column("grade")
    period = _column("period")
    starts_on = fields.Date(metadata={"match": "startDate"})
    ends_on = fields.Date(metadata={"match": "endDate"})


class Student(Schema):
    """A student, without any means of contact."""

    school_id = Ref("schools", metadata={"match": "school"})
    given_name = _column("givenName", "name")
    family_name = _column("familyName", "name")
    grade = _column("grade", "profile")
    number = _column("identifier", "identifier")


class Guardian(Schema):
    """A guardian's account, at the school of one of their students."""

    school_id = Ref("schools", metadata={"match": "school"})
    given_name = _column("givenName", "name")
    family_name = _column("familyName", "name")
    email = _contact("email")
    login_phone = _contact("phone")
    second_phone = _contact(None)
    language = _column(None, "profile", drift=False)
    can_sign_in = fields.Boolean()


class Membership(Schema):
    """A student or a teacher in a classroom. A classroom with teachers has a lead."""

    classroom_id = Ref("classrooms")
    student_id = Ref("students")
    teacher_id = Ref("teachers")
    is_lead = fields.Boolean()


class Guardianship(Schema):
    """A student and a guardian who may be in contact."""

    student_id = Ref("students")
    guardian_id = Ref("guardians")
    relationship = _column()


class StudentAttribute(Schema):
    """A named fact about a student."""

    student_id = Ref("students")
    name = fields.String(required=True)
    value = _column(None, "profile")


def tables(wish: Wish, *, guardians: bool) -> tuple[Table, ...]:
    """The tables of one district, parents before children; without `guardians`, theirs are none of the sync's."""
    school = Table("schools", School, shape.SCHOOLS, source="orgs", removal="keep", match=("code",), mapping="orgs")
    found = [
        school,
        Table("teachers", Teacher, shape.teachers(wish), source="users", match=("number",), mapping="teachers", privilege=2),
        Table("classrooms", Classroom, shape.CLASSROOMS, source="classes", mapping="classes", existing="require"),
        Table("students", Student, shape.students(wish), source="users", mapping="students", existing="offer", privilege=1),
    ]  # fmt: skip
    if guardians:
        found.append(Table("guardians", Guardian, shape.guardians(wish), source="guardians", prompt=True))
    found.append(Table("memberships", Membership, shape.MEMBERSHIPS, source="enrollments", shrink="classroom_id",
                       moves="classroom_id"))  # fmt: skip
    if guardians:
        found.append(Table("guardianships", Guardianship, shape.guardianships(wish), prompt=True))
    found.append(Table("student_attributes", StudentAttribute, shape.STUDENT_ATTRIBUTES, source="studentAttributes"))
    return tuple(found)
