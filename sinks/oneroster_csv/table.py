"""The tables of an export: those of the canonical roster, with the columns that are wanted and no others."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from syncrun.sdk import Table
from syncrun.sinks.oneroster_csv import shape
from syncrun.sinks.oneroster_csv.column import COLUMNS, schema

PARENTS: Mapping[str, tuple[str, ...]] = {
    "orgs": (), "academicSessions": (), "courses": ("orgs",), "classes": ("courses", "academicSessions"),
    "users": ("orgs",), "roles": ("users",), "enrollments": ("classes", "users"), "demographics": ("users",),
    "studentAttributes": ("users",),
}  # fmt: skip
"""The tables without which a table cannot be; parents before children."""


def tables(wanted: Mapping[str, Collection[str]]) -> tuple[Table, ...]:
    """The tables, by name which columns are wanted, and those that they cannot be without."""
    needed = set(wanted)
    for each in reversed(PARENTS):
        if each in needed:
            needed.update(PARENTS[each])
    return tuple(_table(each, wanted.get(each, ())) for each in PARENTS if each in needed)


def _table(name: str, wanted: Collection[str]) -> Table:
    """A table has what says nothing of a person also where it is not asked for: rows must have something, and references
    say what waits for what."""
    held = [each for each in COLUMNS[name] if each.name in wanted or (each.needed and each.privacy == "structure")]
    columns = [each.name for each in held]
    lists = {each.name for each in held if each.kind == "list"}
    return Table(
        name, schema(name, columns), shape.query(name, columns, lists), source=name,
        mapping="orgs" if name == "orgs" else "classes" if name == "classes" else None,
        shrink="classSourcedId" if name == "enrollments" else None,
    )  # fmt: skip
