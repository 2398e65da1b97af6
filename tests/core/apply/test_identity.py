"""Ids that follow from district, sink, table and key: the same in both executions, and the same for ever."""

from __future__ import annotations

import uuid

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from syncrun.apply.identity import derived, sql_derived
from syncrun.sqltext import literal

KEYS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=30)


@given(key=KEYS, table=KEYS)
@settings(deadline=None, max_examples=100)
def test_both_executions_give_the_same_id(key: str, table: str) -> None:
    query = f"SELECT {sql_derived('riverside', 'planner', table, 'key')} FROM (SELECT {literal(key)} AS key)"
    with duckdb.connect() as connection:
        assert connection.execute(query).fetchall() == [(uuid.UUID(derived("riverside", "planner", table, key)),)]


def test_ids_stay_what_they_were_when_the_first_district_was_synced() -> None:
    assert derived("riverside", "planner", "schools", "s-1") == "ac97484b-ea22-87a9-80cd-6d5009ace17e"


def test_id_is_a_uuid_of_version_8() -> None:
    found = uuid.UUID(derived("riverside", "planner", "schools", "s-1"))
    assert (found.version, found.variant) == (8, uuid.RFC_4122)


@given(one=st.tuples(KEYS, KEYS, KEYS, KEYS), other=st.tuples(KEYS, KEYS, KEYS, KEYS))
def test_other_district_sink_table_or_key_is_another_id(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    if not any("|" in each for each in (*one[:3], *other[:3])):  # names of districts, sinks and tables have none
        assert (derived(*one) == derived(*other)) == (one == other)


def test_nothing_has_no_id() -> None:
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT {sql_derived('a', 'b', 'c', 'NULL')}").fetchone() == (None,)
