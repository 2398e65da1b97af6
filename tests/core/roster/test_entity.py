"""Whole records: what marshmallow makes of them, and that DuckDB sees the same in a row."""

from __future__ import annotations

import datetime
import itertools

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from syncrun.roster.cell import Ref
from syncrun.roster.entity import DERIVED, ENTITIES, Entity
from syncrun.roster.listed import RefList
from syncrun.sqltext import name

BOUNDED = {entity: cls for entity, cls in ENTITIES.items() if cls.row_tests}
DAYS = st.one_of(
    st.none(), st.sampled_from(["", " ", "soon", "2026-02-30", "2026-08-17T00:00:00Z", "0001-01-01", "9999-12-31"]),
    st.dates(datetime.date(2026, 8, 16), datetime.date(2026, 8, 19)).map(str),
)  # fmt: skip


@pytest.mark.parametrize("entity", BOUNDED.values(), ids=BOUNDED)
def test_rules_about_a_row_are_the_same_in_both_executions(entity: type[Entity]) -> None:
    (begin,) = {"beginDate", "startDate"} & set(entity.cells())
    cells = entity.cells()
    values = ", ".join(f"{cells[column].sql_value(name(column))} AS {name(column)}" for column in (begin, "endDate"))
    tests = ", ".join(f"coalesce({test.sql}, false)" for test in entity.row_tests)
    seen = set()

    @settings(max_examples=20, deadline=None, derandomize=True, database=None)
    @given(st.lists(st.tuples(DAYS, DAYS), min_size=20))
    def holds(pairs: list[tuple[str | None, str | None]]) -> None:
        rows = engine.execute(
            f"SELECT {tests} FROM (SELECT {values} FROM (SELECT unnest($1::VARCHAR[]) AS {begin}, "
            "unnest($2::VARCHAR[]) AS endDate))",
            [list(each) for each in zip(*pairs, strict=True)],
        ).fetchall()
        for pair, broken in zip(pairs, rows, strict=True):
            found = entity().verdict({begin: pair[0], "endDate": pair[1]}).findings
            sql = {("", test.code) for test, each in zip(entity.row_tests, broken, strict=True) if each}
            assert {each for each in found if not each[0]} == sql, pair
            seen.add(bool(sql))

    with duckdb.connect() as engine:
        holds()
    assert seen == {False, True}


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
