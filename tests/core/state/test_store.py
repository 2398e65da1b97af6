"""What the state remembers: runs, what sinks have taken, what waits, who said what."""

from __future__ import annotations

import datetime
import os
import socket

import pytest
import sqlalchemy as sa

from syncrun.state.store import AppliedFile, Hold, State
from syncrun.testing.clock import FixedClock

NOON = datetime.datetime(2026, 11, 20, 12, 0, tzinfo=datetime.UTC)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
def state(state_engine: sa.Engine, clock: FixedClock) -> State:
    return State(state_engine, clock)


def begin(state: State, run: str, district: str = "riverside", epoch: int = 1) -> None:
    state.start_run(run, district, "incremental", epoch, dry_run=False)


# -- runs ----------------------------------------------------------------------------------------------------------------


def test_run_is_noted_when_it_begins_and_filled_in_as_it_goes(state: State) -> None:
    begin(state, "run-1", epoch=7)
    found = state.run("run-1")
    assert found is not None
    assert (found.district, found.mode, found.dry_run, found.status, found.epoch) == (
        "riverside",
        "incremental",
        False,
        "started",
        7,
    )
    assert (found.host, found.pid, found.outcome, found.summary) == (socket.gethostname(), os.getpid(), None, None)
    state.update_run("run-1", status="ended", outcome="DONE", summary={"findings": ["é"]}, finished_at=NOON)
    found = state.run("run-1")
    assert found is not None
    assert (found.status, found.outcome, found.summary) == ("ended", "DONE", {"findings": ["é"]})
    assert state.run("run-2") is None


def test_moments_come_back_in_utc_wherever_the_server_is(state: State, clock: FixedClock) -> None:
    if state.engine.dialect.name == "postgresql":
        with state.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            name = connection.execute(sa.text("SELECT current_database()")).scalar()
            connection.execute(sa.text(f"ALTER DATABASE {name} SET timezone = 'America/New_York'"))
    clock.moment = NOON.astimezone(datetime.timezone(datetime.timedelta(hours=5)))
    begin(state, "run-1")
    found = state.run("run-1")
    assert found is not None
    assert (found.started_at, found.started_at.tzinfo) == (NOON, datetime.UTC)


def test_newest_run_of_a_district_comes_first_though_the_clock_jumped_back(state: State, clock: FixedClock) -> None:
    for epoch, hours in ((1, 0), (2, -5), (3, 2)):
        clock.moment = NOON + datetime.timedelta(hours=hours)
        begin(state, f"run-{epoch}", epoch=epoch)
    begin(state, "elsewhere", "lakeside")
    assert [run.id for run in state.runs("riverside")] == ["run-3", "run-2", "run-1"]
    assert [run.id for run in state.runs("riverside", limit=2)] == ["run-3", "run-2"]
    assert {run.id for run in state.runs()} == {"run-1", "run-2", "run-3", "elsewhere"}


def test_interrupted_are_those_that_were_applying_oldest_first(state: State) -> None:
    for epoch, status in enumerate(("applying", "ended", "applying", "started")):
        begin(state, f"run-{epoch}", epoch=epoch)
        state.update_run(f"run-{epoch}", status=status)
    begin(state, "elsewhere", "lakeside")
    state.update_run("elsewhere", status="applying")
    assert [run.id for run in state.interrupted("riverside")] == ["run-0", "run-2"]


def test_what_is_noted_in_a_transaction_that_fails_is_not_there(state: State) -> None:
    begin(state, "run-1")

    def fail(connection: sa.Connection) -> None:
        state.update_run("run-1", connection, status="applying")
        state.accept(connection, "riverside", "run-1", "{}")
        state.set_holds(connection, "riverside", "run-1", [Hold("planner", "s", "ab", ("P-FIRST-1",))])
        state.set_applied(connection, "riverside", "planner", "schools", [(1, "x", "run-1")])
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"), state.transaction() as connection:
        fail(connection)
    found = state.run("run-1")
    assert found is not None
    assert found.status == "started"
    assert (state.snapshot("riverside"), state.holds("run-1"), state.applied("riverside")) == (None, [], [])


# -- what was accepted and taken -------------------------------------------------------------------------------------------


def test_last_accepted_roster_replaces_the_one_before(state: State) -> None:
    for content in ("first", "second"):
        with state.transaction() as connection:
            state.accept(connection, "riverside", "run-1", content)
            state.accept(connection, "lakeside", "run-1", "other")
    assert (state.snapshot("riverside"), state.snapshot("lakeside")) == ("second", "other")


def test_files_that_a_sink_has_taken_are_replaced_table_by_table_and_come_in_order(state: State) -> None:
    with state.transaction() as connection:
        state.set_applied(connection, "riverside", "planner", "schools", [(10, "c", "r2"), (2, "a", "r1")])
        state.set_applied(connection, "riverside", "planner", "classes", [(1, "b", "r1")])
        state.set_applied(connection, "lakeside", "planner", "classes", [(1, "z", "r1")])
        state.set_applied(connection, "riverside", "planner", "classes", [(2, "d", "r2")])
    found = state.applied("riverside")
    assert [each for each in found if each.table == "schools"] == [
        AppliedFile("planner", "schools", 2, "a", "r1"), AppliedFile("planner", "schools", 10, "c", "r2"),
    ]  # fmt: skip
    assert [each for each in found if each.table != "schools"] == [AppliedFile("planner", "classes", 2, "d", "r2")]


# -- what waits, and what people said of it ----------------------------------------------------------------------------------


def test_holds_of_a_run_are_replaced_when_it_is_finished_later(state: State) -> None:
    first = [Hold("planner", "school-1", "aa", ("P-REMOVE-1",)), Hold("planner", "", "bb", ())]
    for found in (first, first[:1]):
        with state.transaction() as connection:
            state.set_holds(connection, "riverside", "run-1", found)
    assert state.holds("run-1") == first[:1]
    assert state.holds("run-2") == []


def test_approval_counts_for_a_day_and_not_a_moment_longer(state: State, clock: FixedClock) -> None:
    state.decide("riverside", "run-1", "approve", [("aa", None)], "ann")
    (found,) = state.approvals("riverside")
    assert (found.verdict, found.plan_hash, found.school, found.who, found.at) == ("approve", "aa", None, "ann", NOON)
    assert found.expires_at == NOON + datetime.timedelta(hours=24)
    clock.move(hours=24, microseconds=-1)
    assert len(state.approvals("riverside")) == 1
    clock.move(microseconds=1)
    assert state.approvals("riverside") == []


def test_approval_of_one_district_is_none_of_another(state: State) -> None:
    state.decide("riverside", "run-1", "approve", [("aa", None)], "ann")
    assert state.approvals("lakeside") == []
    assert state.audit("lakeside") == []


def test_approvals_that_were_acted_on_are_spent(state: State, clock: FixedClock) -> None:
    state.decide("riverside", "run-1", "approve", [("aa", "school-1")], "ann")
    state.decide("lakeside", "run-2", "approve", [("bb", None)], "ann")
    with state.transaction() as connection:
        state.spend_approvals(connection, "riverside")
    assert (state.approvals("riverside"), len(state.approvals("lakeside"))) == ([], 1)
    clock.move(seconds=1)
    state.decide("riverside", "run-3", "reject", [("cc", None)], "bob")
    assert [each.verdict for each in state.approvals("riverside")] == ["reject"]


def test_audit_says_who_said_what_of_which_plan_and_when(state: State, clock: FixedClock) -> None:
    state.decide("riverside", "run-1", "approve", [("aa", "school-1"), ("bb", "school-2")], "ann")
    clock.move(hours=1)
    state.decide("riverside", "run-2", "reject", [("cc", None)], "bob")
    found = [(each["at"], each["who"], each["action"], each["subject"], each["detail"]["plan"], each["detail"]["school"])
             for each in state.audit("riverside")]  # fmt: skip
    later = NOON + datetime.timedelta(hours=1)
    assert found == [
        (NOON, "ann", "approve", "run run-1", "aa", "school-1"), (NOON, "ann", "approve", "run run-1", "bb", "school-2"),
        (later, "bob", "reject", "run run-2", "cc", None),
    ]  # fmt: skip


def test_installation_has_one_id(state: State, state_engine: sa.Engine, clock: FixedClock) -> None:
    assert state.owner() == state.owner() == State(state_engine, clock).owner()
