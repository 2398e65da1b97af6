"""Servers that end, hang or are two: each run is carried out once."""

from __future__ import annotations

import dataclasses
import datetime
import shutil

import pytest
from town import NOON, Hands, Town, dies, evening, falls_silent, needs

from syncrun.errors import UnreachableError
from syncrun.schedule import timetable
from syncrun.state import job, lease, server

HOUR = datetime.timedelta(hours=1)
pytestmark = pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True
)


def test_two_servers_on_one_database_begin_each_run_once(town: Town) -> None:
    names = [f"d{n:02}" for n in range(12)]
    for each in names:
        town.district(each)
    one, two = town.service(at_once=3), town.service(at_once=3)
    town.wait(hours=7.5)
    for _ in range(8):
        for served in (one, two):
            for district in served.step(1):
                served.finish(district)
    begun = [each.key for served in (one, two) for each in served.hands.begun]
    assert sorted(begun) == names
    assert {len(one.hands.begun), len(two.hands.begun)} == {6}


def test_looks_of_two_servers_at_one_moment_begin_a_run_once(town: Town) -> None:
    town.district("elm")
    one, two = town.service(), town.service()
    town.wait(hours=7.5)
    (found,) = timetable.due(town.state)
    assert timetable.claim(town.state, found, one.service.id)
    assert timetable.claim(town.state, found, two.service.id) is None
    server.seen(town.state, one.service.id)
    assert two.step() == []


@pytest.mark.requirement("S3-18")
def test_run_of_a_server_that_was_killed_is_begun_again_by_the_next(town: Town) -> None:
    one = evening(town, "elm")
    dies(one)
    two = town.service()
    assert two.hands.busy == ["elm"]
    assert town.job("elm").tries == 2
    two.finish("elm")
    assert two.step(6) == []


def test_run_that_ended_after_its_server_was_killed_is_not_begun_again(town: Town) -> None:
    one = evening(town, "elm")
    dies(one)
    run = town.ran("elm")
    two = town.service()
    assert two.hands.begun == []
    assert town.job("elm").run == run


def test_run_that_takes_its_server_with_it_each_time_is_not_begun_for_ever(town: Town) -> None:
    town.district("oak", 'full = { every = "day", at = "19:31" }')
    served = evening(town, "elm", at_once=1)
    for tries in range(2, 7):
        dies(served)
        served = town.service(at_once=1)
        assert (served.hands.busy, town.job("elm").tries) == (["elm"], tries)
    dies(served)
    served = town.service(at_once=1)
    assert needs(town) == ["It was begun 6 times and cut off."]
    assert served.step(minutes=2) == ["oak"]


def test_run_that_outlives_its_server_is_waited_for(town: Town) -> None:
    one = evening(town, "elm")
    dies(one)
    hands = Hands()
    hands.held.add("elm")
    two = town.service(hands)
    assert two.step(minutes=10) == []
    run = town.ran("elm")
    hands.held.clear()
    assert two.step(6) == []
    assert town.job("elm").run == run
    assert hands.begun == []


def test_run_of_a_server_on_another_machine_is_waited_for_while_its_lease_holds(town: Town) -> None:

    one = evening(town, "elm")
    dies(one)
    with lease.held(town.state.engine, "elm", "elsewhere", town.clock):
        two = town.service()
        assert two.step(10) == []
    assert two.step(10) == ["elm"]


def test_server_that_was_taken_for_dead_leaves_to_others_what_they_took(town: Town) -> None:
    one = evening(town, "elm")
    dies(one)  # it was frozen, and wakes
    two = town.service()
    assert two.hands.busy == ["elm"]
    one.hands.end("elm", 75)
    assert one.step(60) == []
    assert town.job("elm").server == two.service.id
    two.finish("elm")
    two.step()
    assert one.step(minutes=30) == []
    assert [len(each.hands.begun) for each in (one, two)] == [1, 1]


def test_job_is_changed_by_none_but_who_has_it_and_while_it_is_open(town: Town) -> None:
    evening(town, "elm")
    mine = town.job("elm")
    assert timetable.due(town.state, NOON + 40 * HOUR) == []  # an open job stands for what comes meanwhile
    assert job.begin(town.state, dataclasses.replace(mine, server="another")) is None
    assert job.begin(town.state, dataclasses.replace(mine, number=2)) is None
    with town.state.transaction() as connection:
        assert job.end(connection, town.state, mine, "ended", 0)
    assert job.begin(town.state, mine) is None
    assert town.job("elm").tries == 1


def test_job_that_is_taken_away_at_the_last_moment_is_not_begun(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    served = evening(town)
    town.district("elm")
    served.step(11)
    claim = timetable.claim

    def taken(*arguments: object) -> object:
        found = claim(*arguments)  # type: ignore[arg-type] # passed on
        assert found
        job.adopt(town.state, found, "another")
        return found

    monkeypatch.setattr(timetable, "claim", taken)
    assert served.step(days=1) == []
    assert town.job("elm").server == "another"


def test_task_that_somebody_else_still_has_at_work_is_begun_when_it_is_over(town: Town) -> None:
    hands = Hands()
    hands.held.add("elm")
    town.district("elm")
    served = town.service(hands)
    assert served.step(hours=7.5) == []
    hands.held.clear()
    assert served.step(6) == ["elm"]


def test_server_that_is_asked_to_leave_lets_its_runs_go_on_elsewhere(town: Town) -> None:
    one = evening(town, "elm", "oak")
    one.finish("oak")
    one.service.stop()
    one.service.serve()
    assert one.hands.woken == 1
    assert town.job("oak").ending == "ended"
    owed = town.job("elm")
    assert (owed.server, owed.is_open, owed.tries) == (None, True, 0)
    assert server.living(town.state) == []
    two = town.service()
    assert two.hands.busy == ["elm"]


def test_job_whose_taking_was_not_answered_is_not_forgotten(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    served = evening(town)
    town.district("elm")
    served.step(11)
    town.wait(days=1)
    claim = timetable.claim

    def lost(*arguments: object) -> None:
        assert claim(*arguments)  # type: ignore[arg-type] # passed on
        raise UnreachableError("The state database went away.")

    monkeypatch.setattr(timetable, "claim", lost)
    with pytest.raises(UnreachableError):
        served.step()
    monkeypatch.undo()
    assert served.step(6) == ["elm"]


def test_end_that_could_not_be_noted_is_noted_when_the_state_is_back(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = evening(town, "elm")
    run = served.finish("elm")

    def away(*_: object) -> None:
        raise UnreachableError("The state database is away.")

    monkeypatch.setattr(job, "run_for", away)
    for _ in range(2):
        with pytest.raises(UnreachableError):
            served.step()
    assert town.job("elm").is_open
    monkeypatch.undo()
    assert served.step() == []
    assert town.job("elm").run == run


def test_job_that_nobody_has_a_file_for_comes_to_its_end_after_a_while(town: Town) -> None:
    one = evening(town, "elm")
    dies(one)
    shutil.rmtree(town.home / "districts")
    two = town.service()
    two.step(hours=5)
    assert town.job("elm").is_open
    two.step(hours=2)
    assert town.job("elm").ending == "gave up"


def test_server_that_hangs_loses_what_it_does_not_see_to_and_nothing_that_is_at_work(town: Town) -> None:
    one = evening(town, "elm", "oak", at_once=2)
    one.finish("elm", "RETRY")
    one.step()
    hands = Hands()
    hands.held.add("oak")
    two = town.service(hands)
    assert two.step(70) == []
    falls_silent(town, one, 80)
    assert two.step(6) == []
    falls_silent(town, one, 95)
    assert two.step(6) == ["elm"]
    assert [each.district for each in job.still_open(town.state) if each.server == one.service.id] == ["oak"]
    two.finish("elm")
    one.finish("oak")
    assert one.step(1) == []  # it goes on
    assert two.step(6) == []
    assert (town.job("elm").exit_code, town.job("oak").exit_code) == (0, 0)
