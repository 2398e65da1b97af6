"""Formats that are known by their files and not read: what to send instead stands with the rule of each."""

from __future__ import annotations

from syncrun.sdk import FileColumn, FileKind, Format


def _columns(required: str, more: str) -> tuple[FileColumn, ...]:
    """Columns by their names, with commas between."""
    return (
        *(FileColumn(each, required=True) for each in required.split(",")),
        *(FileColumn(each) for each in more.split(",")),
    )


SDS_V1 = Format(
    name="sds_v1",
    title="Microsoft School Data Sync, version 1",
    refusal="R-FORM-03",
    kinds=(
        FileKind("School.csv", "sds1_schools", columns=_columns(
            "SIS ID,Name", "School Number,School NCES_ID,Grade Low,Grade High,Principal SIS ID,Principal Name,Zone")),
        FileKind("Section.csv", "sds1_sections", columns=_columns(
            "SIS ID,School SIS ID,Section Name", "Section Number,Term SIS ID,Term Name,Course SIS ID,Course Name")),
        FileKind("Student.csv", "sds1_students", columns=_columns(
            "SIS ID,School SIS ID,Username", "Student Number,Grade,Birthdate,Graduation Year")),
        FileKind("Teacher.csv", "sds1_teachers", columns=_columns(
            "SIS ID,School SIS ID,Username", "Teacher Number,Title,Qualification")),
        FileKind("StudentEnrollment.csv", "sds1_enrollments", columns=_columns("Section SIS ID,SIS ID", "Role")),
    ),
)  # fmt: skip

APPLE_SCHOOL_MANAGER = Format(
    name="apple_school_manager",
    title="Apple School Manager",
    refusal="R-FORM-04",
    kinds=(
        FileKind("locations.csv", "apple_locations", columns=_columns("location_id,location_name", "location_code")),
        FileKind("students.csv", "apple_students", columns=_columns(
            "person_id,first_name,last_name,location_id", "person_number,grade_level,password_policy,sis_username")),
        FileKind("staff.csv", "apple_staff", columns=_columns(
            "person_id,first_name,last_name,location_id", "location_id_2,location_id_3,sis_username")),
        FileKind("courses.csv", "apple_courses", columns=_columns(
            "course_id,location_id", "course_number,course_name")),
        FileKind("classes.csv", "apple_classes", columns=_columns(
            "class_id,course_id,location_id", "class_number,instructor_id,instructor_id_2,class_display_name")),
        FileKind("rosters.csv", "apple_rosters", columns=_columns("roster_id,class_id,student_id", "roster_number")),
    ),
)  # fmt: skip

CANVAS = Format(
    name="canvas",
    title="Canvas SIS import",
    refusal="R-FORM-05",
    kinds=(
        FileKind("users.csv", "canvas_users", columns=_columns(
            "user_id,login_id,status", "integration_id,full_name,sortable_name,short_name,email")),
        FileKind("accounts.csv", "canvas_accounts", columns=_columns(
            "account_id,parent_account_id,name,status", "integration_account_id")),
        FileKind("terms.csv", "canvas_terms", columns=_columns(
            "term_id,name,status", "date_override_enrollment_type")),
        FileKind("courses.csv", "canvas_courses", columns=_columns(
            "course_id,short_name,long_name,status", "course_format,blueprint_course_id")),
        FileKind("sections.csv", "canvas_sections", columns=_columns(
            "section_id,course_id,name,status", "start_date,end_date")),
        FileKind("enrollments.csv", "canvas_enrollments", columns=_columns(
            "user_id,status", "course_id,section_id,role,role_id,associated_user_id,limit_section_privileges")),
    ),
)  # fmt: skip
