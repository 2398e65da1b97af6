"""`users.csv`: students, staff and, where the plug-in has them, guardians. One row a person."""

from __future__ import annotations

from syncrun.connectors.powerschool.package import offer, person
from syncrun.connectors.powerschool.package.dataset import ROSTER, DataSet, grade
from syncrun.connectors.powerschool.package.plugin import Plugin

_COLUMNS = {
    "sourcedId": "USERS.DCID", "enabledUser": "USERS.DCID", "orgSourcedIds": "USERS.HOMESCHOOLID", "role": "USERS.DCID",
    "username": "USERS.TEACHERLOGINID", "givenName": "USERS.FIRST_NAME", "familyName": "USERS.LAST_NAME",
    "middleName": "USERS.MIDDLE_NAME", "identifier": "USERS.TEACHERNUMBER", "email": "USERS.EMAIL_ADDR",
    "sms": "USERS.DCID", "phone": "USERS.DCID", "agentSourcedIds": "USERS.DCID", "grades": "USERS.DCID",
}  # fmt: skip

_FILLED = "enabledUser"
"""It says nothing of anybody, but whole sets must have it. The three files alone are told by its absence from a whole
set that lacks files."""


def users(plugin: Plugin) -> DataSet:
    """The data set of people."""
    parts = [
        offer.years(plugin),
        offer.offered(),
        person.posts(),
        person.teaching(),
        person.students(plugin),
        person.mails(),
    ]
    people = [_students(plugin), _staff(plugin)]
    if plugin.guardians:
        parts += [person.phones(), person.contacts(plugin), _agents()]
        people.append(_guardians())
    roster = f"{ROSTER} AS (\n" + "\n  UNION ALL\n".join(people) + "\n)"
    who = "students, staff and guardians" if plugin.guardians else "students and staff"
    columns = _COLUMNS if plugin.whole else {name: field for name, field in _COLUMNS.items() if name != _FILLED}
    return DataSet(
        "users", "users.csv", "USERS", "OneRoster users",
        f"who {plugin.vendor} serves: {who}, with what they sign in by and the schools they belong to",
        columns, "WITH " + ",\n".join([*parts, _workplaces(), roster]), ("sourcedId",),
    )  # fmt: skip


def _workplaces() -> str:
    """`workplaces`: those of each member of the staff, the home school first."""
    return """workplaces AS (
  SELECT p.USERS_DCID, LISTAGG(TO_CHAR(p.SCHOOLID), ',') WITHIN GROUP (ORDER BY p.AWAY, p.SCHOOLID) AS IDS
  FROM posts p
  GROUP BY p.USERS_DCID
)"""


def _agents() -> str:
    """`agents`: the guardians of each student in one cell, so that students are not multiplied by them."""
    return f"""agents AS (
  SELECT c.STUDENTDCID, LISTAGG({person.guardian_id("c.PERSONID")}, ',') WITHIN GROUP (ORDER BY c.PLACE) AS IDS
  FROM contacts c
  GROUP BY c.STUDENTDCID
)"""


def _students(plugin: Plugin) -> str:
    key = person.student_id(plugin, "s")
    agents = ("g.IDS", "\n  LEFT JOIN agents g ON g.STUDENTDCID = s.DCID") if plugin.guardians else ("NULL", "")
    return f"""  SELECT {key} AS sourcedId, 'true' AS enabledUser, TO_CHAR(s.SCHOOLID) AS orgSourcedIds,
    'student' AS role, {person.user_name("s.STUDENT_WEB_ID", "m.EMAILADDRESS", key)} AS username,
    s.FIRST_NAME AS givenName, s.LAST_NAME AS familyName, s.MIDDLE_NAME AS middleName,
    TO_CHAR(s.STUDENT_NUMBER) AS identifier, m.EMAILADDRESS AS email, NULL AS sms, s.HOME_PHONE AS phone,
    {agents[0]} AS agentSourcedIds, {grade("s.GRADE_LEVEL")} AS grades
  FROM pupils s
  LEFT JOIN mails m ON m.PERSONID = s.PERSON_ID{agents[1]}"""


def _staff(plugin: Plugin) -> str:
    """Whoever has a teacher's post or a class is a teacher. TEACHERS is left alone: that view has a row a school."""
    key = person.staff_id(plugin, "u")
    teaches = """(EXISTS (SELECT 1 FROM teaching t WHERE t.USERS_DCID = u.DCID) OR EXISTS (
      SELECT 1 FROM SCHOOLSTAFF f WHERE f.USERS_DCID = u.DCID AND f.STATUS = 1 AND f.STAFFSTATUS = 1))"""
    role = "'teacher'" if plugin.staff == "teachers" else f"CASE WHEN {teaches} THEN 'teacher' ELSE 'aide' END"
    where = f"\n  WHERE {teaches}" if plugin.staff == "teachers" else ""
    login = "COALESCE(u.TEACHERLOGINID, u.LOGINID)"
    return f"""  SELECT {key}, 'true', c.IDS, {role},
    {person.user_name(login, "u.EMAIL_ADDR", key)},
    u.FIRST_NAME, u.LAST_NAME, u.MIDDLE_NAME, u.TEACHERNUMBER, u.EMAIL_ADDR, NULL, NULL, NULL, NULL
  FROM USERS u
  JOIN workplaces c ON c.USERS_DCID = u.DCID{where}"""


def _guardians() -> str:
    """One row a guardian, however many students, telephones and addresses they have."""
    key = person.guardian_id("n.ID")
    return f"""  SELECT {key}, 'true', o.IDS, 'guardian', COALESCE(m.EMAILADDRESS, {key}),
    n.FIRSTNAME, n.LASTNAME, NULL, NULL, m.EMAILADDRESS, x.PHONENUMBER, h.PHONENUMBER, NULL, NULL
  FROM PERSON n
  JOIN (
    SELECT w.PERSONID, LISTAGG(TO_CHAR(w.SCHOOLID), ',') WITHIN GROUP (ORDER BY w.SCHOOLID) AS IDS
    FROM (SELECT DISTINCT c.PERSONID, s.SCHOOLID FROM contacts c JOIN pupils s ON s.DCID = c.STUDENTDCID) w
    GROUP BY w.PERSONID
  ) o ON o.PERSONID = n.ID
  LEFT JOIN mails m ON m.PERSONID = n.ID
  LEFT JOIN phones x ON x.PERSONID = n.ID AND x.MOBILE = 1 AND x.PLACE = 1
  LEFT JOIN phones h ON h.PERSONID = n.ID AND h.MOBILE = 0 AND h.PLACE = 1"""
