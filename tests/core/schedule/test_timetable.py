"""The timetable in the state database: what counts, what is due, and who may begin it."""

from __future__ import annotations

import datetime
import json
import threading
import time
from dataclasses import replace

import pytest
import sqlalchemy as sa

from syncrun.errors import UsageError
from syncrun.schedule import timetable
from syncrun.schedule.spec import Spec, Window
from syncrun.schedule.timetable import Entry, NoScheduleError, RuledByFileError
from syncrun.state import job, lease
from syncrun.state.job import Job
from syncrun.state.model import schedules
from syncrun.state.store import State
from syncrun.testing.clock import FixedClock

NOON = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
DAILY = Spec("day", datetime.time(19, 30), "UTC")
EARLY = replace(DAILY, at=datetime.time(6))


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
def state(state_engine: sa.Engine, clock: FixedClock) -> State:
    return State(state_engine, clock)


def put(state: State, district: str = "elm", **specs: Spec) -> None:
    timetable.put(state, district, specs or {"full": DAILY}, "Ann")  # type: ignore[arg-type] # options of several kinds


def only(state: State, district: str = "elm") -> Entry:
    (found,) = timetable.entries(state, district)
    return found


def due(state: State) -> list[tuple[str, str]]:
    return [(each.district, each.mode) for each in timetable.due(state)]


def start(state: State) -> Job:
    (found,) = timetable.due(state)
    taken = timetable.claim(state, found, "server-1")
    assert taken is not None
    return taken


def done(state: State, taken: Job, run: str = "run-1") -> None:
    with state.transaction() as connection:
        assert job.end(connection, state, taken, "ended", 0, run)


# -- saving ------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S0-24", "S0-25", "S3-16")
def test_schedule_counts_from_the_moment_it_is_saved(state: State, clock: FixedClock) -> None:
    assert timetable.entries(state, "elm") == []
    put(state, full=EARLY)
    entry = only(state)
    assert (entry.spec, entry.source, entry.who, entry.at) == (EARLY, "command", "Ann", NOON)
    assert entry.next_at == NOON + 18 * HOUR  # what would have run this morning is not made up for
    assert due(state) == []
    clock.move(hours=18)
    assert due(state) == [("elm", "full")]


def test_earlier_schedules_are_kept_as_history_and_the_audit_says_who(state: State) -> None:
    put(state)
    put(state)  # the same again changes nothing
    put(state, full=EARLY)
    timetable.clear(state, "elm", "full", "Bob")
    assert timetable.entries(state, "elm") == []
    with state.transaction() as connection:
        found = connection.execute(sa.select(schedules.c.spec, schedules.c.current).order_by(schedules.c.id)).all()
    assert [(json.loads(spec)["at"], current) for spec, current in found] == [("19:30", False), ("06:00", False)]
    assert [(each["who"], each["action"], each["subject"]) for each in state.audit("elm")] == [
        ("Ann", "schedule set", "full"), ("Ann", "schedule set", "full"), ("Bob", "schedule clear", "full"),
    ]  # fmt: skip


def test_schedule_that_would_never_run_is_refused(state: State) -> None:
    with pytest.raises(UsageError, match="would never run"):
        put(state, full=DAILY, incremental=replace(DAILY, until=NOON.date() - 24 * HOUR))
    assert timetable.entries(state, "elm") == []


def test_file_goes_before_commands_for_the_schedules_that_it_has(state: State, clock: FixedClock) -> None:
    put(state, full=EARLY, incremental=EARLY)
    assert timetable.adopt(state, "elm", {"full": DAILY}) == ["full"]
    full, incremental = timetable.entries(state, "elm")
    assert (full.spec, full.source, incremental.spec, incremental.source) == (DAILY, "file", EARLY, "command")
    for change in (lambda: put(state, full=EARLY), lambda: timetable.clear(state, "elm", "full", "Ann"),
                   lambda: put(state, incremental=DAILY, full=EARLY)):  # fmt: skip
        with pytest.raises(RuledByFileError):
            change()
    assert timetable.entries(state, "elm") == [full, incremental]
    assert timetable.adopt(state, "elm", {"full": DAILY}) == []
    assert timetable.adopt(state, "elm", {}) == ["full"]
    assert timetable.entries(state, "elm") == [incremental]


def test_file_that_says_what_it_said_leaves_a_missed_run_due(state: State, clock: FixedClock) -> None:
    timetable.adopt(state, "elm", {"full": DAILY})
    clock.move(hours=9)
    assert timetable.adopt(state, "elm", {"full": DAILY}) == []
    assert due(state) == [("elm", "full")]


def test_two_that_take_over_the_file_at_once_make_one_schedule(state: State) -> None:
    barrier = threading.Barrier(4)

    def adopt() -> None:
        barrier.wait()
        timetable.adopt(state, "elm", {"full": DAILY})

    threads = [threading.Thread(target=adopt) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert only(state).spec == DAILY


# -- pausing -----------------------------------------------------------------------------------------------------------


def test_paused_schedule_is_not_due_and_resumed_it_makes_up_for_nothing(state: State, clock: FixedClock) -> None:
    timetable.adopt(state, "elm", {"full": DAILY})
    timetable.pause(state, "elm", ["full"], "Ann")
    entry = only(state)
    assert (entry.paused_by, entry.paused_at, entry.runs_at, entry.next_at) == ("Ann", NOON, None, NOON + 7.5 * HOUR)
    clock.move(hours=8)
    assert due(state) == []
    timetable.adopt(state, "elm", {"full": EARLY})
    assert only(state).paused  # another time of day is no reason to begin again
    timetable.resume(state, "elm", ["full"], "Bob")
    assert due(state) == []
    assert only(state).runs_at == NOON + 18 * HOUR


def test_what_a_pause_left_out_is_not_made_up_for(state: State, clock: FixedClock) -> None:
    put(state)
    timetable.pause(state, "elm", ["full"], "Ann")
    clock.move(hours=8)
    timetable.resume(state, "elm", ["full"], "Ann")
    assert due(state) == []
    assert only(state).runs_at == NOON + 31.5 * HOUR
    timetable.adopt(state, "elm", {})
    assert only(state).runs_at == NOON + 31.5 * HOUR


def test_pause_of_what_is_not_there_is_refused(state: State) -> None:
    put(state)
    for change in (timetable.pause, timetable.resume):
        with pytest.raises(NoScheduleError):
            change(state, "elm", ["full", "incremental"], "Ann")
    assert not only(state).paused


def test_schedule_paused_between_the_look_and_the_claim_is_not_begun(state: State, clock: FixedClock) -> None:
    put(state)
    clock.move(hours=8)
    (found,) = timetable.due(state)
    timetable.pause(state, "elm", ["full"], "Ann")
    assert timetable.claim(state, found, "server-1") is None


# -- what is due ---------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S2-19", "S3-1")
def test_run_is_claimed_once_a_day(state: State, clock: FixedClock) -> None:
    put(state)
    for _ in range(3):
        clock.move(hours=8)
        found = start(state)
        assert due(state) == []
        done(state, found)
        assert due(state) == []
        clock.move(hours=16)
    entry = only(state)
    assert (entry.last_due_at, entry.last_run) == (NOON + 55.5 * HOUR, "run-1")
    assert entry.next_at == NOON + 79.5 * HOUR


def test_of_many_that_claim_one_run_one_gets_it(state: State, clock: FixedClock) -> None:
    put(state)
    clock.move(hours=8)
    barrier, won = threading.Barrier(5), []

    def claim() -> None:
        (found,) = timetable.due(state)
        barrier.wait()
        won.append(timetable.claim(state, found, f"server-{threading.get_ident()}") is not None)

    threads = [threading.Thread(target=claim) for _ in range(5)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(won) == [False] * 4 + [True]


@pytest.mark.requirement("S3-18")
def test_machine_that_was_down_for_days_makes_up_for_them_once(state: State, clock: FixedClock) -> None:
    put(state)
    clock.move(days=4.5)
    found = start(state)
    assert found.due_at == NOON + 103.5 * HOUR  # the evening before, four and a half hours ago
    done(state, found)
    assert due(state) == []
    assert only(state).next_at == NOON + 127.5 * HOUR


@pytest.mark.requirement("S3-18")
def test_run_that_was_missed_too_long_ago_is_noted_and_left(state: State, clock: FixedClock) -> None:
    put(state, full=replace(DAILY, catch_up_hours=1))
    clock.move(hours=9)
    assert due(state) == []
    entry = only(state)
    assert (entry.missed_at, entry.next_at) == (NOON + 7.5 * HOUR, NOON + 31.5 * HOUR)


@pytest.mark.requirement("S3-13")
def test_full_and_incremental_never_begin_together(state: State, clock: FixedClock) -> None:
    put(state, full=DAILY, incremental=replace(DAILY, at=datetime.time(19)))
    clock.move(hours=8)
    assert due(state) == [("elm", "full")]
    done(state, start(state))
    assert due(state) == []
    assert [each.next_at for each in timetable.entries(state, "elm")] == [NOON + 31.5 * HOUR, NOON + 31 * HOUR]


@pytest.mark.requirement("S3-8")
def test_nothing_is_due_of_a_district_at_work_and_what_waits_comes_after(state: State, clock: FixedClock) -> None:
    put(state, full=DAILY, incremental=replace(DAILY, at=datetime.time(19, 31)))
    clock.move(hours=7.5)
    found = start(state)
    clock.move(minutes=2)
    assert due(state) == []  # claimed, and just starting
    clock.move(minutes=6)
    with lease.held(state.engine, "elm", "run-1", clock):
        assert due(state) == []
    done(state, found)
    assert due(state) == [("elm", "incremental")]


def test_job_that_is_still_owed_keeps_the_district_from_being_due(state: State, clock: FixedClock) -> None:
    put(state)
    clock.move(hours=8)
    taken = start(state)
    clock.move(days=1)
    assert due(state) == []
    done(state, taken)
    assert due(state) == [("elm", "full")]


def test_of_an_earlier_and_a_later_claim_neither_takes_the_other_away(state: State, clock: FixedClock) -> None:
    put(state)
    clock.move(hours=8)
    (found,) = timetable.due(state)
    with state.transaction() as connection:
        job.take(connection, state, "elm", "incremental", "arrival", clock.now(), "server-2")
    assert timetable.claim(state, found, "server-1") is None
    assert only(state).next_at == found.at  # nothing of the claim holds


def test_those_that_waited_longest_come_first(state: State, clock: FixedClock) -> None:
    put(state, "oak", full=replace(DAILY, at=datetime.time(14)))
    put(state, "elm", full=replace(DAILY, at=datetime.time(15)))
    put(state, "ash", full=replace(DAILY, at=datetime.time(14)))
    clock.move(hours=4)
    assert [each.district for each in timetable.due(state)] == ["ash", "oak", "elm"]


def test_clock_set_back_an_hour_does_not_double_a_run(state: State, clock: FixedClock) -> None:
    put(state)
    clock.move(hours=8)
    done(state, start(state))
    clock.move(hours=-1)
    for _ in range(3):
        timetable.adopt(state, "elm", {})
        assert due(state) == []
        clock.move(hours=1)
    assert only(state).next_at == NOON + 31.5 * HOUR


@pytest.mark.requirement("S3-15")
def test_ended_schedule_stays_on_show(state: State, clock: FixedClock) -> None:
    put(state, full=replace(DAILY, until=NOON.date()))
    clock.move(hours=8)
    done(state, start(state))
    clock.move(days=3)
    entry = only(state)
    assert (entry.ended, entry.runs_at, due(state)) == (True, None, [])


# -- the next one ------------------------------------------------------------------------------------------------------


def test_next_of_two_is_the_earlier_one_that_is_not_paused(state: State) -> None:
    put(state, full=DAILY, incremental=replace(DAILY, at=datetime.time(13)))
    found = timetable.next_entry(timetable.entries(state, "elm"))
    assert found is not None
    assert found.mode == "incremental"
    timetable.pause(state, "elm", ["incremental"], "Ann")
    found = timetable.next_entry(timetable.entries(state, "elm"))
    assert found is not None
    assert found.mode == "full"
    assert timetable.next_entry([]) is None


def test_window_of_additions_counts_by_the_local_day() -> None:
    day = datetime.date(2026, 11, 20)
    spec = replace(DAILY, zone="Pacific/Auckland", additions_only=(Window(day, day),))
    assert timetable.adds_only([DAILY, spec], NOON - HOUR - datetime.timedelta(seconds=1))
    assert not timetable.adds_only([DAILY, spec], NOON - HOUR)


# -- many ----------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("each_due", [False, True])
def test_twenty_thousand_districts_are_looked_through_within_a_second(
    state: State, clock: FixedClock, *, each_due: bool
) -> None:
    values = {"mode": "full", "source": "command", "who": "Ann", "at": NOON, "current": True, "settled": NOON,
              "spec": timetable.to_json(DAILY), "next_at": NOON + 7.5 * HOUR}  # fmt: skip
    with state.transaction() as connection:
        connection.execute(sa.insert(schedules), [{**values, "district": f"d{n}"} for n in range(20_000)])
    clock.move(hours=8 if each_due else 1)
    began = time.process_time()
    assert len(timetable.due(state)) == 20_000 * each_due
    assert time.process_time() - began < 1
