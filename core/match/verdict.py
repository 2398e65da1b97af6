"""What a person is told of each incoming record: sure, likely or in doubt, and why it is no more than that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncrun.match.side import SCHEMA

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

CANDIDATES = 5
"""How many are listed for each incoming record."""
REMARKS = {
    "several:name": "another record of either side fits by its name as well",
    "several:address": "another record has the same e-mail address or user name",
    "twin:family": "there is a brother or sister of the same age at the same school",
    "crowded:key": "one of the two has a key that too many records share to be compared by it",
    "elsewhere:identifier": "the identifier of one of the two is that of another record, too",
    "against:identifier": "the identifier is the same, and the rest speaks against it",
    "tied:score": "another pair fits equally well",
}
"""The reasons that the engine adds, and what they mean."""

_ALL = f"CREATE TABLE {SCHEMA}.whole AS SELECT * FROM {SCHEMA}.scored JOIN {SCHEMA}.whys USING (why)"
_COUNTS = """
SELECT {side} AS n, count(*) FILTER (claimed) AS claimed, count(*) FILTER (addressed) AS addressed,
    count(*) FILTER (fitting) AS fitting, count(*) FILTER (twin) AS twin
FROM {schema}.whole GROUP BY {side}
"""
_MET = f"""
CREATE TABLE {SCHEMA}.met AS
SELECT pair.*, ours.claimed + theirs.claimed - 2 * pair.claimed::INTEGER > 0 AS elsewhere,
    list_filter([
        CASE WHEN ours.fitting + theirs.fitting > 2 * pair.fitting::INTEGER THEN 'several:name' END,
        CASE WHEN NOT pair.claimed AND ours.addressed + theirs.addressed > 2 * pair.addressed::INTEGER
            THEN 'several:address' END,
        CASE WHEN NOT pair.exact AND ours.twin + theirs.twin > 0 THEN 'twin:family' END,
        CASE WHEN crowd_i.n IS NOT NULL OR crowd_e.n IS NOT NULL THEN 'crowded:key' END
    ], lambda remark: remark IS NOT NULL) AS remarks
FROM {SCHEMA}.assigned JOIN {SCHEMA}.whole AS pair USING (i, e)
JOIN ({_COUNTS.format(side="i", schema=SCHEMA)}) AS ours ON ours.n = i
JOIN ({_COUNTS.format(side="e", schema=SCHEMA)}) AS theirs ON theirs.n = e
LEFT JOIN {SCHEMA}.crowd AS crowd_i ON crowd_i.side = 'incoming' AND crowd_i.n = i
LEFT JOIN {SCHEMA}.crowd AS crowd_e ON crowd_e.side = 'existing' AND crowd_e.n = e
"""
_CHOSEN = f"""
SELECT i, e, score, CASE WHEN strong AND remarks = [] THEN 'sure' ELSE 'likely' END AS verdict, reasons || remarks AS reasons
FROM {SCHEMA}.met WHERE NOT elsewhere
"""
_DOUBTED = f"""
SELECT i, e, max(score) AS score, 'doubt' AS verdict, any_value(reasons) || list_sort(list(DISTINCT remark)) AS reasons
FROM (
    SELECT i, e, score, reasons, 'tied:score' AS remark FROM {SCHEMA}.tied JOIN {SCHEMA}.whole USING (i, e)
    UNION ALL SELECT i, e, score, reasons, 'elsewhere:identifier' FROM {SCHEMA}.met WHERE elsewhere
    UNION ALL SELECT i, e, score, reasons, CASE WHEN barred THEN 'against:identifier' ELSE 'elsewhere:identifier' END
        FROM {SCHEMA}.whole WHERE claimed AND i NOT IN (SELECT i FROM {SCHEMA}.met WHERE NOT elsewhere)
            AND (i, e) NOT IN (SELECT (i, e) FROM {SCHEMA}.met)
) GROUP BY i, e
"""


def settle_verdicts(connection: DuckDBPyConnection) -> None:
    """Make the temporary table `proposals` from the assignment, the ties, and all scored pairs.

    A pair is sure when its facts are strong and no other pair of the two takes anything from them. It is in doubt, with
    whatever else could be meant, when the identifier points elsewhere; so is a record that is only claimed.
    """
    connection.execute(_ALL)
    connection.execute(_MET)
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE proposals AS
        SELECT a.id AS incoming_id, b.id AS existing_id, score, verdict, reasons
        FROM ({_CHOSEN} UNION ALL {_DOUBTED})
        JOIN {SCHEMA}.incoming AS a ON a.n = i JOIN {SCHEMA}.existing AS b ON b.n = e
        ORDER BY a.n, score DESC, b.n
    """)


def list_candidates(connection: DuckDBPyConnection) -> None:
    """Make the temporary table `candidates`, for a person who wants another than the one that is proposed."""
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE candidates AS
        SELECT a.id AS incoming_id, rank, b.id AS existing_id, score, reasons
        FROM (
            SELECT i, e, score, reasons, row_number() OVER (PARTITION BY i ORDER BY score DESC, e) AS rank
            FROM {SCHEMA}.whole
        )
        JOIN {SCHEMA}.incoming AS a ON a.n = i JOIN {SCHEMA}.existing AS b ON b.n = e
        WHERE rank <= {CANDIDATES}
        ORDER BY a.n, rank
    """)
