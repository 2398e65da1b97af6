"""The routes of one sink, carried out before its shapes see the roster: those of the district file, and the schools and
teachers that people joined. Nothing of it is left when the next sink's routes are settled."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncrun.errors import ConfigError, Problem
from syncrun.match.join import joined, pairs
from syncrun.roster import joined as people
from syncrun.roster import routed
from syncrun.roster.placement import place
from syncrun.roster.route import Route, conflicts
from syncrun.state.decision import Decision

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_FITTING = "SELECT DISTINCT n FROM (SELECT n FROM route_pupils UNION ALL SELECT n FROM route_classes)"
_REMARKS = {
    "{0} pupils of {1} have no grade, so no route for grades takes them.":
        "SELECT count(*), source FROM route_pupils WHERE unknown GROUP BY source ORDER BY source",
    "{0} classes of {1} have no grades, nor do their pupils, so no route for grades takes them.":
        "SELECT count(*), source FROM route_classes WHERE unknown GROUP BY source ORDER BY source",
    "{0} classes of {1} have pupils of several routes; each goes where most of them go.":
        "SELECT count(*), source FROM route_classes WHERE mixed GROUP BY source ORDER BY source",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Routed:
    """What is left to settle. `decisions`: those on records that this sink's roster has, or nobody has. `targets`:
    schools that take part since one that does goes to them. `advice`: what the operator should know."""

    decisions: tuple[Decision, ...]
    targets: tuple[Decision, ...] = ()
    advice: tuple[str, ...] = ()


def settle(connection: DuckDBPyConnection, routes: Sequence[Route], decisions: Sequence[Decision], path: str) -> Routed:
    """Put the roster as this sink's schools see it in place of that of the sink before. `path` is where the district file
    names the sink.

    Raises `ConfigError` for routes that cannot be followed with the schools that the source has.
    """
    tables = routed.clear(connection)
    queries = people.join(connection, pairs(decisions, "teachers"), tables)
    seconds = _keys(connection, "SELECT person FROM joined_people WHERE person <> target") if queries else set()
    left = [each for each in decisions if each.kind != "teachers" or each.source_id not in seconds]
    tables |= {table: f"({query})" for table, query in queries.items()}
    found = _to_the_first(routes, joined(decisions))
    if not found:
        routed.show(connection, queries)
        return Routed(tuple(left))
    orgs = _keys(connection, "SELECT sourcedId FROM orgs")
    _confirm(found, len(routes), orgs, path)
    advice: list[str] = []
    skipped = {each.source_id for each in decisions if each.kind == "orgs" and each.decision == "skip"}
    in_force = list(_in_force(found, len(routes), orgs, skipped, path, advice))
    moved = place(connection, in_force, tables)
    if moved:
        queries |= routed.queries(connection, [each for _, each in in_force], orgs, tables)
    routed.show(connection, queries)
    if in_force:
        advice += _remarks(connection, in_force, len(routes), path)
    if not moved:
        return Routed(tuple(left), (), tuple(advice))
    gone = _keys(connection, "SELECT source FROM route_schools WHERE gone")
    advice += [
        f"The mapping links orgs {each.source_id}, all of which goes elsewhere by the routes; link the school that gets it."
        for each in left if each.kind == "orgs" and each.source_id in gone and each.decision == "link"
    ]  # fmt: skip
    left = [each for each in left if each.kind != "orgs" or each.source_id not in gone]
    there = _keys(connection, "SELECT sourcedId FROM orgs")
    return Routed(tuple(left), tuple(_targets(in_force, decisions, there)), tuple(advice))


def _keys(connection: DuckDBPyConnection, query: str) -> set[str]:
    return {str(key) for (key,) in connection.execute(query).fetchall()}


def _to_the_first(routes: Sequence[Route], joins: Sequence[Route]) -> list[Route]:
    """All routes in order. What would go to a school that joins another goes to that one at once."""
    first = {each.sources[0]: each.to for each in joins}
    return [
        dataclasses.replace(each, to=first[each.to], name=None, identifier=None, joins=True) if each.to in first else each
        for each in routes
    ] + list(joins)  # fmt: skip


def _confirm(routes: Sequence[Route], own: int, orgs: Collection[str], path: str) -> None:
    """Refuse a target that is not there, a new one that is, and joins that go against the routes. The first `own`
    routes are the district file's."""
    named = {each.to for each in routes if each.name}
    problems = [
        Problem("E-CONFIG-3", f"{path}.routes[{number}].{what}" if number < own else f"{path}.mapping", words)
        for number, what, words in conflicts(routes)
    ]
    for number, each in enumerate(routes[:own]):
        here = f"{path}.routes[{number}].to"
        if each.name and each.to in orgs:
            problems.append(Problem("E-CONFIG-3", here, f"the source has an org {each.to} already",
                                    "leave the name out to send to it, or give the new school another sourcedId"))  # fmt: skip
        elif each.to not in orgs and each.to not in named and not each.joins:
            problems.append(Problem("E-CONFIG-3", here, f"the source has no org {each.to}",
                                    "give a name to make a new school, or the sourcedId of an org that is there"))  # fmt: skip
    if problems:
        raise ConfigError(problems)


def _in_force(
    routes: Sequence[Route], own: int, orgs: Collection[str], skipped: Collection[str], path: str, advice: list[str]
) -> Iterator[tuple[int, Route]]:
    """The routes with the sources that there are and that take part, by number. What is left out goes into the advice."""
    for number, route in enumerate(routes):
        for source in route.sources if number < own else ():
            if source not in orgs:
                advice.append(f"{path}.routes[{number}] takes from orgs {source}, which the source does not have.")
            elif source in skipped:
                advice.append(f"{path}.routes[{number}] takes from orgs {source}, which the mapping skips.")
        sources = tuple(each for each in route.sources if each in orgs and each not in skipped)
        if sources:
            yield number, dataclasses.replace(route, sources=sources)


def _remarks(connection: DuckDBPyConnection, routes: Sequence[tuple[int, Route]], own: int, path: str) -> Iterator[str]:
    fitting = {number for (number,) in connection.execute(_FITTING).fetchall()}
    for number, route in routes:
        if number < own and number not in fitting and not route.whole:
            yield f"{path}.routes[{number}] fits nobody and no class."
    for words, query in _REMARKS.items():
        for count, school in connection.execute(query).fetchall():
            yield words.format(count, school)


def _targets(
    routes: Sequence[tuple[int, Route]], decisions: Sequence[Decision], there: Collection[str]
) -> Iterator[Decision]:
    """Where people picked schools, the targets of those, unless a target was decided on itself."""
    decided = {each.source_id: each.decision for each in decisions if each.kind == "orgs"}
    picked = {key for key, verdict in decided.items() if verdict != "skip"}
    for target in dict.fromkeys(route.to for _, route in routes if picked & set(route.sources)):
        if target not in decided and target in there:
            yield Decision("orgs", target, "add")
