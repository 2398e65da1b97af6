"""Whole records: what marshmallow makes of them, and that DuckDB sees the same in a row."""

from __future__ import annotations

import datetime
import itertools
import re

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from syncrun.roster.cell import Cell, Ref
from syncrun.roster.entity import DERIVED, ENTITIES, Entity
from syncrun.roster.listed import RefList
from syncrun.roster.typed import Bool, Date, Word, Year
from syncrun.sqltext import name

BOUNDED = {entity: cls for entity, cls in ENTITIES.items() if cls.row_tests}
DAYS = st.one_of(
    st.none(), st.sampled_from(["", " ", "soon", "2026-02-30", "2026-08-17T00:00:00Z", "0001-01-01", "9999-12-31"]),
    st.dates(datetime.date(2026, 8, 16), datetime.date(2026, 8, 19)).map(str),
)  # fmt: skip


def texts(cell: Cell) -> st.SearchStrategy[str | None]:
    """What may stand in a cell, so that rows of every kind come about."""
    if isinstance(cell, Date):
        return DAYS
    if isinstance(cell, Word):
        return st.sampled_from([None, "", "planet", *cell.words])
    if isinstance(cell, Bool):
        return st.sampled_from([None, "true", "false", "Yes", "perhaps"])
    if isinstance(cell, Year):
        return st.sampled_from([None, "2026", "2027", "2025-2026", "1"])
    return st.sampled_from([None, "", "a", "b", "a,b", "b, ,c", ","])


@pytest.mark.parametrize("entity", BOUNDED.values(), ids=BOUNDED)
def test_rules_about_a_row_are_the_same_in_both_executions(entity: type[Entity]) -> None:
    asked = {column: entity.cells()[column] for test in entity.row_tests for column in test.columns}
    values = ", ".join(f"{cell.sql_value(name(column))} AS {name(column)}" for column, cell in asked.items())
    told = ", ".join(f"unnest(${n}::VARCHAR[]) AS {name(column)}" for n, column in enumerate(asked, 1))
    tests = ", ".join(f"coalesce({test.sql}, false)" for test in entity.row_tests)
    seen = set()

    @settings(max_examples=20, deadline=None, derandomize=True, database=None)
    @given(st.lists(st.tuples(*map(texts, asked.values())), min_size=40))
    def holds(given_rows: list[tuple[str | None, ...]]) -> None:
        columns = [list(each) for each in zip(*given_rows, strict=True)]
        rows = engine.execute(f"SELECT {tests} FROM (SELECT {values} FROM (SELECT {told}))", columns).fetchall()
        for cells, broken in zip(given_rows, rows, strict=True):
            found = entity().verdict(dict(zip(asked, cells, strict=True))).findings
            sql = {("", test.code) for test, each in zip(entity.row_tests, broken, strict=True) if each}
            assert {each for each in found if not each[0]} == sql, cells
            seen.update(zip((test.code for test in entity.row_tests), broken, strict=True))

    with duckdb.connect() as engine:
        holds()
    assert seen == set(itertools.product((test.code for test in entity.row_tests), (False, True)))


@pytest.mark.parametrize("entity", BOUNDED.values(), ids=BOUNDED)
def test_rule_about_a_row_names_every_column_that_it_asks(entity: type[Entity]) -> None:
    for test in entity.row_tests:
        words = set(re.findall(r"\w+", test.sql))
        assert words & set(entity.cells()) <= set(test.columns)


@pytest.mark.parametrize(
    ("entity", "begin", "end", "codes"),
    [
        ("academicSessions", "2026-08-17", "2026-08-18", set()),
        ("academicSessions", "2026-08-17", "2026-08-17", {"R-ROW-03"}),
        ("academicSessions", "2026-08-17", "2026-08-16", {"R-ROW-03"}),
        ("enrollments", "2026-08-17", "2026-08-17", set()),
        ("enrollments", "2026-08-17", "2026-08-16", {"R-ROW-04"}),
        ("enrollments", "2026-08-17", None, set()),
        ("roles", "2026-08-17", "2026-08-16", {"R-ROW-04"}),
    ],
)
def test_row_that_ends_before_it_begins(entity: str, begin: str, end: str | None, codes: set[str]) -> None:
    column = "startDate" if entity == "academicSessions" else "beginDate"
    found = ENTITIES[entity]().verdict({column: begin, "endDate": end}).findings
    assert {code for place, code in found if not place} == codes


ORG = {"sourcedId": "s1", "name": " Oak ", "type": "School", "metadata.color": "green"}


def test_record_loads_as_its_values_and_unknown_columns_are_passed_over() -> None:
    assert ENTITIES["orgs"]().load(ORG) == {"sourcedId": "s1", "name": "Oak", "type": "school"}


def test_record_that_cannot_be_used_names_the_rules_by_column() -> None:
    with pytest.raises(ValidationError) as caught:
        ENTITIES["orgs"]().load({"name": "Oak\x00", "type": "planet"})
    assert caught.value.messages == {"sourcedId": ["R-CELL-01"], "name": ["R-CELL-04"], "type": ["R-WORD-01"]}


def test_verdict_tells_notes_too() -> None:
    verdict = ENTITIES["orgs"]().verdict(ORG)
    assert verdict.findings == {("name", "R-CELL-02"), ("type", "R-WORD-02")}
    assert verdict.values["type"] == "school"


def test_references_lead_to_entities_that_come_before() -> None:
    order = list(ENTITIES)
    for entity, cls in ENTITIES.items():
        for cell in cls.cells().values():
            if isinstance(cell, Ref | RefList):
                assert order.index(cell.to) <= order.index(entity)


def test_columns_stand_in_the_order_of_the_standard() -> None:
    users = list(ENTITIES["users"].cells())
    assert users[:6] == ["sourcedId", "status", "dateLastModified", "enabledUser", "orgSourcedIds", "role"]
    assert users[-7:-2] == ["userMasterIdentifier", "preferredGivenName", "preferredMiddleName", "preferredFamilyName",
                            "primaryOrgSourcedId"]  # fmt: skip


def test_what_tells_of_a_person_is_not_structure() -> None:
    personal = {
        "users": {"username", "givenName", "familyName", "middleName", "identifier", "email", "sms", "phone", "grades",
                  "password", "userIds", "pronouns", "preferredGivenName"},
        "demographics": set(ENTITIES["demographics"].cells()) - {"sourcedId", "status", "dateLastModified"},
    }  # fmt: skip
    for entity, columns in personal.items():
        assert "structure" not in {ENTITIES[entity].cells()[column].privacy for column in columns}


def test_no_table_has_two_names() -> None:
    assert len({*ENTITIES, *DERIVED}) == len(ENTITIES) + len(DERIVED)
    assert all(entity == cls.entity for entity, cls in itertools.chain(ENTITIES.items()))
