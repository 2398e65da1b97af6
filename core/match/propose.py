"""Proposals: which incoming record might be which existing one, how sure that is, and why.

Nothing is merged here. A person accepts what is proposed, or a rule that a person wrote accepts what is `sure`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from syncrun.match.answer import Crowded, Proposed
from syncrun.match.assign import assign
from syncrun.match.block import block
from syncrun.match.overlap import Rosters, overlap
from syncrun.match.side import SCHEMA, awake, prepare, strangers
from syncrun.match.verdict import list_candidates, settle_verdicts
from syncrun.match.weigh import weigh
from syncrun.scratch import renew_schema, rows
from syncrun.sdk import Matcher, MatchKind
from syncrun.sqltext import name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def propose(
    connection: DuckDBPyConnection, matchers: Mapping[str, Matcher], kind: MatchKind, *, incoming: str = "incoming",
    existing: str = "existing", rosters: Rosters | None = None,
) -> Proposed:  # fmt: skip
    """Compare two relations (names as SQL writes them); figures come back, and two temporary tables are made.

    - `proposals(incoming_id, existing_id, score, verdict, reasons)`: for each incoming record that has any, one `sure` or
      `likely` row, no existing record twice among them; or its `doubt` rows, of which nothing is chosen;
    - `candidates(incoming_id, rank, existing_id, score, reasons)`: the best five for each incoming record, from rank 1.

    Both relations have `id` (unique) and any of `syncrun.sdk.FEATURES`; `school`, `course` and `teachers` are ids that mean
    the same on both sides. `matchers` are named as their plug-ins name them; those of another kind, and those that have
    nothing to go by, are not asked. The order of rows and of matchers changes nothing.

    Raises `ContractError` for a matcher that raises or breaks its contract, and for ids that are missing or double.
    """
    mine = {plugin: each for plugin, each in sorted(matchers.items()) if kind in each.kinds}
    renew_schema(connection, SCHEMA)
    try:
        prepare(connection, {"incoming": incoming, "existing": existing}, mine)
        asked = awake(connection, mine)
        crowded = block(connection, asked, kind)
        overlap(connection, rosters if kind == "classes" else None)
        compared = weigh(connection, asked, kind, strangers(connection))
        assign(connection)
        settle_verdicts(connection)
        list_candidates(connection)
        return _figures(connection, compared, crowded)
    finally:
        connection.execute(f"DROP SCHEMA IF EXISTS {name(SCHEMA)} CASCADE")


def _figures(connection: DuckDBPyConnection, compared: int, crowded: tuple[Crowded, ...]) -> Proposed:
    found = dict(connection.execute(
        "SELECT verdict, count(DISTINCT incoming_id) FROM proposals GROUP BY verdict"
    ).fetchall())  # fmt: skip
    without = rows(connection, f"{SCHEMA}.incoming") - sum(found.values())
    return Proposed(found.get("sure", 0), found.get("likely", 0), found.get("doubt", 0), without, compared, crowded)


__all__ = ["Crowded", "Proposed", "Rosters", "propose"]
