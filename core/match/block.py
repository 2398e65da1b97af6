"""Which records are compared at all: those that share a key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from syncrun.errors import ContractError
from syncrun.match.answer import Crowded
from syncrun.match.side import SCHEMA, SIDES
from syncrun.sdk import Matcher, MatchKind
from syncrun.sqltext import literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST = 10_000
"""How many pairs one key may make. A key that makes more, such as a birthday typed in for everyone, tells nobody apart;
its pairs are not compared by that key, which is told (`Crowded`)."""
MOST_OF_FEW = 1_000_000
"""The same for orgs and years, of which a district has few: a thousand are compared with a thousand, each with each."""
FEW: frozenset[MatchKind] = frozenset(("orgs", "years"))


def block(connection: DuckDBPyConnection, matchers: Mapping[str, Matcher], kind: MatchKind) -> tuple[Crowded, ...]:
    """Make `matching.pairs` (i, e: rows of the sides that share a key) and `matching.crowd` (side, n: rows under a key
    that too many share).

    Raises `ContractError` for a key that DuckDB cannot read.
    """
    for side in SIDES:
        connection.execute(f"CREATE TABLE {SCHEMA}.{side}_keys (matcher VARCHAR, key VARCHAR, n BIGINT)")
        for plugin, matcher in matchers.items():
            for key in matcher.keys:
                _key(connection, side, plugin, key)
    connection.execute(f"""
        CREATE TABLE {SCHEMA}.crowded AS
        SELECT matcher, key, a.count AS incoming, b.count AS existing
        FROM (SELECT matcher, key, count(DISTINCT n) AS count FROM {SCHEMA}.incoming_keys GROUP BY ALL) AS a
        JOIN (SELECT matcher, key, count(DISTINCT n) AS count FROM {SCHEMA}.existing_keys GROUP BY ALL) AS b
            USING (matcher, key)
        WHERE a.count * b.count > {MOST_OF_FEW if kind in FEW else MOST}
    """)
    connection.execute(f"""
        CREATE TABLE {SCHEMA}.pairs AS
        SELECT DISTINCT a.n AS i, b.n AS e
        FROM {SCHEMA}.incoming_keys AS a JOIN {SCHEMA}.existing_keys AS b USING (matcher, key)
        ANTI JOIN {SCHEMA}.crowded USING (matcher, key)
    """)
    connection.execute(f"CREATE TABLE {SCHEMA}.crowd AS " + " UNION ".join(
        f"SELECT {literal(side)} AS side, n FROM {SCHEMA}.{side}_keys SEMI JOIN {SCHEMA}.crowded USING (matcher, key)"
        for side in SIDES
    ))  # fmt: skip
    told = connection.execute(
        f"SELECT matcher, count(*), sum(incoming), sum(existing) FROM {SCHEMA}.crowded GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    for side in SIDES:
        connection.execute(f"DROP TABLE {SCHEMA}.{side}_keys")
    return tuple(Crowded(plugin, blocks, int(a), int(b)) for plugin, blocks, a, b in told)


def _key(connection: DuckDBPyConnection, side: str, plugin: str, key: str) -> None:
    import duckdb  # noqa: PLC0415 # heavy

    try:
        connection.execute(f"""
            INSERT INTO {SCHEMA}.{side}_keys SELECT {literal(plugin)}, key, n
            FROM (SELECT n, CAST({key} AS VARCHAR) AS key FROM {SCHEMA}.{side}) WHERE key <> ''
        """)
    except duckdb.Error as error:
        raise ContractError(f"The matcher {plugin} has a key that cannot be read ({type(error).__name__}).") from None
