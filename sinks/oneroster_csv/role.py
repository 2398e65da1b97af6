"""A person with one role, as OneRoster 1.1 has it, of somebody who may have several in 1.2.

The role at the primary org counts, then others that are primary, in their order, then the one with the most to do with
classes. With it come the orgs where the person has it. Words that 1.1 does not know become those it has; `ext:` words
have none, and neither has somebody whose roles are all of that kind. Rules: OneRoster 1.2 to 1.1, see docs/how-to/export.md.
"""

from __future__ import annotations

WORD = """CASE
    WHEN role IN ('principal', 'siteAdministrator', 'districtAdministrator', 'systemAdministrator') THEN 'administrator'
    WHEN role = 'counselor' THEN 'aide'
    WHEN role IN ('student', 'teacher', 'aide', 'guardian', 'parent', 'relative', 'proctor', 'administrator') THEN role END"""
_ORDER = "['teacher', 'administrator', 'aide', 'proctor', 'student', 'parent', 'guardian', 'relative']"


def single(schema: str) -> str:
    """A query that gives userSourcedId, role and orgSourcedIds (with commas between) for the tables of `schema`."""
    return f"""
        WITH worded AS (
            SELECT userSourcedId, orgSourcedId, place, {WORD} AS word, CASE WHEN roleType <> 'primary' THEN 2
                WHEN orgSourcedId = person.primaryOrgSourcedId THEN 0 ELSE 1 END AS weight
            FROM {schema}.roles JOIN {schema}.users AS person ON person.key = userSourcedId
            JOIN {schema}.orgs AS org ON org.key = orgSourcedId
        ), ranked AS (
            SELECT *, row_number() OVER (PARTITION BY userSourcedId ORDER BY weight,
                CASE WHEN weight < 2 THEN place END, list_position({_ORDER}, word), place) AS rank
            FROM worded WHERE word IS NOT NULL
        ), chosen AS (SELECT userSourcedId, word FROM ranked WHERE rank = 1)
        SELECT userSourcedId, word AS role, string_agg(orgSourcedId, ',' ORDER BY rank) AS orgSourcedIds
        FROM (SELECT userSourcedId, word, orgSourcedId, min(rank) AS rank FROM ranked GROUP BY ALL)
        SEMI JOIN chosen USING (userSourcedId, word) GROUP BY userSourcedId, word
    """
