"""What the columns of a sink's table are to matchers: by what the table says of them, or else by their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from syncrun.sdk import FEATURES, Table
from syncrun.sdk.sink import MappingKind

if TYPE_CHECKING:
    from marshmallow import fields

WELL_KNOWN: Mapping[str, str] = {
    "given_name": "givenName", "first_name": "givenName", "family_name": "familyName", "last_name": "familyName",
    "middle_name": "middleName", "preferred_name": "preferredName", "email": "email", "username": "username",
    "number": "identifier", "identifier": "identifier", "phone": "phone", "grade": "grade", "birth_date": "birthDate",
    "name": "name", "title": "title", "period": "period", "starts_on": "startDate", "ends_on": "endDate",
}  # fmt: skip
"""Names of columns that say by themselves what they hold."""
CODES: Mapping[MappingKind, str] = {"orgs": "identifier", "classes": "classCode"}
"""What a column `code` is: the number of a school, the code of a class."""
PERSONAL: frozenset[MappingKind] = frozenset(("teachers", "students"))
"""Kinds whose records are persons."""
TITLES: Mapping[MappingKind, tuple[str, ...]] = {
    "orgs": ("name",), "years": ("title",), "classes": ("title",), "teachers": ("givenName", "familyName"),
    "students": ("givenName", "familyName"),
}  # fmt: skip
"""The features that people know a record by."""


def table_of(tables: Sequence[Table], kind: MappingKind) -> Table | None:
    """The table whose rows decisions of that kind are about."""
    return next((table for table in tables if table.mapping == kind), None)


def features(table: Table, tables: Sequence[Table]) -> dict[str, str]:
    """By feature of `syncrun.sdk.FEATURES` the column that holds it; `school` is a reference to the table of orgs."""
    declared = cast("Mapping[str, fields.Field[Any]]", vars(table.schema)["_declared_fields"])
    schools = table_of(tables, "orgs")
    found: dict[str, str] = {}
    for column in table.columns:
        told = declared[column.name].metadata.get("match")
        if told is None and schools is not None and column.parent == schools.name:
            told = "school"
        if told is None and column.parent is None:
            code = CODES.get(table.mapping) if table.mapping and column.name == "code" else None
            told = code or WELL_KNOWN.get(column.name)
        if told in FEATURES:
            found.setdefault(told, column.name)
    return found


def members_of(tables: Sequence[Table], classes: Table, people: Table) -> tuple[Table, str, str] | None:
    """The table that puts `people` into `classes`, with its columns of the class and of the person."""
    for table in tables:
        class_column = next((column for column, parent in table.parents.items() if parent == classes.name), None)
        person_column = next((column for column, parent in table.parents.items() if parent == people.name), None)
        if class_column and person_column:
            return table, class_column, person_column
    return None
