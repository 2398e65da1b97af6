"""People of the source who are one person in the sink: the records of the second are those of the first.

The first keeps the `sourcedId`; the second's own row is not sent, and the roles and enrollments become the first's. When
the first is no longer in the source, the second's row stands in under the first's `sourcedId`, so that the account stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_BOOK = "CREATE OR REPLACE TEMP TABLE joined_book (person VARCHAR, target VARCHAR, place INTEGER)"
_PEOPLE = """
CREATE OR REPLACE TEMP TABLE joined_people AS
SELECT person, target, row_number() OVER (PARTITION BY target ORDER BY place) - 1 AS place
FROM joined_book WHERE person IN (SELECT sourcedId FROM {users})
"""
_RELATED = """
CREATE OR REPLACE TEMP TABLE joined_relationships AS
SELECT DISTINCT related.* REPLACE (coalesce(agent.target, agentSourcedId) AS agentSourcedId)
FROM {relationships} AS related LEFT JOIN joined_people AS agent ON agent.person = related.agentSourcedId
"""
"""A table, since the roster's own view asks the roles, before which a view will stand."""


def _own(table: str) -> str:
    """The query of a table whose key is the person's."""
    return f"""SELECT own.* REPLACE (coalesce(joined.target, sourcedId) AS sourcedId)
        FROM {{{table}}} AS own LEFT JOIN joined_people AS joined ON joined.person = own.sourcedId
        WHERE coalesce(joined.place, 0) = 0"""


def _of(table: str, same: str, *, first: str, also: str = "") -> str:
    """The query of a table that names the person; rows that have become the same once, the one that is `first`."""
    return f"""
        SELECT * FROM {{{table}}} WHERE userSourcedId NOT IN (SELECT person FROM joined_people)
        UNION ALL
        SELECT own.* REPLACE (joined.target AS userSourcedId{also}) FROM {{{table}}} AS own
        JOIN joined_people AS joined ON joined.person = own.userSourcedId
        QUALIFY row_number() OVER (PARTITION BY joined.target, {same} ORDER BY {first}) = 1"""


QUERIES = {
    "users": _own("users"),
    "demographics": _own("demographics"),
    "roles": _of("roles", "own.role, orgSourcedId", first="joined.place, own.ordinal, own.sourcedId",
                 also=", own.ordinal + 1000 * joined.place AS ordinal"),
    "enrollments": _of("enrollments", "classSourcedId, own.role", first='joined.place, own."primary" DESC NULLS LAST, own.sourcedId'),
    "relationships": "FROM joined_relationships",
}  # fmt: skip
"""By table, the query over the roster's own; whoever is at home is so by the roles of the first."""


def join(connection: DuckDBPyConnection, pairs: Sequence[tuple[str, str]], tables: Mapping[str, str]) -> dict[str, str]:
    """The query of each table that changes. `pairs` are the second and the first, all those of one first in order;
    `tables` says how SQL names the canonical ones."""
    if not pairs:
        return {}
    book = {target: (target, target, 0) for _, target in pairs}
    connection.execute(_BOOK)
    connection.executemany(
        "INSERT INTO joined_book VALUES (?, ?, ?)",
        [*book.values(), *((person, target, place) for place, (person, target) in enumerate(pairs, 1))],
    )
    connection.execute(_PEOPLE.format_map(tables))
    connection.execute(_RELATED.format_map(tables))
    return {table: query.format_map(tables) for table, query in QUERIES.items()}
