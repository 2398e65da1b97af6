"""Asking for changes: the filter's text, how far it reaches back, and whether it was honoured."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncrun.sdk.rest import changed_since, fits, window

SINCE = datetime.datetime(2026, 3, 1, 2, 0, 0, 123_456, tzinfo=datetime.UTC)


def test_filter_is_written_as_servers_compare_it() -> None:
    assert changed_since(SINCE) == "dateLastModified>='2026-03-01T02:00:00.123Z'"
    east = SINCE.astimezone(datetime.timezone(datetime.timedelta(hours=9)))
    assert changed_since(east) == changed_since(SINCE)


def test_window_reaches_back() -> None:
    assert window(SINCE) == SINCE - datetime.timedelta(minutes=10)
    assert window(SINCE, datetime.timedelta(hours=1)) == SINCE - datetime.timedelta(hours=1)


@pytest.mark.parametrize(("text", "fit"), [
    ("2026-03-01T02:00:00.123Z", True), ("2026-03-01T02:00:00.122Z", False), ("2026-03-01T03:00:00+01:00", False),
    ("2026-02-28T23:00:01-05:00", True), ("2026-03-01", True), ("2026-02-28", False), ("2026-03-01T02:00:01", True),
    (" 2026-03-02T00:00:00Z ", True), ("yesterday", False), ("", False), (None, False), (7, False),
])  # fmt: skip
def test_record_is_held_against_the_moment(text, fit) -> None:
    assert fits({"dateLastModified": text}, SINCE) is fit


@given(st.datetimes(timezones=st.just(datetime.UTC), min_value=datetime.datetime(1000, 1, 1)))  # noqa: DTZ001 # hypothesis adds the zone
def test_record_of_the_very_moment_fits(moment: datetime.datetime) -> None:
    text = changed_since(moment).partition("'")[2].rstrip("'")
    assert fits({"dateLastModified": text}, moment)
    assert not fits({}, moment)
