"""Decisions of people: the last one counts, the earlier ones are kept."""

from __future__ import annotations

import datetime

import pytest
import sqlalchemy as sa

from syncrun.state.decision import Decision, current, replace
from syncrun.state.model import decisions
from syncrun.state.store import State
from syncrun.testing.clock import FixedClock

ADD = Decision("orgs", "org-1", "add")
LINK = Decision("teachers", "tea-1", "link", "7")
SKIP = Decision("teachers", "tea-2", "skip")


@pytest.fixture
def state(state_engine: sa.Engine) -> State:
    return State(state_engine, FixedClock(datetime.datetime(2026, 11, 20, tzinfo=datetime.UTC)))


def history(state: State) -> list[tuple[str, str, bool]]:
    """Every decision that was ever made: of what, which, whether it counts."""
    with state.transaction() as connection:
        query = sa.select(decisions.c.source_id, decisions.c.decision, decisions.c.current).order_by(decisions.c.id)
        return [tuple(each) for each in connection.execute(query)]


def test_decisions_come_back_as_they_were_made(state: State) -> None:
    assert replace(state, "riverside", "planner", [SKIP, LINK, ADD], "ann") == 3
    assert current(state, "riverside", "planner") == [ADD, LINK, SKIP]


def test_changed_mind_counts_and_the_old_one_is_kept(state: State) -> None:
    replace(state, "riverside", "planner", [LINK], "ann")
    assert replace(state, "riverside", "planner", [Decision("teachers", "tea-1", "skip")], "bob") == 1
    assert current(state, "riverside", "planner") == [Decision("teachers", "tea-1", "skip")]
    assert history(state) == [("tea-1", "link", False), ("tea-1", "skip", True)]


def test_what_is_no_longer_decided_does_not_count(state: State) -> None:
    replace(state, "riverside", "planner", [ADD, SKIP], "ann")
    assert replace(state, "riverside", "planner", [ADD], "ann") == 1
    assert current(state, "riverside", "planner") == [ADD]
    assert len(history(state)) == 2


def test_same_decisions_again_change_nothing_and_are_not_audited(state: State) -> None:
    replace(state, "riverside", "planner", [ADD, LINK], "ann")
    assert replace(state, "riverside", "planner", [LINK, ADD], "bob") == 0
    assert len(history(state)) == 2
    (line,) = state.audit("riverside")
    assert (line["who"], line["action"], line["subject"], line["detail"]) == (
        "ann",
        "map",
        "sink planner",
        {"changed": 2},
    )


def test_districts_and_sinks_decide_for_themselves(state: State) -> None:
    replace(state, "riverside", "planner", [ADD], "ann")
    replace(state, "riverside", "other", [SKIP], "ann")
    replace(state, "lakeside", "planner", [LINK], "ann")
    replace(state, "lakeside", "planner", [], "ann")
    assert current(state, "riverside", "planner") == [ADD]
    assert current(state, "riverside", "other") == [SKIP]
    assert current(state, "lakeside", "planner") == []
