"""The canonical roster as views over the accepted rows: OneRoster 1.2's tables, with 1.1 lifted into them.

These are the tables that a sink's shape may use, beside the decisions:

- `orgs, academicSessions, courses, classes, users, roles, enrollments, demographics`, with the columns that are staged;
- `studentAttributes`, and `relationships, userIds`, drawn from columns of the users and from guardians, who stand
  among the users, with a role in each org where a student of theirs has one;
- `class_terms` (classSourcedId, sessionSourcedId), `session_years` (sessionSourcedId, yearSourcedId: the school year
  above a session), and `homes` (userSourcedId, role, school: the org, of those that take part, where a person is at
  home in that role).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from syncrun.roster.cell import Cell, Ref
from syncrun.roster.entity import ENTITIES
from syncrun.sqltext import name, names

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ADMINISTRATOR = """CASE WHEN role <> 'administrator' THEN role
    WHEN org.type = 'school' THEN 'siteAdministrator' ELSE 'districtAdministrator' END"""

ROLES_OF_1_1 = f"""
SELECT users.sourcedId || '_' || org.sourcedId AS sourcedId, users.sourcedId AS userSourcedId, 'primary' AS roleType,
    {_ADMINISTRATOR} AS role, NULL::DATE AS beginDate, NULL::DATE AS endDate, org.sourcedId AS orgSourcedId, ordinal
FROM (
    SELECT sourcedId, role, orgSourcedIds, unnest(orgSourcedIds) AS org, generate_subscripts(orgSourcedIds, 1) AS ordinal
    FROM filled.users
) AS users JOIN filled.orgs AS org ON org.sourcedId = users.org
WHERE list_position(users.orgSourcedIds, users.org) = ordinal
"""
ROLES_OF_1_2 = """
SELECT sourcedId, userSourcedId, roleType, role, beginDate, endDate, orgSourcedId,
    CASE WHEN roleType = 'primary' THEN 1 ELSE 2 END AS ordinal
FROM filled.roles
"""
HOMES = """
SELECT userSourcedId, role, min_by(orgSourcedId, (orgSourcedId IS DISTINCT FROM primaryOrgSourcedId, ordinal, orgSourcedId))
    AS school
FROM roles JOIN mapped_orgs ON mapped_orgs.sourcedId = roles.orgSourcedId
JOIN users ON users.sourcedId = roles.userSourcedId
GROUP BY userSourcedId, role
"""
_OF_GUARDIAN = """
SELECT sourcedId, coalesce(role, 'guardian') AS role,
    unnest(list_filter(studentSourcedIds, lambda each: NOT list_contains(coalesce(noContactSourcedIds, []), each)))
        AS student
FROM filled.guardians
"""
"""The students of guardians, but for those with whom there must be no contact."""
GUARDIANS = f"""
SELECT * EXCLUDE (studentSourcedIds, noContactSourcedIds, role), true AS enabledUser FROM filled.guardians
ANTI JOIN filled.users USING (sourcedId) SEMI JOIN ({_OF_GUARDIAN}) AS guardian USING (sourcedId)
"""
"""Guardians as users; who is a user already is not made a second one, and who has no student left is none."""
GUARDIAN_ROLES = f"""
SELECT guardian.sourcedId || '_' || guardian.role || '_' || student.orgSourcedId AS sourcedId,
    guardian.sourcedId AS userSourcedId, 'primary' AS roleType, guardian.role, NULL::DATE AS beginDate,
    NULL::DATE AS endDate, student.orgSourcedId, min(ordinal) AS ordinal
FROM ({_OF_GUARDIAN}) AS guardian
JOIN ({{roles}}) AS student ON student.userSourcedId = guardian.student AND student.role = 'student'
GROUP BY ALL
"""
RELATIONSHIPS = """
SELECT DISTINCT student.userSourcedId, guardian.userSourcedId AS agentSourcedId, guardian.role AS type
FROM (
    SELECT sourcedId AS one, unnest(agentSourcedIds) AS other FROM filled.users
    UNION SELECT unnest(agentSourcedIds), sourcedId FROM filled.users
    UNION SELECT unnest(studentSourcedIds), sourcedId FROM filled.guardians
    EXCEPT SELECT unnest(noContactSourcedIds), sourcedId FROM filled.guardians
) AS pair
JOIN roles AS student ON student.userSourcedId = pair.one AND student.role = 'student'
JOIN roles AS guardian ON guardian.userSourcedId = pair.other AND guardian.role IN ('guardian', 'parent', 'relative')
"""
USER_IDS = r"""
SELECT sourcedId AS userSourcedId, regexp_extract(item, '\{([^:]+):', 1) AS type,
    regexp_extract(item, '\{[^:]+:([^{}]*)\}', 1) AS identifier
FROM (SELECT sourcedId, unnest(regexp_extract_all(userIds, '\{[^{}:]+:[^{}]*\}')) AS item FROM filled.users)
"""
CLASS_TERMS = """
SELECT classSourcedId, sessionSourcedId
FROM (SELECT sourcedId AS classSourcedId, unnest(termSourcedIds) AS sessionSourcedId FROM filled.classes)
SEMI JOIN filled.academicSessions AS session ON session.sourcedId = sessionSourcedId
"""
SESSION_YEARS = """
WITH RECURSIVE above AS (
    SELECT sourcedId AS sessionSourcedId, sourcedId AS yearSourcedId, type, parentSourcedId, 0 AS height
    FROM filled.academicSessions
    UNION ALL
    SELECT sessionSourcedId, parent.sourcedId, parent.type, parent.parentSourcedId, height + 1
    FROM above JOIN filled.academicSessions AS parent ON parent.sourcedId = above.parentSourcedId
    WHERE above.type <> 'schoolYear' AND height < 20
)
SELECT sessionSourcedId, yearSourcedId FROM above WHERE type = 'schoolYear'
UNION
SELECT session.sourcedId, year.sourcedId
FROM filled.academicSessions AS session JOIN filled.academicSessions AS year
    ON year.type = 'schoolYear' AND year.schoolYear = session.schoolYear
WHERE session.sourcedId NOT IN (SELECT sessionSourcedId FROM above WHERE type = 'schoolYear')
"""


def lift(connection: DuckDBPyConnection, staged: Collection[str]) -> None:
    """Make the views over `accepted.<entity>`. Columns whose privacy is not `staged` do not exist in them."""
    connection.execute("CREATE SCHEMA filled")
    arrived = {entity: _columns(connection, entity) for entity in ENTITIES}
    for entity in ENTITIES:
        _fill(connection, entity, arrived, staged)
    roles = ROLES_OF_1_2 if arrived["roles"] else ROLES_OF_1_1
    if arrived["guardians"]:
        roles += f" UNION ALL BY NAME {GUARDIAN_ROLES.format(roles=roles)}"
        users = _canonical("users", staged)
        connection.execute(
            f"CREATE OR REPLACE VIEW users AS SELECT {users} FROM (FROM filled.users UNION ALL BY NAME {GUARDIANS})"
        )
    queries = {
        "roles": roles,
        "class_terms": CLASS_TERMS,
        "session_years": SESSION_YEARS,
        "relationships": RELATIONSHIPS,
    }
    if "identifier" in staged:
        queries["userIds"] = USER_IDS
    for table, query in queries.items():
        connection.execute(f"CREATE OR REPLACE VIEW {name(table)} AS {query}")


def settle_homes(connection: DuckDBPyConnection) -> None:
    """Make `homes`, which needs `mapped_orgs`; a table, since several shapes use it."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE homes AS {HOMES}")


def _columns(connection: DuckDBPyConnection, entity: str) -> set[str]:
    query = "SELECT column_name FROM information_schema.columns WHERE table_schema = 'accepted' AND table_name = ?"
    return {column for (column,) in connection.execute(query, [entity]).fetchall()}


def _fill(
    connection: DuckDBPyConnection, entity: str, arrived: Mapping[str, set[str]], staged: Collection[str]
) -> None:
    """`filled.<entity>` has every staged column, NULL where no file brought it, no rows where none arrived; the
    canonical view leaves out what belongs to 1.1 alone."""
    cells = _staged(entity, staged)
    columns = ", ".join(
        f"{_value(column, cell, arrived) if column in arrived[entity] else f'NULL::{cell.sql_type}'} AS {name(column)}"
        for column, cell in cells.items()
    )
    rows = f"FROM accepted.{name(entity)}" if arrived[entity] else "WHERE false"
    connection.execute(f"CREATE VIEW filled.{name(entity)} AS SELECT {columns} {rows}")
    if entity not in {"roles", "guardians"}:
        canonical = _canonical(entity, staged)
        connection.execute(f"CREATE VIEW {name(entity)} AS SELECT {canonical} FROM filled.{name(entity)}")


def _staged(entity: str, staged: Collection[str]) -> dict[str, Cell]:
    return {
        column: cell for column, cell in ENTITIES[entity].cells().items()
        if cell.privacy in staged and cell.privacy != "credential"
    }  # fmt: skip


def _canonical(entity: str, staged: Collection[str]) -> str:
    """The columns of the canonical view."""
    return names(column for column, cell in _staged(entity, staged).items() if cell.only != "1.1")


def _value(column: str, cell: Cell, arrived: Mapping[str, set[str]]) -> str:
    """An optional reference to a record that is not there is left out; lists of references are as received, since
    `class_terms` and `relationships` have what is there."""
    if not isinstance(cell, Ref) or cell.dangling != "drop value":
        return name(column)
    there = f"{name(column)} IN (SELECT sourcedId FROM accepted.{name(cell.to)})" if arrived[cell.to] else "false"
    return f"CASE WHEN {there} THEN {name(column)} END"
