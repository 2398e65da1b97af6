"""`classes.csv` and `enrollments.csv`: what is taught this year, and who is in it."""

from __future__ import annotations

from syncrun.connectors.powerschool.package import offer, person
from syncrun.connectors.powerschool.package.dataset import ROSTER, DataSet, day, grade
from syncrun.connectors.powerschool.package.plugin import Plugin

_SHORT = {
    "sourcedId": "SECTIONS.DCID", "title": "SECTIONS.COURSE_NUMBER", "grades": "SECTIONS.GRADE_LEVEL",
    "classCode": "SECTIONS.SECTION_NUMBER", "location": "SECTIONS.ROOM", "schoolSourcedId": "SECTIONS.SCHOOLID",
    "periods": "SECTIONS.EXPRESSION",
}  # fmt: skip
_WHOLE = {
    **_SHORT, "courseSourcedId": "SECTIONS.COURSE_NUMBER", "classType": "SECTIONS.DCID",
    "termSourcedIds": "SECTIONS.TERMID",
}  # fmt: skip
_PLACES = {
    "sourcedId": "CC.DCID", "classSourcedId": "CC.SECTIONID", "schoolSourcedId": "CC.SCHOOLID",
    "userSourcedId": "CC.STUDENTID", "role": "CC.DCID", "primary": "CC.TEACHERID", "beginDate": "CC.DATEENROLLED",
    "endDate": "CC.DATELEFT",
}  # fmt: skip


def classes(plugin: Plugin) -> DataSet:
    """The data set of classes; those without a student stay."""
    more = f""",
    {offer.COURSE_ID.format("c.DCID")} AS courseSourcedId, 'scheduled' AS classType,
    {offer.TERM_ID.format("o", "TERMID")} AS termSourcedIds"""
    roster = f"""{ROSTER} AS (
  SELECT {offer.CLASS_ID.format("o.DCID")} AS sourcedId, c.COURSE_NAME || ' - ' || o.SECTION_NUMBER AS title,
    {grade("o.GRADE_LEVEL")} AS grades, o.COURSE_NUMBER || '.' || o.SECTION_NUMBER AS classCode,
    o.ROOM AS location, TO_CHAR(o.SCHOOLID) AS schoolSourcedId,
    REPLACE(COALESCE(o.EXTERNAL_EXPRESSION, o.EXPRESSION), ',', '/') AS periods{more if plugin.whole else ""}
  FROM offered o
  JOIN COURSES c ON c.COURSE_NUMBER = o.COURSE_NUMBER
)"""
    return DataSet(
        "classes", "classes.csv", "SECTIONS", "OneRoster classes",
        f"the classes that {plugin.vendor} makes for this year",
        _WHOLE if plugin.whole else _SHORT,
        "WITH " + ",\n".join([offer.years(plugin), offer.offered(), roster]), ("sourcedId",),
    )  # fmt: skip


def enrollments(plugin: Plugin) -> DataSet:
    """The data set of who is in which class."""
    roster = f"{ROSTER} AS (\n{_students(plugin)}\n  UNION ALL\n{_teachers(plugin)}\n)"
    parts = [
        offer.years(plugin),
        offer.offered(),
        person.posts(),
        person.teaching(),
        person.students(plugin),
        _places(),
    ]
    return DataSet(
        "enrollments", "enrollments.csv", "CC", "OneRoster enrollments",
        f"who learns and who teaches in which class, so that {plugin.vendor} shows each to the right people",
        _PLACES, "WITH " + ",\n".join([*parts, roster]), ("classSourcedId", "role", "userSourcedId", "sourcedId"),
    )  # fmt: skip


def _places() -> str:
    """`places`: what of CC is in force. PowerSchool turns the ids in it negative when a student drops a class, and also
    at other times, so the sign says nothing and the dates decide. DATELEFT is the day after the last one; it is that of
    DATEENROLLED for who never came. Who left and came back has two rows, of which the newer one counts."""
    return """places AS (
  SELECT p.DCID, p.STUDENTID, p.SECTIONID, p.DATEENROLLED, p.DATELEFT
  FROM (
    SELECT x.DCID, x.STUDENTID, ABS(x.SECTIONID) AS SECTIONID, x.DATEENROLLED, x.DATELEFT,
      ROW_NUMBER() OVER (PARTITION BY x.STUDENTID, ABS(x.SECTIONID) ORDER BY x.DATEENROLLED DESC, x.DCID DESC) AS PLACE
    FROM CC x
    JOIN offered o ON o.ID = ABS(x.SECTIONID)
    WHERE x.DATELEFT > x.DATEENROLLED AND x.DATELEFT > TRUNC(SYSDATE) AND x.DATEENROLLED <= o.UNTIL
  ) p
  WHERE p.PLACE = 1
)"""


def _students(plugin: Plugin) -> str:
    return f"""  SELECT 'S' || TO_CHAR(p.DCID) AS sourcedId, {offer.CLASS_ID.format("o.DCID")} AS classSourcedId,
    TO_CHAR(o.SCHOOLID) AS schoolSourcedId, {person.student_id(plugin, "s")} AS userSourcedId, 'student' AS role,
    'false' AS primary, {day("p.DATEENROLLED")} AS beginDate, {day("p.DATELEFT - 1")} AS endDate
  FROM places p
  JOIN offered o ON o.ID = p.SECTIONID
  JOIN pupils s ON s.ID = p.STUDENTID"""


def _teachers(plugin: Plugin) -> str:
    return f"""  SELECT 'ST' || TO_CHAR(t.ID), {offer.CLASS_ID.format("o.DCID")},
    TO_CHAR(o.SCHOOLID), {person.staff_id(plugin, "u")}, 'teacher',
    CASE WHEN t.LEADS = 1 THEN 'true' ELSE 'false' END, {day("t.START_DATE")}, {day("t.END_DATE")}
  FROM teaching t
  JOIN offered o ON o.ID = t.SECTIONID
  JOIN USERS u ON u.DCID = t.USERS_DCID"""
