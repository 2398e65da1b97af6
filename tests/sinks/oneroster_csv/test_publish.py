"""What is published, when, and under which name: whole or not at all, and nobody else's file is touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from exporter import Exporter, rich

from syncrun.config.district import load
from syncrun.demo import roster
from syncrun.errors import ConfigError
from syncrun.registry import Registry

if TYPE_CHECKING:
    from syncrun.run.ending import Result

PART = "riverside-2026-11-21.zip"


def error(result: Result) -> tuple[int, str]:
    assert result.error is not None
    return result.exit_code, result.error.code


# -- once, and again -------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S3-7")
def test_export_is_a_class_of_its_own_and_one_name_may_do_both() -> None:
    kinds = {offer.info.name: set() for offer in Registry().load_all()}
    for offer in Registry().load_all():
        kinds[offer.info.name].add(offer.kind)
    assert (kinds["classlink"], kinds["template_csv"], kinds["oneroster_csv"]) == (
        {"source"},
        {"sink"},
        {"source", "sink"},
    )


@pytest.mark.requirement("S3-17")
def test_unattended_command_publishes_what_changed_and_then_nothing(exporter: Exporter) -> None:
    exporter.first()
    exporter.write(roster.next_day())
    code, out, err = exporter.syncrun("--district", str(exporter.toml))
    assert (code, err) == (0, ""), out
    names = exporter.published()
    assert len(names) == 2
    code, out, _ = exporter.syncrun("--district", str(exporter.toml))
    assert (code, "Nothing to do" in out, exporter.published()) == (0, True, names)


def test_nothing_is_published_before_somebody_said_yes_nor_by_a_dry_run(exporter: Exporter) -> None:
    exporter.write()
    assert exporter.sync().exit_code == 3
    assert exporter.sync().exit_code == 3
    exporter.say_yes()
    assert exporter.sync(dry_run=True).exit_code == 0
    assert exporter.published() == []
    assert exporter.sync().exit_code == 0
    assert exporter.published() == ["riverside-2026-11-20.zip"]


@pytest.mark.slow
def test_same_roster_makes_the_same_bytes_and_no_second_file(exporter: Exporter, tmp_path: Path, monkeypatch) -> None:
    exporter.first()
    before = exporter.newest().read_bytes()
    exporter.clock.move(days=3)
    exporter.toml.write_text(exporter.toml.read_text() + "\n# a remark\n")
    assert exporter.sync().exit_code == 0
    assert exporter.sync(mode="full").exit_code == 0
    assert exporter.published() == ["riverside-2026-11-20.zip"]
    (tmp_path / "other").mkdir()
    other = Exporter(tmp_path / "other")
    monkeypatch.setenv("SYNCRUN_HOME", str(other.home))
    for entity in other.files:
        other.files[entity].reverse()
    other.clock.move(days=7)
    other.first()
    assert other.newest().read_bytes() == before


def test_full_run_publishes_again_what_is_gone_or_was_changed(exporter: Exporter) -> None:
    exporter.first()
    before = exporter.newest().read_bytes()
    exporter.newest().unlink()
    assert exporter.sync().summary.get("nothing_to_do")
    assert exporter.sync(mode="full").exit_code == 0
    assert exporter.newest().read_bytes() == before
    exporter.newest().write_bytes(b"cut")
    assert exporter.sync(mode="full").exit_code == 0
    assert exporter.newest().read_bytes() == before
    assert exporter.published() == ["riverside-2026-11-20.zip"]


def test_other_settings_are_another_publication(exporter: Exporter) -> None:
    exporter.first()
    exporter.configure(sink='version = "1.2"\nsource_name = "Riverside SIS"')
    exporter.night()
    tables = exporter.tables()
    assert tables["roles"]
    assert tables["manifest"][-1] == {"propertyName": "source.systemName", "value": "Riverside SIS"}


# -- the archive -----------------------------------------------------------------------------------------------------------


def test_archive_is_as_the_standard_says(exporter: Exporter) -> None:
    exporter.files = rich()
    exporter.edit("classes", "class-1-1", title="One\nline")
    exporter.configure(sink="demographics = true")
    exporter.first()
    with zipfile.ZipFile(exporter.newest()) as archive:
        names = archive.namelist()
        assert all("/" not in name for name in names)
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_DEFLATED}
        users, manifest = archive.read("users.csv"), archive.read("manifest.csv").decode().split("\r\n")
    assert users.startswith(b"sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,")
    assert users.count(b"\n") == users.count(b"\r\n") == len(exporter.files["users"]) + 1
    assert manifest[0] == "propertyName,value"
    listed = [line.split(",")[0] for line in manifest if line.startswith("file.")]
    assert listed == sorted(listed, key=str.lower)
    assert len(listed) == 13
    modes = dict(line.split(",") for line in manifest if line.startswith("file."))
    assert {name for name, mode in modes.items() if mode == "bulk"} == {f"file.{name[:-4]}" for name in names} - {
        "file.manifest"
    }
    assert {row["status"] + row["dateLastModified"] for row in exporter.tables()["users"]} == {""}


def test_what_is_left_out_is_blank_and_never_staged(exporter: Exporter) -> None:
    import duckdb

    exporter.files = rich()
    exporter.configure(sink='leave_out = ["users.sms", "users.phone", "users.email", "courses.grades"]')
    exporter.first()
    users = exporter.tables()["users"]
    assert {row["sms"] + row["phone"] + row["email"] + row["password"] for row in users} == {""}
    assert "demographics" not in exporter.tables()
    applied = exporter.home / "data" / "riverside" / "applied" / "oneroster_csv"
    assert not list(applied.glob("demographics*"))
    staged = {row[0] for row in duckdb.sql(f"DESCRIBE FROM '{next(applied.glob('users-*'))}'").fetchall()}
    assert "username" in staged
    assert not staged & {"sms", "phone", "email", "password", "language"}
    exporter.configure()
    exporter.night()
    assert any(row["sms"] for row in exporter.tables()["users"])


@pytest.mark.parametrize(("sink", "words"), [
    ('leave_out = ["users.fone"]', "users.fone is no column"), ('leave_out = ["users.username"]', "cannot be left out"),
    ('mode = "delta"\nfile_name = "x-{date}.zip"', "needs {time} or {run}"), ('file_name = "../x.zip"', "without a folder"),
    ('file_name = "{distrikt}.zip"', "placeholders"), ("keep = 0", "greater"), ('sftp = {host = "h", username = "u", password = "env:X"}', "either path or sftp"),
])  # fmt: skip
def test_settings_that_would_do_harm_are_refused(exporter: Exporter, sink: str, words: str) -> None:
    exporter.configure(sink=sink)
    with pytest.raises(ConfigError) as raised:
        load(str(exporter.toml), Registry())
    assert words in str(raised.value.problems)


# -- who takes part --------------------------------------------------------------------------------------------------------


def test_only_what_a_person_let_go_is_published_and_nothing_points_nowhere(exporter: Exporter) -> None:
    exporter.files = rich()
    exporter.write()
    exporter.sync()
    exporter.say_yes("", "school-2")
    assert exporter.sync().exit_code == 3
    tables = exporter.tables()
    assert {row["sourcedId"] for row in tables["orgs"]} == {"district", "school-2"}
    assert {row["schoolSourcedId"] for row in tables["classes"]} == {"school-2"}
    assert {org for row in tables["users"] for org in row["orgSourcedIds"].split(",")} <= {"district", "school-2"}
    people = {row["sourcedId"] for row in tables["users"]}
    assert {row["userSourcedId"] for row in tables["enrollments"]} <= people
    assert {agent for row in tables["users"] for agent in row["agentSourcedIds"].split(",")} - {""} <= people


def test_schools_and_years_that_take_no_part_are_not_exported(exporter: Exporter) -> None:
    exporter.files = rich()
    exporter.rows("academicSessions").append({**exporter.rows("academicSessions")[0], "sourcedId": "year-2026", "schoolYear": "2026",
                                              "startDate": "2025-08-17", "endDate": "2026-06-12"})  # fmt: skip
    exporter.rows("classes").append({**exporter.rows("classes")[8], "sourcedId": "old", "termSourcedIds": "year-2026"})
    (exporter.folder / "map.csv").write_text(
        "kind,sourcedId,decision,sinkId\norgs,school-2,add,\nteachers,t201,skip,\nstudents,s2003,skip,\n"
    )
    exporter.configure(sink='mapping = "map.csv"', years='["year-2027"]')
    exporter.first()
    tables = exporter.tables()
    assert {row["sourcedId"] for row in tables["orgs"]} == {"district", "school-2"}
    assert {row["sourcedId"] for row in tables["academicSessions"]} == {"year-2027", "fall-2026", "q1"}
    assert {row["schoolSourcedId"] for row in tables["classes"]} == {"school-2"}
    assert not {"old"} & {row["sourcedId"] for row in tables["classes"]}
    people = {row["sourcedId"] for row in tables["users"]}
    assert {"t200", "s2000", "a2"} <= people
    assert not people & {"t201", "s2003", "s1000", "t101", "a1"}
    assert {row["userSourcedId"] for row in tables["enrollments"]} <= people


def test_family_that_must_not_be_in_contact_is_not_connected_in_any_file(exporter: Exporter) -> None:
    exporter.files = rich()
    exporter.files["guardians"] = [
        {"sourcedId": "g1", "studentSourcedIds": "s1000,s1001", "noContactSourcedIds": "s1001", "givenName": "G", "familyName": "G"},
        {"sourcedId": "g9", "studentSourcedIds": "s1003", "givenName": "New", "familyName": "Guardian", "username": "g9"},
    ]  # fmt: skip
    exporter.write()
    guardians = (exporter.inbox / "guardians.csv").read_text()
    (exporter.inbox / "guardians.csv").unlink()
    (exporter.folder / "guardians.csv").write_text(guardians)
    del exporter.files["guardians"]
    exporter.first()
    assert {row["sourcedId"]: row["agentSourcedIds"] for row in exporter.tables()["users"]}["s1001"] == "g1"
    code, out, err = exporter.syncrun(
        "upload", "--district", str(exporter.toml), str(exporter.folder / "guardians.csv")
    )
    assert code in {0, 3}, out + err
    if code == 3:
        exporter.approve()
        assert exporter.syncrun("--district", str(exporter.toml))[0] == 0
    agents = {row["sourcedId"]: row["agentSourcedIds"] for row in exporter.tables()["users"]}
    assert (agents["s1001"], agents["g1"], agents["s1000"]) == ("", "s1000", "g1,g2")
    assert agents["s1003"] == "g9"


# -- names -----------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_old_publications_go_and_nobody_elses(exporter: Exporter) -> None:
    exporter.configure(sink="keep = 2")
    (exporter.outbox / "riverside-2026-11-01.zip").write_bytes(b"of somebody else")
    exporter.first()
    for night in range(4):
        exporter.edit("classes", "class-1-0", title=f"Night {night}")
        exporter.night()
    assert exporter.published() == [f"riverside-2026-11-{day}.zip" for day in ("01", "23", "24")]


def test_file_of_somebody_else_is_left_alone_and_the_run_is_refused(exporter: Exporter) -> None:
    (exporter.outbox / "riverside-2026-11-20.zip").write_bytes(b"of somebody else")
    exporter.write()
    exporter.sync()
    exporter.say_yes()
    assert error(exporter.sync()) == (2, "E-EXPORT-1")
    assert exporter.newest().read_bytes() == b"of somebody else"
    (exporter.outbox / "riverside-2026-11-20.zip").unlink()
    assert exporter.sync().exit_code == 0
    assert exporter.tables()["users"]


@pytest.mark.slow
def test_two_districts_in_one_folder(exporter: Exporter) -> None:
    exporter.first()
    first = exporter.newest().read_bytes()
    exporter.configure(district="lakeside")
    assert exporter.sync().exit_code == 3
    exporter.say_yes(district="lakeside")
    assert exporter.sync().exit_code == 0
    assert exporter.published() == ["lakeside-2026-11-20.zip", "riverside-2026-11-20.zip"]
    assert (exporter.outbox / "riverside-2026-11-20.zip").read_bytes() == first
    exporter.configure(district="hillside", sink='file_name = "riverside-{date}.zip"')
    exporter.sync()
    exporter.say_yes(district="hillside")
    assert error(exporter.sync()) == (2, "E-EXPORT-1")
    assert (exporter.outbox / "riverside-2026-11-20.zip").read_bytes() == first


# -- faults ----------------------------------------------------------------------------------------------------------------


def test_folder_that_is_not_there_is_told_before_anything_is_done(exporter: Exporter) -> None:
    exporter.write()
    exporter.outbox.rmdir()
    assert error(exporter.sync()) == (2, "E-CONFIG-3")


def test_full_disk_waits_for_the_next_run_which_finishes_it_first(exporter: Exporter, monkeypatch) -> None:
    exporter.first()
    exporter.write(roster.next_day())
    exporter.clock.move(days=1)
    monkeypatch.setattr("syncrun.apply.stop.Stop.pause", lambda stop, seconds: None)

    def full(source: Any, target: Any, length: int = 0) -> None:
        target.write(source.read(100))
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("shutil.copyfileobj", full)
        assert error(exporter.sync()) == (75, "E-RETRY-1")
        assert error(exporter.sync()) == (75, "E-RETRY-1")
    assert [name for name in exporter.published() if not name.startswith(".")] == ["riverside-2026-11-20.zip"]
    assert exporter.sync().exit_code == 0
    assert exporter.published() == ["riverside-2026-11-20.zip", "riverside-2026-11-21.zip"]
    assert {"s1900"} <= {row["sourcedId"] for row in exporter.tables()["users"]}


def test_delta_that_went_out_before_it_was_noted_is_followed_by_its_reverse(exporter: Exporter, monkeypatch) -> None:
    from syncrun.errors import TransientError
    from syncrun.run import applying

    exporter.configure(sink='mode = "delta"')
    exporter.first()
    title = exporter.rows("classes")[0]["title"]
    exporter.edit("classes", "class-1-0", title="For a day")
    exporter.write()
    exporter.clock.move(days=1)

    def cut(*arguments: Any, **named: Any) -> None:
        raise TransientError("cut off")

    with monkeypatch.context() as patch:
        patch.setattr(applying, "_record", cut)
        assert exporter.sync().exit_code == 75
    assert [row["title"] for row in exporter.tables()["classes"]] == ["For a day"]
    exporter.edit("classes", "class-1-0", title=title)
    exporter.night()
    assert [row["title"] for row in exporter.tables()["classes"]] == [title]
    assert len(exporter.published()) == 3


SWEEP = Path(__file__).parents[2] / "export_sweep.py"


def sweep(scenario: str, folder: Path, *more: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, str(SWEEP), scenario, str(folder), *more], check=False, capture_output=True, text=True,
                          cwd=SWEEP.parent, env={**os.environ})  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert found["faults"] == [], done.stderr[-3000:]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("scenario", [
    pytest.param("complete", marks=pytest.mark.slow), "delta", pytest.param("loose", marks=pytest.mark.slow),
])  # fmt: skip
def test_kill_at_some_points_leaves_the_old_or_the_new(scenario: str, tmp_path: Path) -> None:
    assert sweep(scenario, tmp_path, "--every", "17")["tried"] >= 5


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["complete", "delta", "loose"])
def test_kill_at_every_point_leaves_the_old_or_the_new(scenario: str, tmp_path: Path) -> None:
    found = sweep(scenario, tmp_path)
    assert found["tried"] == found["points"] >= 60
