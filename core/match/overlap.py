"""How much the rosters of two classes have in common, whatever the classes are called.

Only members whom both sides know somewhere are compared: of others nobody can say that they are not the same. A class of
which too few are known says nothing by its roster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncrun.match.side import SCHEMA
from syncrun.sdk import Score

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FEWEST = 3
"""A class with fewer members has no roster to speak of."""
KNOWN = 0.3
"""Nor has one of whose members a smaller share is known to both sides."""
SHARED = 2
"""Two classes are compared for their rosters' sake when they share as many members."""
WEIGHT = 5.0


@dataclass(frozen=True, slots=True)
class Rosters:
    """The relations `(class_id, person_id)` of both sides, as SQL writes their names; persons' ids mean the same on both."""

    incoming: str = "incoming_members"
    existing: str = "existing_members"


def overlap(connection: DuckDBPyConnection, rosters: Rosters | None) -> None:
    """Make `matching.overlaps` (i, e, jaccard, contained) of classes that share members, from 0 to 1, and
    `matching.rostered` (side, n) of classes that have a roster; pairs that share enough are added to `matching.pairs`."""
    connection.execute(f"CREATE TABLE {SCHEMA}.rostered (side VARCHAR, n BIGINT, size BIGINT)")
    connection.execute(f"CREATE TABLE {SCHEMA}.overlaps (i BIGINT, e BIGINT, jaccard DOUBLE, contained DOUBLE)")
    if not rosters:
        return
    for side, relation in (("incoming", rosters.incoming), ("existing", rosters.existing)):
        connection.execute(f"""
            CREATE TABLE {SCHEMA}.{side}_members AS
            SELECT DISTINCT n, CAST(person_id AS VARCHAR) AS person
            FROM {relation} AS member JOIN {SCHEMA}.{side} AS side ON side.id = CAST(member.class_id AS VARCHAR)
            WHERE person_id IS NOT NULL
        """)
    connection.execute(f"""
        CREATE TABLE {SCHEMA}.known AS SELECT DISTINCT person FROM {SCHEMA}.incoming_members
        SEMI JOIN {SCHEMA}.existing_members USING (person)
    """)
    for side in ("incoming", "existing"):
        connection.execute(f"""
            INSERT INTO {SCHEMA}.rostered SELECT '{side}', n, count(known.person)
            FROM {SCHEMA}.{side}_members LEFT JOIN {SCHEMA}.known AS known USING (person) GROUP BY n
            HAVING count(known.person) >= {FEWEST} AND count(known.person) >= {KNOWN} * count(*)
        """)
    connection.execute(f"""
        INSERT INTO {SCHEMA}.overlaps
        SELECT i, e, shared / (a.size + b.size - shared), shared / least(a.size, b.size)
        FROM (
            SELECT a.n AS i, b.n AS e, count(*) AS shared
            FROM {SCHEMA}.incoming_members AS a JOIN {SCHEMA}.existing_members AS b USING (person) GROUP BY ALL
        )
        JOIN {SCHEMA}.rostered AS a ON a.side = 'incoming' AND a.n = i
        JOIN {SCHEMA}.rostered AS b ON b.side = 'existing' AND b.n = e
        WHERE shared >= {SHARED}
    """)
    connection.execute(
        f"INSERT INTO {SCHEMA}.pairs SELECT i, e FROM {SCHEMA}.overlaps ANTI JOIN {SCHEMA}.pairs USING (i, e)"
    )


def score(jaccard: float, contained: float) -> Score:
    """What two rosters say: `same` from 95 % in common, `alike` from 70 %, `close` from 40 %.

    The share is Jaccard's; a roster that is a part of the other (a class before everyone is enrolled) counts half as much
    again by how much of it is contained.
    """
    code = "same" if jaccard >= 0.95 else "alike" if jaccard >= 0.7 else "close" if jaccard >= 0.4 else "other"
    return Score(round((2 * jaccard + contained) / 3, 4), (f"{code}:roster",))
