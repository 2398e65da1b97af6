"""`orgs.csv`, `academicSessions.csv` and `courses.csv`: what makes the three other files a whole OneRoster set."""

from __future__ import annotations

from syncrun.connectors.powerschool.package import offer, person
from syncrun.connectors.powerschool.package.dataset import ROSTER, DataSet, day
from syncrun.connectors.powerschool.package.plugin import Plugin

DISTRICT = "0"
"""PowerSchool's number for the district office."""


def orgs(plugin: Plugin) -> DataSet:
    """The district and its schools. `SCHOOLS.SCHOOL_NUMBER` is what other tables call SCHOOLID."""
    roster = f"""WITH {ROSTER} AS (
  SELECT '{DISTRICT}' AS sourcedId, COALESCE(MAX(d.NAME), 'District') AS name, 'district' AS type, '{DISTRICT}' AS identifier,
    NULL AS parentSourcedId
  FROM SCHOOLS d
  WHERE d.SCHOOL_NUMBER = 0
  UNION ALL
  SELECT TO_CHAR(s.SCHOOL_NUMBER), s.NAME, 'school', TO_CHAR(s.SCHOOL_NUMBER), '{DISTRICT}'
  FROM SCHOOLS s
  WHERE s.SCHOOL_NUMBER NOT IN (0, {person.GRADUATED})
)"""
    columns = {
        "sourcedId": "SCHOOLS.SCHOOL_NUMBER", "name": "SCHOOLS.NAME", "type": "SCHOOLS.DCID",
        "identifier": "SCHOOLS.SCHOOL_NUMBER", "parentSourcedId": "SCHOOLS.DCID",
    }  # fmt: skip
    return DataSet("orgs", "orgs.csv", "SCHOOLS", "OneRoster orgs", "the names of the schools", columns, roster,
                   ("sourcedId",))  # fmt: skip


def terms(plugin: Plugin) -> DataSet:
    """The terms of the year at each school; the year itself is the one with ISYEARREC."""
    parent = offer.TERM_ID.format("w", "ID")
    roster = f"""WITH {offer.years(plugin)},
{ROSTER} AS (
  SELECT {offer.TERM_ID.format("t", "ID")} AS sourcedId, t.NAME AS title,
    CASE WHEN t.ISYEARREC = 1 THEN 'schoolYear' WHEN t.PORTION = 2 THEN 'semester' ELSE 'term' END AS type,
    {day("t.FIRSTDAY")} AS startDate, {day("t.LASTDAY")} AS endDate,
    CASE WHEN t.ISYEARREC = 1 THEN NULL ELSE {parent} END AS parentSourcedId, TO_CHAR(t.YEARID + 1991) AS schoolYear
  FROM TERMS t
  JOIN years y ON y.SCHOOLID = t.SCHOOLID AND y.YEARID = t.YEARID
  JOIN TERMS w ON w.SCHOOLID = t.SCHOOLID AND w.YEARID = t.YEARID AND w.ISYEARREC = 1
  WHERE t.SCHOOLID <> {person.GRADUATED}
)"""
    columns = {
        "sourcedId": "TERMS.ID", "title": "TERMS.NAME", "type": "TERMS.PORTION", "startDate": "TERMS.FIRSTDAY",
        "endDate": "TERMS.LASTDAY", "parentSourcedId": "TERMS.ISYEARREC", "schoolYear": "TERMS.YEARID",
    }  # fmt: skip
    return DataSet("terms", "academicSessions.csv", "TERMS", "OneRoster academicSessions",
                   "when the school year and its terms begin and end", columns, roster, ("sourcedId",))  # fmt: skip


def courses(plugin: Plugin) -> DataSet:
    """The courses of which there is a class this year."""
    roster = f"""WITH {offer.years(plugin)},
{offer.offered()},
{ROSTER} AS (
  SELECT {offer.COURSE_ID.format("c.DCID")} AS sourcedId, c.COURSE_NAME AS title, c.COURSE_NUMBER AS courseCode,
    TO_CHAR(COALESCE(c.SCHOOLID, 0)) AS orgSourcedId
  FROM COURSES c
  WHERE EXISTS (SELECT 1 FROM offered o WHERE o.COURSE_NUMBER = c.COURSE_NUMBER)
)"""
    columns = {
        "sourcedId": "COURSES.DCID", "title": "COURSES.COURSE_NAME", "courseCode": "COURSES.COURSE_NUMBER",
        "orgSourcedId": "COURSES.SCHOOLID",
    }  # fmt: skip
    return DataSet("courses", "courses.csv", "COURSES", "OneRoster courses", "the courses that classes belong to",
                   columns, roster, ("sourcedId",))  # fmt: skip
