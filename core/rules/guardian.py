"""How many guardians a student may have. One with whom there must be no contact is none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncrun.rules.table import FINDINGS, REJECTED
from syncrun.sqltext import literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SURPLUS = """
SELECT DISTINCT sourcedId, line FROM (
    SELECT sourcedId, line,
        row_number() OVER (PARTITION BY student ORDER BY line IS NOT NULL AND NOT known, line, sourcedId) AS nth
    FROM (
        SELECT sourcedId, line, unnest(list_distinct({students})) AS student, {known} AS known FROM {guardians}))
WHERE nth > {most} AND line IS NOT NULL
"""
"""The rows that arrived and would give a student one guardian too many; who was accepted before goes first."""

_MAY_MEET = "list_filter(studentSourcedIds, lambda each: NOT list_contains(coalesce(noContactSourcedIds, []), each))"


def reject_surplus(connection: DuckDBPyConnection, guardians: str, known: str, file: str, most: int) -> bool:
    """Reject the rows of guardians beyond the `most` that a student may have; whether there were any. `known` is the
    condition for guardians who were accepted before."""
    has_flag = any(row[0] == "noContactSourcedIds" for row in connection.execute(f"DESCRIBE {guardians}").fetchall())
    students = _MAY_MEET if has_flag else "studentSourcedIds"
    query = SURPLUS.format(guardians=guardians, known=known, most=most, students=students)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE surplus AS {query}")
    connection.execute(
        f"""INSERT INTO {FINDINGS} SELECT 'R-GUARDIAN-01', ?, line, sourcedId, 'studentSourcedIds', NULL, 1, ?
        FROM surplus""", [file, f"more than {most}"],
    )  # fmt: skip
    connection.execute(f"""
        INSERT INTO {REJECTED} SELECT {literal("guardians")}, valued.id, surplus.sourcedId, false
        FROM surplus JOIN valued.guardians AS valued USING (line)""")
    found = connection.execute("SELECT count(*) FROM surplus").fetchone()
    return bool(found and found[0])
