"""Clocks that jump, machines that sleep, and files and schedules that change meanwhile."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
from town import ARRIVAL, CHAIN, Town, chain, evening, needs

from syncrun.config.district import load
from syncrun.errors import UnreachableError
from syncrun.order.start import Skip, note_skip
from syncrun.registry import Registry
from syncrun.schedule import timetable
from syncrun.state import lease
from syncrun.state.model import leases

pytestmark = pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True
)


@pytest.mark.requirement("S3-18")
@pytest.mark.parametrize("jumps", [[-1, 1], [1, -1], [-12, 13], [26, -26], [-1, -1, 2]])
def test_clock_that_jumps_back_and_forth_doubles_no_run(town: Town, jumps: Sequence[float]) -> None:
    served = evening(town, "elm")
    served.finish("elm")
    served.step(minutes=1)
    for hours in jumps:
        town.clock.move(hours=hours)
        for _ in range(3):
            if served.step(minutes=1):
                served.finish("elm")
                served.step()
    days = {each.arguments for each in served.hands.begun}
    assert len(served.hands.begun) == 1 + (max(jumps) >= 24)
    assert len(days) == 1


@pytest.mark.requirement("S3-18")
def test_clock_that_was_wrong_by_a_month_for_a_while_costs_no_evening(town: Town) -> None:
    served = evening(town, "elm")
    served.finish("elm")
    town.clock.move(days=30)
    assert served.step(6) == ["elm"]
    served.finish("elm")
    served.step()
    town.clock.move(days=-30)
    assert served.step(6) == []
    for _ in range(3):
        assert served.step(days=1) == ["elm"]
        served.finish("elm")
        assert served.step(6) == []


@pytest.mark.requirement("S3-18")
def test_lease_and_skip_of_a_time_when_the_clock_was_wrong_hold_up_nothing(town: Town) -> None:
    served = chain(town)
    served.finish("import")
    served.step()
    town.clock.move(days=400)
    with lease.held(town.state.engine, "export", "by-hand", town.clock):
        with town.state.transaction() as connection:
            found = connection.execute(sa.select(leases).where(leases.c.district == "export")).one()
            note_skip(load("import", Registry()), town.state, connection, Skip("its clock was wrong"))
        town.clock.move(days=-400)
    with town.state.transaction() as connection:  # it was killed
        values = {"run": "by-hand", "host": found.host, "pid": 2**22 + 1, "born": "1", "expires_at": found.expires_at}
        connection.execute(sa.update(leases).where(leases.c.district == "export").values(**values))
    assert served.step(minutes=2) == ["export"]


def test_clock_set_back_while_a_run_waits_to_be_tried_again_does_not_hold_it_up(town: Town) -> None:
    served = evening(town, "elm")
    served.finish("elm", "RETRY")
    served.step()
    town.clock.move(hours=-6)
    assert served.step(minutes=1) == ["elm"]


@pytest.mark.requirement("S3-18")
def test_machine_that_was_asleep_for_a_week_makes_up_for_it_once(town: Town) -> None:
    served = evening(town, "elm")
    served.finish("elm")
    assert served.step(days=7) == ["elm"]
    served.finish("elm")
    for _ in range(5):
        assert served.step(hours=4) == []
    assert served.step(hours=4) == ["elm"]


@pytest.mark.requirement("S0-28")
def test_schedule_edited_while_its_run_is_at_work_counts_from_then_on(town: Town) -> None:
    served = evening(town, "elm")
    town.district("elm", 'full = { every = "day", at = "20:00" }')
    assert served.step(minutes=10) == ["elm"]
    assert served.hands.busy == ["elm"]
    run = served.finish("elm")
    assert served.step(minutes=1) == []
    assert town.entry("elm").last_run == run
    assert served.step(minutes=19) == ["elm"]  # what was saved counts: twenty minutes later it is due
    served.finish("elm")
    assert served.step(hours=23) == []
    assert served.step(hours=1) == ["elm"]


def test_schedule_paused_between_the_look_and_the_beginning_does_not_run(town: Town) -> None:
    served = evening(town, "ash", "elm", at_once=1)
    assert served.hands.busy == ["ash"]
    timetable.pause(town.state, "elm", ["full"], "Ann")
    served.finish("ash")
    assert served.step() == []


@pytest.mark.parametrize("then", ["resumed", "paused"])
def test_run_that_is_to_be_tried_again_is_not_while_its_schedule_is_paused(town: Town, then: str) -> None:
    served = evening(town, "elm")
    served.finish("elm", "RETRY")
    served.step()
    timetable.pause(town.state, "elm", ["full"], "Ann")
    if then == "resumed":
        timetable.resume(town.state, "elm", ["full"], "Ann")
    assert served.step(minutes=2) == ["elm"] * (then == "resumed")
    assert (town.job("elm").ending, needs(town)) == (None if then == "resumed" else "skipped", [])


def test_district_that_is_new_is_found_and_one_that_is_gone_is_left(town: Town) -> None:
    served = evening(town, "ash")
    served.finish("ash")
    served.step()
    town.district("elm")
    served.step(11)
    (town.home / "districts" / "ash.toml").unlink()
    assert served.step(days=1) == ["elm"]
    assert [json.loads(each)["district"] for each in town.written.getvalue().splitlines() if "no file" in each] == [
        "ash"
    ]


def test_schedule_that_could_not_be_saved_is_saved_when_the_state_is_back(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = town.service()
    for each in ("ash", "elm"):
        town.district(each)

    def away(*_: object) -> None:
        raise UnreachableError("The state database is away.")

    with monkeypatch.context() as patch:
        patch.setattr(timetable, "adopt", away)
        for _ in range(2):
            with pytest.raises(UnreachableError):
                served.step(11)
    served.step(11)
    assert served.step(hours=8) == ["ash", "elm"]


@pytest.mark.requirement("S3-6")
def test_file_that_came_before_the_one_it_waits_for_counts_when_both_are_there(town: Town) -> None:
    served = town.service()
    town.district("export", more=CHAIN)
    served.step(11)
    town.district("import")
    served.step(11)
    assert served.step(hours=7.5) == ["import"]
    served.finish("import")
    assert served.step(6) == ["export"]


def test_of_two_files_of_one_district_the_first_alone_counts(town: Town) -> None:
    town.district("elm")
    other = town.home / "districts" / "other.toml"
    other.write_text((town.home / "districts" / "elm.toml").read_text().replace("19:30", "22:00"), encoding="utf-8")
    served = town.service()
    assert served.step(hours=7.5) == ["elm"]
    served.finish("elm")
    assert served.step(hours=4) == []
    (town.home / "districts" / "elm.toml").unlink()
    assert served.step(hours=1) == []
    assert served.step(hours=21.6) == ["elm"]


def test_fault_of_a_plugin_holds_up_no_other_district(town: Town, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    town.district("ash", ARRIVAL)
    town.district("elm")
    town.ran("ash")
    served = town.service()

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("syncrun.connectors.oneroster_csv.source.OneRosterCsv.arrived", broken)
    with monkeypatch.context() as patch:
        patch.setattr("syncrun.config.district.settings_schema", broken)
        town.district("oak")
        assert served.step(hours=7) == []
    served.step(11)
    assert served.step(hours=0.5) == ["elm", "oak"]


def test_file_that_cannot_be_used_is_in_the_log_once_each_time_it_is_written(town: Town) -> None:
    path = town.district("elm")
    served = town.service()

    def told() -> int:
        return sum(json.loads(each)["event"] == "file unusable" for each in town.written.getvalue().splitlines())

    for count in (1, 2):
        path.write_text("district = ", encoding="utf-8")
        os.utime(path, ns=(count * 10**9, count * 10**9))
        for _ in range(3):
            served.step(11)
        assert told() == count
