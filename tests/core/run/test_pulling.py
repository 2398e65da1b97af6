"""Pulls that are cut off, resumed, moved on; changes alone, and what is remembered of them."""

from __future__ import annotations

import datetime
import shutil
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from remote import Remote, code_of

from syncrun.run.pulling import MovedError
from syncrun.snapshot.table import Snapshot
from syncrun.testing.roster_server import Asked, Rules, gate

if TYPE_CHECKING:
    from collections.abc import Callable

PAGES = 22
"""Pages of a pull at 50 records each: 12 of enrollments, 5 of users and so on, and the look at the revision."""


def watermark(remote: Remote) -> dict[str, Any]:
    """What is kept of the last good pull."""
    content = remote.state().snapshot("riverside")
    assert content is not None
    return dict(Snapshot.from_json(content).pull or {})


def cut_at(remote: Remote, number: int) -> None:
    """Have the service go down for good at a request, in this process."""
    remote.break_it(failing=1.0, begin=len(remote.server.log) + number)


def pages_asked(remote: Remote, since: int) -> list[str]:
    """The good requests for pages since a number: without looks at one record."""
    return [
        f"{each.word}?{each.query}"
        for each in remote.server.log[since:]
        if each.status == 200 and "limit=1&" not in each.query
    ]


# -- going on ----------------------------------------------------------------------------------------------------------


def killed(remote: Remote, number: int) -> None:
    """Run a process, and kill it (SIGKILL) when it asks for page `number`."""
    process: list[subprocess.Popen[bytes]] = []
    died = []

    def at_page(asked: Asked) -> None:
        if asked.number >= number:
            if not died:
                died.append(asked.number)
                process[0].send_signal(signal.SIGKILL)
                process[0].wait()
            raise ConnectionError

    remote.server.before_page = at_page
    command = [sys.executable, "-m", "syncrun", "--district", str(remote.toml)]
    with subprocess.Popen(
        command, cwd=remote.folder, env=remote.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as child:
        process.append(child)
        assert child.wait() == -signal.SIGKILL
    remote.server.before_page = None


@pytest.mark.parametrize(
    "number", [pytest.param(n, marks=() if n == 9 else pytest.mark.slow) for n in range(1, PAGES + 1)]
)
def test_after_a_kill_at_any_page_the_next_run_goes_on(remote: Remote, number: int) -> None:
    """What has come is not asked for again, and all ends as if nothing had happened."""
    remote.point(page_size=50)
    remote.server.change("users", "s1001", givenName="Renamed")
    remote.server.remove("enrollments", "class-1-0-s1000")
    killed(remote, number)
    before = len(remote.server.log)
    spooled = len(list(remote.pull_folder().glob("*-[0-9]*.json"))) if remote.pull_folder().exists() else 0
    code, _, said = remote.syncrun("--district", str(remote.toml))
    assert (code, said) == (0, said)
    assert len(pages_asked(remote, before)) == PAGES - 1 - spooled
    assert len(pages_asked(remote, 0)) <= PAGES - 1 + 4  # those that were on the way when it was killed come again
    resumed = remote.dump()
    assert not remote.pull_folder().exists()
    remote.server.edit(lambda roster: None)
    assert remote.syncrun("--full", "--district", str(remote.toml))[0] == 0
    assert remote.dump() == resumed
    assert len(resumed["class_members"]) == 551
    assert "Renamed" in repr(resumed["students"])


@pytest.mark.slow
def test_terminated_pull_does_not_wait_as_long_as_the_service_asks(
    remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run goes on with the pages that came."""
    monkeypatch.setattr(gate, "RETRY_AFTER", 100)
    remote.point(page_size=50)
    remote.server.change("users", "s1001", givenName="Renamed")
    process: list[subprocess.Popen[bytes]] = []
    begun: list[float] = []

    def terminate() -> None:
        begun.append(time.monotonic())
        process[0].terminate()

    def at_page(asked: Asked) -> None:
        if asked.number == 12:
            remote.break_it(throttled=1.0)  # all are asked to wait from now on
            threading.Timer(1, terminate).start()

    remote.server.before_page = at_page
    command = [sys.executable, "-m", "syncrun", "--district", str(remote.toml)]
    with subprocess.Popen(
        command, cwd=remote.folder, env=remote.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as child:
        process.append(child)
        try:
            assert child.wait(timeout=80) == 75
        finally:
            child.kill()
    assert time.monotonic() - begun[0] < 50
    run = remote.state().runs("riverside", limit=1)[0]
    assert run.finished_at is not None
    assert run.summary is not None
    assert run.summary["error"]["code"] == "E-STOP-1"
    assert remote.pull_folder().exists()
    remote.server.before_page = None
    remote.break_it()
    before = len(remote.server.log)
    assert remote.syncrun("--district", str(remote.toml))[0] == 0
    assert len(pages_asked(remote, before)) < PAGES - 5


def _moves_on(remote: Remote) -> None:
    remote.server.change("users", "s1001", givenName="Renamed")


def _other_settings(remote: Remote) -> None:
    remote.point(page_size=50, demographics=True)


def _waits(remote: Remote) -> None:
    remote.clock.move(hours=6, seconds=1)


@pytest.mark.parametrize("change", [_moves_on, _other_settings, _waits])
def test_a_pull_is_begun_anew_when_what_it_rests_on_has_changed(
    remote: Remote, change: Callable[[Remote], None]
) -> None:
    remote.point(page_size=50)
    cut_at(remote, 15)
    assert remote.sync().exit_code == 75
    assert remote.pull_folder().exists()
    remote.break_it()
    change(remote)
    before = len(remote.server.log)
    assert remote.sync().exit_code == 0
    assert {"users", "enrollments", "orgs"} <= {each.partition("?")[0] for each in pages_asked(remote, before)}
    assert len(pages_asked(remote, before)) >= PAGES - 1


def test_within_six_hours_it_goes_on(remote: Remote) -> None:
    remote.point(page_size=50)
    cut_at(remote, 15)
    assert remote.sync().exit_code == 75
    remote.break_it()
    remote.clock.move(hours=5, minutes=59)
    before = len(remote.server.log)
    assert remote.sync().exit_code == 0
    assert 0 < len(pages_asked(remote, before)) < 12


@pytest.mark.parametrize(("minutes", "goes_on"), [pytest.param(29, True, marks=pytest.mark.slow), (31, False)])
def test_without_a_revision_it_goes_on_for_half_an_hour(remote: Remote, minutes: int, goes_on: bool) -> None:  # noqa: FBT001 # a case
    """Nothing would tell that what it has read has changed."""
    remote.point(page_size=50)
    remote.break_it(revision="absent")
    last = len(remote.server.log) + 15

    def go_down(asked: object) -> None:
        if len(remote.server.log) >= last:
            raise ConnectionError

    remote.server.before_page = go_down
    assert remote.sync().exit_code == 75
    remote.server.before_page = None
    remote.clock.move(minutes=minutes)
    before = len(remote.server.log)
    assert remote.sync().exit_code == 0
    begun = [each for each in pages_asked(remote, before) if each.startswith("orgs")]
    assert begun == ([] if goes_on else ["orgs?limit=50&offset=0&sort=sourcedId&orderBy=asc"])


def test_a_service_that_dies_and_comes_back(remote: Remote) -> None:
    """Cut, go on, cut, go on: as many pages in the end as without."""
    remote.point(page_size=50)
    for _ in range(4):
        cut_at(remote, 7)
        assert remote.sync().exit_code == 75
    remote.break_it()
    assert remote.sync().exit_code == 0
    good = pages_asked(remote, 0)
    assert len(good) == len(set(good)) == PAGES - 1


@pytest.mark.parametrize("told", [pytest.param("more", id="without a total"),
                                  pytest.param("", id="with a total", marks=pytest.mark.slow)])  # fmt: skip
def test_records_that_move_between_the_halves_of_a_pull_are_seen(remote: Remote, told: str) -> None:
    """Where the service has no revision: one record goes before the place, another comes behind it. The count is the
    same, and one record in between would be taken for gone."""
    faults = {"revision": "absent", "total": "absent" if told else ""}
    remote.point(page_size=50, requests_at_once=1)
    remote.break_it(**faults)
    assert remote.sync().exit_code == 0
    remote.server.before_page = _gone_at("offset=196&")
    assert remote.sync().exit_code == 75
    remote.server.before_page = None
    day = remote.dump()
    first, *_ = sorted(remote.server.roster.keys("enrollments"))
    moved = remote.server.roster.get("enrollments", first)
    remote.server.remove("enrollments", first)
    remote.server.put("enrollments", {**moved, "sourcedId": "zzz"})
    result = remote.sync()
    assert result.exit_code == 4
    assert "R-PULL-01" in code_of(result)
    assert len(remote.dump()["class_members"]) >= len(day["class_members"])
    result = remote.sync()
    assert result.exit_code == 0
    assert remote.count("class_members") == 552


def _gone_at(query: str) -> Callable[[Asked], None]:
    def at_page(asked: Asked) -> None:
        if asked.word == "enrollments" and query in asked.query:
            raise ConnectionError

    return at_page


# -- one state of the source -------------------------------------------------------------------------------------------


def test_what_changes_in_mid_pull_is_read_as_a_whole(remote: Remote) -> None:
    """A pupil comes with an enrollment after the users were read: with the first try the enrollment would dangle."""
    remote.point(page_size=50)
    remote.server.before_page = _once(remote, "enrollments", lambda: _newcomer(remote))
    result = remote.sync()
    assert (result.exit_code, code_of(result)) == (0, "")
    assert remote.count("class_members") == 553


def _newcomer(remote: Remote) -> None:
    server = remote.server
    server.put(
        "users",
        {**server.roster.get("users", "s1000"), "sourcedId": "s1900", "identifier": "S1900", "username": "s1900"},
        revise=False,
    )
    server.put(
        "enrollments",
        {"sourcedId": "new", "user": "s1900", "class": "class-1-0", "school": "school-1", "role": "student"},
    )


def _once(remote: Remote, word: str, change: Callable[[], None]) -> Callable[[Asked], None]:
    """Make a change at the first page of a collection but the first, once."""
    done: list[bool] = []

    def at_page(asked: Asked) -> None:
        if asked.word == word and "offset=0" not in asked.query and not done:
            done.append(True)
            change()

    return at_page


def test_a_source_that_never_rests_is_given_up(remote: Remote) -> None:
    remote.break_it(revision="restless")
    before = watermark(remote)
    result = remote.sync()
    assert (result.exit_code, code_of(result)) == (MovedError("").exit_code, "E-PULL-1")
    assert watermark(remote) == before


def test_one_request_tells_that_there_is_nothing_to_do(remote: Remote) -> None:
    assert remote.sync().exit_code == 0
    before = len(remote.server.log)
    result = remote.sync()
    assert result.summary["nothing_to_do"] is True
    assert remote.asked(before) == ["orgs?limit=1&offset=0"]


def test_without_a_revision_every_run_looks_anew(remote: Remote) -> None:
    """The pages of a run that had nothing to do are not taken for those of the next one."""
    remote.break_it(revision="absent")
    assert remote.sync().exit_code == 0
    assert remote.sync().summary["nothing_to_do"] is True
    assert not remote.pull_folder().exists()
    _moves_on(remote)
    assert remote.sync().exit_code == 0
    assert "Renamed" in repr(remote.dump()["students"])


def test_without_a_revision_a_plan_that_waits_is_looked_at_anew(fresh: Remote) -> None:
    with fresh.serve():
        fresh.point()
        fresh.break_it(revision="absent")
        assert [fresh.sync().exit_code for _ in range(2)] == [3, 3]
        assert not fresh.pull_folder().exists()
        fresh.server.remove("enrollments", "class-1-0-s1000")
        fresh.sync()
        fresh.approve()
        assert fresh.sync().exit_code == 0
        assert fresh.count("class_members") == 551


# -- changes alone -----------------------------------------------------------------------------------------------------


def delta(remote: Remote, **settings: Any) -> None:
    """Ask for changes alone from now on; everything has been read with these settings."""
    remote.point(deltas=True, **settings)
    assert remote.sync().exit_code == 0
    remote.clock.move(hours=24)


def filters(remote: Remote, since: int) -> set[str]:
    """The filters that were asked with since a request."""
    found = [
        each.query.partition("filter=")[2].partition("&")[0]
        for each in remote.server.log[since:]
        if "limit=1&" not in each.query
    ]
    return set(found)


def test_changes_alone_are_asked_for_from_before_the_last_pull(remote: Remote) -> None:
    delta(remote)
    moment = datetime.datetime.fromisoformat(watermark(remote)["moment"]) - datetime.timedelta(minutes=60)
    before = len(remote.server.log)
    remote.server.change("users", "s1001", givenName="Renamed")
    remote.server.tombstone("enrollments", "class-1-0-s1000")
    result = remote.sync()
    assert (result.exit_code, code_of(result)) == (0, "")
    assert result.summary["files"]["users"]["mode"] == "delta"
    assert filters(remote, before) == {f"dateLastModified%3E%3D%27{moment:%Y-%m-%dT%H%%3A%M%%3A%S}.000Z%27"}
    assert remote.count("class_members") == 551
    assert "Renamed" in repr(remote.dump()["students"])


@pytest.mark.parametrize(("seconds", "seen"), [(-1, False), (0, True), pytest.param(1, True, marks=pytest.mark.slow)])
def test_the_window_reaches_back_by_the_overlap_and_no_further(remote: Remote, seconds: int, seen: bool) -> None:  # noqa: FBT001 # a case
    """To the second. The source's own clock counts, however wrong it goes."""
    remote.clock.move(hours=-9)
    delta(remote, overlap_minutes=30)
    moment = datetime.datetime.fromisoformat(watermark(remote)["moment"])
    dated = moment - datetime.timedelta(minutes=30) + datetime.timedelta(seconds=seconds)
    person = remote.server.roster.get("users", "s1001") | {
        "givenName": "Renamed",
        "dateLastModified": f"{dated:%Y-%m-%dT%H:%M:%S}.000Z",
    }
    remote.server.put("users", person, dated=False)
    assert remote.sync().exit_code == 0
    assert ("Renamed" in repr(remote.dump()["students"])) is seen
    assert remote.sync(mode="full").exit_code == 0
    assert "Renamed" in repr(remote.dump()["students"])


def test_tombstones_that_are_hidden_show_when_everything_is_read(remote: Remote) -> None:
    remote.server._pages.rules = Rules(tombstones="hidden")  # it has no switch for it
    delta(remote)
    remote.server.tombstone("enrollments", "class-1-0-s1000")
    assert remote.sync().exit_code == 0
    assert remote.count("class_members") == 552
    remote.clock.move(days=8)
    remote.server.edit(lambda roster: None)
    result = remote.sync()
    assert (result.exit_code, result.summary["files"]["users"]["mode"]) == (0, "bulk")
    assert remote.count("class_members") == 551
    assert code_of(result) == "R-PULL-04"


@pytest.mark.parametrize(("days", "mode"), [(6.9, "delta"), (7, "bulk")])
def test_everything_is_read_now_and_then(remote: Remote, days: float, mode: str) -> None:
    delta(remote)
    remote.clock.move(days=days - 1)
    remote.server.edit(lambda roster: None)
    assert remote.sync().summary["files"]["users"]["mode"] == mode


@pytest.mark.parametrize("fault", [pytest.param("filter_ignored", marks=pytest.mark.slow), "filter_refused",
                                   pytest.param("filter_empty", marks=pytest.mark.slow)])  # fmt: skip
def test_a_source_that_cannot_send_changes_alone_is_read_whole(remote: Remote, fault: str) -> None:
    """This is said, and remembered as long as the district file is the same."""
    delta(remote)
    remote.break_it(**{fault: True})
    remote.server.change("users", "s1001", givenName="Renamed", dated=False)
    remote.server.remove("enrollments", "class-1-0-s1000")
    result = remote.sync()
    assert (result.exit_code, result.summary["files"]["users"]["mode"]) == (0, "bulk")
    assert "R-PULL-03" in code_of(result)
    assert remote.count("class_members") == 551
    assert "Renamed" in repr(remote.dump()["students"])
    assert watermark(remote)["no_deltas"] is True
    before = len(remote.server.log)
    remote.server.change("users", "s1002", givenName="Renamed")
    assert remote.sync().exit_code == 0
    assert filters(remote, before) == {""}
    remote.break_it()
    remote.point(deltas=True, page_size=9_999)
    remote.server.change("users", "s1003", givenName="Renamed")
    assert remote.sync().exit_code == 0  # whole, because the settings are others; and what was remembered does not hold
    assert watermark(remote)["no_deltas"] is False
    before = len(remote.server.log)
    remote.server.change("users", "s1004", givenName="Renamed")
    assert remote.sync().summary["files"]["users"]["mode"] == "delta"


def test_no_change_at_all_is_not_taken_for_a_filter_that_is_not_understood(remote: Remote) -> None:
    delta(remote)
    remote.server.edit(lambda roster: None)
    result = remote.sync()
    assert (result.exit_code, code_of(result)) == (0, "")
    assert result.summary["files"]["users"]["mode"] == "delta"


def test_other_settings_read_everything(remote: Remote) -> None:
    """Changes since the last pull say nothing of what was never asked for, or of another service."""
    delta(remote)
    remote.point(deltas=True, demographics=True)
    remote.server.edit(lambda roster: None)
    assert remote.sync().summary["files"]["users"]["mode"] == "bulk"


def test_a_role_that_is_gone_is_gone_from_changes_alone(fresh: Remote) -> None:
    """A changed user of OneRoster 1.2 brings all of its roles."""
    with fresh.serve():
        fresh.point("1.2", deltas=True)
        assert fresh.sync().exit_code == 3
        fresh.approve()
        assert fresh.sync().exit_code == 0
        both = [
            {"roleType": kind, "role": "student", "org": f"school-{n}"}
            for n, kind in ((1, "primary"), (2, "secondary"))
        ]
        person = fresh.server.roster.get("users", "s1001")
        for roles in (both, both[:1], both[1:]):
            fresh.clock.move(days=1)
            kept = {key: value for key, value in person.items() if key not in {"role", "orgs"}}
            fresh.server.put("users", {**kept, "roles": roles})
            result = fresh.sync()
            assert result.exit_code == 0
            assert result.summary["files"]["users"] == {"rows": 1, "rejected": 0, "mode": "delta"}
            found = _roles(fresh, "s1001")
            assert found == [each["org"] for each in roles]
        assert len(_roles(fresh, "s1002")) == 1


def _roles(remote: Remote, user: str) -> list[str]:
    import duckdb  # heavy

    content = remote.state().snapshot("riverside")
    path = remote.home / Snapshot.from_json(content or "").tables["roles"].path
    query = "SELECT orgSourcedId FROM read_parquet(?) WHERE userSourcedId = ? ORDER BY 1"
    return [row[0] for row in duckdb.connect().execute(query, [str(path), user]).fetchall()]


# -- the watermark -----------------------------------------------------------------------------------------------------


def test_the_watermark_moves_with_a_good_pull_alone(remote: Remote) -> None:
    delta(remote)
    before = watermark(remote)
    remote.server.change("users", "s1001", givenName="Renamed")
    assert remote.sync(dry_run=True).exit_code == 0
    assert watermark(remote) == before
    cut_at(remote, 3)
    assert remote.sync().exit_code == 75
    assert watermark(remote) == before
    remote.break_it(total="more", only=("users",))
    assert remote.sync().exit_code == 4
    assert watermark(remote) == before | {"revision": None}
    remote.break_it()
    remote.clock.move(hours=1)
    assert remote.sync().exit_code == 0
    after = watermark(remote)
    assert after["moment"] > before["moment"]
    assert after["full"] == before["full"]


def test_the_watermark_does_not_move_with_a_doubtful_plan(remote: Remote) -> None:
    """More rows are rejected than may go unseen: a person must look, and until then the roster is not the accepted one."""
    delta(remote, limits="rejected_floor = 5")
    before = watermark(remote)
    for n in range(40):
        remote.server.change("users", f"s1{n:03d}", enabledUser="perhaps")
    result = remote.sync()
    assert result.exit_code == 3
    assert result.summary["doubtful"] is True
    assert watermark(remote) == before


def test_an_uploaded_file_leaves_the_watermark(remote: Remote) -> None:
    delta(remote)
    before = watermark(remote)
    upload = remote.folder / "upload"
    upload.mkdir()
    shutil.copy(remote.inbox / "users.csv", upload)
    code, _, said = remote.syncrun("upload", str(upload / "users.csv"), "--district", str(remote.toml))
    assert (code, said) == (0, said)
    assert watermark(remote) == before
