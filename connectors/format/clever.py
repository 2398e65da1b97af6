"""Clever's CSV files, read into OneRoster 1.2.

A student's id and a teacher's may be the same number there, so people get `S-` and `T-` before theirs; ids of schools
and sections stay. Terms, school years and courses are columns of the sections: each becomes a record. Teachers of a
section stand in columns, students in rows, one for each contact. Contacts have no ids and names in one piece: they are
not read. Facts: `https://support.clever.com`, the SFTP file specifications.
"""

from __future__ import annotations

from collections.abc import Iterator

from syncrun.connectors.format.expression import flag, id_of, school_year, words, year_dates
from syncrun.sdk import Drawn, FileColumn, FileKind, Format

TEACHERS = 10
"""A section has at most so many teachers."""
_GRADES = {
    "InfantToddler": "IT", "Preschool": "PR", "Prekindergarten": "PK", "TransitionalKindergarten": "TK",
    "Kindergarten": "KG", "Postgraduate": "PS", "Ungraded": "UG", "Other": "Other",
}  # fmt: skip
_SEXES = {"M": "male", "Male": "male", "F": "female", "Female": "female", "X": "other", "Other": "other"}


def _columns(required: str, **optional: str) -> tuple[FileColumn, ...]:
    """Columns by their names with blanks between; optional ones by what they tell of a person."""
    more = [FileColumn(name, privacy=privacy) for privacy, names in optional.items() for name in names.split()]
    return (*_required(required), *more)


def _required(names: str) -> Iterator[FileColumn]:
    for name in names.split():
        yield FileColumn(name, required=True, privacy="name" if name in {"First_name", "Last_name"} else "structure")


def _day(column: str) -> str:
    """A date as OneRoster writes it; Clever has the month first."""
    return f"coalesce(strftime(try_strptime({column}, '%m/%d/%Y'), '%Y-%m-%d'), {column})"


_TEACHER_IDS = ("Teacher_id", *(f"Teacher_{n}_id" for n in range(2, TEACHERS + 1)))
_KINDS = (
    FileKind("schools.csv", "clever_schools", required=True, columns=_columns(
        "School_id School_name", structure="School_number State_id Low_grade High_grade Principal Principal_email "
        "School_address School_city School_state School_zip School_phone")),
    FileKind("students.csv", "clever_students", required=True, columns=_columns(
        "School_id Student_id Last_name First_name", name="Middle_name", identifier="Student_number State_id",
        contact="Student_email Username", profile="Grade", demographic="Gender DOB Hispanic_Latino")),
    FileKind("teachers.csv", "clever_teachers", required=True, columns=_columns(
        "School_id Teacher_id First_name Last_name", name="Middle_name", identifier="Teacher_number State_teacher_id",
        contact="Teacher_email Username")),
    FileKind("sections.csv", "clever_sections", required=True, columns=_columns(
        "School_id Section_id Teacher_id", structure=" ".join((
            *_TEACHER_IDS[1:], "Name Section_number Grade Course_name Course_number Period Subject",
            "Term_name Term_start Term_end")))),
    FileKind("enrollments.csv", "clever_enrollments", required=True, columns=_columns(
        "School_id Section_id Student_id")),
    FileKind("staff.csv", "clever_staff", columns=_columns(
        "School_id Staff_id First_name Last_name", contact="Staff_email Username", structure="Department Role Title")),
)  # fmt: skip

_START = _day("Term_start")
_YEAR = school_year(_START)
_TERM = f"CASE WHEN Term_start IS NULL THEN 'schoolYear-$year' ELSE {id_of('School_id', 'Term_name', _START)} END"
_COURSE = id_of("'course'", "School_id", "coalesce(Course_number, Course_name, Name, Section_id)")
_NAME = "coalesce(Name, concat_ws(' ', coalesce(Course_name, Course_number), Section_number))"
_NOT_TEACHERS = "Staff_id NOT IN (SELECT Teacher_id FROM clever_teachers WHERE Teacher_id IS NOT NULL)"


def _person(prefix: str, key: str, email: str, **more: str) -> dict[str, str]:
    return {
        "sourcedId": f"'{prefix}' || {key}", "enabledUser": "'true'",
        "username": f"coalesce(Username, {email}, '{prefix}' || {key})", "givenName": "First_name",
        "familyName": "Last_name", "email": email, **more,
    }  # fmt: skip


def _role(prefix: str, key: str, role: str) -> dict[str, str]:
    return {"sourcedId": f"'{prefix}' || {key} || '_' || School_id", "userSourcedId": f"'{prefix}' || {key}",
            "roleType": "'primary'", "role": f"'{role}'", "orgSourcedId": "School_id"}  # fmt: skip


def _taught(number: int) -> Drawn:
    """The enrollments of the teachers in one of the columns; one who stands in an earlier column too is in once."""
    key, earlier = _TEACHER_IDS[number], _TEACHER_IDS[:number]
    return Drawn("enrollments", "clever_sections", {
        "sourcedId": f"Section_id || '_T-' || {key}", "classSourcedId": "Section_id", "schoolSourcedId": "School_id",
        "userSourcedId": f"'T-' || {key}", "role": "'teacher'", "primary": "'false'" if number else "'true'"},
        where=" AND ".join((f"{key} IS NOT NULL", *(f"{key} IS DISTINCT FROM {each}" for each in earlier))))  # fmt: skip


_DRAWN = (
    Drawn("orgs", "clever_schools", {"sourcedId": "School_id", "name": "School_name", "type": "'school'",
                                     "identifier": "coalesce(School_number, State_id)"}),
    Drawn("academicSessions", "clever_sections", year_dates(_YEAR), same="first"),
    Drawn("academicSessions", "clever_sections", {
        "sourcedId": _TERM, "title": "coalesce(Term_name, Term_start)", "type": "'term'", "startDate": _START,
        "endDate": _day("Term_end"), "parentSourcedId": f"'schoolYear-' || {_YEAR}", "schoolYear": _YEAR},
        where="Term_start IS NOT NULL", same="first"),
    Drawn("courses", "clever_sections", {
        "sourcedId": _COURSE, "title": f"coalesce(Course_name, Course_number, {_NAME})", "courseCode": "Course_number",
        "orgSourcedId": "School_id", "subjects": "Subject", "schoolYearSourcedId": f"'schoolYear-' || {_YEAR}"},
        same="first"),
    Drawn("classes", "clever_sections", {
        "sourcedId": "Section_id", "title": f"coalesce(nullif({_NAME}, ''), Section_id)", "courseSourcedId": _COURSE,
        "classCode": "Section_number", "classType": "'scheduled'", "schoolSourcedId": "School_id",
        "termSourcedIds": _TERM, "grades": words("Grade", _GRADES), "subjects": "Subject", "periods": "Period"}),
    Drawn("users", "clever_students", _person(
        "S-", "Student_id", "Student_email", middleName="Middle_name", identifier="coalesce(Student_number, State_id)",
        grades=words("Grade", _GRADES)), same="alike"),
    Drawn("users", "clever_teachers", _person(
        "T-", "Teacher_id", "Teacher_email", middleName="Middle_name",
        identifier="coalesce(Teacher_number, State_teacher_id)"), same="alike"),
    Drawn("users", "clever_staff", _person("T-", "Staff_id", "Staff_email"), where=_NOT_TEACHERS, same="alike"),
    Drawn("roles", "clever_students", _role("S-", "Student_id", "student"), same="alike"),
    Drawn("roles", "clever_teachers", _role("T-", "Teacher_id", "teacher"), same="alike"),
    Drawn("roles", "clever_staff", _role("T-", "Staff_id", "aide"), where=_NOT_TEACHERS, same="alike"),
    *(_taught(number) for number in range(TEACHERS)),
    Drawn("enrollments", "clever_enrollments", {
        "sourcedId": "Section_id || '_S-' || Student_id", "classSourcedId": "Section_id",
        "schoolSourcedId": "School_id", "userSourcedId": "'S-' || Student_id", "role": "'student'"}),
    Drawn("demographics", "clever_students", {
        "sourcedId": "'S-' || Student_id", "birthDate": _day("DOB"), "sex": words("Gender", _SEXES),
        "hispanicOrLatinoEthnicity": flag("Hispanic_Latino")}, same="alike"),
)  # fmt: skip

CLEVER = Format(name="clever", title="Clever CSV", kinds=_KINDS, drawn=_DRAWN)
