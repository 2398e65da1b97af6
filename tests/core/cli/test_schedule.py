"""`syncrun schedule`: when a district runs, said and shown in its local time."""

from __future__ import annotations

import datetime
import json
from typing import TYPE_CHECKING, Any

import pytest

from syncrun.cli.opening import open_state
from syncrun.clock import SystemClock
from syncrun.schedule import timetable
from syncrun.testing.clock import FixedClock

if TYPE_CHECKING:
    from terminal import Answer, Terminal
    from world import World

FRIDAY = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
NIGHTLY = ("set", "full", "--every", "day", "--at", "19:30")
TONIGHT = "Next run: Fri 2026-11-20 19:30 EST (full, America/New_York)"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FixedClock:
    """The clock of the machine, set to a Friday morning in New York."""
    found = FixedClock(FRIDAY)
    monkeypatch.setattr(SystemClock, "now", lambda self: found.now())
    return found


@pytest.fixture
def ask(terminal: Terminal, world: World, clock: FixedClock) -> Any:
    def asked(*words: object) -> Answer:
        return terminal("schedule", *words, "--district", world.toml)

    return asked


def add(world: World, text: str) -> None:
    world.toml.write_text(world.toml.read_text() + text)


def last(answer: Answer) -> str:
    return answer.out.splitlines()[-1]


# -- making one ----------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S0-20", "S0-24", "S0-25", "S3-5", "S3-16")
def test_schedule_is_saved_and_the_next_run_told_in_local_time(ask: Any) -> None:
    assert ask().out == "Next run: none is scheduled.\n"
    answer = ask(*NIGHTLY, "--as", "Ann")
    assert answer.code == 0
    assert answer.out.startswith("Saved: the full schedule.\n")
    assert "every day at 19:30 (America/New_York)" in answer.out
    assert "Ann, Fri 2026-11-20 07:00 EST" in answer.out
    assert last(answer) == last(ask()) == last(ask("show")) == TONIGHT
    found = ask("--json").json
    assert found["next_run"] == {"mode": "full", "at": "2026-11-20T19:30-05:00", "time_zone": "America/New_York"}
    (one,) = found["schedules"]
    assert (one["standing"], one["source"], one["who"], one["next"]) == (
        "on",
        "command",
        "Ann",
        "2026-11-20T19:30-05:00",
    )
    assert one["settings"] == {"every": "day", "at": "19:30", "time_zone": "America/New_York", "catch_up_hours": 12}


@pytest.mark.requirement("S3-13")
def test_both_schedules_stand_side_by_side(ask: Any) -> None:
    ask(*NIGHTLY)
    answer = ask(
        "set", "incremental", "--every", "week", "--on", "Sat,sun", "--at", "06:00", "--time-zone", "America/Chicago"
    )
    assert "every Sat, Sun at 06:00 (America/Chicago)" in answer.out
    assert last(answer) == TONIGHT
    answer = ask("clear", "full")
    assert last(answer) == "Next run: Sat 2026-11-21 06:00 CST (incremental, America/Chicago)"


@pytest.mark.requirement("S3-18")
def test_day_of_the_month_zone_end_and_windows_are_options(ask: Any) -> None:
    answer = ask(
        "set", "full", "--every", "month", "--on", "1,31", "--at", "02:30", "--until", "2027-03-31", "--skip", "2026-12-01",
        "--skip", "2027-01-01", "--pause", "2026-12-31", "2027-01-31", "--additions-only", "2027-02-01", "2027-02-28",
        "--catch-up-hours", "2", "--json",
    )  # fmt: skip
    assert answer.json["schedules"][0]["settings"] == {
        "every": "month", "on": [1, 31], "at": "02:30", "time_zone": "America/New_York", "until": "2027-03-31",
        "skip": ["2026-12-01", "2027-01-01"], "pause": [{"from": "2026-12-31", "to": "2027-01-31"}],
        "additions_only": [{"from": "2027-02-01", "to": "2027-02-28"}], "catch_up_hours": 2.0,
    }  # fmt: skip
    assert answer.json["next_run"]["at"] == "2026-11-30T02:30-05:00"
    shown = ask().out
    assert "full skips: 2026-12-01, 2027-01-01" in shown
    assert "full is paused: 2026-12-31 to 2027-01-31" in shown
    assert "full only adds and updates: 2027-02-01 to 2027-02-28" in shown


def test_everything_that_is_wrong_is_told_at_once_and_nothing_is_saved(ask: Any) -> None:
    answer = ask("set", "full", "--every", "day", "--on", "mon", "--at", "25:00", "--time-zone", "Mars", "--until", "soon",
                 "--pause", "2027-01-02", "2027-01-01", "--json")  # fmt: skip
    assert answer.code == 2
    found = {each["path"]: each["message"] for each in answer.json["error"]["problems"]}
    assert set(found) == {"--at", "--on", "--time-zone", "--until", "--pause[0].to"}
    assert {each["code"] for each in answer.json["error"]["problems"]} == {"E-CONFIG-3"}
    assert last(ask()) == "Next run: none is scheduled."


def test_schedule_that_ends_before_it_begins_is_refused(ask: Any) -> None:
    answer = ask(*NIGHTLY, "--until", "2026-11-19")
    assert answer.code == 2
    assert "would never run" in answer.err
    assert last(ask()) == "Next run: none is scheduled."


# -- incremental where it cannot be --------------------------------------------------------------------------------------


@pytest.mark.requirement("S3-10")
def test_incremental_schedule_is_refused_where_the_connector_cannot(ask: Any, world: World) -> None:
    world.toml.write_text(
        world.toml.read_text().replace('connector = "oneroster_csv"\npath = "inbox"\n', 'connector = "upload"\n')
    )
    answer = ask("set", "incremental", "--every", "day", "--at", "06:00")
    assert answer.code == 2
    assert "E-CONFIG-9  incremental: the connector upload cannot send only what changed" in answer.err
    assert last(ask()) == "Next run: none is scheduled."
    assert ask(*NIGHTLY).code == 0
    add(world, '[schedule]\nincremental = { every = "day", at = "06:00" }\narrival = {}\n')
    answer = ask()
    assert answer.code == 2
    assert "E-CONFIG-9  schedule.incremental" in answer.err
    assert "E-CONFIG-9  schedule.arrival: the connector upload cannot tell that something came" in answer.err


@pytest.mark.requirement("S3-10")
def test_incremental_schedule_is_refused_where_the_settings_say_no_deltas(
    ask: Any, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCRUN_TEST_KEY", "x")
    world.configure("""
district = "riverside"
[source]
connector = "classlink"
base_url = "https://127.0.0.1/ims/oneroster/v1p1"
key = "env:SYNCRUN_TEST_KEY"
secret = "env:SYNCRUN_TEST_KEY"
deltas = false
[[sinks]]
sink = "planner"
database_url = "sqlite:///planner.db"
""")
    answer = ask("set", "incremental", "--every", "day", "--at", "06:00")
    assert answer.code == 2
    assert "`deltas = false`" in answer.err


# -- the district file -----------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S3-16")
def test_file_rules_the_schedules_that_it_has_and_commands_the_others(ask: Any, world: World) -> None:
    ask("set", "full", "--every", "day", "--at", "03:00")
    ask("set", "incremental", "--every", "day", "--at", "06:00")
    add(world, '[schedule]\nfull = { every = "day", at = "19:30" }\n')
    answer = ask()
    assert "every day at 19:30 (America/New_York)  the district file" in answer.out
    for words in (NIGHTLY, ("clear", "full"), ("pause", "full", "--to", "2026-12-01")):
        answer = ask(*words)
        assert answer.code == 2
        assert "E-SCHED-1  The district file has the full schedule." in answer.err
        assert "Edit `full` in [schedule]" in answer.err
    assert ask("clear", "incremental").code == 0
    assert last(ask()) == TONIGHT
    world.configure()
    assert last(ask()) == "Next run: none is scheduled."


# -- pausing ---------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S3-5")
def test_pause_and_resume_tell_the_next_run(ask: Any, world: World, clock: FixedClock) -> None:
    add(world, '[schedule]\nfull = { every = "day", at = "19:30" }\n')
    answer = ask("pause", "--as", "Ann")
    assert last(answer) == "Next run: none, the full schedule is paused by Ann. Runs can still be started by hand."
    assert "paused by Ann, Fri 2026-11-20 07:00 EST" in answer.out
    assert ask("--json").json["next_run"] is None
    assert ask("preview", "--count", "1").out.splitlines()[-1] == last(answer)
    clock.move(days=1)
    assert last(ask("resume")) == "Next run: Sat 2026-11-21 19:30 EST (full, America/New_York)"


def test_pause_on_days_ends_by_itself_or_when_it_is_resumed(ask: Any, clock: FixedClock) -> None:
    ask(*NIGHTLY)
    assert last(ask("pause", "--to", "2026-11-22")) == "Next run: Mon 2026-11-23 19:30 EST (full, America/New_York)"
    ask("pause", "full", "--from", "2026-12-21", "--to", "2027-01-03")
    assert last(ask("resume")) == TONIGHT
    assert "full is paused: 2026-12-21 to 2027-01-03\n" in ask().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("pause",), "District riverside has no schedule."),
        (("pause", "full"), "District riverside has no full schedule."),
        (("pause", "--to", "2026-12-01"), "District riverside has no schedule."),
        (("pause", "incremental", "--to", "2026-12-01"), "District riverside has no incremental schedule."),
        (("resume", "incremental"), "District riverside has no incremental schedule."),
        (("clear", "full"), "District riverside has no full schedule."),
        (("pause", "--from", "2026-12-01"), "must have a last one"),
    ],
)
def test_what_is_not_there_cannot_be_changed(ask: Any, words: tuple[str, ...], told: str) -> None:
    answer = ask(*words)
    assert answer.code == 2
    assert told in answer.err


def test_dates_of_a_pause_are_looked_at(ask: Any) -> None:
    ask(*NIGHTLY)
    for words, told in ((("--to", "soon"), "--to: is not a day"), (("--to", "2026-11-19"), "--to: is before the first day"),
                        (("--from", "x", "--to", "2026-12-01"), "--from: is not a day")):  # fmt: skip
        answer = ask("pause", *words)
        assert answer.code == 2
        assert told in answer.err
    assert last(ask()) == TONIGHT


# -- ended -----------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S3-3", "S3-5", "S3-15")
def test_ended_schedule_is_shown_as_ended_and_runs_by_hand_stay_possible(
    ask: Any, world: World, terminal: Terminal, clock: FixedClock
) -> None:
    world.write()
    ask(*NIGHTLY, "--until", "2026-11-20")
    clock.move(hours=13)
    state = open_state()
    (run,) = timetable.due(state)
    assert timetable.claim(state, run, "server-1")
    clock.move(days=1)
    answer = ask()
    assert "ended with 2026-11-20" in answer.out
    assert (
        last(answer)
        == "Next run: none, the full schedule has ended with 2026-11-20. Runs can still be started by hand."
    )
    assert ask("--json").json["schedules"][0]["standing"] == "ended"
    assert ask("preview").code == 0
    answer = terminal("--district", world.toml)
    assert answer.code == 3
    assert last(answer).startswith("Next run: none, the full schedule has ended")


# -- previews and runs -------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S3-5", "S3-18")
def test_preview_lists_runs_in_local_time_with_words(ask: Any) -> None:
    assert ask("preview").out == "Next run: none is scheduled.\n"
    ask("set", "full", "--every", "month", "--on", "31", "--at", "02:30", "--skip", "2026-12-31")
    answer = ask("preview", "--count", "4")
    assert [" ".join(line.split()) for line in answer.out.splitlines()[1:-1]] == [
        "Mon 2026-11-30 02:30 EST full the month has no day 31: its last one",
        "Thu 2026-12-31 02:30 EST no full run skipped: holiday",
        "Sun 2027-01-31 02:30 EST full",
        "Sun 2027-02-28 02:30 EST full the month has no day 31: its last one",
        "Wed 2027-03-31 02:30 EDT full",
    ]
    found = ask("preview", "--count", "1", "--json").json["preview"]
    assert found == [{"mode": "full", "at": "2026-11-30T02:30-05:00", "runs": True,
                      "words": ["the month has no day 31: its last one"]}]  # fmt: skip


@pytest.mark.requirement("S0-21", "S0-26", "S3-3", "S3-5")
def test_run_by_hand_takes_over_the_file_and_tells_the_next_run(
    world: World, terminal: Terminal, clock: FixedClock
) -> None:
    world.write()
    add(world, '[schedule]\nfull = { every = "day", at = "19:30" }\n')
    answer = terminal("--district", world.toml)
    assert (answer.code, last(answer)) == (3, TONIGHT)
    (entry,) = timetable.entries(world.state(), "riverside")
    assert entry.source == "file"
    told = json.loads(terminal("--district", world.toml, "--json").out)
    assert told["next_run"]["at"] == "2026-11-20T19:30-05:00"


def test_dry_run_takes_no_schedule_over(world: World, terminal: Terminal, clock: FixedClock) -> None:
    world.write()
    add(world, '[schedule]\nfull = { every = "day", at = "19:30" }\n')
    assert terminal("plan", "--district", world.toml).code == 3
    assert timetable.entries(world.state(), "riverside") == []


# -- additions only ------------------------------------------------------------------------------------------------------------


SUMMER = (
    '[schedule]\nadditions_only = [{ from = 2026-11-20, to = 2026-11-20 }]\nfull = { every = "day", at = "19:30" }\n'
)


def leave(world: World) -> None:
    """A pupil leaves the source."""
    world.drop("users", "s1000")
    world.files["enrollments"] = [each for each in world.rows("enrollments") if each["userSourcedId"] != "s1000"]


def test_window_of_additions_counts_for_runs_by_hand_and_can_be_overruled(
    settled: World, terminal: Terminal, clock: FixedClock
) -> None:
    leave(settled)
    settled.write()
    add(settled, SUMMER)

    def planned(*words: str) -> tuple[bool, dict[str, int]]:
        told = terminal("plan", "--district", settled.toml, "--json", *words).json
        return told.get("additions_only", False), told["sinks"]["planner"]["tables"]["students"]["planned"]

    assert planned() == (True, {})
    assert planned("--with-removals") == (False, {"archive": 1})
    clock.move(days=1)
    assert planned() == (False, {"archive": 1})
    assert planned("--additions-only") == (True, {})


def test_approval_with_run_keeps_to_what_was_approved(settled: World, terminal: Terminal, clock: FixedClock) -> None:
    for each in settled.rows("users"):
        each["givenName"] = "Renamed"
    leave(settled)
    settled.write()
    assert terminal("--district", settled.toml, "--additions-only").code == 3
    answer = terminal("approve", "--district", settled.toml, "--run", "--json")
    assert answer.code == 0
    assert answer.json["additions_only"]
    assert settled.count("students") == len([each for each in settled.rows("users") if each["sourcedId"][0] == "s"]) + 1


# -- files that come -------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S2-20", "S3-5")
def test_arrival_is_shown_with_the_next_run_and_alone(ask: Any, world: World) -> None:
    add(world, '[schedule]\narrival = { from = "19:00", to = "21:00" }\n')
    answer = ask()
    assert last(answer) == "Next run: when files came, from 19:00 to 21:00 (America/New_York)."
    assert answer.out.splitlines()[1].startswith("arrival")
    told = ask("--json").json
    assert (told["next_run"], told["arrival"]["from"], told["arrival"]["quiet_seconds"]) == (None, "19:00", 120)
    paused = ask("pause")
    assert paused.code == 2
    assert "Write `pause` or `skip` in [schedule]" in paused.err
    ask(*NIGHTLY)
    assert last(ask()) == f"{TONIGHT} Besides when files came, from 19:00 to 21:00 (America/New_York)."


def test_run_by_hand_removes_nothing_on_a_day_of_additions_where_files_alone_begin_runs(
    settled: World, terminal: Terminal
) -> None:
    add(settled, "[schedule]\narrival = {}\nadditions_only = [{ from = 2026-01-01, to = 2098-01-01 }]\n")
    settled.write()
    assert terminal("--district", settled.toml, "--json").json["additions_only"] is True
