"""When a run begins after a whole set has come."""

from __future__ import annotations

import asyncio
import collections
import datetime
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from nightshift import Recorder, until

from syncrun.connectors.sftp.dropbox.account import Account
from syncrun.connectors.sftp.dropbox.schedule import Window, due
from syncrun.connectors.sftp.dropbox.start import PAUSES, Starter
from syncrun.errors import UnreachableError

OAK = Account("oak", "riverside")
HOUR = 3600


def utc(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)


@pytest.mark.requirement("S2-20")
@pytest.mark.parametrize(
    ("now", "wait"),
    [
        ("2026-11-22 23:59:59", 1),  # 18:59:59 in New York
        ("2026-11-23 00:00:00", 0),
        ("2026-11-23 01:59:59", 0),
        ("2026-11-23 02:00:00", 22 * HOUR),
        ("2026-07-01 22:00:00", HOUR),  # summer: four hours behind
        ("2026-11-01 01:30:00", 22.5 * HOUR),  # 21:30, and the night that is an hour longer
        ("2027-03-14 02:30:00", 20.5 * HOUR),  # 21:30, and the night that is an hour shorter
    ],
)
def test_window_goes_by_the_clocks_of_its_zone(now: str, wait: float) -> None:
    assert due(utc(now), Window()) == wait


def test_window_over_midnight_and_no_window() -> None:
    night = Window(datetime.time(23), datetime.time(1), "UTC")
    assert [due(utc(f"2026-11-22 {each}"), night) for each in ("22:00", "23:30", "00:30", "01:00")] == [
        HOUR,
        0,
        0,
        22 * HOUR,
    ]
    assert due(utc("2026-11-22 12:00"), None) == 0


class Clock:
    """Time passes when somebody waits; `waits` are in seconds."""

    def __init__(self, text: str = "2026-11-22 22:00") -> None:
        self.time = utc(text)
        self.waits: list[float] = []

    def now(self) -> datetime.datetime:
        return self.time

    async def pause(self, seconds: float) -> None:
        if seconds:
            self.waits.append(seconds)
        self.time += datetime.timedelta(seconds=seconds)
        await asyncio.sleep(0)


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    (tmp_path / "ready").mkdir()
    (tmp_path / "running").mkdir()
    return Recorder(tmp_path / "log", tmp_path / "ready")


def starter(recorder: Recorder, approved: Callable[[str], bool] = bool, window: Window | None = None, *,
            clock: Clock | None = None, **more: Any) -> Starter:  # fmt: skip
    clock = clock or Clock()
    more = {"now": clock.now, "pause": clock.pause, **more}
    return Starter(approved, window, recorder.log.parent / "running", command=recorder.command, **more)


@pytest.mark.requirement("S2-19")
def test_run_of_the_accounts_district_begins(recorder: Recorder) -> None:
    ended = []
    asyncio.run(starter(recorder, ended=lambda *told: ended.append(told))(OAK, ()))
    assert [run.district for run in recorder.runs] == ["riverside"]
    assert ended == [("riverside", 0, None)]


@pytest.mark.requirement("S2-16", "S2-18")
def test_nothing_begins_before_the_first_sync_was_approved(recorder: Recorder) -> None:
    asyncio.run(starter(recorder, lambda district: False)(OAK, ()))
    assert recorder.runs == []


@pytest.mark.requirement("S2-18")
def test_approval_is_asked_for_when_the_run_would_begin(recorder: Recorder) -> None:
    clock, asked = Clock(), []

    def approved(district: str) -> bool:
        asked.append(clock.time)
        return True

    asyncio.run(starter(recorder, approved, Window(), clock=clock)(OAK, ()))
    assert asked == [utc("2026-11-23 00:00")]
    assert len(recorder.runs) == 1


def test_sets_that_come_before_the_window_make_one_run(recorder: Recorder) -> None:
    clock = Clock()
    opened, waiting = asyncio.Event(), asyncio.Event()

    async def pause(seconds: float) -> None:
        waiting.set()
        await opened.wait()
        await clock.pause(seconds)

    async def evening() -> None:
        start = starter(recorder, window=Window(), clock=clock, pause=pause)
        async with asyncio.TaskGroup() as group:
            group.create_task(start(OAK, ()))
            await waiting.wait()
            more = [group.create_task(start(each, ())) for each in (OAK, Account("oak-2", "riverside"))]
            await asyncio.sleep(0.01)
            assert not any(each.done() for each in more)  # each waits until its own set was dealt with
            opened.set()

    asyncio.run(evening())
    assert clock.waits == [2 * HOUR]
    assert len(recorder.runs) == 1


@pytest.mark.requirement("S2-20")
def test_set_that_comes_during_a_run_gets_one_of_its_own(recorder: Recorder) -> None:
    recorder.hold()

    async def evening() -> None:
        start = starter(recorder)
        async with asyncio.TaskGroup() as group:
            group.create_task(start(OAK, ()))
            await asyncio.to_thread(until, lambda: recorder.runs)
            group.create_task(start(OAK, ()))
            await asyncio.sleep(0.2)
            assert len(recorder.runs) == 1
            recorder.let_go()

    asyncio.run(evening())
    assert [run.code for run in recorder.runs] == [0, 0]


@pytest.mark.parametrize("code", [0, 2, 3, 4, 70])
def test_run_that_would_end_alike_is_not_repeated(recorder: Recorder, code: int) -> None:
    recorder.codes(code)
    asyncio.run(starter(recorder)(OAK, ()))
    assert [run.code for run in recorder.runs] == [code]


@pytest.mark.parametrize("code", [75, 130, 1])
def test_run_that_asks_for_it_or_was_cut_is_tried_again(recorder: Recorder, code: int) -> None:
    recorder.codes(code, code, 4)
    clock, ended = Clock("2026-11-23 00:10"), []
    asyncio.run(starter(recorder, window=Window(), clock=clock, ended=lambda *told: ended.append(told))(OAK, ()))
    assert [run.code for run in recorder.runs] == [code, code, 4]
    assert clock.waits == [60, 120]
    assert ended == [("riverside", code, 60), ("riverside", code, 120), ("riverside", 4, None)]


def test_tries_stay_within_the_window_and_end(recorder: Recorder) -> None:
    recorder.codes(*[75] * 100)
    clock, ended = Clock(), []

    def note(district: str, code: int, again: float | None) -> None:
        assert due(clock.time, Window()) == 0
        ended.append((clock.time, again))

    asyncio.run(starter(recorder, window=Window(), clock=clock, ended=note)(OAK, ()))
    evenings = collections.Counter(when.astimezone(ZoneInfo("America/New_York")).date() for when, _ in ended)
    assert list(evenings.values()) == [8, 4, 4, 4, 4, 1]
    assert [again is None for _, again in ended] == [False] * len(PAUSES) + [True]
    assert list(PAUSES) == sorted(PAUSES)


def test_set_that_comes_while_one_is_tried_again_is_read_by_the_next_try(recorder: Recorder) -> None:
    recorder.codes(75, 0)
    clock = Clock()
    tasks = []

    async def evening() -> None:
        async def pause(seconds: float) -> None:
            if seconds == PAUSES[0]:
                tasks.append(asyncio.create_task(start(OAK, ())))
            await clock.pause(seconds)

        start = starter(recorder, pause=pause)
        await start(OAK, ())
        await asyncio.gather(*tasks)

    asyncio.run(evening())
    assert (len(tasks), [run.code for run in recorder.runs]) == (1, [75, 0])


def test_trouble_with_the_state_is_no_answer(recorder: Recorder) -> None:
    answers = [UnreachableError("No connection."), UnreachableError("No connection."), True]

    def approved(district: str) -> bool:
        if isinstance(answer := answers.pop(0), bool):
            return answer
        raise answer

    clock = Clock()
    asyncio.run(starter(recorder, approved, clock=clock)(OAK, ()))
    assert (clock.waits, len(recorder.runs)) == ([60, 120], 1)


def test_two_servers_never_run_one_district_side_by_side(recorder: Recorder) -> None:
    """As when a server was killed, its run was not, and another server has begun."""
    recorder.hold()
    other = Recorder(recorder.log.with_name("hillside"), recorder.ready)
    ended: list[int] = []

    async def both() -> None:
        second = starter(recorder, pauses=[0.05] * 200, pause=asyncio.sleep, ended=lambda *told: ended.append(told[1]))
        async with asyncio.TaskGroup() as group:
            group.create_task(starter(recorder)(OAK, ()))
            await asyncio.to_thread(until, lambda: recorder.runs)
            group.create_task(second(OAK, ()))
            await starter(other)(Account("elm", "hillside"), ())
            await asyncio.to_thread(until, lambda: len(ended) > 2)
            assert len(recorder.runs) == 1
            recorder.let_go()

    asyncio.run(both())
    assert [run.code for run in other.runs] == [0]  # another district's does not wait
    assert [run.code for run in recorder.runs] == [0, 0]
    assert set(ended[:-1]) == {75}


def test_run_is_asked_to_end_when_the_server_stops(recorder: Recorder) -> None:
    recorder.hold()

    async def stopped() -> None:
        task = asyncio.create_task(starter(recorder)(OAK, ()))
        await asyncio.to_thread(until, lambda: recorder.runs)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(stopped())
    (run,) = recorder.runs
    assert run.code is None  # it would have ended of its own accord half a minute later
    with pytest.raises(ProcessLookupError):
        os.kill(run.pid, 0)
