"""The closed word lists of OneRoster 1.1 and 1.2, and the other spellings met in the field."""

from __future__ import annotations

STATUS = ("active", "tobedeleted")
STATUS_ALIASES = {"inactive": "tobedeleted"}
"""`inactive` is OneRoster 1.0's third status."""

ORG_TYPES = ("department", "school", "district", "local", "state", "national")
ORG_TYPE_ALIASES = {"departments": "department", "schools": "school"}

SESSION_TYPES = ("schoolYear", "semester", "term", "gradingPeriod")
SESSION_TYPE_ALIASES = {"year": "schoolYear", "school year": "schoolYear", "grading period": "gradingPeriod"}

CLASS_TYPES = ("scheduled", "homeroom")


ROLES = (
    *("student", "teacher", "aide", "counselor", "guardian", "parent", "relative", "proctor"),
    *("principal", "siteAdministrator", "districtAdministrator", "systemAdministrator"),
)
"""The twelve words of `roles.csv` in 1.2; `administrator` of 1.1 is lifted to one of the last three."""

ROLE_ALIASES = {
    "staff": "aide",
    "instructor": "teacher",
    "teacheraide": "aide",
    "parents": "parent",
    "sysadmin": "systemAdministrator",
}

ENROLLMENT_ROLES = ("student", "teacher", "administrator", "proctor", "aide", "guardian", "parent", "relative")
"""1.1 final lists four words; feeds also use the others."""

GUARDIAN_ROLES = ("guardian", "parent", "relative")
"""What a guardian is to a student."""

GUARDIAN_ALIASES = {"parents": "parent"}

ROLE_TYPES = ("primary", "secondary")

SEXES = ("male", "female", "unspecified", "other")

GRADES = ("IT", "PR", "PK", "TK", "KG", *(f"{n:02d}" for n in range(1, 14)), "PS", "UG", "Other")
"""CEDS entry grade levels."""

GRADE_ALIASES = {
    **{str(n): f"{n:02d}" for n in range(1, 10)},
    **dict.fromkeys(("k", "0", "00", "kf", "kh", "kindergarten"), "KG"),
    **dict.fromkeys(("pk3", "pk4", "-1", "p"), "PK"),
    **dict.fromkeys(("ps3", "ec"), "PR"),
}
"""Keys are in lower case. `PS` is left alone: some write it for preschool, CEDS means postsecondary."""

TRUE_WORDS = ("true", "yes", "y", "1", "t", "active", "enabled")
FALSE_WORDS = ("false", "no", "n", "0", "f", "inactive", "disabled")
