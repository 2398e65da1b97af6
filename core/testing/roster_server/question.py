"""What a request asks for: page, order, filter and fields, after section 7 of the bindings."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from syncrun.testing.roster_server.field import known
from syncrun.testing.roster_server.roster import text, values
from syncrun.testing.roster_server.version import Version

Test = Callable[[Mapping[str, Any]], bool]


class BadQuestionError(Exception):
    """A parameter cannot be followed. `minor` is OneRoster's word for why."""

    def __init__(self, minor: str, words: str) -> None:
        super().__init__(words)
        self.minor = minor


@dataclass(frozen=True, slots=True)
class Question:
    """The parameters of a request for a collection. `fields` is None where all are wanted."""

    limit: int
    offset: int
    sort: str
    descending: bool
    filter: str
    fields: tuple[str, ...] | None


def parameters(query: str) -> dict[str, str]:
    """The parameters of a query, the last of each name; blanks around names are passed over, as Microsoft sends some."""
    return {name.strip(): value for name, value in parse_qsl(query, keep_blank_values=True)}


def ask(
    query: str, collection: str, version: Version, *, most: int, refuse_more: bool = False, descending: bool = False
) -> Question:
    """Read a query. `most` is the highest limit: more is answered with as much, or refused. Raises `BadQuestionError`."""
    given = parameters(query)
    limit = _number(given, "limit", 100, 1)
    if limit > most and refuse_more:
        raise BadQuestionError("invaliddata", f"limit is more than {most}.")
    names = known(collection, version)
    sort, filter_ = given.get("sort", ""), given.get("filter", "")
    if sort and sort.partition(".")[0] not in names:
        raise BadQuestionError("invalid_sort_field", "There is no such field to sort by.")
    for clause in (each for group in parse(filter_) for each in group):
        if clause.path.partition(".")[0] not in names:
            raise BadQuestionError("invalid_filter_field", "There is no such field to filter by.")
    order = given.get("orderBy", given.get("orderby", "")).lower()
    return Question(
        limit=min(limit, most), offset=_number(given, "offset", 0, 0), sort=sort, filter=filter_,
        descending=order == "desc" or (descending and order != "asc"), fields=_fields(given, names),
    )  # fmt: skip


def _number(given: Mapping[str, str], name: str, default: int, least: int) -> int:
    told = given.get(name, str(default))
    if not re.fullmatch(r"\d{1,18}", told) or int(told) < least:
        raise BadQuestionError("invaliddata", f"{name} is no whole number from {least} on.")
    return int(told)


def _fields(given: Mapping[str, str], names: frozenset[str]) -> tuple[str, ...] | None:
    if "fields" not in given:
        return None
    wanted = tuple(name.strip() for name in given["fields"].split(","))
    if not set(wanted) <= names:
        raise BadQuestionError("invalid_selection_field", "There is no such field to select.")
    return wanted


def asked_fields(query: str, collection: str, version: Version) -> tuple[str, ...] | None:
    """The fields that a request for one record asks for. Raises `BadQuestionError`."""
    return _fields(parameters(query), known(collection, version))


# -- filters ---------------------------------------------------------------------------------------------------------

_CLAUSE = re.compile(r"\s*([\w.:-]+?)\s*(!=|>=|<=|=|>|<|~)\s*'((?:[^']|'')*)'\s*")


@dataclass(frozen=True, slots=True)
class Clause:
    """`path operator 'value'`."""

    path: str
    operator: str
    value: str


def parse(told: str) -> tuple[tuple[Clause, ...], ...]:
    """A filter as groups of clauses: all of one group hold, for some group. `A AND B OR C` is read as ClassLink reads it,
    AND first. A quote in a value is doubled. Raises `BadQuestionError`."""
    if not told.strip():
        return ()
    groups: list[list[Clause]] = [[]]
    at = 0
    while True:
        found = _CLAUSE.match(told, at)
        if found is None:
            raise BadQuestionError("invaliddata", "The filter is not of the form field='value'.")
        groups[-1].append(Clause(found[1], found[2], found[3].replace("''", "'")))
        at = found.end()
        if at == len(told):
            return tuple(tuple(group) for group in groups)
        if told.startswith("OR ", at):
            groups.append([])
        elif not told.startswith("AND ", at):
            raise BadQuestionError("invaliddata", "Clauses of a filter are joined by AND or OR.")
        at = told.index(" ", at)


def filter_test(told: str) -> Test:
    """Whether a record passes a filter that `ask` has let through."""
    groups = parse(told)
    return lambda facts: any(all(_holds(clause, facts) for clause in group) for group in groups)


def _holds(clause: Clause, facts: Mapping[str, Any]) -> bool:
    """`=` on a list of words wants exactly these; on references, as `orgs.sourcedId`, one that is it. `~` is contains."""
    value = facts.get(clause.path)
    if isinstance(value, list) and not any(isinstance(each, Mapping) for each in value):
        there, wanted = {text(each) for each in value}, {each.strip() for each in clause.value.split(",")}
        if clause.operator == "~":
            return bool(there & wanted)
        if clause.operator in {"=", "!="}:
            return (there == wanted) == (clause.operator == "=")
    found = values(facts, clause.path)
    if clause.operator == "!=":
        return clause.value not in found
    if clause.operator == "~":
        return any(clause.value in each for each in found)
    return any(_compare(each, clause.operator, clause.value) for each in found)


def _compare(there: str, operator: str, wanted: str) -> bool:
    left, right = _moment(there), _moment(wanted)
    one: Any = there
    other: Any = wanted
    if left and right:
        one, other = left, right
    return bool(
        {"=": one == other, ">": one > other, ">=": one >= other, "<": one < other, "<=": one <= other}[operator]
    )


def _moment(told: str) -> datetime.datetime | None:
    """A date or a date with time; without a zone it is UTC."""
    if len(told) < 10 or told[4] != "-":
        return None
    try:
        found = datetime.datetime.fromisoformat(told)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)


# -- order -----------------------------------------------------------------------------------------------------------


def order_key(path: str) -> Callable[[Mapping[str, Any]], str]:
    """What records are sorted by: the value at the path as text; records without it come first."""
    return lambda facts: ",".join(values(facts, path))


def pick(facts: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    """Some fields of a record."""
    return {name: value for name, value in facts.items() if name in fields}
