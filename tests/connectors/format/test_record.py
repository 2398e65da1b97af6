"""The columns of OneRoster records as JSON."""

from __future__ import annotations

from collections import Counter

import pytest

from syncrun.connectors.format.record import records, spelled


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_no_two_columns_of_a_collection_differ_by_case_alone(version: str) -> None:
    for kind in records(version, demographics=True).kinds:
        found = Counter(column.name.lower() for column in kind.columns)
        assert [name for name, times in found.items() if times > 1] == [], "no table could hold both"


def test_birthdate_is_put_right_where_a_service_writes_it_small() -> None:
    sent = [{"sourcedId": "a", "birthdate": "2010-01-02"}, {"sourcedId": "b", "birthDate": "2011-01-02"}]
    assert [each["birthDate"] for each in spelled("demographics", sent)] == ["2010-01-02", "2011-01-02"]
    assert spelled("users", sent) is sent
