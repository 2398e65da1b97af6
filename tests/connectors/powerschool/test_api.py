"""PowerSchool's API from end to end: everything comes, and whatever the server does, nothing is lost or taken away."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sis import ALL, PREFIX, SECRET, School, Watch, codes
from world import World, planned

from syncrun.connectors.powerschool.api import FieldNotGrantedError, OtherServerError, PowerSchoolApi
from syncrun.connectors.powerschool.api_setting import PowerSchoolApiSettings
from syncrun.demo import roster
from syncrun.sdk import Context, SecretText
from syncrun.sdk.rest import Client, HostBudget
from syncrun.testing.powerschool_server import PowerSchoolServer
from syncrun.testing.roster_server.fault import Faults


@pytest.fixture(scope="session")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A district that has taken the demo roster from a server once."""
    folder = tmp_path_factory.mktemp("taken")
    files = folder / "files"
    roster.write(roster.first_day(), files)
    with pytest.MonkeyPatch.context() as patch, PowerSchoolServer.from_files(
        files, PREFIX, client_secret=SECRET
    ) as server:  # fmt: skip
        patch.setenv("SYNCRUN_HOME", str(folder / "home"))
        patch.delenv("SYNCRUN_DATABASE_URL", raising=False)
        patch.setenv("PS_ID", "ps-client")
        patch.setenv("PS_SECRET", SECRET)
        school = School(World(folder), server)
        assert school.sync().exit_code == 3
        school.world.approve()
        assert school.sync().exit_code == 0
    return folder


@pytest.fixture
def school(taken: Path, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[School]:
    """A copy of it, with a server of its own."""
    shutil.copytree(taken, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("PS_ID", "ps-client")
    monkeypatch.setenv("PS_SECRET", SECRET)
    with PowerSchoolServer.from_files(tmp_path / "files", PREFIX, client_secret=SECRET) as server:
        yield School(World(tmp_path), server)


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """What clients wait by, in place of the real time."""
    found = Watch()
    monkeypatch.setattr(
        "syncrun.sdk.rest.host_budget", lambda host, at_once, per_second: HostBudget(at_once, per_second, found)
    )
    monkeypatch.setattr(Client, "wait", lambda self, seconds, stop: found.wait(seconds))
    return found


# -- everything comes ------------------------------------------------------------------------------------------------


def test_what_comes_is_what_the_files_of_the_same_roster_say(school: School, tmp_path):
    (tmp_path / "other").mkdir()
    other = World(tmp_path / "other")
    files = roster.first_day()
    other.write(files)
    other.configure()
    other.sync()
    school.world.clock.move(days=1)
    other_rows = {name: len(rows) for name, rows in files.items()}
    found = school.sync(mode="full")
    assert found.exit_code == 0
    assert {name: each["rows"] for name, each in found.summary["files"].items()} == other_rows
    assert planned(found) == {}
    assert school.world.count("students") == 198
    assert school.world.count("class_members") == 552


def trap(**fields: Any):
    def set_(school: School, watch: Watch) -> None:
        for name, value in fields.items():
            setattr(school.server.traps, name, value)
        school.server.ticks = watch

    return set_


def slow(school: School, watch: Watch) -> None:
    school.server.wire = Faults(bytes_per_second=400_000)


HARMLESS = {
    "page maximum": trap(most=37),
    "no right to v1": trap(v1=False),
    "no right to v1, pages too large": trap(v1=False, most=100, beyond="refuse"),
    "numbers as text": trap(numbers="text"),
    "not flattened": trap(nested=True),
    "intervals": trap(interval=2.0),
    "intervals under another status": trap(interval=2.0, interval_status=400),
    "a page for people, once": trap(down=1),
    "a page for people under 503, twice": trap(down=2, down_status=503),
    "cut answers": trap(cuts=2),
    "slow": slow,
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if n % 3 == 0 else pytest.mark.slow) for n, name in enumerate(HARMLESS)]
)
def test_nothing_is_lost_by_what_can_be_got_over(school: School, watch: Watch, name: str):
    before = school.world.dump()
    HARMLESS[name](school, watch)
    school.edit("users", "s1001", familyname="Neu")
    found = school.sync()
    assert (found.exit_code, codes(found)) == (0, set())
    assert planned(found) == {"update": 1}
    after = school.world.dump()
    assert {name: len(rows) for name, rows in after.items()} == {name: len(rows) for name, rows in before.items()}
    assert any("Neu" in row for row in after["students"])


def test_never_more_is_asked_for_than_the_server_said(school: School):
    school.server.traps.most = 100
    school.sync()
    assert {each.query["pagesize"] for each in school.asked("enrollments")} == {"100", "1"}


def test_a_token_that_is_refused_is_fetched_once_more(school: School, monkeypatch: pytest.MonkeyPatch):
    once = [True]
    post = Client.read

    def revoking(self, *args, **kwargs):
        if "query" in args[0] and once:
            once.clear()
            school.server.revoke()
        return post(self, *args, **kwargs)

    monkeypatch.setattr(Client, "read", revoking)
    assert school.sync().exit_code == 0
    assert school.server.count("POST", "/oauth/access_token") == 2


def test_after_one_refusal_for_haste_requests_keep_their_distance(school: School, watch: Watch):
    trap(interval=2.0)(school, watch)
    assert school.sync().exit_code == 0
    refused = [each for each in school.server.log if each.status == 429]
    assert 0 < len(refused) <= 6  # those that were on their way together


# -- what cannot be got over -----------------------------------------------------------------------------------------

DOUBTS = {
    "no order": trap(shuffled=True, most=37),
    "no count": trap(counted=False),
    "count too large": trap(miscounted=1),
    "count too small": trap(miscounted=-1),
    "rows go meanwhile": trap(coming=True),
}


@pytest.mark.parametrize("name", DOUBTS)
def test_what_is_not_proved_to_be_all_removes_nothing(school: School, watch: Watch, name: str):
    DOUBTS[name](school, watch)
    school.leave("s1001")
    found = school.sync()
    assert found.exit_code == 4
    assert "R-PULL-01" in codes(found)
    assert school.world.count("students") == 198
    assert school.world.count("class_members") == 552


def test_what_is_proved_to_be_gone_goes(school: School):
    school.leave("s1001")
    found = school.sync()
    assert (found.exit_code, codes(found)) == (0, set())
    assert school.world.count("students") == 197


def test_an_answer_without_records_is_no_school_without_pupils(school: School):
    for key in school.keys("users"):
        school.server.remove(school.query("users"), key)
    found = school.sync()
    assert (found.exit_code, found.error.code) == (2, "E-INPUT-2")
    assert "R-PULL-02" in found.error.message
    assert school.world.count("students") == 198


REFUSED = {
    "field not granted": (lambda traps: traps.ungranted.add(f"{PREFIX}.oneroster.users"), "E-POWERSCHOOL-1", 2),
    "query missing": (lambda traps: traps.disabled.add(f"{PREFIX}.oneroster.classes"), "E-POWERSCHOOL-2", 2),
    "maintenance": (lambda traps: setattr(traps, "down", 999), "E-POWERSCHOOL-4", 75),
    "an interval that is too long": (lambda traps: setattr(traps, "interval", 9999.0), "E-RETRY-3", 75),
}


@pytest.mark.parametrize("name", REFUSED)
def test_each_trouble_has_its_code_and_changes_nothing(school: School, watch: Watch, name: str):
    set_, code, exit_code = REFUSED[name]
    set_(school.server.traps)
    school.server.ticks = watch
    before = school.world.dump()
    found = school.sync()
    assert (found.exit_code, found.error.code) == (exit_code, code)
    assert school.world.dump() == before


def test_maintenance_under_503_is_tried_again_later(school: School, watch: Watch):
    trap(down=999, down_status=503)(school, watch)
    found = school.sync()
    assert (found.exit_code, found.error.code) == (75, "E-HTTP-3")


def test_a_wrong_secret_is_tried_exactly_once_and_never_shown(
    school: School,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("PS_SECRET", "canary-wrong-77")
    found = school.sync()
    assert (found.exit_code, found.error.code) == (2, "E-AUTH-1")
    assert school.server.count("POST", "/oauth/access_token") == 1
    assert len(school.server.log) == 1
    shown = f"{found.error!r} {found.error.as_dict()} {caplog.text} {capsys.readouterr()}"
    written = b"".join(path.read_bytes() for path in school.world.home.rglob("*") if path.is_file())
    for canary in ("canary-wrong-77", SECRET):
        assert canary not in shown
        assert canary.encode() not in written


def test_what_was_pulled_before_a_break_is_not_asked_for_again(school: School, watch: Watch):
    school.server.traps.most = 37
    school.server.traps.disabled.add(school.query("enrollments"))
    assert school.sync().exit_code == 2
    asked = len(school.server.log)
    school.server.traps.disabled.clear()
    assert school.sync().exit_code == 0
    ended = [each for each in ALL if not school.asked(each.replace("academicSessions", "terms"), asked)]
    assert "enrollments" not in ended
    assert ended


# -- changes alone ---------------------------------------------------------------------------------------------------

DELTAS = 'deltas = true\napplication_name = "Syncrun"'


@pytest.fixture
def changing(school: School) -> School:
    """The district asks for changes, and has read everything once."""
    school.configure(DELTAS)
    assert school.sync(mode="full").exit_code == 0
    return school


def versions(school: School, after: int) -> set[str | None]:
    """The data versions from which enrollments were asked for."""
    return {each.asked.get("$dataversion") for each in school.asked("enrollments", after)}


@pytest.mark.requirement("SX-14", "S3-10")
def test_changes_are_asked_for_in_the_body_by_the_version_noted_first(changing: School):
    changing.edit("users", "s1001", familyname="Neu")
    after = len(changing.server.log)
    found = changing.sync()
    assert (found.exit_code, planned(found)) == (0, {"update": 1})
    assert {each["mode"] for each in found.summary["files"].values()} == {"delta"}
    assert found.summary["files"]["users"]["rows"] == 1
    assert versions(changing, after) == {"1"}
    assert all("$dataversion" not in each.query for each in changing.server.log)
    after = len(changing.server.log)
    assert changing.sync().exit_code == 0
    assert versions(changing, after) == {"2"}


def test_changes_remove_nothing_and_the_next_full_reading_finds_what_is_gone_and_says_so(changing: School):
    changing.leave("s1001")
    changing.edit("users", "s1002", familyname="Neu")
    assert changing.sync().exit_code == 0
    assert changing.world.count("students") == 198
    changing.world.clock.move(days=2)
    found = changing.sync()
    assert found.exit_code == 0
    missed = [each for each in found.summary["findings"] if each["code"] == "R-PULL-04"]
    assert {each["file"]: each["count"] for each in missed}["users"] == 1
    assert changing.world.count("students") == 197


@pytest.mark.slow
@pytest.mark.requirement("S3-12")
def test_changes_lead_to_the_roster_that_everything_would(changing: School):
    for n in range(5):
        changing.edit("users", f"s100{n}", familyname=f"Neu{n}")
        changing.edit("classes", f"class-1-{n}", location=f"Lab {n}")
        assert changing.sync().exit_code == 0
    by_changes = changing.world.dump()
    found = changing.sync(mode="full")
    assert (found.exit_code, planned(found)) == (0, {})
    assert changing.world.dump() == by_changes


@pytest.mark.parametrize(
    "answer",
    ["refused", pytest.param("missing", marks=pytest.mark.slow), pytest.param("ignored", marks=pytest.mark.slow)],
)
def test_where_no_changes_can_be_had_everything_is_read_and_asked_for(changing: School, answer: Any):
    changing.server.traps.versions = answer
    changing.leave("s1001")
    found = changing.sync()
    assert found.exit_code == 0
    assert "R-PULL-03" in codes(found)
    assert changing.world.count("students") == 197
    after = len(changing.server.log)
    changing.edit("users", "s1002", familyname="Neu")
    assert changing.sync().exit_code == 0
    assert versions(changing, after) == {None}


def test_a_version_that_went_back_has_everything_read_once(changing: School):
    changing.edit("users", "s1001", familyname="Neu")
    assert changing.sync().exit_code == 0
    changing.server.restore()
    changing.leave("s1002")
    changing.server.version = 1
    after = len(changing.server.log)
    found = changing.sync()
    assert found.exit_code == 0
    assert "R-PULL-03" in codes(found)
    assert None in versions(changing, after)
    assert changing.world.count("students") == 197
    changing.edit("users", "s1003", familyname="Alt")
    after = len(changing.server.log)
    assert changing.sync().exit_code == 0
    assert versions(changing, after) == {"1"}


@pytest.mark.parametrize("trap_", ["shuffled", "miscounted"])
def test_changes_that_are_not_proved_to_be_all_are_asked_for_again(changing: School, watch: Watch, trap_: str):
    for n in range(20):
        changing.edit("users", f"s10{n:02d}", familyname="Neu")
    trap(most=7, **{trap_: 1})(changing, watch)
    after = len(changing.server.log)
    found = changing.sync()
    assert "R-PULL-01" in codes(found)
    trap(most=1000, **{trap_: 0})(changing, watch)
    assert changing.sync().exit_code == 0
    assert versions(changing, after) == {"1"}
    assert sum("Neu" in row for row in changing.world.dump()["students"]) == 20


def test_a_run_with_nothing_to_do_leaves_no_pages_for_the_next(school: School):
    assert school.sync().exit_code == 0
    assert school.sync().summary["nothing_to_do"]
    school.edit("users", "s1001", familyname="Neu")
    assert planned(school.sync()) == {"update": 1}


# -- the short set, and a look ---------------------------------------------------------------------------------------


def test_three_queries_are_enough(school: School):
    school.configure(collections=["users", "classes", "enrollments"], year="schoolYear-2027")
    shutil.rmtree(school.world.home)
    (school.world.folder / "planner.db").unlink()
    found = school.sync()
    assert found.exit_code == 3
    assert not school.asked("orgs")
    assert found.summary["files"]["enrollments"] == {"rows": 552, "rejected": 0, "mode": "bulk"}
    assert planned(found)["create"] > 552


def connector(school: School, **settings: Any) -> PowerSchoolApi:
    told = {"base_url": school.server.base_url, "client_id": SecretText("ps-client"), "client_secret": SecretText(SECRET),
            "prefix": PREFIX, "collections": ALL, **settings}  # fmt: skip
    loaded = PowerSchoolApiSettings().load({**told, "client_id": "env:PS_ID", "client_secret": "env:PS_SECRET"})
    return PowerSchoolApi(
        {**loaded, "client_id": told["client_id"], "client_secret": told["client_secret"]},
        Context("riverside", school.world.folder, "owner"),
    )


def test_check_asks_for_one_record_of_each_query(school: School):
    source = connector(school)
    source.check()
    source.close()
    assert len(school.server.log) == 2 + len(ALL)
    school.server.traps.ungranted.add(school.query("courses"))
    with pytest.raises(FieldNotGrantedError, match="courses"):
        source.check()
    source.close()


def test_check_tells_another_server(school: School):
    school.server.traps.portal = True
    source = connector(school)
    with pytest.raises(OtherServerError):
        source.check()
    source.close()


@pytest.mark.parametrize("alias", ["{}", "a_{}", "USERS.{}"])
def test_names_and_values_that_exports_need_are_taken_off(school: School, alias: str):
    row = {"sourcedid": "T1", "orgsourcedids": '"school-1,school-2"', "role": "teacher", "givenname": 'Ana "Z", B'}
    server = school.server
    for key in school.keys("users"):
        server.remove(school.query("users"), key)
    server.put(school.query("users"), row | {"givenname": '"Ana ""Z"", B"'})
    table = server._tables[school.query("users")]
    table.rows = {
        key: (n, {alias.format(name): cell for name, cell in row.items()}) for key, (n, row) in table.rows.items()
    }
    source = connector(school)
    (page,) = source.read("ps_users", None, None)
    source.close()
    assert page.complete
    assert page.records == [
        {"sourcedId": "T1", "orgSourcedIds": "school-1,school-2", "role": "teacher", "givenName": 'Ana "Z", B'}
    ]


PROBLEMS = {
    "lacks users": ({"collections": ["orgs", "classes", "enrollments"]}, "collections"),
    "no names": ({"prefix": None}, "prefix"),
    "deltas without application": ({"deltas": True}, "application_name"),
    "a path for a name": ({"queries": {"users": "../users"}}, "queries"),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_settings_that_cannot_work_are_refused(name: str):
    change, where = PROBLEMS[name]
    told = {
        "base_url": "https://ps.example.org",
        "client_id": "env:A",
        "client_secret": "env:B",
        "prefix": PREFIX,
        **change,
    }
    found = PowerSchoolApiSettings().validate({key: value for key, value in told.items() if value is not None})
    assert list(found) == [where]


@pytest.mark.requirement("S3-13")
def test_full_readings_come_by_the_setting(changing: School):
    changing.configure(DELTAS + "\nfull_every_days = 3")
    assert changing.sync(mode="full").exit_code == 0
    changing.world.clock.move(days=2)
    after = len(changing.server.log)
    assert changing.sync().exit_code == 0
    assert None not in versions(changing, after)
    changing.world.clock.move(days=1)
    after = len(changing.server.log)
    assert changing.sync().exit_code == 0
    assert versions(changing, after) == {None}
