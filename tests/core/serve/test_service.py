"""What begins by itself, when, and what becomes of it, whatever ends in between."""

from __future__ import annotations

import dataclasses
import datetime
import json
import shutil
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import pytest
import sqlalchemy as sa
from town import NOON, Hands, Served, Town

from syncrun.config.district import load
from syncrun.errors import UnreachableError
from syncrun.order.start import Skip, note_skip
from syncrun.registry import Registry
from syncrun.schedule import timetable
from syncrun.serve.again import CRASH_PAUSES
from syncrun.serve.executor import Ended, Limits
from syncrun.serve.service import DIGEST
from syncrun.state import job, lease, outbox, server
from syncrun.state.model import jobs, leases, servers
from syncrun.state.store import State
from syncrun.testing.clock import FixedClock

HOUR = datetime.timedelta(hours=1)
pytestmark = pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True
)
CHAIN = 'after = ["import"]\nwait_minutes = 60'
INCREMENTAL = 'incremental = { every = "day", at = "19:31" }'


@pytest.fixture
def town(home: Path, state_engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setenv("SYNCRUN_DISTRICTS", str(home / "districts"))
    clock = FixedClock(NOON)
    return Town(home, State(state_engine, clock), clock)


def needs(town: Town) -> list[str]:
    """What people are told to be needed for."""
    return [need["words"] for each in outbox.unplanned(town.state) for need in each.needs]


def evening(town: Town, *names: str, **options: float) -> Served:
    """A service in the evening, when districts of these names are due and looked at."""
    for name in names:
        town.district(name)
    served = town.service(**options)
    served.step(hours=7.5)
    return served


# -- beginning -----------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S0-25", "S2-19", "S3-1", "S3-4")
def test_run_begins_at_its_time_once_a_day_as_the_command_that_people_use(town: Town) -> None:
    path = town.district("elm")
    served = town.service()
    assert served.step(hours=7) == []
    for _ in range(3):
        assert served.step(minutes=30) == ["elm"]
        assert served.hands.begun[-1].arguments == ("--district", str(path), "--full")
        assert served.step(minutes=3) == ["elm"]
        run = served.finish("elm")
        assert served.step(minutes=1) == []
        assert town.entry("elm").last_run == town.job("elm").run == run
        assert served.step(hours=23, minutes=26) == []
    assert len(served.hands.begun) == 3


def test_no_more_runs_than_may_be_at_work_and_those_that_waited_longest_first(town: Town) -> None:
    town.district("late", 'full = { every = "day", at = "19:29" }')
    served = evening(town, "ash", "elm", "oak", at_once=2)
    assert served.hands.busy == ["late", "ash"]
    served.finish("ash")
    assert served.step() == ["late", "elm"]
    served.finish("late")
    served.finish("elm")
    assert served.step() == ["oak"]


def test_no_more_runs_ask_one_server_than_may(town: Town) -> None:
    for name, host in (("a", "one.example"), ("b", "ONE.example"), ("c", "one.example"), ("d", "two.example")):
        town.district(name, connector="classlink", source=f'base_url = "https://{host}/ims/oneroster/v1p1"\n'
                      'key = "env:KEY"\nsecret = "env:SECRET"')  # fmt: skip
    town.district("e")
    town.district("f")
    served = evening(town, at_once=9, per_source=2)
    assert served.hands.busy == ["a", "b", "d", "e", "f"]
    served.finish("b")
    assert served.step() == ["a", "d", "e", "f", "c"]


@pytest.mark.requirement("S3-13")
def test_full_and_incremental_of_a_district_never_overlap(town: Town) -> None:
    town.district("elm", 'full = { every = "day", at = "19:30" }\n' + INCREMENTAL)
    served = town.service(at_once=5)
    assert served.step(hours=7.5) == ["elm"]
    assert served.step(minutes=20) == ["elm"]
    served.finish("elm")
    assert served.step(minutes=1) == ["elm"]
    assert [each.arguments[-1] for each in served.hands.begun] == ["--full", "--incremental"]


@pytest.mark.requirement("S3-3")
def test_run_that_a_person_began_is_waited_for(town: Town) -> None:
    town.district("elm")
    served = town.service()

    town.wait(hours=7.5)
    with lease.held(town.state.engine, "elm", "by-hand", town.clock):
        assert served.step() == []
    assert served.step(10) == ["elm"]


# -- what ended otherwise ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["DONE", "REFUSED", "HELD", "DEGRADED", "FAILED"])
def test_run_that_ended_is_not_begun_again_however_it_ended(town: Town, outcome: str) -> None:
    served = evening(town, "elm")
    run = served.finish("elm", outcome)
    for _ in range(10):
        assert served.step(hours=1) == []
    assert (town.job("elm").ending, town.job("elm").run) == ("ended", run)
    assert needs(town) == []  # the run itself tells
    assert served.service.all_good == (outcome == "DONE")


def test_run_that_asks_for_it_is_tried_again_less_and_less_often(town: Town) -> None:
    served = evening(town, "elm")
    for pause in (60, 120, 240, 480, 900, 1800, 1800):
        served.finish("elm", "RETRY")
        assert served.step() == []
        assert served.step(pause - 1) == []
        assert served.step(1) == ["elm"]
    served.finish("elm")
    assert served.step() == []
    assert served.step(hours=3) == []
    assert (town.job("elm").tries, town.job("elm").exit_code) == (8, 0)


def test_run_that_is_tried_for_hours_in_vain_is_given_up_and_people_are_told(town: Town) -> None:
    served = evening(town, "elm")
    for _ in range(40):
        if served.hands.busy:
            served.finish("elm", "RETRY")
        served.step(minutes=30)
    assert town.job("elm").ending == "gave up"
    assert NOON + 13 * HOUR < town.job("elm").ended_at < NOON + 14.5 * HOUR  # type: ignore[operator] # it ended
    assert needs(town) == ["It was tried 7 times, and was to be tried again later each time."]


@pytest.mark.parametrize("code", [-9, -15, 130, 1])
def test_run_that_was_cut_off_is_begun_again_soon_and_not_for_ever(town: Town, code: int) -> None:
    served = evening(town, "elm")
    for pause in CRASH_PAUSES:
        served.hands.end("elm", code)
        assert served.step() == []
        assert served.step(pause) == ["elm"]
    served.hands.end("elm", code)
    assert served.step() == []
    assert served.step(hours=10) == []
    assert needs(town) == ["It was begun 6 times and cut off."]
    assert served.step(hours=14) == ["elm"]  # the next evening is another


@pytest.mark.parametrize(("cause", "words"), [("too long", "It took longer"), ("too large", "It took more memory")])
def test_run_that_was_ended_for_a_limit_is_not_begun_again_and_people_are_told(
    town: Town, cause: str, words: str
) -> None:
    served = evening(town, "elm")
    served.hands.end("elm", -9, cause)  # type: ignore[arg-type] # one of them
    for _ in range(5):
        assert served.step(hours=1) == []
    assert needs(town)[0].startswith(words)
    assert not served.service.all_good


def test_run_that_was_refused_before_it_began_is_told(town: Town) -> None:
    path = town.district("elm")
    served = town.service()
    path.write_text("district = ", encoding="utf-8")
    assert served.step(hours=7.5) == ["elm"]  # it says itself what is wrong
    served.hands.end("elm", 2)
    assert served.step(hours=1) == []
    assert needs(town) == ["It was refused before it began (exit code 2)."]


def test_run_that_ended_before_it_began_is_told_by_its_exit_code(town: Town) -> None:
    served = evening(town, "elm")
    served.hands.end("elm", 70)
    served.step()
    assert needs(town) == ["It ended before it began (exit code 70)."]


def test_machine_that_slept_while_a_run_waited_to_be_tried_again_tries_more_than_once(town: Town) -> None:
    served = evening(town, "elm")
    served.finish("elm", "RETRY")
    served.step()
    town.wait(hours=7)
    assert served.step() == ["elm"]
    served.finish("elm", "RETRY")  # the network is not up yet
    assert served.step() == []
    assert served.step(minutes=2) == ["elm"]
    served.finish("elm")
    assert served.step() == []
    assert town.job("elm").ending == "ended"


def test_run_that_is_tried_again_ends_with_its_schedule(town: Town) -> None:
    town.district("elm")
    served = town.service()
    served.step(hours=7.5)
    served.finish("elm", "RETRY")
    served.step()
    town.district("elm", INCREMENTAL.replace("19:31", "06:00"))
    assert served.step(minutes=2) == []
    assert town.job("elm").ending == "skipped"


@pytest.mark.requirement("S3-18")
def test_run_that_was_missed_too_long_ago_is_told_once(town: Town) -> None:
    town.district("elm", 'full = { every = "day", at = "19:30", catch_up_hours = 1 }')
    town.district("oak", 'full = { every = "day", at = "19:30", catch_up_hours = 1 }\n' + INCREMENTAL)
    served = town.service()
    town.wait(hours=9)
    assert served.step() == ["oak"]
    assert needs(town) == [
        "The full run of 2026-11-20 19:30 UTC was missed; the next is as scheduled." for _ in ("elm", "oak")
    ]
    assert served.step(hours=1) == ["oak"]
    assert len(needs(town)) == 2


def test_run_that_a_person_brought_to_an_end_meanwhile_is_not_tried_again(town: Town) -> None:
    served = evening(town, "elm")
    served.finish("elm", "RETRY")
    served.step()
    run = town.ran("elm", mode="full")
    assert served.step(minutes=5) == []
    assert town.job("elm").run == run


def test_run_by_hand_that_did_less_does_not_count_for_it(town: Town) -> None:
    served = evening(town, "elm")
    served.finish("elm", "RETRY")
    served.step()
    town.ran("elm", mode="incremental")
    town.state.update_run(town.ran("elm"), dry_run=True)
    assert served.step(minutes=5) == ["elm"]


def test_machine_that_can_begin_no_process_is_asked_again(town: Town) -> None:
    hands = Hands()
    hands.broken = True
    town.district("elm")
    served = town.service(hands)
    assert served.step(hours=7.5) == []
    hands.broken = False
    assert served.step(minutes=1) == ["elm"]


# -- one after the other -------------------------------------------------------------------------------------------------


def chain(town: Town, more: str = "", **options: float) -> Served:
    """An import at half past seven and an export a minute later, both of which ran well the day before."""
    town.district("import")
    town.district("export", 'full = { every = "day", at = "19:31" }', more=CHAIN + more)
    town.ran("import")
    town.ran("export")
    served = town.service(**options)
    assert served.step(hours=7.5) == ["import"]
    return served


@pytest.mark.requirement("S3-6", "S3-8", "S3-17")
def test_export_waits_until_a_slow_import_has_ended_well(town: Town) -> None:
    served = chain(town)
    assert served.step(minutes=40) == ["import"]
    served.finish("import")
    assert served.step(6) == ["export"]


@pytest.mark.requirement("S3-19")
@pytest.mark.parametrize("outcome", ["REFUSED", "HELD", "FAILED"])
def test_export_is_skipped_after_an_import_that_failed_or_is_held(town: Town, outcome: str) -> None:
    served = chain(town)
    run = served.finish("import", outcome)
    assert served.step(minutes=2) == []
    assert served.step(minutes=90) == []
    assert f"The scheduled run was skipped: import ended with {outcome} (run {run})." in needs(town)
    assert served.step(hours=22, minutes=28) == ["import"]
    served.finish("import")
    assert served.step(minutes=2) == ["export"]


@pytest.mark.requirement("S3-19")
def test_export_runs_all_the_same_where_it_is_said_so(town: Town) -> None:
    served = chain(town, '\nafter_failure = "run"')
    served.finish("import", "FAILED")
    assert served.step(minutes=2) == ["export"]


@pytest.mark.requirement("S3-8")
def test_export_is_skipped_when_the_import_takes_longer_than_it_waits(town: Town) -> None:
    served = chain(town)
    served.step(minutes=2)
    assert served.step(minutes=61) == ["import"]
    assert needs(town) == ["The scheduled run was skipped: import is at work; this one waited 60 minutes for it."]
    served.finish("import")
    assert served.step(minutes=1) == []


@pytest.mark.requirement("S3-8", "S3-19")
def test_export_is_skipped_after_an_import_that_hung_and_was_ended(town: Town) -> None:
    served = chain(town)
    served.hands.end("import", -9, "too long")
    assert served.step(minutes=2) == []
    assert any("import was begun and did not come to an end (too long)" in each for each in needs(town))


@pytest.mark.requirement("S3-8")
def test_export_that_hangs_holds_up_nothing_but_itself(town: Town) -> None:
    served = chain(town)
    served.finish("import")
    assert served.step(minutes=2) == ["export"]
    assert served.step(hours=23, minutes=58) == ["export", "import"]
    served.finish("import")
    assert served.step(hours=1) == ["export"]
    served.hands.end("export", -9, "too long")
    assert served.step(6) == ["export"]  # the evening that it slept through, once
    assert len(served.hands.begun) == 4


def test_export_waits_for_an_import_that_is_tried_again(town: Town) -> None:
    served = chain(town)
    served.finish("import", "RETRY")
    assert served.step() == []
    assert served.step(59) == []
    assert served.step(2) == ["import"]
    served.finish("import")
    assert served.step(6) == ["export"]


@pytest.mark.requirement("S3-18")
def test_chain_whose_machine_slept_is_made_up_for_in_its_order(town: Town) -> None:
    served = chain(town)
    served.finish("import")
    served.step(minutes=2)
    served.finish("export")
    assert served.step(hours=34) == ["import"]  # both of the evening before; the wait is counted from now
    assert served.step(minutes=30) == ["import"]
    served.finish("import")
    assert served.step(6) == ["export"]


@pytest.mark.requirement("S3-8", "S3-19")
def test_export_is_skipped_after_a_run_by_hand_that_was_cut_off(town: Town) -> None:
    served = chain(town)
    served.finish("import")
    served.step()
    with lease.held(town.state.engine, "import", "by-hand", town.clock) as held:
        town.state.start_run("by-hand", "import", "incremental", held.epoch, dry_run=False)
        town.state.update_run("by-hand", status="applying")
    assert served.step(minutes=2) == []
    assert needs(town) == ["The scheduled run was skipped: import was cut off (run by-hand)."]


@pytest.mark.requirement("S3-8", "S3-19")
def test_waiting_comes_to_an_end_also_where_a_timer_begins_a_new_server_each_time(town: Town) -> None:
    town.district("import", "")
    town.district("export", more=CHAIN)
    town.ran("import", "RETRY")
    town.service().service.leave()

    def looks(minutes: float) -> list[str]:
        town.wait(minutes=minutes)
        Served(town, Hands(), Limits(), digests=False).service.serve(once=True)
        return needs(town)

    assert [looks(minutes) for minutes in (450, 30, 29)] == [[], [], []]
    assert "this one waited 60 minutes for it" in looks(1)[0]


def test_export_does_not_wait_for_an_import_that_was_missed_before_its_days_off(town: Town) -> None:
    town.district("import", 'full = { every = "day", at = "19:30" }\npause = [{ from = 2026-11-21, to = 2026-11-29 }]')
    town.district("export", 'full = { every = "day", at = "03:00" }', more=CHAIN)
    town.ran("import")
    town.ran("export")
    served = town.service()
    assert served.step(hours=15) == ["export"]


# -- clocks, sleep and changes -------------------------------------------------------------------------------------------


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


# -- servers that end ------------------------------------------------------------------------------------------------------


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


def dies(served: Served) -> None:
    """A server is killed; its processes go on."""
    server.leave(served.town.state, served.service.id)


def falls_silent(town: Town, served: Served, seconds: float) -> None:
    """A server has not been heard of for so long, by the clock that counts."""
    with town.state.transaction() as connection:
        at = lease.now_of(connection, town.clock) - datetime.timedelta(seconds=seconds)
        connection.execute(sa.update(servers).where(servers.c.id == served.service.id).values(seen_at=at))


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


# -- files that come ---------------------------------------------------------------------------------------------------------


ARRIVAL = "arrival = { quiet_seconds = 60 }"


@pytest.fixture
def inbox(town: Town) -> Path:
    folder = town.home / "districts" / "inbox"
    folder.mkdir()
    (folder / "users.csv").write_text("sourcedId\n1\n", encoding="utf-8")
    return folder


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


def test_one_who_looks_once_waits_for_files_that_are_still_coming(
    town: Town, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.district("elm", ARRIVAL)
    town.ran("elm")
    served = Served(town, Hands(), Limits(), digests=False)
    ended = served.hands.ended

    def work(seconds: float) -> list[Ended]:
        town.wait(seconds or 1)
        for district in served.hands.busy:
            served.finish(district, mode="incremental")
        return ended(seconds)

    monkeypatch.setattr(served.hands, "ended", work)
    began = town.seconds
    served.service.serve(once=True)
    assert [each.key for each in served.hands.begun] == ["elm"]
    assert 60 < town.seconds - began < 75
    assert served.service.all_good
    assert not served.service.owes


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


def looking_once(
    town: Town, monkeypatch: pytest.MonkeyPatch, ends: Sequence[int], hands: Hands | None = None
) -> Served:
    """One who looks once, whose runs end with these codes, one after the other."""
    served = Served(town, hands or Hands(), Limits(), digests=False)
    codes, ended = list(ends), served.hands.ended

    def work(seconds: float) -> list[Ended]:
        town.wait(seconds or 1)
        for district in served.hands.busy:
            code = codes.pop(0)
            if code == 0:
                served.finish(district)
            else:
                served.hands.end(district, code)
        return ended(seconds)

    monkeypatch.setattr(served.hands, "ended", work)
    served.service.serve(once=True)
    return served


def test_one_who_looks_once_waits_for_a_run_that_is_begun_again_soon(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.district("elm")
    town.service().service.leave()
    town.wait(hours=8)
    served = looking_once(town, monkeypatch, [-9, -9, 0])
    assert (town.job("elm").ending, town.job("elm").tries) == ("ended", 3)
    assert served.service.all_good
    assert not served.service.owes


def test_one_who_looks_once_waits_for_a_run_that_a_server_left_behind(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    dies(evening(town, "elm"))
    hands = Hands()
    hands.held.add("elm")
    wait, run = town.wait, ""

    def goes_by(seconds: float = 0, **difference: float) -> None:
        nonlocal run
        wait(seconds, **difference)
        if hands.held and town.seconds > 1000 + 7.6 * 3600:
            run = town.ran("elm")
            hands.held.clear()

    monkeypatch.setattr(town, "wait", goes_by)
    looking_once(town, monkeypatch, [], hands)
    assert town.job("elm").run == run
    assert hands.begun == []


# -- digests, and one who looks once -------------------------------------------------------------------------------------


def test_log_that_cannot_be_written_ends_nothing(town: Town) -> None:
    class Full(StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    town.written = Full()
    served = evening(town, "elm")
    served.finish("elm")
    assert served.step(hours=24) == ["elm"]


def test_digest_is_sent_each_hour_and_soon_after_a_person_is_needed(town: Town) -> None:
    town.district("elm")
    served = town.service(digests=True)

    def sent() -> int:
        if DIGEST in served.hands.at_work:
            served.hands.end(DIGEST, 0)
        return sum(each.key == DIGEST for each in served.hands.begun)

    assert sent() == 1
    served.step(minutes=59)
    assert sent() == 1
    served.step(minutes=1)
    assert sent() == 2
    served.step(hours=6, minutes=30)
    assert (sent(), served.hands.busy) == (3, ["elm"])
    served.finish("elm", "HELD")
    served.step()
    served.step(minutes=4)
    assert sent() == 3
    served.step(minutes=1)
    assert sent() == 4
    assert served.hands.begun[-1].arguments == ("digest", "send")


def test_one_who_looks_once_leaves_when_nothing_can_begin_now(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.district("import")
    town.district("export", more=CHAIN)
    for each in ("ash", "elm"):
        town.district(each)
    for each in ("import", "export"):
        town.ran(each)
    town.service().service.leave()
    town.wait(hours=8)
    served = Served(town, Hands(), Limits(at_once=1), digests=True)
    ended = served.hands.ended

    def work(seconds: float) -> list[Ended]:
        for district in served.hands.busy:
            if district == "ash":
                served.hands.end(district, 75)
            else:
                served.finish(district)
        if DIGEST in served.hands._at_work:
            assert len(served.hands.begun) == 5  # after all else
            served.hands.end(DIGEST, 0)
        return ended(seconds)

    monkeypatch.setattr(served.hands, "ended", work)
    served.service.serve(once=True)
    assert [each.key for each in served.hands.begun] == ["ash", "elm", "import", "export", DIGEST]
    owed = town.job("ash")
    assert (owed.server, owed.is_open, owed.tries) == (None, True, 1)
    assert served.service.owes
    assert served.service.all_good
    with town.state.transaction() as connection:
        assert connection.execute(sa.select(sa.func.count()).where(jobs.c.ended_at.is_(None))).scalar() == 1
