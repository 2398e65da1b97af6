"""The connector finds the files and leaves them where they are."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from syncrun.connectors.oneroster_csv.setting import OneRosterCsvSettings
from syncrun.connectors.oneroster_csv.source import OneRosterCsv
from syncrun.registry import Registry, imported
from syncrun.sdk import Context, InputError


def source(folder: Path, path: str = "inbox") -> OneRosterCsv:
    return OneRosterCsv(OneRosterCsvSettings().load({"path": path}), Context("riverside", folder, "installation-1"))


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    (folder / "export" / "deep").mkdir(parents=True)
    for name in ("users.csv", "orgs.csv", "README.txt", "export/classes.csv", "export/deep/courses.csv"):
        (folder / name).write_text(name)
    return folder


def test_files_of_a_folder_are_found_and_those_one_folder_below(tmp_path: Path, inbox: Path) -> None:
    fileset = source(tmp_path).fetch(tmp_path / "fetched")
    assert [str(path.relative_to(inbox)) for path in fileset.files] == [
        "README.txt", "export/classes.csv", "orgs.csv", "users.csv",
    ]  # fmt: skip
    assert fileset.origin == "inbox"


def test_nothing_is_copied_or_changed(tmp_path: Path, inbox: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    source(tmp_path).check()
    source(tmp_path).fetch(tmp_path / "fetched")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_archive_is_handed_on_as_one_file(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "district.zip", "w") as made:
        made.writestr("users.csv", "")
    assert source(tmp_path, "district.zip").fetch(tmp_path).files == (tmp_path / "district.zip",)


def test_absolute_path_is_taken_as_it_is(tmp_path: Path, inbox: Path) -> None:
    assert len(source(tmp_path / "elsewhere", str(inbox)).fetch(tmp_path).files) == 4


def test_empty_folder_has_no_files(tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    assert source(tmp_path).fetch(tmp_path).files == ()


@pytest.mark.parametrize("ask", [lambda each: each.check(), lambda each: each.fetch(Path())])
def test_path_that_is_not_there_is_said(tmp_path: Path, ask: Callable[[OneRosterCsv], object]) -> None:
    with pytest.raises(InputError, match="No such file or directory") as caught:
        ask(source(tmp_path))
    assert (caught.value.exit_code, "path" in caught.value.next_step) == (2, True)
    assert str(tmp_path) not in caught.value.message


def test_path_is_required() -> None:
    assert OneRosterCsvSettings().validate({}) == {"path": ["Missing data for required field."]}


def test_connector_is_found_by_its_name() -> None:
    info = Registry().connector("source", "oneroster_csv", "here")
    assert imported(info.cls, info.name) is OneRosterCsv
    assert imported(info.settings, info.name) is OneRosterCsvSettings


@pytest.mark.requirement("S2-20")
def test_what_stands_for_the_files_changes_with_each_of_them_and_with_nothing_else(tmp_path: Path, inbox: Path) -> None:
    seen = [source(tmp_path).arrived()]
    assert source(tmp_path).arrived() == seen[0]

    def changed() -> None:
        found = source(tmp_path).arrived()
        assert found is not None
        assert found not in seen
        seen.append(found)

    (inbox / "users.csv").write_text("others.csv")  # as many bytes
    changed()
    (inbox / "classes.csv").write_text("new")
    changed()
    (inbox / "classes.csv").rename(inbox / "export" / "enrollments.csv")
    changed()
    (inbox / "orgs.csv").unlink()
    changed()
    copy = inbox / "export" / "copy"
    copy.write_text("export/classes.csv")
    copy.replace(inbox / "export" / "classes.csv")  # the same again, sent anew
    changed()


def test_nothing_stands_for_files_that_are_not_there(tmp_path: Path) -> None:
    assert source(tmp_path).arrived() is None
    (tmp_path / "inbox").mkdir()
    assert source(tmp_path).arrived() is None
