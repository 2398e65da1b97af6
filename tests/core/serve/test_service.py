"""What begins by itself and when, what becomes of it, and what is told of it."""

from __future__ import annotations

import datetime
from io import StringIO

import pytest
from town import INCREMENTAL, NOON, Hands, Town, evening, needs

from syncrun.serve.again import CRASH_PAUSES
from syncrun.serve.service import DIGEST
from syncrun.state import lease

HOUR = datetime.timedelta(hours=1)
pytestmark = pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True
)


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


# -- what is told -----------------------------------------------------------------------------------------------------


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
