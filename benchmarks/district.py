"""A made-up district as OneRoster 1.1 bulk CSV, and the same district a day later.

    python -m benchmarks.district OUT --students 100000     writes OUT/day-1 and OUT/day-2

For each student there are 1.6 guardians and up to 7 enrollments in classes of 25; there is one teacher for 16 students,
and 600 students make a school. The same seed and size give the same files, since every draw is a hash of the seed, a
purpose and a number. No person in them exists.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import duckdb

from benchmarks import next_day
from syncrun.sqltext import literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SEED = 7
GIVEN = (
    "Ada Ben Carla Dinh Elif Farid Gwen Håkon Ida João Kofi Lena Máire Nils Oksana Pedro Quinn Rania Søren Thảo Uma "
    "Víctor Wanda Xiu Yusuf Zofia Anaïs Bao Ciarán Dalia Emeka Fatou Goran Hiroko Imani Jürgen Kavya Lúcia Miriam "
    "Nadège Owen Petra Rosa Samir Tessa Ulla Viktor Wren"
)
FAMILY = (
    "Abbott Bergström Çelik D'Souza Eriksen Fernández Gołąb Hernández Ito Jóhannsson Kaya Łukasik MacLeod Nakamura "
    "O'Connor Phạm Quispe Ramírez Schäfer Trần Ueda Vásquez Wójcik Xu Yamada Žižek Achebe Brown Castillo Diallo Evans "
    "Flores Gupta Hansen Iyer Jones Kang Lopes Martin Nkosi Ortiz Perera Reyes Saint-Pierre Turner Usman Verma Walker "
    "van-Dijk Young Zhang"
)
SUBJECTS = ["Algebra", "Reading", "Biology", "World History", "Art, Studio", 'Choir "Cantabile"', "Sports", "French"]
GRADES = ["KG", *(f"{grade:02}" for grade in range(1, 13))]
WORDS = {"given": GIVEN.split(), "family": FAMILY.split(), "subjects": SUBJECTS, "grades": GRADES}

MACROS = """
CREATE MACRO draw(what, i, below) AS (md5_number_lower(seed() || what || i) % below)::BIGINT;
CREATE MACRO nth(words, i) AS words[i % len(words) + 1];
CREATE MACRO any_of(words, what, i) AS words[draw(what, i, len(words)) + 1];
CREATE MACRO key(kind, i) AS printf('%s-%08d', kind, i);
CREATE MACRO school_of(student) AS draw('school', student, schools());
"""
SESSIONS = """
SELECT * FROM (VALUES
    ('ay-2026', '', '', '2026-2027', 'schoolYear', '2026-08-15', '2027-06-15', '', '2027'),
    ('t1-2026', '', '', 'Fall 2026', 'term', '2026-08-15', '2026-12-20', 'ay-2026', '2027'),
    ('t2-2026', '', '', 'Spring 2027', 'term', '2027-01-10', '2027-06-15', 'ay-2026', '2027'))
AS session(sourcedId, status, dateLastModified, title, type, startDate, endDate, parentSourcedId, schoolYear)
"""
ORGS = """
SELECT 'org-district' AS sourcedId, '' AS status, '' AS dateLastModified, 'Benchmark Unified School District' AS name,
    'district' AS type, 'D0001' AS identifier, '' AS parentSourcedId
UNION ALL
SELECT key('org', i), '', '', nth(family(), i) || ' ' || nth(['Elementary', 'Middle', 'High'], i) || ' School ' || i,
    'school', printf('S%05d', i), 'org-district'
FROM range(schools()) AS school(i)
"""
COURSES = """
SELECT printf('crs-%02d-', i // len(grades())) || nth(grades(), i) AS sourcedId, '' AS status, '' AS dateLastModified,
    'ay-2026' AS schoolYearSourcedId, subject || ' ' || nth(grades(), i) AS title,
    upper(left(subject, 3)) || nth(grades(), i) AS courseCode, nth(grades(), i) AS grades, 'org-district' AS orgSourcedId,
    subject AS subjects, '' AS subjectCodes
FROM (SELECT i, nth(subjects(), i // len(grades())) AS subject FROM range(len(subjects()) * len(grades())) AS course(i))
ORDER BY i
"""
CLASSES = """
SELECT key('cls', i) AS sourcedId, '' AS status, '' AS dateLastModified,
    nth(subjects(), subject) || ' ' || grade || ' - P' || (i % 8 + 1) AS title, grade AS grades,
    printf('crs-%02d-', subject) || grade AS courseSourcedId, printf('%03d', i % 1000) AS classCode,
    CASE WHEN i % 7 = 0 THEN 'homeroom' ELSE 'scheduled' END AS classType, 'Room ' || (i % 300) AS location,
    key('org', i % schools()) AS schoolSourcedId,
    CASE WHEN i % 2 = 0 THEN 't1-2026' ELSE 't1-2026,t2-2026' END AS termSourcedIds, '' AS subjects,
    '' AS subjectCodes, (i % 8 + 1)::VARCHAR AS periods
FROM (
    SELECT i, draw('subject', i, len(subjects())) AS subject, any_of(grades(), 'class grade', i) AS grade
    FROM range(classes()) AS class(i))
ORDER BY i
"""
USERS = """
SELECT id AS sourcedId, '' AS status, '' AS dateLastModified, 'true' AS enabledUser, key('org', school) AS orgSourcedIds,
    role, id || '@example.org' AS username, '{SIS:' || (i + 100000) || '}' AS userIds,
    any_of(given(), 'given ' || role, i) AS givenName, any_of(family(), 'family ' || role, i) AS familyName,
    '' AS middleName, upper(left(id, 1)) || printf('%07d', i) AS identifier, id || '@example.org' AS email, '' AS sms,
    printf('555-%04d', i % 10000) AS phone, agents AS agentSourcedIds, grade AS grades, '' AS password
FROM (
    SELECT 0 AS kind, i, key('stu', i) AS id, 'student' AS role, school_of(i) AS school,
        key('grd', i) || CASE WHEN i + students() < guardians() THEN ',' || key('grd', i + students()) ELSE '' END AS agents,
        any_of(grades(), 'grade', i) AS grade
    FROM range(students()) AS student(i)
    UNION ALL
    SELECT 1, i, key('tea', i), 'teacher', i % schools(), '', '' FROM range(teachers()) AS teacher(i)
    UNION ALL
    SELECT 2, i, key('grd', i), 'parent', school_of(i % students()), key('stu', i % students()), ''
    FROM range(guardians()) AS guardian(i))
ORDER BY kind, i
"""
MEMBERS = """
CREATE OR REPLACE TEMP TABLE members AS
SELECT 0 AS kind, min(i) AS i, key('cls', class) AS class, key('stu', student) AS person, class % schools() AS school
FROM (
    SELECT i, i // 7 AS student, school_of(i // 7) + schools() * draw('class', i, classes() // schools()) AS class
    FROM range(students() * 7) AS enrollment(i))
GROUP BY student, class
UNION ALL
SELECT 1, i, key('cls', i), key('tea', i % schools() + schools() * (i // schools() % (teachers() // schools()))),
    i % schools()
FROM range(classes()) AS class(i)
"""
ENROLLMENTS = """
SELECT printf('enr-%09d', row_number() OVER (ORDER BY kind, i) - 1) AS sourcedId, '' AS status, '' AS dateLastModified,
    class AS classSourcedId, key('org', school) AS schoolSourcedId, person AS userSourcedId,
    nth(['student', 'teacher'], kind) AS role, nth(['false', 'true'], kind) AS "primary", '2026-08-15' AS beginDate,
    '2027-06-15' AS endDate
FROM members ORDER BY kind, i
"""
DEMOGRAPHICS = """
SELECT key('stu', i) AS sourcedId, '' AS status, '' AS dateLastModified,
    printf('%d-%02d-%02d', 2008 + i % 13, i % 12 + 1, i % 28 + 1) AS birthDate, nth(['male', 'female'], i) AS sex,
    'false' AS americanIndianOrAlaskaNative, 'false' AS asian, 'false' AS blackOrAfricanAmerican,
    'false' AS nativeHawaiianOrOtherPacificIslander, 'false' AS white, 'false' AS demographicRaceTwoOrMoreRaces,
    'false' AS hispanicOrLatinoEthnicity, 'US' AS countryOfBirthCode, '' AS stateOfBirthAbbreviation,
    '' AS cityOfBirth, '' AS publicSchoolResidenceStatus
FROM range(students()) AS student(i) ORDER BY i
"""
MANIFEST = """
SELECT * FROM (VALUES ('manifest.version', '1.0'), ('oneroster.version', '1.1'), ('file.academicSessions', 'bulk'),
    ('file.categories', 'absent'), ('file.classes', 'bulk'), ('file.classResources', 'absent'), ('file.courses', 'bulk'),
    ('file.courseResources', 'absent'), ('file.demographics', 'bulk'), ('file.enrollments', 'bulk'),
    ('file.lineItems', 'absent'), ('file.orgs', 'bulk'), ('file.resources', 'absent'), ('file.results', 'absent'),
    ('file.users', 'bulk'), ('source.systemName', 'benchmarks'), ('source.systemCode', 'benchmarks'))
AS manifest(propertyName, value)
"""
FILES = {
    "manifest": MANIFEST,
    "academicSessions": SESSIONS,
    "orgs": ORGS,
    "courses": COURSES,
    "classes": CLASSES,
    "users": USERS,
    "enrollments": ENROLLMENTS,
    "demographics": DEMOGRAPHICS,
}


def write(folder: Path, students: int, seed: int = SEED) -> None:
    """Write the files of the first day into a new folder."""
    folder.mkdir(parents=True)
    schools = max(1, students // 600)
    numbers = {
        "students": students,
        "schools": schools,
        "teachers": max(2, schools, students // 16),
        "guardians": students * 8 // 5,
        "classes": max(schools, students * 7 // 25),
    }
    with duckdb.connect() as connection:
        for macro, number in numbers.items():
            connection.execute(f"CREATE MACRO {macro}() AS {number}")
        connection.execute(f"CREATE MACRO seed() AS {literal(f'{seed} ')}")
        for macro, words in WORDS.items():
            connection.execute(f"CREATE MACRO {macro}() AS [{', '.join(map(literal, words))}]")
        connection.execute(MACROS)
        connection.execute(MEMBERS)
        for name, query in FILES.items():
            write_csv(connection, query, folder / f"{name}.csv")


def write_csv(connection: DuckDBPyConnection, query: str, target: Path) -> None:
    """Write the rows of a query as CSV with a header."""
    connection.execute(f"COPY ({query}) TO {literal(str(target))} (FORMAT csv, HEADER)")


@click.command()
@click.argument("out", type=click.Path(path_type=Path, exists=False))
@click.option("--students", default=10_000, show_default=True)
@click.option("--seed", default=SEED, show_default=True)
def main(out: Path, students: int, seed: int) -> None:
    """Write a district into OUT/day-1 and the day after into OUT/day-2."""
    write(out / "day-1", students, seed)
    next_day.write(out / "day-1", out / "day-2", seed)


if __name__ == "__main__":
    main()
