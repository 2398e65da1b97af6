"""Who gets whom: each record at most one of the other side, the best first, and nothing where two fit equally well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncrun.match.side import SCHEMA
from syncrun.scratch import rows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PROPOSED = 0.6
"""The lowest score that is proposed."""
MARGIN = 0.03
"""Two pairs whose scores differ by no more fit equally well."""
ROUNDS = 50
"""After as many rounds everything that is left is in doubt; a few are usual."""

_TOPS = f"""
CREATE OR REPLACE TABLE {SCHEMA}.tops AS
SELECT i, e, score, of_i, of_e, sum((score >= of_i - {MARGIN})::INTEGER) OVER (PARTITION BY i) AS rivals_of_i,
    sum((score >= of_e - {MARGIN})::INTEGER) OVER (PARTITION BY e) AS rivals_of_e
FROM (
    SELECT i, e, score, max(score) OVER (PARTITION BY i) AS of_i, max(score) OVER (PARTITION BY e) AS of_e
    FROM {SCHEMA}.free
)
"""
_CLEAR = f"""
SELECT i, e FROM {SCHEMA}.tops WHERE score = of_i AND score = of_e AND rivals_of_i = 1 AND rivals_of_e = 1
"""
_TIED = f"""
SELECT i, e FROM {SCHEMA}.tops WHERE score >= of_i - {MARGIN} AND score >= of_e - {MARGIN}
"""


def assign(connection: DuckDBPyConnection) -> None:
    """Make `matching.assigned` and `matching.tied` (i, e) from `matching.scored`.

    In each round a pair is settled that is clearly the best for both; both are then taken. When no pair is, the pairs
    that are best for both within the margin are tied, and both their records are set aside. It ends because each round
    settles at least the pair with the highest score.
    """
    connection.execute(f"CREATE TABLE {SCHEMA}.assigned (i INTEGER, e INTEGER)")
    connection.execute(f"CREATE TABLE {SCHEMA}.tied (i INTEGER, e INTEGER)")
    connection.execute(f"""
        CREATE TABLE {SCHEMA}.free AS
        SELECT i, e, score FROM {SCHEMA}.scored JOIN {SCHEMA}.whys USING (why) WHERE score >= {PROPOSED} AND NOT barred
    """)
    for turn in range(ROUNDS + 1):
        if not rows(connection, f"{SCHEMA}.free"):
            break
        if turn == ROUNDS:
            connection.execute(f"INSERT INTO {SCHEMA}.tied SELECT i, e FROM {SCHEMA}.free")
            break
        connection.execute(_TOPS)
        connection.execute(f"CREATE OR REPLACE TABLE {SCHEMA}.settled AS {_CLEAR}")
        target = "assigned"
        if not rows(connection, f"{SCHEMA}.settled"):
            connection.execute(f"CREATE OR REPLACE TABLE {SCHEMA}.settled AS {_TIED}")
            target = "tied"
        connection.execute(f"INSERT INTO {SCHEMA}.{target} FROM {SCHEMA}.settled")
        connection.execute(f"""
            CREATE OR REPLACE TABLE {SCHEMA}.free AS FROM {SCHEMA}.free
            WHERE i NOT IN (SELECT i FROM {SCHEMA}.settled) AND e NOT IN (SELECT e FROM {SCHEMA}.settled)
        """)
