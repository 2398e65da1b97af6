"""Sets that arrive broken: nothing is removed, the run says so with exit 2 or 3, and gives the reason."""

from __future__ import annotations

import functools
import io
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from syncrun.demo import roster
from syncrun.intake.settle import Patience
from syncrun.run.ending import Result

if TYPE_CHECKING:
    from world import World


def refused(world: World, result: Result, code: str) -> None:
    """Nothing happened to the planner, and the reason has the code."""
    assert result.exit_code in {2, 3}, result.summary
    told = str(result.error.as_dict() if result.error else result.summary)
    assert code in told


@pytest.mark.requirement("S2-25")
def test_users_file_that_is_missing_is_refused(each_world: World) -> None:
    before = each_world.settled().dump()
    (each_world.inbox / "users.csv").unlink()
    refused(each_world, each_world.sync(), "R-SET-01")
    assert each_world.dump() == before


@pytest.mark.requirement("S2-25")
def test_users_file_that_is_missing_without_a_manifest_is_refused(world: World) -> None:
    before = world.settled().dump()
    for name in ("users.csv", "manifest.csv"):
        (world.inbox / name).unlink()
    refused(world, world.sync(), "R-SET-02")
    assert world.dump() == before


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _header_only(path: Path) -> None:
    path.write_bytes(path.read_bytes().partition(b"\n")[0] + b"\n")


def _elsewhere(path: Path) -> None:
    (path.parent / "export").mkdir()
    shutil.move(path, path.parent / "export" / path.name)


@pytest.mark.parametrize(
    ("damage", "code"), [(_empty, "R-SET-03"), (_header_only, "R-SET-04"), (_elsewhere, "R-SET-01")]
)  # fmt: skip
@pytest.mark.parametrize(
    "file", ["users", *(pytest.param(each, marks=pytest.mark.slow) for each in ("classes", "enrollments", "orgs"))]
)
def test_file_that_is_empty_or_bare_or_elsewhere_is_refused(
    world: World, damage: Callable[[Path], None], code: str, file: str
) -> None:
    before = world.settled().dump()
    damage(world.inbox / f"{file}.csv")
    refused(world, world.sync(), code)
    assert world.dump() == before


def test_file_in_the_wrong_place_is_named_with_its_place(world: World) -> None:
    world.settled()
    _elsewhere(world.inbox / "users.csv")
    result = world.sync()
    assert "stands in the folder export" in str(result.error.as_dict() if result.error else "")


@pytest.mark.parametrize("at_line_end", [False, True])
@pytest.mark.parametrize("percent", [50, 99, *(pytest.param(each, marks=pytest.mark.slow) for each in (1, 17, 83, 96))])
def test_users_file_cut_at_some_percent_removes_nobody(world: World, percent: int, *, at_line_end: bool) -> None:
    before = world.settled().dump()
    cut(world.inbox / "users.csv", percent, at_line_end=at_line_end)
    result = world.sync()
    assert result.exit_code in {2, 3}
    told = str(result.error.as_dict() if result.error else result.summary)
    assert any(code in told for code in ("R-SET-03", "R-SET-06", "R-SET-07", "R-SET-09"))
    assert world.dump() == before
    world.write()
    assert world.sync().exit_code == 0, "the whole file again: nothing happened"
    assert world.dump() == before


@pytest.mark.slow
@pytest.mark.requirement("S2-25")
@pytest.mark.parametrize("at_line_end", [False, True])
@pytest.mark.parametrize("file", ["users", "enrollments", "classes", "courses", "orgs", "academicSessions"])
def test_file_cut_at_every_percent_removes_nothing(settled: World, file: str, *, at_line_end: bool) -> None:
    settled.write()
    before = settled.dump()
    for percent in range(100):
        settled.write()
        cut(settled.inbox / f"{file}.csv", percent, at_line_end=at_line_end)
        assert settled.sync().exit_code in {2, 3}, percent
        assert settled.dump() == before, percent


@pytest.mark.slow
@pytest.mark.requirement("S2-25")
@pytest.mark.parametrize("manifest", ["first", "last", "none"])
def test_upload_cut_at_every_percent_removes_nothing(settled: World, manifest: str) -> None:
    """One file comes after the other; the one that was under way is short, those behind it are not there."""
    before = settled.dump()
    for percent in range(100):
        settled.write()
        paths = sorted(settled.inbox.iterdir(), key=lambda path: (path.stem == "manifest") != (manifest == "first"))
        left = sum(path.stat().st_size for path in paths) * percent // 100
        for path in paths:
            content = path.read_bytes()[: max(left, 0)]
            left -= path.stat().st_size
            path.write_bytes(content)
            if (left <= 0 and not content) or (path.stem == "manifest" and manifest == "none"):
                path.unlink()
        assert settled.sync().exit_code in {0, 2, 3}, percent
        assert settled.dump() == before, percent


@pytest.mark.requirement("S2-25")
def test_archive_cut_at_any_percent_removes_nothing(settled: World) -> None:
    settled.write()
    before = settled.dump()
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as made:
        for path in sorted(settled.inbox.iterdir()):
            made.write(path, path.name)
    settled.configure()
    settled.toml.write_text(settled.toml.read_text(encoding="utf-8").replace('"inbox"', '"set.zip"'), encoding="utf-8")
    for percent in (1, 17, 50, 83, 99):
        (settled.folder / "set.zip").write_bytes(whole.getvalue()[: len(whole.getvalue()) * percent // 100])
        result = settled.sync()
        assert (result.exit_code, "R-ZIP-01" in str(result.error and result.error.as_dict())) == (2, True), percent
        assert settled.dump() == before


def test_file_that_grows_while_it_is_looked_at_is_tried_again_later(
    settled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = settled.dump()
    settled.write()
    settled.toml.write_text(
        settled.toml.read_text(encoding="utf-8").replace("settle_seconds = 0", "settle_seconds = 5"), encoding="utf-8"
    )
    waits = []

    def pause(seconds: float) -> None:
        waits.append(seconds)
        with (settled.inbox / "users.csv").open("a", encoding="utf-8") as stream:
            stream.write("more")

    monkeypatch.setattr(Patience, "__init__", functools.partialmethod(Patience.__init__, pause=pause))
    result = settled.sync()
    assert (result.exit_code, result.error and result.error.code, waits) == (75, "E-INPUT-3", [5])
    assert settled.dump() == before


def test_older_export_waits_for_a_person(settled: World) -> None:
    before = settled.dump()
    settled.write(roster.next_day())
    for path in settled.inbox.iterdir():
        os.utime(path, (path.stat().st_mtime - 48 * 3600,) * 2)
    refused(settled, settled.sync(), "R-SET-32")
    assert settled.dump() == before
    settled.approve()
    assert settled.sync().exit_code == 0
    assert settled.dump() != before


def test_cut_file_that_a_person_approves_still_removes_nobody(world: World) -> None:
    before = world.settled().dump()
    world.edit("users", "s1001", familyName="Renamed")
    world.write()
    cut(world.inbox / "users.csv", 70, at_line_end=True)
    assert world.sync().exit_code == 3
    world.approve()
    assert world.sync().exit_code == 0
    after = world.dump()
    assert len(after["students"]) == len(before["students"])
    assert after != before, "what did arrive is applied"


def cut(path: Path, percent: int, *, at_line_end: bool) -> None:
    """Shorten a file to so many percent of its bytes, or to the line end before."""
    whole = path.read_bytes()
    kept = whole[: len(whole) * percent // 100]
    path.write_bytes(kept[: kept.rfind(b"\n") + 1] if at_line_end else kept)


def test_enrollments_cut_at_a_line_end_are_noticed_by_their_tail(world: World) -> None:
    before = world.settled().dump()
    cut(world.inbox / "enrollments.csv", 90, at_line_end=True)
    refused(world, world.sync(), "R-SET-09")
    assert world.dump() == before


def test_leavers_in_the_middle_of_the_file_are_removed(world: World) -> None:
    world.settled()
    world.drop("users", "s2030")
    world.files["enrollments"] = [row for row in world.rows("enrollments") if row["userSourcedId"] != "s2030"]
    world.write()
    assert world.sync().exit_code == 0
    assert world.count("students") == 197


def test_leaver_whom_other_files_still_name_is_kept_for_now(world: World) -> None:
    world.settled()
    world.drop("users", "s2030")
    world.write()
    result = world.sync()
    assert result.exit_code == 0
    assert "R-SET-08" in {finding["code"] for finding in result.summary["findings"]}
    assert world.count("students") == 198


def test_row_that_is_broken_today_keeps_what_was_accepted_before(world: World) -> None:
    before = world.settled().dump()
    world.edit("classes", "class-1-3", classType="nonsense")
    world.write()
    result = world.sync()
    assert result.exit_code == 4
    assert result.summary["files"]["classes.csv"]["rejected"] == 1
    assert world.dump() == before


@pytest.mark.requirement("S2-4")
def test_the_set_of_three_files_stands_alone(world: World) -> None:
    world.write()
    for name in ("orgs", "academicSessions", "courses", "manifest"):
        (world.inbox / f"{name}.csv").unlink()
    world.configure(years='["schoolYear-2027"]')
    result = world.sync()
    assert result.exit_code == 3
    told = {finding["code"]: finding["words"] for finding in result.summary["findings"] if finding.get("words")}
    assert "schoolYear-2027" in told["R-SET-16"] or "ids as" in told["R-SET-16"]
    world.approve()
    assert world.sync().exit_code == 0
    assert (world.count("schools"), world.count("students"), world.count("class_members")) == (3, 198, 552)
    assert world.sync().summary["nothing_to_do"]


def test_three_files_after_a_whole_set_are_refused(world: World) -> None:
    before = world.settled().dump()
    for name in ("orgs", "academicSessions", "courses", "manifest"):
        (world.inbox / f"{name}.csv").unlink()
    refused(world, world.sync(), "R-SET-05")
    assert world.dump() == before


def test_delta_changes_only_what_it_speaks_of(each_world: World) -> None:
    each_world.settled()
    delta: roster.Files = {name: [] for name in ("users", "enrollments")}
    stamp = {"dateLastModified": "2026-11-21T06:30:00.000Z"}
    users = {row["sourcedId"]: row for row in each_world.rows("users")}
    delta["users"] = [
        {**users["s1001"], **stamp, "status": "active", "familyName": "Renamed"},
        {**users["s1002"], **stamp, "status": "tobedeleted"},
    ]
    delta["enrollments"] = [
        {**row, **stamp, "status": "tobedeleted"}
        for row in each_world.rows("enrollments")
        if row["userSourcedId"] == "s1002"
    ]
    each_world.write(delta)
    manifest = each_world.inbox / "manifest.csv"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace(",bulk", ",delta"), encoding="utf-8")
    result = each_world.sync()
    assert result.exit_code == 0, result.summary
    dump = each_world.dump()
    assert len(dump["students"]) == 197
    assert any(row[3] == "Renamed" for row in dump["students"])
    assert each_world.sync().exit_code == 0
    assert each_world.dump() == dump
