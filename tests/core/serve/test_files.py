"""Files that come begin a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from town import ARRIVAL, CHAIN, Town, needs

from syncrun.errors import UnreachableError
from syncrun.schedule import timetable
from syncrun.state import job
from syncrun.state.store import State

if TYPE_CHECKING:
    import sqlalchemy as sa

pytestmark = pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True
)


@pytest.mark.requirement("S2-20")
def test_files_that_came_begin_a_run_when_they_have_been_quiet(town: Town, inbox: Path) -> None:
    town.district("elm", ARRIVAL)
    town.ran("elm")
    served = town.service()
    assert served.step(59) == []
    assert served.step(6) == ["elm"]
    assert served.hands.begun[-1].arguments[-1] == "--incremental"
    served.finish("elm", mode="incremental")
    assert served.step(hours=5) == []  # they were dealt with
    (inbox / "orgs.csv").write_text("sourcedId\n1\n", encoding="utf-8")
    assert served.step(6) == []
    (inbox / "orgs.csv").write_text("sourcedId\n1\n2\n", encoding="utf-8")
    assert served.step(58) == []  # it still grew
    assert served.step(6) == []
    assert served.step(55) == ["elm"]


@pytest.mark.requirement("S2-20")
def test_files_that_come_while_a_run_is_at_work_begin_the_next(town: Town, inbox: Path) -> None:
    town.district("elm", ARRIVAL)
    town.ran("elm")
    served = town.service()
    served.step(60)
    assert served.hands.busy == ["elm"]
    (inbox / "users.csv").write_text("sourcedId\n1\n2\n", encoding="utf-8")
    assert served.step(6) == ["elm"]
    assert served.step(minutes=5) == ["elm"]
    assert len(served.hands.begun) == 1
    served.finish("elm", mode="incremental")
    assert served.step(6) == ["elm"]
    assert len(served.hands.begun) == 2


@pytest.mark.requirement("S2-20")
def test_files_begin_a_run_within_the_window_only(town: Town, inbox: Path) -> None:
    town.district("elm", 'arrival = { from = "19:00", to = "21:00" }\npause = [{ from = 2026-11-20, to = 2026-11-20 }]')
    town.ran("elm")
    served = town.service()
    assert served.step(hours=7.5) == []  # a day off
    assert served.step(hours=2) == []
    assert served.step(hours=21, minutes=29) == []
    assert served.step(minutes=1) == ["elm"]


@pytest.mark.requirement("S2-19")
def test_files_begin_no_run_before_a_person_let_the_first_sync_go(town: Town, inbox: Path) -> None:
    town.district("elm", ARRIVAL)
    town.ran("elm", "HELD")
    served = town.service()
    assert served.step(hours=1) == []
    town.ran("elm")
    assert served.step(minutes=1) == ["elm"]


def test_files_begin_no_run_while_the_schedules_are_paused(town: Town, inbox: Path) -> None:
    town.district("elm", f'full = {{ every = "day", at = "03:00" }}\n{ARRIVAL}')
    town.ran("elm")
    served = town.service()
    timetable.pause(town.state, "elm", ["full"], "Ann")
    assert served.step(hours=1) == []
    timetable.resume(town.state, "elm", ["full"], "Ann")
    assert served.step(minutes=1) == ["elm"]


def test_files_that_a_scheduled_run_read_begin_none_of_their_own(town: Town, inbox: Path) -> None:
    town.district("elm", f'full = {{ every = "day", at = "19:30" }}\n{ARRIVAL}')
    town.ran("elm")
    served = town.service()
    town.clock.move(hours=7.5)  # it is due before the files have been quiet for long enough
    assert served.step(30) == ["elm"]
    served.finish("elm")
    assert served.step(minutes=5) == []
    assert len(served.hands.begun) == 1


@pytest.mark.requirement("S3-19")
def test_files_are_passed_over_once_after_an_import_that_failed(town: Town, inbox: Path) -> None:
    town.district("import")
    town.district("elm", ARRIVAL, more=CHAIN)
    town.ran("elm")
    town.ran("import", "FAILED")
    served = town.service()
    assert served.step(61) == []
    assert served.step(61) == []
    assert len(needs(town)) == 1
    (inbox / "users.csv").write_text("sourcedId\n1\n2\n", encoding="utf-8")
    town.ran("import")
    served.step(6)
    assert served.step(61) == ["elm"]


@pytest.mark.requirement("S2-20")
def test_files_that_another_server_dealt_with_a_moment_ago_begin_no_second_run(town: Town, inbox: Path) -> None:
    town.district("ash", 'full = { every = "day", at = "12:01" }')
    town.district("elm", ARRIVAL)
    town.ran("elm")
    one, two = town.service(at_once=1), town.service(at_once=1)
    town.wait(61)
    assert two.step() == ["ash"]
    assert one.step() == ["elm"]
    one.finish("elm", mode="incremental")
    one.step()
    two.finish("ash")
    assert two.step() == []
    assert one.step(minutes=1) == two.step(minutes=1) == []


@pytest.mark.requirement("S2-20")
def test_files_begin_one_run_though_the_state_goes_away_at_the_next(
    town: Town, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in ("ash", "elm"):
        town.district(each, ARRIVAL)
        town.ran(each)
    served = town.service()
    take = job.take

    def lost(connection: sa.Connection, state: State, district: str, *others: object) -> object:
        if district == "elm":
            raise UnreachableError("The state database went away.")
        return take(connection, state, district, *others)  # type: ignore[arg-type] # passed on

    with monkeypatch.context() as patch:
        patch.setattr(job, "take", lost)
        with pytest.raises(UnreachableError):
            served.step(61)
    served.finish("ash", mode="incremental")
    assert served.step(1) == ["elm"]
    assert [each.key for each in served.hands.begun] == ["ash", "elm"]
