"""`syncrun check`: files by themselves, or a district with its source and its sinks, and nothing written."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from syncrun.demo import roster

if TYPE_CHECKING:
    from terminal import Terminal
    from world import World


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    roster.write(roster.first_day(), tmp_path / "inbox")
    return tmp_path / "inbox"


def spoil(inbox: Path, old: str, new: str, file: str = "users.csv") -> None:
    """Change a file's text once."""
    text = (inbox / file).read_text(encoding="utf-8")
    assert old in text
    (inbox / file).write_text(text.replace(old, new, 1), encoding="utf-8", newline="")


@pytest.mark.requirement("S4-6")
@pytest.mark.parametrize("form", ["folder", "zip", "files"])
def test_good_files_are_good_as_folder_archive_or_one_by_one(terminal: Terminal, inbox: Path, form: str) -> None:
    given: list[Path] = [inbox]
    if form == "zip":
        given = [inbox.parent / "set.zip"]
        with zipfile.ZipFile(given[0], "w") as archive:
            for path in inbox.iterdir():
                archive.write(path, path.name)
    if form == "files":
        given = sorted(inbox.iterdir())
    answer = terminal("check", *given, "--json")
    assert answer.code == 0
    assert answer.json["outcome"] == "DONE"
    assert answer.json["files"]["users.csv"] == {"rows": 210, "rejected": 0, "mode": "bulk"}


def test_rows_that_cannot_be_used_are_named_and_the_check_says_what_a_sync_would_do(
    terminal: Terminal, inbox: Path
) -> None:
    spoil(inbox, "García", "")
    answer = terminal("check", inbox)
    assert answer.code == 4
    assert "DEGRADED" in answer.out
    assert "R-CELL-01 users.csv:" in answer.out
    assert answer.out.splitlines()[-1] == "Next: correct the rows named above; a sync would leave them out and go on."
    assert "syncrun report" not in answer.out


def test_set_that_would_wait_is_said_to_be_held(terminal: Terminal, inbox: Path) -> None:
    lines = (inbox / "users.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (inbox / "users.csv").write_text("".join([*lines[:50], *(line.replace("true", "perhaps") for line in lines[50:])]),
                                     encoding="utf-8", newline="")  # fmt: skip
    answer = terminal("check", inbox, "--json")
    assert (answer.code, answer.json["outcome"], answer.json["exit_code"]) == (3, "HELD", 3)
    screen = terminal("check", inbox)
    assert screen.out.splitlines()[-1] == "Next: look at the findings; a sync would wait for a person."
    assert "syncrun approve" not in screen.out


def test_set_that_cannot_be_used_is_refused_with_its_reason(terminal: Terminal, inbox: Path) -> None:
    (inbox / "users.csv").unlink()
    answer = terminal("check", inbox)
    assert (answer.code, answer.out) == (2, "")
    assert "R-SET-" in answer.err
    assert "users.csv" in answer.err
    found = terminal("check", inbox, "--json")
    assert found.json["error"]["findings"][0]["file"] == "users.csv"


def test_findings_hold_shapes_and_no_names(terminal: Terminal, inbox: Path) -> None:
    spoil(inbox, "García", "Canary\x01Nachname")
    answer = terminal("check", inbox, "--json")
    assert answer.code == 4
    assert "Canary" not in answer.out
    assert "Aaaaaa" in answer.out


@pytest.mark.parametrize("words", ["[/bold]", "[red]", "[school]"])
def test_brackets_in_an_id_are_no_markup(terminal: Terminal, inbox: Path, words: str) -> None:
    rows = roster.first_day()
    rows["users"][5]["sourcedId"] = words
    rows["orgs"].append({"sourcedId": words, "name": "", "type": "school"})
    roster.write(rows, inbox)
    answer = terminal("check", inbox)
    assert answer.code in {3, 4}


def test_other_format_is_asked_for_by_its_connector(terminal: Terminal, inbox: Path) -> None:
    answer = terminal("check", inbox, "--format", "powershcool")
    assert answer.code == 2
    assert "E-CONFIG-4  --format: no connector named powershcool is installed" in answer.err


def test_nothing_to_check_is_said(terminal: Terminal) -> None:
    answer = terminal("check")
    assert answer.code == 2
    assert "There is nothing to check." in answer.err


def test_checking_files_leaves_nothing_behind(terminal: Terminal, inbox: Path, home: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in inbox.parent.rglob("*")}
    terminal("check", inbox)
    assert not home.exists()
    assert {path: path.stat().st_mtime_ns for path in inbox.parent.rglob("*")} == before


def test_what_makes_no_sense_is_told_apart_and_costs_nothing(terminal: Terminal, inbox: Path) -> None:
    lines = (inbox / "enrollments.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if ",class-1-0," not in line]
    (inbox / "enrollments.csv").write_text("".join(kept), encoding="utf-8", newline="")
    answer = terminal("check", inbox, "--json")
    told = {each["code"]: (each["file"], each["count"]) for each in answer.json["sanity"]}
    assert (answer.code, told["R-SANE-01"], told["R-SANE-02"]) == (0, ("classes.csv", 1), ("classes.csv", 1))
    assert not [each for each in answer.json["findings"] if each["code"].startswith("R-SANE-")]
    screen = terminal("check", inbox)
    assert "Does it make sense?" in screen.out
    assert "R-SANE-01 A class has no teacher: 1 (first classes.csv:" in screen.out


def test_strict_check_refuses_what_is_against_the_standard(terminal: Terminal, inbox: Path) -> None:
    spoil(inbox, ",true,", ",TRUE,")
    assert terminal("check", inbox).code == 0
    answer = terminal("check", inbox, "--strict", "--json")
    assert answer.code == 2
    assert "R-BOOL-02" in {each["code"] for each in answer.json["error"]["findings"]}


def test_strict_check_lets_pass_what_is_mere_practice(terminal: Terminal, inbox: Path) -> None:
    spoil(inbox, "García", " García")
    answer = terminal("check", inbox, "--strict", "--json")
    codes = {each["code"] for each in answer.json.get("error", {}).get("findings", ())}
    assert "R-CELL-02" not in codes


# -- a district ----------------------------------------------------------------------------------------------------------


def test_district_is_checked_from_its_file_to_its_sink_and_nothing_is_written(terminal: Terminal, world: World) -> None:
    world.write()
    answer = terminal("check", "--district", world.toml, "--json")
    assert (answer.code, answer.json["district"], answer.json["outcome"]) == (0, str(world.toml), "DONE")
    assert not (world.folder / "planner.db").exists()
    assert terminal("runs", "--json").json == []


@pytest.mark.requirement("S3-10")
def test_changes_alone_are_not_asked_of_a_connector_that_cannot_tell_them(terminal: Terminal, world: World) -> None:
    world.write()
    text = world.toml.read_text()
    world.configure(text.replace("settle_seconds = 0", "settle_seconds = 0\ndeltas = true"))
    answer = terminal("check", "--district", world.toml)
    assert answer.code == 2
    assert "E-CONFIG-3" in answer.err
    assert "deltas" in answer.err
    world.configure(text)
    assert terminal("check", "--district", world.toml).code == 0


def test_sink_that_lacks_its_tables_is_found_by_the_check(terminal: Terminal, world: World) -> None:
    world.write()
    world.configure(world.toml.read_text().replace("create_tables = true", ""))
    answer = terminal("check", "--district", world.toml)
    assert answer.code == 2
    assert answer.err.count("set create_tables = true to have it made") == 7


def test_source_that_is_not_there_is_found_by_the_check(terminal: Terminal, world: World) -> None:
    answer = terminal("check", "--district", world.toml)
    assert answer.code == 2
    assert "The path of the source cannot be read" in answer.err


# -- single files, and those of an upload ----------------------------------------------------------------------------


@pytest.mark.requirement("S4-6")
@pytest.mark.parametrize("name", ["enrollments.csv", "classes.csv", "users.csv", "courses.csv"])
def test_single_file_of_a_set_is_checked_for_itself(terminal: Terminal, inbox: Path, name: str) -> None:
    answer = terminal("check", inbox / name, "--json")
    assert answer.code == 0
    assert list(answer.json["files"]) == [name]
    assert answer.json["files"][name]["rejected"] == 0
    spoil(inbox, ",", ',"', name)
    assert terminal("check", inbox / name).code != 0


def test_single_users_file_of_the_newer_version(terminal: Terminal, tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text("sourcedId,enabledUser,username,givenName,familyName\nu1,true,u1,Ana,Berg\n", encoding="utf-8")
    assert terminal("check", path).code == 0


@pytest.mark.requirement("S4-6", "S4-10")
def test_files_of_an_upload_are_checked_without_a_district(terminal: Terminal, inbox: Path, tmp_path: Path) -> None:
    guardians = tmp_path / "guardians.csv"
    guardians.write_text("sourcedId,studentSourcedIds,givenName,familyName\n"
                         "g1,s1001,Eva,Berg\ng2,,Max,Berg\ng3,nobody,Max,Berg\n", encoding="utf-8")  # fmt: skip
    attributes = tmp_path / "student_attributes.csv"
    attributes.write_text("sourcedId,userSourcedId,name,value\na1,s1001,homeLanguage,es\n", encoding="utf-8")
    answer = terminal("check", guardians, attributes, "--json")
    assert answer.code == 4
    assert {name: each["rejected"] for name, each in answer.json["files"].items()} == {
        "guardians.csv": 1, "student_attributes.csv": 0,
    }  # fmt: skip
    beside = terminal("check", guardians, inbox / "users.csv", "--json")  # now it is known who there is
    assert beside.json["files"]["guardians.csv"]["rejected"] == 2


def test_folder_is_a_whole_set_unless_its_files_are_to_stand_alone(terminal: Terminal, inbox: Path) -> None:
    for name in ("orgs.csv", "courses.csv"):
        (inbox / name).unlink()
    assert terminal("check", inbox).code == 2
    assert terminal("check", inbox, "--single").code == 0


@pytest.mark.requirement("S4-15")
def test_finding_has_file_line_column_shape_and_what_would_mend_it(terminal: Terminal, inbox: Path) -> None:
    spoil(inbox, "García", "Canary\x01Nachname")
    lines = terminal("check", inbox).out.splitlines()
    (place,) = [n for n, line in enumerate(lines) if "R-CELL-04" in line]
    assert "users.csv:" in lines[place]
    assert ":familyName  A cell holds a control character (Aaaaaa?Aaaaaaaa)" in lines[place]
    assert lines[place + 1].strip().startswith("Remove the invisible character")


@pytest.mark.requirement("S4-14")
@pytest.mark.parametrize("single", [True, False])
def test_report_has_every_row_of_every_file(terminal: Terminal, inbox: Path, tmp_path: Path, *, single: bool) -> None:
    spoil(inbox, "García", "")
    given = [inbox / "users.csv"] if single else [inbox]
    answer = terminal("check", *given, "--report", tmp_path / "found")
    assert answer.code == 4
    lines = (tmp_path / "found" / "users-report.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "line,sourcedId,result,action,code,column,message,fix"
    assert len(lines) == len(roster.first_day()["users"]) + 1
    assert sum(",REJECTED,UNCHANGED,R-CELL-01,familyName," in line for line in lines) == 1
    assert (tmp_path / "found").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "found" / "orgs-report.csv").exists() is not single
