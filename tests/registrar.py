"""A small PowerSchool: the tables that the plug-in's queries read, with everything in them that joins go wrong at, and
Oracle's SQL on DuckDB.

Today is 20 November 2026, in the school year with YEARID 36. There are two schools, 100 and 200, the district office 0
and the pseudo-school of the graduated, 999999. What the rows are for stands beside them.
"""

from __future__ import annotations

import duckdb
import sqlglot
from sqlglot import exp

TODAY = "2026-11-20"

TABLES = """
CREATE TABLE SCHOOLS (ID INT, DCID INT, SCHOOL_NUMBER INT, NAME VARCHAR);
INSERT INTO SCHOOLS VALUES
  -- the ids of one school are the numbers of another: SCHOOLID is neither ID nor DCID
  (200, 11, 100, 'Oak Elementary'), (100, 12, 200, 'Elm High'), (3, 13, 999999, 'Graduated Students'),
  (4, 14, 0, 'Riverside District');

CREATE TABLE TERMS (DCID INT, ID INT, SCHOOLID INT, YEARID INT, NAME VARCHAR, FIRSTDAY DATE, LASTDAY DATE, PORTION INT, ISYEARREC INT);
INSERT INTO TERMS VALUES
  -- both schools have the same ids, and days of their own
  (1, 3500, 100, 35, '2025-2026', '2025-08-20', '2026-06-10', 1, 1),
  (2, 3600, 100, 36, '2026-2027', '2026-08-20', '2027-06-10', 1, 1),
  (3, 3601, 100, 36, 'Semester 1', '2026-08-20', '2027-01-15', 2, 0),
  (4, 3602, 100, 36, 'Semester 2', '2027-01-18', '2027-06-10', 2, 0),
  (5, 3600, 200, 36, '2026-2027', '2026-08-24', '2027-06-15', 1, 1),
  (6, 3601, 200, 36, 'Quarter 1', '2026-08-24', '2026-10-30', 4, 0),
  -- next year is set up already
  (7, 3700, 200, 37, '2027-2028', '2027-08-23', '2028-06-14', 1, 1);

CREATE TABLE COURSES (DCID INT, COURSE_NUMBER VARCHAR, COURSE_NAME VARCHAR, SCHOOLID INT);
INSERT INTO COURSES VALUES
  (51, 'MAT1', 'Mathematics, first part', 0), (52, 'ART', 'Art "free"', 200), (53, 'OLD', 'Latin', 0);

CREATE TABLE SECTIONS (ID INT, DCID INT, COURSE_NUMBER VARCHAR, SECTION_NUMBER VARCHAR, TERMID INT, SCHOOLID INT, TEACHER INT,
  ROOM VARCHAR, EXPRESSION VARCHAR, EXTERNAL_EXPRESSION VARCHAR, GRADE_LEVEL INT);
INSERT INTO SECTIONS VALUES
  -- SECTIONS.DCID is the ID of another; grade level 0 is not kindergarten but unset
  (501, 502, 'MAT1', '1', 3600, 100, 31, 'R1', '1(A,B)', NULL, 3),
  (502, 503, 'MAT1', '2', 3601, 100, 32, NULL, '2(A)', 'P2', 0),
  (503, 501, 'ART', '1', 3600, 200, 33, 'Studio', '3(A)', NULL, 0),
  -- nobody is in it, and it stays
  (504, 504, 'ART', '9', 3600, 200, 33, NULL, NULL, NULL, 10),
  -- last year's and next year's
  (505, 505, 'OLD', '1', 3500, 100, 31, NULL, NULL, NULL, 3), (506, 506, 'OLD', '1', 3700, 200, 33, NULL, NULL, NULL, 9);

CREATE TABLE USERS (DCID INT, FIRST_NAME VARCHAR, LAST_NAME VARCHAR, MIDDLE_NAME VARCHAR, EMAIL_ADDR VARCHAR, LOGINID VARCHAR,
  TEACHERLOGINID VARCHAR, TEACHERNUMBER VARCHAR, HOMESCHOOLID INT);
INSERT INTO USERS VALUES
  -- at three schools, the district office among them, home is 200
  (71, 'Ada', 'Adler', NULL, 'ada@example.org', 'aadler-admin', 'aadler', 'N71', 200),
  -- the user name was made up for single sign-on
  (72, 'Bo', 'Berg, Jr.', 'Q', 'bo@example.org', NULL, '##1234', 'N72', 100),
  -- STAFFSTATUS says staff, but there is a class: a co-teacher
  (73, 'Cy', 'Cole', NULL, 'cy@example.org', 'ccole', NULL, 'N73', 100),
  -- no teacher; works at the district office
  (74, 'Di', 'Dorn', NULL, 'di@example.org', 'ddorn', NULL, 'N74', 0),
  -- has left, and still stands at a class
  (75, 'Ed', 'Egli', NULL, 'ed@example.org', NULL, 'eegli', 'N75', 100);

CREATE TABLE SCHOOLSTAFF (ID INT, DCID INT, USERS_DCID INT, SCHOOLID INT, STATUS INT, STAFFSTATUS INT);
INSERT INTO SCHOOLSTAFF VALUES
  (31, 71, 71, 100, 1, 1), (33, 72, 71, 200, 1, 1), (34, 73, 71, 0, 1, 0), (35, 74, 71, 999999, 1, 1),
  (32, 75, 72, 100, 1, 1), (36, 76, 72, 200, 2, 1), (37, 77, 73, 100, 1, 2), (38, 78, 74, 0, 1, 2), (39, 79, 75, 100, 2, 1);

CREATE TABLE SECTIONTEACHER (ID INT, SECTIONID INT, TEACHERID INT, ROLEID INT, START_DATE DATE, END_DATE DATE);
INSERT INTO SECTIONTEACHER VALUES
  (901, 501, 31, 1, '2026-08-20', '2027-06-11'), (902, 501, 37, 2, '2026-08-20', '2027-06-11'),
  -- twice at the same class, in another role
  (903, 501, 37, 3, '2026-09-20', '2027-06-11'),
  (904, 502, 32, 1, '2026-08-20', '2027-01-16'), (905, 503, 33, 1, NULL, NULL), (906, 504, 33, 1, '2026-08-24', '2027-06-16'),
  -- has left the school; has left the class
  (907, 502, 39, 2, '2026-08-20', '2027-01-16'), (908, 502, 37, 2, '2026-08-24', '2026-09-30');

CREATE TABLE STUDENTS (ID INT, DCID INT, STUDENT_NUMBER INT, FIRST_NAME VARCHAR, LAST_NAME VARCHAR, MIDDLE_NAME VARCHAR,
  GRADE_LEVEL INT, SCHOOLID INT, ENROLL_STATUS INT, STUDENT_WEB_ID VARCHAR, HOME_PHONE VARCHAR, PERSON_ID INT);
INSERT INTO STUDENTS VALUES
  -- the ID of each is the DCID of another, and the DCID of 71 that of a teacher
  (1, 2, 1001, 'Fay', 'Fuß', NULL, 0, 100, 0, 'ffuss', '555-1', 801),
  (2, 3, 1002, 'Gus', 'Gull' || CHR(9) || 'Green', NULL, 3, 100, 0, '~~77', NULL, 802),
  (3, 71, 1003, 'Hal', 'Hill', NULL, 10, 200, 0, NULL, NULL, NULL),
  (71, 1, 1004, 'Ida', 'Iber', NULL, -1, 100, 0, 'iiber', NULL, 804),
  -- pre-registered, transferred, graduated
  (5, 5, 1005, 'Jo', 'Jung', NULL, 9, 200, -1, 'jjung', NULL, NULL), (6, 6, 1006, 'Ky', 'Kern', NULL, 9, 200, 2, NULL, NULL, NULL),
  (7, 7, 1007, 'Lu', 'Lang', NULL, 99, 999999, 3, NULL, NULL, NULL);

CREATE TABLE CC (ID INT, DCID INT, STUDENTID INT, SECTIONID INT, TERMID INT, SCHOOLID INT, TEACHERID INT, DATEENROLLED DATE, DATELEFT DATE);
INSERT INTO CC VALUES
  (1, 601, 1, 501, 3600, 100, 31, '2026-08-20', '2027-06-11'),
  -- negative, and not dropped: the year was closed early
  (2, 602, 2, -501, -3600, 100, 31, '2026-08-20', '2027-06-11'),
  -- dropped, and came back
  (3, 603, 1, -502, -3601, 100, 32, '2026-08-20', '2026-09-15'), (4, 604, 1, 502, 3601, 100, 32, '2026-10-01', '2027-01-16'),
  -- both rows are in force; the newer one counts
  (5, 605, 2, 502, 3601, 100, 32, '2026-08-20', '2027-01-16'), (6, 606, 2, 502, 3601, 100, 32, '2026-11-02', '2027-01-16'),
  -- never came
  (7, 607, 71, 501, 3600, 100, 31, '2026-08-20', '2026-08-20'),
  -- the last day was yesterday; today is the last day
  (8, 608, 71, 502, 3601, 100, 32, '2026-08-20', '2026-11-20'), (9, 609, 3, 503, 3600, 200, 33, '2026-08-24', '2026-11-21'),
  -- begins in ten days, and in two months
  (10, 610, 71, 501, 3600, 100, 31, '2026-11-30', '2027-06-11'), (11, 611, 3, 504, 3600, 200, 33, '2027-01-20', '2027-06-16'),
  -- last year's, and of somebody who is gone
  (12, 612, 1, 505, 3500, 100, 31, '2025-08-20', '2027-06-11'), (13, 613, 6, 503, 3600, 200, 33, '2026-08-24', '2027-06-16');

CREATE TABLE PERSON (ID INT, FIRSTNAME VARCHAR, LASTNAME VARCHAR, ISACTIVE INT);
INSERT INTO PERSON VALUES
  (801, 'Fay', 'Fuß', 1), (802, 'Gus', 'Gull', 1), (804, 'Ida', 'Iber', 1), (811, 'Mo', 'Muñoz', 1), (812, 'Nat', 'Neu', 1),
  (813, 'Old', 'Oth', 0), (814, 'Pat', 'Poe', 1), (821, 'G1', 'Gull', 1), (822, 'G2', 'Gull', 1), (823, 'G3', 'Gull', 1),
  (824, 'G4', 'Gull', 1), (825, 'G5', 'Gull', 1), (826, 'G6', 'Gull', 1), (827, 'G7', 'Gull', 1);

CREATE TABLE STUDENTCONTACTASSOC (STUDENTCONTACTASSOCID INT, STUDENTDCID INT, PERSONID INT, CONTACTPRIORITYORDER INT);
INSERT INTO STUDENTCONTACTASSOC VALUES
  -- STUDENTDCID 2 is Fay, whose ID is 1; she stands among her own contacts
  (1, 2, 801, 1), (2, 2, 811, 2), (3, 2, 812, 1),
  -- inactive; called in an emergency only; the custody has ended
  (4, 2, 813, 3), (5, 2, 814, 4), (6, 71, 814, 1),
  -- the same guardian at another school, twice
  (7, 71, 811, 1), (8, 71, 811, 5),
  -- two children at one school
  (16, 1, 811, 1),
  -- seven guardians
  (9, 3, 821, 1), (10, 3, 822, 2), (11, 3, 823, 3), (12, 3, 824, 4), (13, 3, 825, 5), (14, 3, 826, 6), (15, 3, 827, 7);

CREATE TABLE STUDENTCONTACTDETAIL (STUDENTCONTACTASSOCID INT, ISACTIVE INT, ISCUSTODIAL INT);
INSERT INTO STUDENTCONTACTDETAIL SELECT STUDENTCONTACTASSOCID, 1, 1 FROM STUDENTCONTACTASSOC WHERE STUDENTCONTACTASSOCID NOT IN (5, 6);
INSERT INTO STUDENTCONTACTDETAIL VALUES (5, 1, 0), (6, 0, 1), (7, 0, 0);

CREATE TABLE GUARDIANPERSONASSOC (PERSONID INT, GUARDIANID INT);
INSERT INTO GUARDIANPERSONASSOC VALUES (814, 41), (811, 42);
CREATE TABLE GUARDIANSTUDENT (GUARDIANID INT, STUDENTSDCID INT);
INSERT INTO GUARDIANSTUDENT VALUES (41, 2), (42, 71);

CREATE TABLE EMAILADDRESS (EMAILADDRESSID INT, EMAILADDRESS VARCHAR);
INSERT INTO EMAILADDRESS VALUES (1, 'second@example.org'), (2, 'mo@example.org'), (3, 'fay@example.org'), (4, 'gus@example.org');
CREATE TABLE PERSONEMAILADDRESSASSOC (PERSONID INT, EMAILADDRESSID INT, ISPRIMARYEMAILADDRESS INT, EMAILADDRESSPRIORITYORDER INT);
INSERT INTO PERSONEMAILADDRESSASSOC VALUES (811, 1, 0, 1), (811, 2, 1, 2), (801, 3, 1, 1), (802, 4, 0, 1);

CREATE TABLE CODESET (CODESETID INT, CODE VARCHAR);
INSERT INTO CODESET VALUES (1, 'Mobile'), (2, 'Home');
CREATE TABLE PHONENUMBER (PHONENUMBERID INT, PHONENUMBER VARCHAR);
INSERT INTO PHONENUMBER VALUES (1, '555-8111'), (2, '555-8112'), (3, '555-8113'), (4, '555-8121');
CREATE TABLE PERSONPHONENUMBERASSOC (PERSONID INT, PHONENUMBERID INT, ISPREFERRED INT, PHONENUMBERPRIORITYORDER INT, PHONETYPECODESETID INT);
INSERT INTO PERSONPHONENUMBERASSOC VALUES (811, 1, 1, 1, 2), (811, 2, 0, 2, 1), (811, 3, 0, 3, 1), (812, 4, 1, 1, NULL);
"""


def registrar() -> duckdb.DuckDBPyConnection:
    """A database with the tables."""
    connection = duckdb.connect()
    connection.execute(TABLES)
    return connection


def answer(
    connection: duckdb.DuckDBPyConnection, sql: str, today: str = TODAY
) -> tuple[list[str], list[tuple[str | None, ...]]]:  # fmt: skip
    """What a query of Oracle's gives: the names of its columns, and its rows."""
    tree = sqlglot.parse_one(sql, read="oracle").transform(_as_oracle_means, today)
    cursor = connection.execute(tree.sql("duckdb"))
    return [each[0] for each in cursor.description], cursor.fetchall()


def _as_oracle_means(node: exp.Expr, today: str) -> exp.Expr:
    """What differs between the two: nothing and the empty text are one in Oracle, and text joined to nothing is the
    text; dates are written by a pattern; the clock is ours."""
    if isinstance(node, exp.CurrentTimestamp):
        return exp.cast(exp.Literal.string(today), "DATE")
    if isinstance(node, exp.TimestampTrunc | exp.DateTrunc):
        return node.this if isinstance(node.this, exp.Cast) else exp.cast(exp.Literal.string(today), "DATE")
    if isinstance(node, exp.ToChar) and node.args.get("format"):
        return exp.Anonymous(this="strftime", expressions=[node.this, exp.Literal.string("%Y-%m-%d")])
    if isinstance(node, exp.DPipe):
        joined = exp.Anonymous(this="concat", expressions=[node.left, node.right])
        return exp.Anonymous(this="nullif", expressions=[joined, exp.Literal.string("")])
    if isinstance(node, exp.Trim):
        return exp.Anonymous(
            this="nullif", expressions=[exp.Anonymous(this="trim", expressions=[node.this]), exp.Literal.string("")]
        )
    return node


def _table(columns: str, *rows: str) -> list[dict[str, str]]:
    """Rows written as they are read best: cells with `|` between, blanks around them of no account."""
    names = columns.split()
    return [dict(zip(names, (cell.strip() for cell in row.split("|")), strict=True)) for row in rows]


EXPECTED = {
    "orgs": _table(
        "sourcedId name type identifier parentSourcedId",
        "0   | Riverside District | district | 0   |",
        "100 | Oak Elementary     | school   | 100 | 0",
        "200 | Elm High           | school   | 200 | 0",
    ),
    "terms": _table(
        "sourcedId title type startDate endDate parentSourcedId schoolYear",
        "100-3600 | 2026-2027  | schoolYear | 2026-08-20 | 2027-06-10 |          | 2027",
        "100-3601 | Semester 1 | semester   | 2026-08-20 | 2027-01-15 | 100-3600 | 2027",
        "100-3602 | Semester 2 | semester   | 2027-01-18 | 2027-06-10 | 100-3600 | 2027",
        "200-3600 | 2026-2027  | schoolYear | 2026-08-24 | 2027-06-15 |          | 2027",
        "200-3601 | Quarter 1  | term       | 2026-08-24 | 2026-10-30 | 200-3600 | 2027",
    ),
    "courses": _table(
        "sourcedId title courseCode orgSourcedId",
        "K51 | Mathematics, first part | MAT1 | 0",
        'K52 | Art "free"              | ART  | 200',
    ),
    "users": _table(
        "sourcedId enabledUser orgSourcedIds role username givenName familyName middleName identifier email sms phone "
        "agentSourcedIds grades",
        "G811 | true | 100,200 | guardian | mo@example.org | Mo | Muñoz ||| mo@example.org | 555-8112 | 555-8111 ||",
        "G812 | true | 100     | guardian | G812 | Nat | Neu  ||||| 555-8121 ||",
        "G821 | true | 100     | guardian | G821 | G1  | Gull |||||||",
        "G822 | true | 100     | guardian | G822 | G2  | Gull |||||||",
        "G823 | true | 100     | guardian | G823 | G3  | Gull |||||||",
        "G824 | true | 100     | guardian | G824 | G4  | Gull |||||||",
        "G825 | true | 100     | guardian | G825 | G5  | Gull |||||||",
        "G826 | true | 100     | guardian | G826 | G6  | Gull |||||||",
        "S1   | true | 100     | student  | iiber  | Ida | Iber || 1004 |||| G811 | PK",
        "S2   | true | 100     | student  | ffuss  | Fay | Fuß  || 1001 | fay@example.org || 555-1 | G812,G811 | KG",
        "S3   | true | 100     | student  | gus@example.org | Gus | Gull Green || 1002 | gus@example.org ||| "
        "G821,G822,G823,G824,G825,G826 | 03",
        "S71  | true | 200     | student  | S71 | Hal | Hill || 1003 |||| G811 | 10",
        "T71  | true | 200,0,100 | teacher | aadler | Ada | Adler || N71 | ada@example.org ||||",
        "T72  | true | 100     | teacher  | bo@example.org | Bo | Berg, Jr. | Q | N72 | bo@example.org ||||",
        "T73  | true | 100     | teacher  | ccole | Cy | Cole || N73 | cy@example.org ||||",
    ),
    "classes": _table(
        "sourcedId title grades classCode location schoolSourcedId periods courseSourcedId classType termSourcedIds",
        'C501 | Art "free" - 1              |    | ART.1  | Studio | 200 | 3(A)   | K52 | scheduled | 200-3600',
        "C502 | Mathematics, first part - 1 | 03 | MAT1.1 | R1     | 100 | 1(A/B) | K51 | scheduled | 100-3600",
        "C503 | Mathematics, first part - 2 |    | MAT1.2 |        | 100 | P2     | K51 | scheduled | 100-3601",
        'C504 | Art "free" - 9              | 10 | ART.9  |        | 200 |        | K52 | scheduled | 200-3600',
    ),
    "enrollments": _table(
        "sourcedId classSourcedId schoolSourcedId userSourcedId role primary beginDate endDate",
        "S609  | C501 | 200 | S71 | student | false | 2026-08-24 | 2026-11-20",
        "ST905 | C501 | 200 | T71 | teacher | true  |            |",
        "S610  | C502 | 100 | S1  | student | false | 2026-11-30 | 2027-06-10",
        "S601  | C502 | 100 | S2  | student | false | 2026-08-20 | 2027-06-10",
        "S602  | C502 | 100 | S3  | student | false | 2026-08-20 | 2027-06-10",
        "ST901 | C502 | 100 | T71 | teacher | true  | 2026-08-20 | 2027-06-11",
        "ST902 | C502 | 100 | T73 | teacher | false | 2026-08-20 | 2027-06-11",
        "S604  | C503 | 100 | S2  | student | false | 2026-10-01 | 2027-01-15",
        "S606  | C503 | 100 | S3  | student | false | 2026-11-02 | 2027-01-15",
        "ST904 | C503 | 100 | T72 | teacher | true  | 2026-08-20 | 2027-01-16",
        "ST906 | C504 | 200 | T71 | teacher | true  | 2026-08-24 | 2027-06-16",
    ),
}
"""What the data sets must say of the tables above, by name, when they are a whole set with guardians. Written by hand."""
