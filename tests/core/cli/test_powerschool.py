"""`syncrun powerschool plugin`: packages are written, held against those that are there, and looked at."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from terminal import Terminal

DESCRIPTION = """
name = "Example Rosters"
version = "{version}"
vendor = "Example"
prefix = "com.example.rosters"
identifiers = "{identifiers}"
api = true
[publisher]
name = "Example Inc"
email = "support@example.com"
"""
NEWER, OLDER = "com.example.rosters-{}.zip", "com.example.rosters-{}-legacy.zip"


def describe(path: Path, version: str = "1.0.0", identifiers: str = "dcid", more: str = "") -> Path:
    path.write_text(f"{more}\n{DESCRIPTION.format(version=version, identifiers=identifiers)}", encoding="utf-8")
    return path


@pytest.fixture
def described(tmp_path: Path) -> Path:
    return describe(tmp_path / "plugin.toml")


def test_packages_and_page_are_written_and_pass(terminal: Terminal, described: Path, tmp_path: Path) -> None:
    answer = terminal("powerschool", "plugin", "build", described, "--target", "out", "--page", "page.md")
    assert answer.code == 0, answer.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        [NEWER.format("1.0.0"), OLDER.format("1.0.0")]
    )
    assert "# Example Rosters 1.0.0" in (tmp_path / "page.md").read_text(encoding="utf-8")
    looked = terminal("powerschool", "plugin", "lint", f"out/{NEWER.format('1.0.0')}")
    assert (looked.code, looked.out) == (0, "0 errors, 0 warnings.\n")
    older = terminal("powerschool", "plugin", "lint", f"out/{OLDER.format('1.0.0')}")
    assert older.code == 0
    assert "L-PS-20 warning  plugin.xml:3" in older.out


def test_one_variant_is_written_when_one_is_asked_for(terminal: Terminal, described: Path, tmp_path: Path) -> None:
    answer = terminal(
        "powerschool", "plugin", "build", described, "--target", "out", "--min-version", "legacy", "--json"
    )
    (package,) = answer.json["packages"]
    assert package["server"] == "legacy"
    assert [path.name for path in (tmp_path / "out").iterdir()] == [OLDER.format("1.0.0")]
    assert answer.json["files"] == ["users.csv", "classes.csv", "enrollments.csv"]


def build(terminal: Terminal, described: Path, *more: str) -> tuple[int, str]:
    answer = terminal("powerschool", "plugin", "build", described, "--target", "out", *more)
    return answer.code, answer.err


def test_a_package_that_is_out_keeps_its_version_and_its_identifiers(
    terminal: Terminal, described: Path, tmp_path: Path
) -> None:  # fmt: skip
    assert build(terminal, described)[0] == 0
    assert build(terminal, described)[0] == 0, "the same again is no change"
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    code, told = build(terminal, describe(described, more="guardians = true"))
    assert (code, "is there with other contents" in told) == (2, True)
    code, told = build(terminal, describe(described, "0.9"))
    assert (code, "of a higher version than 0.9" in told) == (2, True)
    code, told = build(terminal, describe(described, "1.0.1", "number"))
    assert (code, "people are known by dcid" in told) == (2, True)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert build(terminal, describe(described, "1.0.10", more="guardians = true"))[0] == 0
    assert build(terminal, describe(described, "1.0.9"))[0] == 2, "versions are numbers"
    assert build(terminal, describe(described, "1.1", "number"), "--new-identifiers")[0] == 0


def test_a_package_that_is_out_keeps_its_files(terminal: Terminal, described: Path, tmp_path: Path) -> None:
    whole = 'data_sets = ["users", "classes", "enrollments", "orgs", "terms", "courses"]'
    assert build(terminal, described)[0] == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    code, told = build(terminal, describe(described, "1.1", more=whole))
    assert (code, "gives 3 files, this one 6 files" in told) == (2, True)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert build(terminal, describe(described, "1.1", more=whole), "--new-files")[0] == 0
    for path in (tmp_path / "out").glob("*-1.0.0*.zip"):
        path.unlink()
    code, told = build(terminal, describe(described, "1.2"))
    assert (code, "gives 6 files, this one 3 files" in told) == (2, True)
    assert build(terminal, describe(described, "1.2"), "--new-files")[0] == 0


def test_other_files_beside_are_left_alone(terminal: Terminal, described: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / NEWER.format("notes")).write_bytes(b"no archive")
    assert build(terminal, described)[0] == 0


def test_problems_of_the_description_are_told_at_once(terminal: Terminal, described: Path, tmp_path: Path) -> None:
    described.write_text('name = ""\nversions = "1"\n', encoding="utf-8")
    answer = terminal("powerschool", "plugin", "build", described, "--json")
    assert answer.code == 2
    assert {each["path"] for each in answer.json["error"]["problems"]} >= {"name", "versions", "version", "publisher"}
    assert not list(tmp_path.glob("*.zip"))


def test_errors_of_a_package_are_told_and_refused(terminal: Terminal, described: Path, tmp_path: Path) -> None:
    build(terminal, described)
    with zipfile.ZipFile(tmp_path / "out" / NEWER.format("1.0.0"), "a") as archive:
        archive.writestr("__MACOSX/._plugin.xml", "x")
    answer = terminal("powerschool", "plugin", "lint", f"out/{NEWER.format('1.0.0')}", "--json")
    assert answer.code == 2
    assert (answer.json["outcome"], answer.json["errors"], answer.json["warnings"]) == ("REFUSED", 1, 0)
    (remark,) = answer.json["remarks"]
    assert (remark["code"], remark["level"], remark["file"]) == ("L-PS-03", "error", "__MACOSX/._plugin.xml")
    assert "macOS" in remark["fix"]
    assert terminal("powerschool", "plugin", "lint", "none.zip").code == 2


def test_a_folder_that_cannot_be_written_is_told(terminal: Terminal, described: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file", encoding="utf-8")
    code, told = build(terminal, described)
    assert code == 2
    assert "Traceback" not in told


@pytest.mark.parametrize("missing", ["sqlglot", "xmlschema"])
@pytest.mark.parametrize("command", ["build", "lint"])
def test_what_to_install_is_said_where_the_extra_is_missing(
    terminal: Terminal, described: Path, monkeypatch: pytest.MonkeyPatch, missing: str, command: str
) -> None:  # fmt: skip
    for name in [name for name in sys.modules if name.startswith("syncrun.connectors.powerschool")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    answer = terminal("powerschool", "plugin", command, described)
    assert answer.code == 2
    assert "pip install 'syncrun[powerschool]'" in answer.err


def test_help_imports_neither_parser_nor_schemas(tmp_path: Path) -> None:
    import subprocess

    code = ("import sys; from syncrun.cli import main; sys.argv = ['syncrun', 'powerschool', 'plugin', 'lint', '--help']\n"
            "try: main()\nexcept SystemExit: pass\nassert not {'sqlglot', 'xmlschema'} & set(sys.modules)")  # fmt: skip
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=tmp_path)
