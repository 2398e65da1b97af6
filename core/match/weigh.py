"""One score for each pair, from what all matchers say of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from syncrun.errors import ContractError, SyncError
from syncrun.match import overlap
from syncrun.match.fact import JUDGES, Standing
from syncrun.match.side import SCHEMA, columns
from syncrun.scratch import rows
from syncrun.sdk import Matcher, MatchKind, Score
from syncrun.sqltext import name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LISTED = 0.35
"""Pairs below are not even listed for a person to choose from."""
UNKNOWN = 0.25
"""The share of its weight that a matcher takes from the score when it has nothing to go by: what is not known is no
reason against a pair, but two records that agree in all are more alike than two of which little is known."""
AT_ONCE = 50_000
Reasons = tuple[str, ...]


class Weights:
    """The scores of all matchers for one pair become one: their mean by weight.

    `silent` are reasons that nothing follows from; a score with no other is as good as none.
    """

    def __init__(self, matchers: Mapping[str, Matcher], silent: frozenset[str], *, rosters: bool) -> None:
        self._asked = [(plugin, each.score, each.weight) for plugin, each in matchers.items()]
        self._silent = silent
        self._all = sum(each.weight for each in matchers.values()) + (overlap.WEIGHT if rosters else 0)

    def whole(
        self, incoming: dict[str, Any], existing: dict[str, Any], roster: Score | None
    ) -> tuple[float, Reasons] | None:
        """The score of a pair and all reasons, or None when nobody has anything to go by."""
        good = weight = 0.0
        reasons: Reasons = ()
        for plugin, ask, own in self._asked:
            try:
                said = ask(incoming, existing)
            except SyncError:
                raise
            except Exception as error:  # noqa: BLE001 # a plug-in may raise anything; its words may hold names of people
                raise ContractError(f"The matcher {plugin} raised {type(error).__name__}.") from None
            if said is None:
                continue
            if not isinstance(said, Score):
                raise ContractError(f"The matcher {plugin} gave something else than a score.")
            if self._silent and self._silent.issuperset(said.reasons):
                continue
            good += own * said.value
            weight += own
            reasons += said.reasons
        if roster:
            good += overlap.WEIGHT * roster.value
            weight += overlap.WEIGHT
            reasons += roster.reasons
        if not weight:
            return None
        return round(good / (weight + UNKNOWN * (self._all - weight)), 4), reasons


def weigh(
    connection: DuckDBPyConnection, matchers: Mapping[str, Matcher], kind: MatchKind, silent: frozenset[str]
) -> int:
    """Make `matching.scored` (i, e, score, why) of the pairs that count, and `matching.whys` (why, reasons, and the parts
    of `Standing`); how many pairs were compared.

    Raises `ContractError` when a matcher raises or gives something else than a score.
    """
    connection.execute(f"CREATE TABLE {SCHEMA}.scored (i INTEGER, e INTEGER, score DOUBLE, why INTEGER)")
    fields = columns(matchers.values())
    weights = Weights(matchers, silent, rosters=rows(connection, f"{SCHEMA}.overlaps") > 0)
    whys: dict[Reasons, tuple[int, Standing]] = {}
    for batch in _batches(connection, fields):
        kept: tuple[list[Any], ...] = ([], [], [], [])
        for i, e, jaccard, contained, *texts in batch:
            roster = None if jaccard is None else overlap.score(jaccard, contained)
            existing = dict(zip(fields, texts[len(fields) :], strict=True))
            whole = weights.whole(dict(zip(fields, texts, strict=False)), existing, roster)
            if whole is None:
                continue
            value, reasons = whole
            known = whys.get(reasons)
            if known is None:
                known = whys[reasons] = len(whys), JUDGES[kind](frozenset(reasons))
            if value >= LISTED or known[1].counts:
                for column, cell in zip(kept, (i, e, value, known[0]), strict=True):
                    column.append(cell)
        connection.execute(
            f"INSERT INTO {SCHEMA}.scored SELECT unnest(?::INTEGER[]), unnest(?::INTEGER[]), unnest(?::DOUBLE[]), "
            "unnest(?::INTEGER[])",
            list(kept),
        )
    _keep(connection, whys)
    return rows(connection, f"{SCHEMA}.pairs")


def _batches(connection: DuckDBPyConnection, fields: Sequence[str]) -> Iterator[list[tuple[Any, ...]]]:
    """All pairs with the fields of both: i, e, jaccard or NULL without rosters, contained, incoming's, existing's."""
    cursor = connection.cursor()
    cursor.execute(f"""
        SELECT i, e, CASE WHEN ours.n IS NOT NULL AND theirs.n IS NOT NULL THEN coalesce(jaccard, 0) END,
            {", ".join(["coalesce(contained, 0)", *(f"{side}.{name(each)}" for side in "ab" for each in fields)])}
        FROM {SCHEMA}.pairs
        JOIN {SCHEMA}.incoming AS a ON a.n = i JOIN {SCHEMA}.existing AS b ON b.n = e
        LEFT JOIN {SCHEMA}.overlaps USING (i, e)
        LEFT JOIN {SCHEMA}.rostered AS ours ON ours.side = 'incoming' AND ours.n = i
        LEFT JOIN {SCHEMA}.rostered AS theirs ON theirs.side = 'existing' AND theirs.n = e
    """)
    while batch := cursor.fetchmany(AT_ONCE):
        yield batch


def _keep(connection: DuckDBPyConnection, whys: Mapping[Reasons, tuple[int, Standing]]) -> None:
    columns = ["unnest(?::INTEGER[]) AS why", "unnest(?::VARCHAR[][]) AS reasons",
               *(f"unnest(?::BOOLEAN[]) AS {each}" for each in Standing._fields)]  # fmt: skip
    standings = [standing for _, standing in whys.values()]
    connection.execute(
        f"CREATE TABLE {SCHEMA}.whys AS SELECT {', '.join(columns)}",
        [[number for number, _ in whys.values()], list(map(list, whys)),
         *([getattr(each, flag) for each in standings] for flag in Standing._fields)],
    )  # fmt: skip
