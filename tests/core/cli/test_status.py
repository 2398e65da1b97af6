"""`syncrun status`: how districts stand, in one table, as JSON, and as an exit code for monitors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from stages import lose_pupils

from syncrun.clock import SystemClock
from syncrun.config.district import load
from syncrun.errors import ConfigError
from syncrun.order.start import Skip, note_skip
from syncrun.registry import Registry
from syncrun.state import job, lease, server
from syncrun.state.database import open_state
from syncrun.state.store import State
from syncrun.status.overview import overview

if TYPE_CHECKING:
    from terminal import Terminal
    from world import World


@pytest.fixture
def home_made(settled: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A district after its first sync, in the folder where districts are looked for."""
    monkeypatch.setenv("SYNCRUN_DISTRICTS", str(settled.folder))
    return settled


def codes(found: list[dict[str, object]]) -> list[str]:
    return [need["code"] for each in found for need in each["needs"]]  # type: ignore[attr-defined] # JSON


def test_no_districts_yet(terminal: Terminal) -> None:
    assert terminal("status").out == "No districts yet. `syncrun init` makes one.\n"
    assert terminal("status", "--json", "--fail").code == 0


@pytest.mark.requirement("S3-5")
def test_district_that_is_well_needs_nobody_and_its_next_run_is_shown(home_made: World, terminal: Terminal) -> None:
    answer = terminal("status", "--fail")
    assert answer.code == 0
    line = answer.out.splitlines()[1].split()
    assert (line[0], line[4], line[5:7]) == ("riverside", "DONE", ["no", "schedule"])
    (found,) = terminal("status", "--json").json
    assert found["last_good"]["run"] == found["last"]["run"]
    assert (found["needs"], found["held"], found["next_run"]) == ([], [], None)
    moment = home_made.clock.now()
    district = load("riverside", Registry())
    shown = overview(district, home_made.state(), {"riverside": moment}.get)
    assert shown.as_dict(moment)["next_run"] == "2026-11-20T14:00:00-05:00"


def test_held_plan_is_shown_with_its_age_until_it_is_approved(home_made: World, terminal: Terminal) -> None:
    lose_pupils(home_made, 2, 30)
    assert terminal("--district", "riverside").code == 3
    first = terminal("status", "--json").json
    assert terminal("--district", "riverside").code == 3
    answer = terminal("status", "--json", "--fail")
    assert answer.code == 3
    assert codes(answer.json) == ["N-HELD-1"]
    (held,) = answer.json[0]["held"]
    assert (held["sink"], held["school"], held["approved_until"]) == ("planner", "school-2", None)
    assert held["since"] == first[0]["held"][0]["since"]
    assert "P-REMOVE-1" in held["codes"]
    shown = terminal("status", "--district", "riverside").out
    assert "waits  planner, school school-2: for 0 hours" in shown
    assert terminal("approve", "--district", "riverside", "--school", "school-2").code == 0
    approved = terminal("status", "--json", "--fail")
    assert (approved.code, codes(approved.json)) == (0, [])
    assert approved.json[0]["held"][0]["approved_until"] > held["since"]
    assert terminal("--district", "riverside").code == 0
    assert terminal("status", "--json").json[0]["held"] == []


def test_plan_that_was_turned_down_is_said_to_be(home_made: World, terminal: Terminal) -> None:
    lose_pupils(home_made, 2, 30)
    terminal("--district", "riverside")
    terminal("reject", "--district", "riverside")
    assert terminal("status", "--json").json[0]["held"][0]["rejected"] is True
    assert "turned down" in terminal("status").out


def test_first_sync_that_nobody_approved_is_told_as_such(
    world: World, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCRUN_DISTRICTS", str(world.folder))
    assert terminal("status", "--json").json[0]["last_outcome"] == "never ran"
    world.write()
    assert terminal("--district", "riverside").code == 3
    answer = terminal("status", "--json", "--fail")
    assert (answer.code, codes(answer.json)) == (3, ["N-FIRST-1"])


def test_refused_run_and_a_file_that_cannot_be_used_ask_for_somebody_to_act(
    home_made: World, terminal: Terminal
) -> None:
    (home_made.inbox / "users.csv").unlink()
    assert terminal("--district", "riverside").code == 2
    answer = terminal("status", "--json", "--fail")
    assert (answer.code, codes(answer.json)) == (4, ["N-RUN-1"])
    home_made.toml.write_text(home_made.toml.read_text().replace("[source]", "[sauce]"))
    answer = terminal("status", "--json", "--fail")
    assert (answer.code, codes(answer.json)) == (4, ["N-FILE-1"])
    assert answer.json[0]["district"] == "riverside"
    assert answer.json[0]["last"]["outcome"] == "REFUSED"


@pytest.mark.requirement("S3-19")
def test_scheduled_run_that_was_skipped_is_shown_with_the_reason(home_made: World, terminal: Terminal) -> None:
    session = home_made.session()
    state = State(session.state.engine, SystemClock())  # later than the runs, which had none
    with state.transaction() as connection:
        note_skip(session.district, state, connection, Skip("import ended with REFUSED (run 1)"))
    answer = terminal("status", "--json")
    assert "N-SKIP-1" in codes(answer.json)
    assert "The scheduled run was skipped: import ended with REFUSED (run 1)." in terminal("status").out


def test_alarm_of_a_district_whose_last_good_run_is_long_ago(home_made: World) -> None:
    state = home_made.state()
    state.clock.move(days=400)  # type: ignore[attr-defined] # a clock of tests
    found = overview(load("riverside", Registry()), state)
    assert [each.code for each in found.needs] == ["N-ALARM-1"]


def test_district_whose_file_is_elsewhere_is_listed_and_needs_nobody(settled: World, terminal: Terminal) -> None:
    settled.toml.rename(settled.folder / "elsewhere.toml")
    (found,) = terminal("status", "--json", "--fail").json
    assert (found["district"], found["last_outcome"], found["filed"], found["needs"]) == (
        "riverside",
        "DONE",
        False,
        [],
    )
    assert "no file in districts/" in terminal("status").out


def test_district_of_no_such_name_is_refused(terminal: Terminal) -> None:
    answer = terminal("status", "--district", "nobody", "--json")
    assert (answer.code, answer.json["error"]["code"]) == (2, ConfigError.code)


def test_run_at_work_and_one_that_was_cut_off_are_told_apart(home_made: World, terminal: Terminal) -> None:
    state = home_made.state()
    state.start_run("cut", "riverside", "incremental", 99, dry_run=False)
    assert terminal("status", "--json").json[0]["last_outcome"] == "cut off"
    with lease.held(state.engine, "riverside", "now", SystemClock()):
        (found,) = terminal("status", "--json").json
    assert (found["last_outcome"], found["at_work"]) == ("at work", "now")


def test_alarm_is_sent_with_the_digest_though_nothing_ran(home_made: World, terminal: Terminal) -> None:
    with sa.create_engine(f"sqlite:///{home_made.home / 'state.db'}").begin() as connection:
        connection.execute(sa.text("UPDATE runs SET started_at = '2020-01-01', finished_at = '2020-01-02 03:04:05'"))
    assert terminal("digest", "send").code == 0
    (need,) = [each for each in terminal("digest", "show", "--json").json["waiting"] if each["code"] == "N-ALARM-1"]
    assert need["words"] == "The last good run ended at 2020-01-02 03:04 UTC, more than 36 hours ago."


# -- runs that begin by themselves ---------------------------------------------------------------------------------------


def test_says_when_nobody_is_there_to_begin_what_is_scheduled(home_made: World, terminal: Terminal) -> None:
    absent = "No `syncrun serve` is at work: scheduled runs begin when one is."
    assert absent not in terminal("status").out
    terminal("schedule", "set", "full", "--every", "day", "--at", "19:30", "--district", "riverside")
    assert terminal("status").out.splitlines()[-1] == absent
    server.announce(State(open_state(home_made.home), SystemClock()))
    assert absent not in terminal("status").out


def test_run_that_is_tried_again_is_shown_with_its_moment_and_one_that_never_ended_with_the_reason(
    home_made: World, terminal: Terminal
) -> None:
    state = home_made.state()
    home_made.clock.moment = SystemClock().now()
    with state.transaction() as connection:
        owed = job.take(connection, state, "riverside", "full", "schedule", state.clock.now(), "server-1")
    at = state.clock.now().replace(microsecond=0)
    later = job.again(state, owed, at, crashed=True)
    assert terminal("status", "--json").json[0]["again_at"] == at.isoformat()
    assert f"riverside  is tried again at {at:%Y-%m-%d %H:%M} UTC" in terminal("status").out
    assert later is not None
    with state.transaction() as connection:
        job.end(connection, state, later, "crashed")
    (shown,) = terminal("status", "--json").json
    assert (shown["again_at"], codes([shown])) == (None, ["N-JOB-1"])
    home_made.clock.move(minutes=1)
    assert home_made.sync().exit_code == 0
    assert codes(terminal("status", "--json").json) == []


def test_district_whose_runs_begin_when_files_come_is_told_so(home_made: World, terminal: Terminal) -> None:
    home_made.toml.write_text(home_made.toml.read_text() + "[schedule]\narrival = {}\n", encoding="utf-8")
    assert terminal("status", "--json").json[0]["watched"] is True
    told = terminal("status").out
    assert "when files came" in told
    assert "No `syncrun serve` is at work" in told
