"""The export's columns are those of the canonical roster, and its files those of the standard."""

from __future__ import annotations

import pytest
from marshmallow import fields

from syncrun.roster.cell import Password, Ref
from syncrun.roster.entity import ENTITIES
from syncrun.roster.listed import RefList, TextList
from syncrun.roster.typed import Bool, Date, Year
from syncrun.sinks.oneroster_csv.column import COLUMNS
from syncrun.sinks.oneroster_csv.header import COMMON, FILES

KINDS = {Bool: "boolean", Date: "date", Year: "whole number", TextList: "list"}
OURS = {"roles": {"place"}}
NOT_HELD = {"roles": {"userProfileSourcedId"}, "users": {"orgSourcedIds", "role"}}


@pytest.mark.parametrize("table", COLUMNS)
def test_columns_are_those_of_the_canonical_roster(table: str) -> None:
    held = {each.name: each for each in COLUMNS[table] if each.name not in OURS.get(table, ())}
    cells = {name: cell for name, cell in ENTITIES[table].cells().items()
             if name not in {*COMMON, *NOT_HELD.get(table, ())} and not isinstance(cell, Password)}  # fmt: skip
    assert list(held) == list(cells)
    for name, cell in cells.items():
        kind = next((word for kind, word in KINDS.items() if isinstance(cell, kind)), "text")
        to = cell.to if isinstance(cell, Ref | RefList) else ""
        assert (name, held[name].kind, held[name].privacy, held[name].to, held[name].needed) == (
            name, kind, cell.privacy, to, cell.required
        )  # fmt: skip


@pytest.mark.parametrize("version", FILES)
def test_files_have_the_columns_of_their_version_in_their_order(version: str) -> None:
    for file, columns in FILES[version].items():
        cells = ENTITIES[file].cells()
        known = [name for name, cell in cells.items() if cell.only in {None, version}]
        assert set(columns) == set(known) - {*COMMON}, file
        if (file, version) != ("users", "1.2"):  # where 1.2 has put `username` elsewhere
            assert [*COMMON, *columns] == known, file


def test_rows_name_tables_by_references_of_the_engine() -> None:
    links = {(table, each.name): each.field() for table, found in COLUMNS.items() for each in found if each.firm}
    assert links["enrollments", "classSourcedId"].to == "classes"
    assert all(isinstance(field, fields.String) for field in links.values())
