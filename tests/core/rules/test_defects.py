"""Every kind of defect has a code of its own, and is told at its physical line in files with line breaks inside cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from desk import Desk, Files, Row, columns, enrolled, small, text, user

from syncrun.roster.rule import Severity
from syncrun.rules.rule import RULES

BROKEN = "Ana\r\nBerta\r\nCaro"
"""A cell of three lines."""
YEAR = {"title": "Year", "startDate": "2026-08-17", "endDate": "2027-06-12", "schoolYear": "2027"}


@dataclass(frozen=True)
class Defect:
    """A row that is put behind a row of three lines at the end of a file; `more` changes what else is there."""

    code: str
    entity: str
    row: Row
    column: str = ""
    more: Callable[[Files], object] = lambda files: None
    version: str = "1.1"


def person(key: str = "odd", role: str = "student", **cells: str) -> Row:
    return user(key, role, **cells)


def lesson(key: str = "odd", **cells: str) -> Row:
    return {**small()["classes"][0], "sourcedId": key, **cells}


def session(key: str = "odd", **cells: str) -> Row:
    return {**YEAR, "type": "term", "sourcedId": key, **cells}


def course(key: str = "odd", **cells: str) -> Row:
    return {**small()["courses"][0], "sourcedId": key, **cells}


def school(key: str = "odd", **cells: str) -> Row:
    return {"sourcedId": key, "name": "Elm", "type": "school", **cells}


def entry(who: str = "pupil-2", role: str = "student", **cells: str) -> Row:
    return enrolled(who, role, **{"sourcedId": "odd", **cells})


def facts(key: str = "pupil-2", **cells: str) -> Row:
    return {"sourcedId": key, **cells}


def role(key: str = "odd", **cells: str) -> Row:
    return {"sourcedId": key, "userSourcedId": "pupil-2", "roleType": "primary", "role": "student",
            "orgSourcedId": "school", **cells}  # fmt: skip


def add(entity: str, *rows: Row) -> Callable[[Files], object]:
    return lambda files: files.setdefault(entity, []).extend(rows)


CELLS = [
    Defect("R-CELL-01", "users", person(givenName=""), "givenName"),
    Defect("R-CELL-02", "users", person(middleName=" Eva"), "middleName"),
    Defect("R-CELL-03", "users", person(middleName="x" * 256), "middleName"),
    Defect("R-CELL-04", "users", person(middleName="E\x07va"), "middleName"),
    Defect("R-CELL-05", "users", person(identifier="1.23E+11"), "identifier"),
    Defect("R-CELL-06", "users", person(middleName="=1+1"), "middleName"),
    Defect("R-CELL-07", "users", person(identifier="#REF!"), "identifier"),
    Defect("R-CELL-08", "users", person(identifier="########"), "identifier"),
    Defect("R-CELL-09", "users", person(middleName="E\nva"), "middleName"),
    Defect("R-CELL-10", "users", person(middleName="Zo\ufffd"), "middleName"),
    Defect("R-ID-01", "users", person("x" * 256), "sourcedId"),
    Defect("R-ID-02", "users", person("a:b"), "sourcedId"),
    Defect("R-ID-03", "users", person(" odd"), "sourcedId"),
    Defect("R-WORD-01", "users", person(role="jester"), "role"),
    Defect("R-WORD-02", "users", person(role="Student"), "role"),
    Defect("R-WORD-03", "demographics", facts(sex="unknown"), "sex"),
    Defect("R-WORD-04", "users", person(role="ext:"), "role"),
    Defect("R-WORD-05", "demographics", facts(sex="ext:a b"), "sex"),
    Defect("R-WORD-06", "demographics", facts(countryOfBirthCode="USA"), "countryOfBirthCode"),
    Defect("R-BOOL-01", "users", person(enabledUser="perhaps"), "enabledUser"),
    Defect("R-BOOL-02", "users", person(enabledUser="Yes"), "enabledUser"),
    Defect("R-DATE-01", "enrollments", entry(beginDate="03/04/2026"), "beginDate"),
    Defect("R-DATE-02", "enrollments", entry(beginDate="2026-08-17T00:00:00Z"), "beginDate"),
    Defect("R-DATE-03", "users", person(dateLastModified="2026-08-17T00:00:00+02:00"), "dateLastModified"),
    Defect("R-DATE-04", "enrollments", entry(beginDate="2026-02-30"), "beginDate"),
    Defect("R-DATE-05", "enrollments", entry(beginDate="46251"), "beginDate"),
    Defect("R-DATE-06", "users", person(dateLastModified="soon"), "dateLastModified"),
    Defect("R-YEAR-01", "academicSessions", session(schoolYear="27"), "schoolYear"),
    Defect("R-YEAR-02", "academicSessions", session(schoolYear="2026-2027"), "schoolYear"),
    Defect("R-GRADE-01", "users", person(grades="14"), "grades"),
    Defect("R-GRADE-02", "users", person(grades="k"), "grades"),
    Defect("R-USERID-01", "users", person(userIds="A1"), "userIds"),
    Defect("R-MAIL-01", "users", person(email="ana"), "email"),
    Defect("R-MAIL-02", "users", person(email="a@b.c; d@e.f"), "email"),
    Defect("R-PHONE-01", "users", person(phone="none"), "phone"),
    Defect("R-PASSWORD-01", "users", person(password="hunter2"), "password"),
]
ROWS = [
    Defect("R-ROW-01", "users", person(status="active")),
    Defect("R-ROW-03", "academicSessions", session(endDate="2026-08-17")),
    Defect("R-ROW-04", "enrollments", entry(beginDate="2026-09-02", endDate="2026-09-01")),
    Defect("R-ROW-05", "users", person(status="tobedeleted")),
    Defect("R-ROW-07", "users", person(status="active")),
    Defect("R-ROW-08", "classes", lesson(subjects="Art,Music", subjectCodes="05151")),
    Defect("R-ROW-09", "enrollments", entry(primary="true")),
    Defect("R-ROW-10", "users", person(role="teacher", grades="04")),
    Defect("R-ROW-11", "demographics", facts(demographicRaceTwoOrMoreRaces="true", white="true")),
    Defect("R-ROW-12", "users", person(agentSourcedIds="odd")),
    Defect("R-ROW-13", "academicSessions", session(type="schoolYear", schoolYear="2026")),
    Defect("R-FILE-13", "users", person("twin"), "", add("users", person("twin", givenName="Eva"))),
    Defect("R-FILE-14", "users", person("twin"), "", add("users", person("twin"))),
]
REFERENCES = [
    Defect("R-REF-01", "enrollments", entry(classSourcedId="gone"), "classSourcedId"),
    Defect("R-REF-02", "users", person(agentSourcedIds="gone"), "agentSourcedIds"),
    Defect("R-REF-03", "enrollments", entry("late"), "userSourcedId",
           add("users", person("late", status="tobedeleted"))),
    Defect("R-REF-04", "enrollments", entry("bad"), "userSourcedId", add("users", person("bad", givenName=""))),
]  # fmt: skip
FITS = [
    Defect("R-FIT-01", "orgs", school("odd", parentSourcedId="odd"), "parentSourcedId"),
    Defect("R-FIT-02", "orgs", school("odd", type="state", parentSourcedId="school"), "type"),
    Defect("R-FIT-03", "academicSessions", session(endDate="2027-08-01", parentSourcedId="year")),
    Defect("R-FIT-04", "courses", course(schoolYearSourcedId="fall"), "schoolYearSourcedId"),
    Defect("R-FIT-05", "classes", lesson(schoolSourcedId="district"), "schoolSourcedId"),
    Defect("R-FIT-06", "enrollments", entry("two", schoolSourcedId="elm"), "schoolSourcedId",
           lambda files: (add("orgs", school("elm"))(files), add("users", person("two", orgSourcedIds="school,elm"))(files))),
    Defect("R-FIT-07", "classes", lesson(termSourcedIds="last"), "",
           add("academicSessions", session("last", startDate="2025-08-17", endDate="2026-06-12", schoolYear="2026"))),
    Defect("R-FIT-08", "enrollments", entry("parent", "aide", beginDate="2026-08-01"), "beginDate"),
    Defect("R-FIT-09", "enrollments", entry("other", "teacher", primary="true"), "",
           lambda files: (add("users", person("other", "teacher"))(files),
                          files["enrollments"][0].update(primary="true"))),
    Defect("R-FIT-10", "roles", role(role="aide"), "", add("roles", role("first")), "1.2"),
    Defect("R-FIT-11", "enrollments", entry("parent"), "role"),
    Defect("R-FIT-12", "enrollments", entry("pupil-2")),
    Defect("R-FIT-13", "users", person(username="PUPIL-1"), "username"),
    Defect("R-FIT-14", "users", person(email="a@b.org"), "email", add("users", person("one", email="A@b.org"))),
    Defect("R-FIT-15", "users", person("odd"), "",
           lambda files: files.update(demographics=[facts("pupil-1", birthDate="2015-02-03"),
                                                    facts("odd", birthDate="2015-02-03")])),
    Defect("R-FIT-16", "enrollments", entry("idle"), "", add("users", person("idle", enabledUser="false"))),
    Defect("R-FIT-17", "enrollments", entry("far"), "schoolSourcedId",
           lambda files: (add("orgs", school("elm"))(files), add("users", person("far", orgSourcedIds="elm"))(files))),
    Defect("R-FIT-18", "users", person(primaryOrgSourcedId="district"), "primaryOrgSourcedId",
           add("roles", role("first", userSourcedId="odd")), "1.2"),
    Defect("R-FIT-19", "users", person("Pupil-1"), "sourcedId"),
    Defect("R-FIT-20", "demographics", facts(birthDate="2051-02-03"), "birthDate"),
    Defect("R-FIT-21", "enrollments", entry("parent", "aide", endDate="2027-06-12"), "endDate"),
    Defect("R-FIT-22", "users", person(agentSourcedIds="pupil-1")),
]  # fmt: skip
SANITY = [
    Defect("R-SANE-01", "classes", lesson()),
    Defect("R-SANE-02", "classes", lesson()),
    Defect("R-SANE-03", "users", person()),
    Defect("R-SANE-04", "users", person(role="teacher", orgSourcedIds="district")),
    Defect("R-SANE-05", "users", person(role="teacher")),
    Defect("R-SANE-06", "users", person(role="parent")),
    Defect("R-SANE-07", "orgs", school()),
    Defect("R-SANE-08", "courses", course()),
    Defect("R-SANE-09", "users", person(), "", add("roles", role("first")), "1.2"),
    Defect("R-SANE-11", "orgs", school()),
]
LINES = {
    "R-FILE-07": b"odd,too,few",
    "R-FILE-08": b"odd" + b"," * 40 + b"too many",
    "R-FILE-09": b'odd,"open',
    "R-FILE-10": b"odd,,,true,school,student,odd,,Zo\xeb,Berg,,,,,,,,",
    "R-FILE-11": b'odd,,,true,school,student,odd,,"' + b"x" * (3 << 20) + b'",Berg,,,,,,,,',
}
"""Lines of users.csv that are no rows."""
EVERY = [*CELLS, *ROWS, *REFERENCES, *FITS, *SANITY]

ALSO_BEFORE = {"R-CELL-09", *(f"R-SANE-{n:02d}" for n in (1, 2, 3, 7, 8, 9, 11))}
"""What the row of three lines before has too, so that it is told there."""
FIRST: dict[str, Callable[[], Row]] = {
    "users": lambda: person("before", username="before", middleName=BROKEN),
    "classes": lambda: lesson("before", title=BROKEN),
    "academicSessions": lambda: session("before", title=BROKEN),
    "courses": lambda: course("before", title=BROKEN),
    "orgs": lambda: school("before", name=BROKEN),
    "enrollments": lambda: entry("before", sourcedId="before:\r\na\r\nb"),
    "demographics": lambda: facts("pupil-1", cityOfBirth=BROKEN),
    "roles": lambda: role("before:\r\na\r\nb", userSourcedId="before"),
}
"""By file a row of three lines that has none of these defects but that it has three lines."""


def lay(desk: Desk, defect: Defect) -> int:
    """Write a set with the defect; the physical line in which its row begins."""
    files = small()
    if defect.entity != "users":
        files["users"].append(person("before"))
    if defect.entity == "demographics":
        files["demographics"] = []
    if defect.version == "1.2":
        files["roles"] = [role(f"r-{row['sourcedId']}", userSourcedId=row["sourcedId"], role=row["role"])
                          for row in files["users"] if row["sourcedId"] != "pupil-2"]  # fmt: skip
    defect.more(files)
    files.setdefault(defect.entity, []).extend([FIRST[defect.entity](), defect.row])
    desk.write(files, version=defect.version)
    header = columns(defect.entity, defect.version)
    return text(header, files[defect.entity][:-1]).count("\r\n") + 1


@pytest.mark.parametrize("defect", EVERY, ids=[each.code for each in EVERY])
def test_defect_is_told_with_its_code_at_its_physical_line(tmp_path: Path, defect: Defect) -> None:
    desk = Desk(tmp_path)
    line = lay(desk, defect)
    night = desk.read()
    told = [each for each in (*night.findings, *night.sanity) if each.code == defect.code]
    assert told, sorted(night.codes)
    lines = {each.line for each in told if each.column == (defect.column or None)}
    line -= 3 if defect.code in ALSO_BEFORE else 0
    assert (told[0].file, line in lines) == (f"{defect.entity}.csv", True), told


@pytest.mark.parametrize("code", LINES)
def test_line_that_is_no_row_is_told_with_its_code_at_its_physical_line(tmp_path: Path, code: str) -> None:
    desk = Desk(tmp_path)
    files = small()
    files["users"].append(FIRST["users"]())
    desk.write(files)
    path = desk.inbox / "users.csv"
    line = path.read_bytes().count(b"\r\n") + 1
    path.write_bytes(path.read_bytes() + LINES[code] + b"\r\n" + text([], [{}]).strip("\r\n").encode()
                     + b"last,,,true,school,student,last,,Zo\xc3\xab,Berg,,,,,,,,\r\n")  # fmt: skip
    night = desk.read()
    assert [(each.file, each.line) for each in night.found(code)] == [("users.csv", line)]
    assert "last" in night.keys("users")


@pytest.mark.parametrize("code", ["R-ROW-02", "R-ROW-06"])
def test_defect_of_a_delta_is_told_at_its_physical_line(tmp_path: Path, code: str) -> None:
    desk = Desk(tmp_path)
    desk.write(small())
    desk.settle()
    good = {"status": "active", "dateLastModified": "2026-11-19T00:00:00Z"}
    odd = {**good, "dateLastModified": "2027-11-19T00:00:00Z" if code == "R-ROW-06" else ""}
    rows = [person("before", middleName=BROKEN, **good), person("odd", **odd)]
    desk.write({"users": rows}, {"users": "delta"})
    assert [each.line for each in desk.read().found(code)] == [5]


def test_no_school_year_covers_today(tmp_path: Path) -> None:
    files = small()
    files["academicSessions"][0] |= {"startDate": "2025-08-17", "endDate": "2026-06-12", "schoolYear": "2026"}
    desk = Desk(tmp_path)
    desk.write(files)
    assert [(each.code, each.line) for each in desk.read().sanity] == [("R-SANE-10", 2)]


def test_set_in_order_has_no_defect(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write(small())
    night = desk.read()
    assert (night.findings, night.sanity) == ([], [])


def test_there_are_sixty_kinds_and_each_has_its_own_code() -> None:
    codes = [each.code for each in EVERY] + [*LINES, "R-ROW-02", "R-ROW-06", "R-SANE-10"]
    assert len(codes) == len(set(codes)) >= 60
    about_rows = {
        code
        for code in RULES
        if not code.startswith(
            (
                "R-SET-",
                "R-FILE-",
                "R-TEXT-",
                "R-HEAD-",
                "R-KIND-",
                "R-FORM-",
                "R-ZIP-",
                "R-SCHOOL-",
                "R-GUARDIAN-",
                "R-PULL-",
                "R-DRAWN-",
            )
        )
    }
    assert about_rows <= set(codes)
    assert all(RULES[code].severity is not Severity.STOP for code in codes)
