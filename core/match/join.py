"""Two records of the source that people said are one record of the sink, by decisions that name the same `sinkId`.

The one that is linked is the first, or of several that are linked the first in the order of `sourcedId`; the others join
it. Schools are joined as a route would (`syncrun.roster.route`), teachers as `syncrun.roster.joined` says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from syncrun.roster.route import Route
from syncrun.sdk.sink import MappingKind
from syncrun.state.decision import Decision


def joined(decisions: Iterable[Decision]) -> tuple[Route, ...]:
    """The schools that join another, as routes.

    >>> joined([Decision("orgs", "b", "join", "7"), Decision("orgs", "c", "link", "7")])[0].to
    'c'
    """
    return tuple(Route((second,), first, joins=True) for second, first in pairs(decisions, "orgs"))


def pairs(decisions: Iterable[Decision], kind: MappingKind) -> list[tuple[str, str]]:
    """Second and first of each pair of one kind, in the order of `sourcedId`."""
    together: dict[str, list[Decision]] = defaultdict(list)
    for each in decisions:
        if each.kind == kind and each.decision in {"link", "join"} and each.sink_id:
            together[each.sink_id].append(each)
    found = []
    for group in together.values():
        first, *others = sorted(group, key=lambda each: (each.decision != "link", each.source_id))
        found += [(each.source_id, first.source_id) for each in others]
    return sorted(found)
