"""What schools offer this year: the parts of queries that say which terms and classes are rostered.

PowerSchool keeps all years side by side. A school is in the newest year that has begun or soon will, so that the old
one stays through the summer; `lead_days` says what soon is.
"""

from __future__ import annotations

from syncrun.connectors.powerschool.package.person import GRADUATED
from syncrun.connectors.powerschool.package.plugin import Plugin

CLASS_ID = "'C' || TO_CHAR({})"
"""The sourcedId of a class, from `SECTIONS.DCID`."""
TERM_ID = "TO_CHAR({0}.SCHOOLID) || '-' || TO_CHAR({0}.{1})"
"""The sourcedId of a term: each school repeats the ids of the others."""
COURSE_ID = "'K' || TO_CHAR({})"


def years(plugin: Plugin) -> str:
    """`years`: the year that each school is in."""
    return f"""years AS (
  SELECT t.SCHOOLID, MAX(t.YEARID) AS YEARID, TRUNC(SYSDATE) + {plugin.lead_days} AS UNTIL
  FROM TERMS t
  WHERE t.ISYEARREC = 1 AND t.FIRSTDAY <= TRUNC(SYSDATE) + {plugin.lead_days}
  GROUP BY t.SCHOOLID
)"""


def offered() -> str:
    """`offered`: the classes of the year, with students or without. A term is known by its id and its school together;
    a grade level of 0 is one that nobody has set. Needs `years`."""
    return f"""offered AS (
  SELECT s.ID, s.DCID, s.SCHOOLID, s.TERMID, s.COURSE_NUMBER, s.SECTION_NUMBER, s.ROOM, s.EXPRESSION,
    s.EXTERNAL_EXPRESSION, NULLIF(s.GRADE_LEVEL, 0) AS GRADE_LEVEL, s.TEACHER, y.UNTIL
  FROM SECTIONS s
  JOIN TERMS t ON t.ID = s.TERMID AND t.SCHOOLID = s.SCHOOLID
  JOIN years y ON y.SCHOOLID = t.SCHOOLID AND y.YEARID = t.YEARID
  WHERE s.SCHOOLID <> {GRADUATED}
)"""
