"""The demo district as OneRoster 1.1 CSV files: three schools, a dozen teachers, two hundred students; and the next day.

Everything follows from counters, so the files are the same each time. Nobody in them exists.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

Row = dict[str, str]
Files = dict[str, list[Row]]

COLUMNS = {
    "orgs": ("name", "type", "identifier", "parentSourcedId"),
    "academicSessions": ("title", "type", "startDate", "endDate", "parentSourcedId", "schoolYear"),
    "courses": ("schoolYearSourcedId", "title", "courseCode", "grades", "orgSourcedId", "subjects", "subjectCodes"),
    "classes": ("title", "grades", "courseSourcedId", "classCode", "classType", "location", "schoolSourcedId",
                "termSourcedIds", "subjects", "subjectCodes", "periods"),
    "users": ("enabledUser", "orgSourcedIds", "role", "username", "userIds", "givenName", "familyName", "middleName",
              "identifier", "email", "sms", "phone", "agentSourcedIds", "grades", "password"),
    "enrollments": ("classSourcedId", "schoolSourcedId", "userSourcedId", "role", "primary", "beginDate", "endDate"),
}  # fmt: skip
SCHOOLS = ("Birch Elementary", "Linden Middle School", "Oak High School")
SUBJECTS = ("Mathematics", "English", "Science", "History")
GIVEN = ("Ana", "Liam", "Noah", "Zoë", "Amir", "Mei", "José", "Priya", "Kwame", "Ingrid", "Tomás", "Leila")
FAMILY = (
    "Berg",
    "Chen",
    "García",
    "Haddad",
    "Ivanov",
    "Kim",
    "Müller",
    "Nguyễn",
    "O'Neill",
    "Okafor",
    "Rossi",
    "Silva",
)
TEACHERS, PUPILS, CLASSES = 4, 66, 8
"""For each school."""


def _person(key: str, number: int, role: str, school: str, grade: str = "") -> Row:
    given, family = GIVEN[number * 5 % len(GIVEN)], FAMILY[number * 7 % len(FAMILY)]
    return {"sourcedId": key, "enabledUser": "true", "orgSourcedIds": school, "role": role, "username": key,
            "givenName": given, "familyName": family, "identifier": key.upper(), "grades": grade,
            "email": f"{key}@example.org" if role == "teacher" else ""}  # fmt: skip


def first_day() -> Files:
    """The district as it arrives first."""
    files: Files = {name: [] for name in COLUMNS}
    files["orgs"] = [
        {"sourcedId": "district", "name": "Riverside Demo District", "type": "district", "identifier": "D1"}
    ]
    files["academicSessions"] = [
        {"sourcedId": "year-2027", "title": "2026-2027", "type": "schoolYear", "startDate": "2026-08-17",
         "endDate": "2027-06-12", "schoolYear": "2027"},
        {"sourcedId": "fall-2026", "title": "Fall 2026", "type": "term", "startDate": "2026-08-17",
         "endDate": "2026-12-19", "parentSourcedId": "year-2027", "schoolYear": "2027"},
    ]  # fmt: skip
    files["courses"] = [
        {"sourcedId": f"course-{n}", "schoolYearSourcedId": "year-2027", "title": title, "courseCode": title[:3].upper(),
         "orgSourcedId": "district", "subjects": title} for n, title in enumerate(SUBJECTS)
    ]  # fmt: skip
    for place, title in enumerate(SCHOOLS, 1):
        _school(files, place, title)
    return files


def _school(files: Files, place: int, title: str) -> None:
    school = f"school-{place}"
    files["orgs"].append({"sourcedId": school, "name": title, "type": "school", "identifier": f"S{place:03d}",
                          "parentSourcedId": "district"})  # fmt: skip
    teachers = [_person(f"t{place}{n:02d}", place * 17 + n, "teacher", school) for n in range(TEACHERS)]
    pupils = [
        _person(f"s{place}{n:03d}", place * 31 + n, "student", school, f"{place * 3 + n % 3:02d}")
        for n in range(PUPILS)
    ]
    files["users"] += teachers + pupils
    for n in range(CLASSES):
        key = f"class-{place}-{n}"
        files["classes"].append(
            {"sourcedId": key, "title": f"{SUBJECTS[n % 4]} {place}{'AB'[n // 4]}", "courseSourcedId": f"course-{n % 4}",
             "classCode": f"{place}{n:02d}", "classType": "scheduled", "location": f"Room {place}{n:02d}",
             "schoolSourcedId": school, "termSourcedIds": "fall-2026", "periods": str(n + 1)}
        )  # fmt: skip
        files["enrollments"].append(_enrolled(key, school, teachers[n % TEACHERS]["sourcedId"], "teacher"))
        files["enrollments"] += [
            _enrolled(key, school, pupil["sourcedId"], "student") for m, pupil in enumerate(pupils) if (m + n) % 3 == 0
        ]


def _enrolled(class_: str, school: str, user: str, role: str) -> Row:
    return {"sourcedId": f"{class_}-{user}", "classSourcedId": class_, "schoolSourcedId": school, "userSourcedId": user,
            "role": role, "primary": "true" if role == "teacher" else "", "beginDate": "2026-08-17",
            "endDate": "2026-12-19"}  # fmt: skip


def next_day() -> Files:
    """The day after: a pupil leaves, one comes, one changes her name, a room changes, and a teacher is new."""
    files = first_day()
    files["users"] = [row for row in files["users"] if row["sourcedId"] != "s1007"]
    files["enrollments"] = [row for row in files["enrollments"] if row["userSourcedId"] != "s1007"]
    newcomer = _person("s1900", 7, "student", "school-1", "04")
    teacher = _person("t290", 3, "teacher", "school-2")
    files["users"] += [newcomer, teacher]
    files["enrollments"] += [_enrolled("class-1-0", "school-1", "s1900", "student"),
                             _enrolled("class-2-1", "school-2", "t290", "teacher")]  # fmt: skip
    for row in files["users"]:
        if row["sourcedId"] == "s2010":
            row["familyName"] = "Okafor-Berg"
    for row in files["classes"]:
        if row["sourcedId"] == "class-3-2":
            row["location"] = "Lab 1"
    return files


def write(files: Files, folder: Path) -> None:
    """Write the files and their manifest into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in files.items():
        header = ("sourcedId", "status", "dateLastModified", *COLUMNS[name])
        _write(folder / f"{name}.csv", header, ([row.get(column, "") for column in header] for row in rows))
    absent = ("categories", "classResources", "courseResources", "demographics", "lineItems", "resources", "results")
    modes = [(f"file.{name}", "bulk") for name in files] + [(f"file.{name}", "absent") for name in absent]
    lines = [
        ("manifest.version", "1.0"),
        ("oneroster.version", "1.1"),
        *sorted(modes),
        ("source.systemName", "syncrun demo"),
    ]
    _write(folder / "manifest.csv", ("propertyName", "value"), lines)


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)
