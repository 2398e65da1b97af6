"""What stands in a cell, as people write it, as SQL.

    {familyName}, {givenName}      columns of the row, with text around them
    {class.title}                  a column of the row that classSourcedId names
    {beginDate:%m/%d/%Y}           a date in another form
    Active                         the same in every row

A brace is written twice. What is blank leaves nothing. Nothing else is understood, and no SQL comes through.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from syncrun.sinks.oneroster_csv.column import COLUMNS, Held
from syncrun.sinks.oneroster_csv.role import single
from syncrun.sqltext import literal, name

DERIVED: Mapping[str, tuple[Held, ...]] = {"users": (Held("role"), Held("orgSourcedIds", "list"))}
"""Columns that are drawn from the roles of a person."""
HOME = Held("schoolSourcedId", to="orgs")
"""The school at which the row is at home, for tables that do not name it otherwise."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a text: plain, or a column of `path` (`role`, or `class` and `title`) with a form for dates."""

    text: str = ""
    path: tuple[str, ...] = ()
    form: str = ""


class ExpressionError(ValueError):
    """A text that cannot be understood; the words are for the person who wrote it."""


def parts(text: str) -> list[Part]:
    """The pieces of a text. Raises `ExpressionError`."""
    try:
        parsed = list(string.Formatter().parse(text))
    except ValueError:
        raise ExpressionError("a brace lacks its other half; write {{ for a brace itself") from None
    found = []
    for plain, field, form, conversion in parsed:
        found += [Part(plain)] if plain else []
        if field is not None:
            if conversion or not all(each.isidentifier() for each in field.split(".")):
                raise ExpressionError(f"{{{field}}} is no column")
            found.append(Part(path=tuple(field.split(".")), form=form or ""))
    return found


def columns(table: str) -> dict[str, Held]:
    """The columns of a table that may be named, `sourcedId` first."""
    own = {each.name: each for each in (Held("sourcedId"), *COLUMNS[table], *DERIVED.get(table, ()))}
    own.pop("place", None)
    return {"schoolSourcedId": HOME, **own} if table not in {"orgs", "academicSessions"} else own


def references(table: str) -> dict[str, Held]:
    """The columns of a table that name one row of another, by their short names: `school` for `schoolSourcedId`."""
    found = {short(each.name): each for each in columns(table).values() if each.to and each.kind != "list"}
    return found | ({"user": Held("sourcedId", to="users")} if table == "demographics" else {})


def short(column: str) -> str:
    """`class` for `classSourcedId`."""
    return column.removesuffix("SourcedId")


def steps(table: str, path: tuple[str, ...]) -> Iterator[tuple[str, Held]]:
    """The tables on a path and the columns asked of each. Raises `ExpressionError` for one that leads nowhere."""
    here = table
    for place, each in enumerate(path):
        last = place == len(path) - 1
        known = columns(here) if last else references(here)
        if each not in known:
            raise ExpressionError(
                f"{here} has no column {each}; it has {', '.join(known)}" if last else
                f"{each} of {here} names no other row; these do: {', '.join(known) or 'none'}")  # fmt: skip
        yield here, known[each]
        here = known[each].to


class Query:
    """A query over the rows of one table that joins what its expressions name."""

    def __init__(self, table: str, schema: str) -> None:
        self.table, self.schema = table, schema
        self._joins: dict[tuple[str, ...], str] = {}

    def text(self, text: str) -> str:
        """The SQL of a text."""
        pieces = [self._part(each) for each in parts(text)]
        return f"concat({', '.join(pieces)})" if pieces else "''"

    def value(self, path: tuple[str, ...]) -> str:
        """The SQL of a column, as text."""
        return f"coalesce({self._column(path)}::VARCHAR, '')"

    def _part(self, part: Part) -> str:
        if not part.path:
            return literal(part.text)
        value = self._column(part.path)
        return f"strftime({value}, {literal(part.form)})" if part.form else f"{value}::VARCHAR"

    def _column(self, path: tuple[str, ...]) -> str:
        *way, last = path
        alias, here, walked = "own", self.table, ()
        for each in way:
            walked, column = (*walked, each), references(here)[each]
            joined = name(".".join(walked))
            if walked not in self._joins:
                self._joins[walked] = (
                    f" LEFT JOIN {self._rows(column.to)} AS {joined} ON {joined}.key = {alias}.{self._plain(here, column.name)}"
                )
            alias, here = joined, column.to
        return f"{alias}.{self._plain(here, last)}"

    def _plain(self, table: str, column: str) -> str:
        """A column as the table has it."""
        if column == "sourcedId":
            return "key"
        return "school" if column == "schoolSourcedId" and table not in {"classes", "enrollments"} else name(column)

    def _rows(self, table: str) -> str:
        if table != "users":
            return f"{self.schema}.{name(table)}"
        return f"""(SELECT person.*, single.role, single.orgSourcedIds FROM {self.schema}.users AS person
            LEFT JOIN ({single(self.schema)}) AS single ON single.userSourcedId = person.key)"""

    def source(self) -> str:
        """What the rows come from, once all expressions are made."""
        return f"{self._rows(self.table)} AS own{''.join(self._joins.values())}"
