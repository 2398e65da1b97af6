"""Decisions that name one record of the sink for two of the source."""

from __future__ import annotations

import pytest

from syncrun.match.join import joined, pairs
from syncrun.roster.route import Route
from syncrun.state.decision import Decision


@pytest.mark.requirement("SX-5")
def test_school_that_joins_goes_where_the_linked_one_is() -> None:
    found = joined(
        [Decision("orgs", "a", "join", "7"), Decision("orgs", "b", "link", "7"), Decision("orgs", "c", "link", "8")]
    )
    assert found == (Route(("a",), "b", joins=True),)


def test_of_two_that_are_linked_the_first_by_sourced_id_is_joined() -> None:
    decisions = [Decision("orgs", key, "link", "7") for key in ("c", "a", "b")]
    assert joined(decisions) == (Route(("b",), "a", joins=True), Route(("c",), "a", joins=True))
    assert joined(decisions[::-1]) == joined(decisions)


def test_kinds_do_not_mix_and_other_verdicts_join_nothing() -> None:
    decisions = [Decision("orgs", "a", "link", "7"), Decision("teachers", "t", "link", "7"), Decision("orgs", "b", "add"),
                 Decision("orgs", "c", "skip"), Decision("teachers", "u", "join", "7")]  # fmt: skip
    assert joined(decisions) == ()
    assert pairs(decisions, "teachers") == [("u", "t")]
