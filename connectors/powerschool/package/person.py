"""How people are found and called: the parts of queries that say who is rostered, which all data sets must agree on.

Each is a common table expression. Facts: PowerSchool's data dictionary, and queries that run in districts.
"""

from __future__ import annotations

from syncrun.connectors.powerschool.package.plugin import Plugin

GRADUATED = 999999
"""The school that PowerSchool keeps graduated students in."""
GUARDIANS = 6
"""As many guardians may one student have."""


def student_id(plugin: Plugin, alias: str) -> str:
    """The sourcedId of a student. It has a letter, since keys of different tables are equal by chance."""
    return (
        f"'S' || TO_CHAR({alias}.DCID)" if plugin.identifiers == "dcid" else _numbered("S", f"{alias}.STUDENT_NUMBER")
    )


def staff_id(plugin: Plugin, alias: str) -> str:
    """The sourcedId of a member of the staff: of the person (`USERS`), not of a post at a school (`SCHOOLSTAFF`)."""
    return f"'T' || TO_CHAR({alias}.DCID)" if plugin.identifiers == "dcid" else _numbered("T", f"{alias}.TEACHERNUMBER")


def guardian_id(key: str) -> str:
    """The sourcedId of a guardian; contacts have no number of their own, whatever the scheme."""
    return f"'G' || TO_CHAR({key})"


def _numbered(letter: str, number: str) -> str:
    """No id at all for a person without a number: the row is then reported, where a made-up id would be believed."""
    return f"CASE WHEN {number} IS NOT NULL THEN '{letter}' || TO_CHAR({number}) END"


def user_name(login: str, mail: str, sourced_id: str) -> str:
    """The user name, or the address where the name was made up by PowerSchool for single sign-on (`##`, `~~`)."""
    return (
        f"COALESCE(CASE WHEN {login} NOT LIKE '##%' AND {login} NOT LIKE '~~%' THEN {login} END, {mail}, {sourced_id})"
    )


def students(plugin: Plugin) -> str:
    """`pupils`: the students of today, by `ENROLL_STATUS`; a row of STUDENTS is about the present school only."""
    status = "0, -1" if plugin.pre_registered else "0"
    return f"""pupils AS (
  SELECT s.DCID, s.ID, s.STUDENT_NUMBER, s.FIRST_NAME, s.MIDDLE_NAME, s.LAST_NAME, s.GRADE_LEVEL, s.SCHOOLID,
    s.STUDENT_WEB_ID, s.HOME_PHONE, s.PERSON_ID
  FROM STUDENTS s
  WHERE s.ENROLL_STATUS IN ({status}) AND s.SCHOOLID <> {GRADUATED}
)"""


def posts() -> str:
    """`posts`: where each member of the staff works now. Somebody at three schools has three rows of SCHOOLSTAFF and
    one of USERS; the home school comes first."""
    return f"""posts AS (
  SELECT DISTINCT f.USERS_DCID, f.SCHOOLID, CASE WHEN f.SCHOOLID = u.HOMESCHOOLID THEN 0 ELSE 1 END AS AWAY
  FROM SCHOOLSTAFF f
  JOIN USERS u ON u.DCID = f.USERS_DCID
  WHERE f.STATUS = 1 AND f.SCHOOLID <> {GRADUATED}
)"""


def teaching() -> str:
    """`teaching`: who teaches what, co-teachers too, each person once a class. Needs `offered` and `posts`."""
    return """teaching AS (
  SELECT t.ID, t.SECTIONID, t.USERS_DCID, t.START_DATE, t.END_DATE, t.LEADS
  FROM (
    SELECT a.ID, a.SECTIONID, f.USERS_DCID, a.START_DATE, a.END_DATE,
      CASE WHEN o.TEACHER = a.TEACHERID THEN 1 ELSE 0 END AS LEADS,
      ROW_NUMBER() OVER (PARTITION BY a.SECTIONID, f.USERS_DCID
        ORDER BY CASE WHEN o.TEACHER = a.TEACHERID THEN 0 ELSE 1 END, a.ID) AS PLACE
    FROM SECTIONTEACHER a
    JOIN offered o ON o.ID = a.SECTIONID
    JOIN SCHOOLSTAFF f ON f.ID = a.TEACHERID AND f.SCHOOLID = o.SCHOOLID
    WHERE EXISTS (SELECT 1 FROM posts p WHERE p.USERS_DCID = f.USERS_DCID)
      AND (a.END_DATE IS NULL OR a.END_DATE >= TRUNC(SYSDATE))
      AND (a.START_DATE IS NULL OR a.START_DATE <= o.UNTIL)
  ) t
  WHERE t.PLACE = 1
)"""


def mails() -> str:
    """`mails`: one address a person, the primary one. STUDENTS itself has no column for it."""
    return """mails AS (
  SELECT m.PERSONID, m.EMAILADDRESS
  FROM (
    SELECT a.PERSONID, e.EMAILADDRESS, ROW_NUMBER() OVER (PARTITION BY a.PERSONID
      ORDER BY a.ISPRIMARYEMAILADDRESS DESC, a.EMAILADDRESSPRIORITYORDER, e.EMAILADDRESSID) AS PLACE
    FROM PERSONEMAILADDRESSASSOC a
    JOIN EMAILADDRESS e ON e.EMAILADDRESSID = a.EMAILADDRESSID
  ) m
  WHERE m.PLACE = 1
)"""


def phones() -> str:
    """`phones`: all numbers of a person in order, each with whether it is of a mobile telephone, and its place among
    its like."""
    return """phones AS (
  SELECT n.PERSONID, n.PHONENUMBER, n.MOBILE, ROW_NUMBER() OVER (PARTITION BY n.PERSONID, n.MOBILE
    ORDER BY n.ISPREFERRED DESC, n.PHONENUMBERPRIORITYORDER, n.PHONENUMBERID) AS PLACE
  FROM (
    SELECT a.PERSONID, h.PHONENUMBER, h.PHONENUMBERID, a.ISPREFERRED, a.PHONENUMBERPRIORITYORDER,
      CASE WHEN UPPER(k.CODE) IN ('MOBILE', 'CELL') THEN 1 ELSE 0 END AS MOBILE
    FROM PERSONPHONENUMBERASSOC a
    JOIN PHONENUMBER h ON h.PHONENUMBERID = a.PHONENUMBERID
    LEFT JOIN CODESET k ON k.CODESETID = a.PHONETYPECODESETID
  ) n
)"""


def contacts(plugin: Plugin) -> str:
    """`contacts`: the guardians of each student, in the order the district gave them, not more than six. Whoever is to
    be called in an emergency is no guardian for that. Needs `pupils`."""
    if plugin.guardians_of == "custodial":
        which = """EXISTS (
        SELECT 1 FROM STUDENTCONTACTDETAIL d
        WHERE d.STUDENTCONTACTASSOCID = a.STUDENTCONTACTASSOCID AND d.ISACTIVE = 1 AND d.ISCUSTODIAL = 1)"""
    else:
        which = """EXISTS (
        SELECT 1 FROM GUARDIANPERSONASSOC w
        JOIN GUARDIANSTUDENT g ON g.GUARDIANID = w.GUARDIANID
        WHERE w.PERSONID = a.PERSONID AND g.STUDENTSDCID = a.STUDENTDCID)"""
    return f"""contacts AS (
  SELECT c.STUDENTDCID, c.PERSONID, c.PLACE
  FROM (
    SELECT a.STUDENTDCID, a.PERSONID, ROW_NUMBER() OVER (PARTITION BY a.STUDENTDCID
      ORDER BY MIN(a.CONTACTPRIORITYORDER), a.PERSONID) AS PLACE
    FROM STUDENTCONTACTASSOC a
    JOIN PERSON n ON n.ID = a.PERSONID
    JOIN pupils s ON s.DCID = a.STUDENTDCID
    WHERE n.ISACTIVE = 1 AND (s.PERSON_ID IS NULL OR s.PERSON_ID <> a.PERSONID)
      AND {which}
    GROUP BY a.STUDENTDCID, a.PERSONID
  ) c
  WHERE c.PLACE <= {GUARDIANS}
)"""
