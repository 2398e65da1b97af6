"""Clever's files become the roster that they mean."""

from __future__ import annotations

import copy
import csv
import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from desk import Desk, text

from syncrun.connectors.format import AUTO, named
from syncrun.run.reading import SetRefusedError

if TYPE_CHECKING:
    from world import World

Files = dict[str, list[dict[str, str]]]


def clever() -> Files:
    """Two schools. Ana has two contacts, Mr Chen is at both schools, he and Ms Silva teach a section together."""
    ana = {"School_id": "0101", "Student_id": "1", "Student_number": "A1", "Last_name": "Berg", "First_name": "Ana",
           "Grade": "Kindergarten", "Gender": "F", "DOB": "2/9/2021", "Hispanic_Latino": "N",
           "Student_email": "ana@example.org", "Password": "canary-1"}  # fmt: skip
    bo = {"School_id": "0102", "Student_id": "2", "Last_name": "Kim", "First_name": "Bo", "Grade": "9", "Gender": "M"}
    chen = {
        "School_id": "0101",
        "Teacher_id": "1",
        "First_name": "Tom",
        "Last_name": "Chen",
        "Teacher_email": "t@x.org",
    }
    term = {"Term_name": "Fall 1", "Term_start": "8/17/2026", "Term_end": "12/19/2026"}
    return {
        "schools": [
            {"School_id": "0101", "School_name": "Oak", "School_number": "101"},
            {"School_id": "0102", "School_name": "Elm", "School_number": "102"},
        ],
        "students": [{**ana, "Contact_name": "Eva Berg"}, {**ana, "Contact_name": "Max Berg"}, bo],
        "teachers": [
            chen, {**chen, "School_id": "0102"},
            {"School_id": "0102", "Teacher_id": "2", "First_name": "Ida", "Last_name": "Silva"},
        ],
        "sections": [
            {"School_id": "0101", "Section_id": "m1", "Teacher_id": "1", "Name": "Math 1", "Course_name": "Mathematics",
             "Course_number": "M", "Grade": "Kindergarten", "Period": "1", **term},
            {"School_id": "0102", "Section_id": "m2", "Teacher_id": "1", "Teacher_2_id": "2", "Teacher_3_id": "1",
             "Course_name": "Mathematics", "Course_number": "M", "Section_number": "7", **term},
            {"School_id": "0102", "Section_id": "art", "Teacher_id": "2", "Name": "Art"},
        ],
        "enrollments": [
            {"School_id": "0101", "Section_id": "m1", "Student_id": "1"},
            {"School_id": "0102", "Section_id": "m2", "Student_id": "2"},
            {"School_id": "0102", "Section_id": "art", "Student_id": "2"},
        ],
        "staff": [
            {"School_id": "0101", "Staff_id": "9", "First_name": "Lea", "Last_name": "Rossi", "Staff_email": "l@x.org"},
            {"School_id": "0101", "Staff_id": "1", "First_name": "Tom", "Last_name": "Chen", "Title": "Coach"},
        ],
    }  # fmt: skip


def put(desk: Desk, files: Files) -> None:
    write(desk.inbox, files)


def write(folder: Path, files: Files) -> None:
    for name, rows in files.items():
        header = list(dict.fromkeys(column for row in rows for column in row))
        (folder / f"{name}.csv").write_bytes(text(header, rows).encode())


def test_sample_becomes_a_roster(desk: Desk) -> None:
    put(desk, clever())
    night = desk.read(form=AUTO)
    assert night.codes == {"R-FORM-02", "R-FILE-05", "R-GRADE-02"}
    assert night.keys("orgs") == ["0101", "0102"]
    assert night.keys("users") == ["S-1", "S-2", "T-1", "T-2", "T-9"]
    assert night.keys("classes") == ["art", "m1", "m2"]
    assert night.keys("courses") == ["course_0101_M", "course_0102_Art", "course_0102_M"]
    assert night.keys("roles") == ["S-1_0101", "S-2_0102", "T-1_0101", "T-1_0102", "T-2_0102", "T-9_0101"]
    assert night.keys("enrollments") == [
        "art_S-2", "art_T-2", "m1_S-1", "m1_T-1", "m2_S-2", "m2_T-1", "m2_T-2",
    ]  # fmt: skip
    assert night.keys("academicSessions") == [
        "0101_Fall-1_2026-08-17", "0102_Fall-1_2026-08-17", "schoolYear-2027",
    ]  # fmt: skip


def test_cells_are_read_as_meant(desk: Desk) -> None:
    put(desk, clever())
    night = desk.read(form=AUTO)
    ana, bo = night.row("users", "S-1"), night.row("users", "S-2")
    assert (ana["givenName"], ana["familyName"], ana["identifier"], ana["grades"], ana["username"], ana["email"]) == (
        "Ana", "Berg", "A1", ["KG"], "ana@example.org", "ana@example.org",
    )  # fmt: skip
    assert (bo["grades"], bo["username"]) == (["09"], "S-2")
    facts = night.row("demographics", "S-1")
    assert (facts["birthDate"], facts["sex"], facts["hispanicOrLatinoEthnicity"]) == (
        datetime.date(2021, 2, 9), "female", False,
    )  # fmt: skip
    term = night.row("academicSessions", "0101_Fall-1_2026-08-17")
    assert (term["startDate"], term["endDate"], term["schoolYear"], term["parentSourcedId"], term["type"]) == (
        datetime.date(2026, 8, 17), datetime.date(2026, 12, 19), 2027, "schoolYear-2027", "term",
    )  # fmt: skip
    assert night.row("classes", "m2")["title"] == "Mathematics 7"
    assert night.row("classes", "art")["termSourcedIds"] == ["schoolYear-2027"]
    assert {row["sourcedId"]: row["primary"] for row in night.rows["enrollments"] if row["role"] == "teacher"} == {
        "m1_T-1": True, "m2_T-1": True, "m2_T-2": False, "art_T-2": True,
    }  # fmt: skip


def test_rows_of_one_student_that_disagree_are_not_used(desk: Desk) -> None:
    files = clever()
    files["students"][1]["Last_name"] = "Other"
    put(desk, files)
    night = desk.read(form=AUTO)
    assert [(each.file, each.line, each.key) for each in night.found("R-FILE-13")] == [
        ("students.csv", 2, "S-1"), ("students.csv", 3, "S-1"),
    ]  # fmt: skip
    assert "S-1" not in night.keys("users")


def test_finding_names_file_physical_line_and_column(desk: Desk) -> None:
    files = clever()
    files["students"][0]["Contact_name"] = files["students"][1]["Contact_name"] = "Eva\r\nBerg"
    files["students"][2]["DOB"] = "31/12/2020"
    files["sections"][1]["Teacher_2_id"] = "77"
    files["enrollments"][0]["Section_id"] = "gone"
    put(desk, files)
    night = desk.read(form=AUTO)
    (date,) = night.found("R-DATE-01")
    assert (date.file, date.line, date.column, date.shape, date.key) == ("students.csv", 6, "DOB", "99/99/9999", "S-2")
    assert [(each.file, each.line, each.column) for each in night.found("R-REF-01")] == [
        ("enrollments.csv", 2, "Section_id"), ("sections.csv", 3, "Teacher_2_id"),
    ]  # fmt: skip
    assert "m2_T-1" in night.keys("enrollments"), "the other teacher of the row stays"


def test_file_that_does_not_come_any_more_is_missed(desk: Desk) -> None:
    put(desk, clever())
    desk.settle(form=AUTO)
    (desk.inbox / "staff.csv").unlink()
    with pytest.raises(SetRefusedError) as caught:
        desk.read(form=AUTO)
    assert [(each.code, each.file) for each in caught.value.findings] == [("R-SET-05", "staff.csv")]


@pytest.mark.parametrize("name", ["schools", "students", "teachers", "sections", "enrollments"])
def test_file_that_is_needed_is_missed(desk: Desk, name: str) -> None:
    files = clever()
    del files[name]
    put(desk, files)
    with pytest.raises(SetRefusedError) as caught:
        desk.read(form=AUTO)
    assert ("R-SET-02", f"{name}.csv") in [(each.code, each.file) for each in caught.value.findings]


@pytest.mark.requirement("S2-25")
@pytest.mark.parametrize("name", ["students", "teachers", "enrollments"])
def test_end_of_a_file_that_is_missing_removes_nobody(desk: Desk, name: str) -> None:
    files = clever()
    files["students"] += [{**files["students"][2], "Student_id": f"p{n}"} for n in range(20)]
    files["teachers"] += [{**files["teachers"][2], "Teacher_id": f"t{n}"} for n in range(20)]
    files["enrollments"] += [{"School_id": "0102", "Section_id": "art", "Student_id": f"p{n}"} for n in range(20)]
    put(desk, files)
    before = desk.settle(form=AUTO)
    short = copy.deepcopy(files)
    short[name] = short[name][:-12]
    put(desk, short)
    night = desk.read(form=AUTO)
    entity = "enrollments" if name == "enrollments" else "users"
    assert night.keys(entity) == before.keys(entity)
    assert night.codes & {"R-SET-07", "R-SET-08", "R-SET-09"}


def test_line_that_cannot_be_read_leaves_removals_out(desk: Desk) -> None:
    files = clever()
    files["students"].append({**files["students"][2], "Student_id": "3"})
    put(desk, files)
    before = desk.settle(form=AUTO)
    files["students"] = files["students"][:2]
    put(desk, files)
    path = desk.inbox / "students.csv"
    path.write_bytes(path.read_bytes() + b"0102,2,broken\r\n")
    night = desk.read(form=AUTO)
    assert [(each.file, each.line) for each in night.found("R-FILE-07")] == [("students.csv", 4)]
    assert night.keys("users") == before.keys("users")
    assert "S-3" in night.keys("users"), "nobody names this one"


def test_password_is_nowhere(desk: Desk) -> None:
    put(desk, clever())
    with desk.opened(form=AUTO) as (connection, _):
        tables = connection.execute("SELECT table_schema, table_name FROM information_schema.tables").fetchall()
        for schema, table in tables:
            found = connection.execute(f'SELECT * FROM "{schema}"."{table}"').fetchall()
            assert "canary-1" not in str(found), table
    assert not any(b"canary-1" in path.read_bytes() for path in desk.folder.glob("snapshot-*/*"))


def test_columns_that_nobody_asks_for_are_not_staged(desk: Desk) -> None:
    put(desk, clever())
    with desk.opened(form=AUTO, staged=frozenset({"structure", "name"})) as (connection, _):
        columns = connection.execute("""
            SELECT column_name FROM information_schema.columns WHERE table_schema IN ('landed', 'accepted')
        """).fetchall()  # fmt: skip
    here = {column for (column,) in columns}
    assert "givenName" in here
    assert not here & {"email", "Student_email", "DOB", "birthDate", "Student_number", "Username", "username"}


def test_lower_case_and_other_names_are_clever_too(desk: Desk) -> None:
    put(desk, clever())
    plain = {entity: desk.read(form=AUTO).keys(entity) for entity in ("users", "classes", "enrollments")}
    for path in sorted(desk.inbox.iterdir()):
        head, rest = path.read_bytes().split(b"\r\n", 1)
        path.unlink()
        desk.put(f"export_{path.name}", head.lower() + b"\r\n" + rest)
    night = desk.read(form=AUTO)
    assert {entity: night.keys(entity) for entity in plain} == plain


@pytest.mark.requirement("S2-2")
def test_clever_is_named_where_oneroster_was_expected(desk: Desk) -> None:
    put(desk, clever())
    with pytest.raises(SetRefusedError, match="they are Clever CSV, and OneRoster CSV was expected"):
        desk.read(form=named("oneroster_csv"))


def test_district_with_clever_files_is_synced_reported_and_explained(world: World) -> None:
    world.inbox.mkdir()
    write(world.inbox, clever())
    world.configure(years='["schoolYear-2027"]')
    assert world.sync().exit_code == 3
    world.approve()
    assert world.sync().exit_code == 0
    assert world.sync().summary["nothing_to_do"] is True
    assert (world.count("students"), world.count("teachers"), world.count("classes")) == (2, 2, 3)
    code, out, _ = world.syncrun("explain", "S-2", "--district", str(world.toml))
    assert code == 0
    assert "students.csv, line 4: read and accepted (S-2)" in out
    assert world.syncrun("report", "--district", str(world.toml), "--out", str(world.folder / "told"))[0] == 0
    told = (world.folder / "told" / "users-report.csv").read_text(encoding="utf-8").splitlines()
    lines = {row["sourcedId"]: row["line"] for row in csv.DictReader(told)}
    assert lines == {
        "S-1": "students.csv:2", "S-2": "students.csv:4", "T-1": "teachers.csv:2", "T-2": "teachers.csv:4",
        "T-9": "staff.csv:2",
    }  # fmt: skip
