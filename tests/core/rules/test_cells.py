"""The checks of a landed table: what is wrong with its rows, and what the others mean."""

from __future__ import annotations

from pathlib import Path

import pytest
from desk import Desk, Files, Night, enrolled, small, user


def read(folder: Path, files: Files, **options: object) -> Night:
    desk = Desk(folder)
    desk.write(files, **options)  # type: ignore[arg-type] # handed on as they came
    return desk.read()


def test_row_that_breaks_a_rule_is_left_out_and_told_with_its_place(tmp_path: Path) -> None:
    files = small()
    files["users"].insert(1, user("pupil-3", enabledUser="maybe"))
    night = read(tmp_path, files)
    (found,) = night.found("R-BOOL-01")
    assert (found.file, found.line, found.key, found.column) == ("users.csv", 3, "pupil-3", "enabledUser")
    assert "pupil-3" not in night.keys("users")
    assert night.read.figures["users.csv"].rejected == 1


def test_finding_shows_the_shape_of_a_cell_and_not_the_cell(tmp_path: Path) -> None:
    files = small()
    files["users"].append(user("pupil-3", identifier="1.23E+11", givenName="Zo\x07ë"))
    night = read(tmp_path, files)
    assert {each.column: each.shape for each in night.findings} == {"identifier": "9.99A+99", "givenName": "Aa?a"}


def test_row_that_breaks_two_rules_counts_once(tmp_path: Path) -> None:
    files = small()
    files["users"].append(user("pupil-3", enabledUser="maybe", givenName=""))
    night = read(tmp_path, files)
    assert night.codes == {"R-BOOL-01", "R-CELL-01"}
    assert night.read.figures["users.csv"].rejected == 1


def test_value_that_cannot_be_used_is_left_out_and_its_row_stays(tmp_path: Path) -> None:
    files = small()
    files["demographics"] = [{"sourcedId": "pupil-1", "sex": "unknown", "birthDate": "2015-02-03"}]
    night = read(tmp_path, files)
    row = night.row("demographics", "pupil-1")
    assert (row["sex"], str(row["birthDate"])) == (None, "2015-02-03")
    assert [(each.code, each.line) for each in night.findings] == [("R-WORD-03", 2)]


def test_notes_are_told_once_a_column_with_their_number(tmp_path: Path) -> None:
    files = small()
    for row in files["users"]:
        row["givenName"] += " "
        row["enabledUser"] = "TRUE"
    night = read(tmp_path, files)
    assert [(each.code, each.line, each.key, each.column, each.shape, each.count) for each in night.findings] == [
        ("R-BOOL-02", 2, None, "enabledUser", "AAAA", 4), ("R-CELL-02", 2, None, "givenName", "Aaa ", 4),
    ]  # fmt: skip
    assert {row["givenName"] for row in night.rows["users"]} == {"Ana"}
    assert all(row["enabledUser"] is True for row in night.rows["users"])


def test_password_in_the_file_is_noted_and_not_kept(tmp_path: Path) -> None:
    files = small()
    files["users"][0]["password"] = "canary"
    night = read(tmp_path, files)
    assert [(each.code, each.column, each.shape) for each in night.findings] == [("R-PASSWORD-01", "password", "9")]
    assert "password" not in night.rows["users"][0]


def test_row_means_the_same_beside_odd_ones_and_alone(tmp_path: Path) -> None:
    """Rows that pass the sieve take another way through the engine than those that do not."""
    files = small()
    (tmp_path / "alone").mkdir()
    (tmp_path / "beside").mkdir()
    alone = read(tmp_path / "alone", files)
    files["users"].append(
        user("odd", givenName=" Zoë\u00a0", role="Student", grades="k, 14", orgSourcedIds="school , ")
    )
    files["enrollments"].append(enrolled("pupil-1", sourcedId="odd", primary="no", beginDate="2026-08-17T00:00:00Z"))
    beside = read(tmp_path / "beside", files)
    for entity, rows in alone.rows.items():
        assert rows == [row for row in beside.rows[entity] if row["sourcedId"] != "odd"]
    odd = beside.row("users", "odd")
    assert (odd["givenName"], odd["role"], odd["grades"], odd["orgSourcedIds"]) == (
        "Zoë", "student", ["KG", "14"], ["school"],
    )  # fmt: skip


def test_session_that_does_not_last_is_left_out(tmp_path: Path) -> None:
    files = small()
    files["academicSessions"].append({**files["academicSessions"][1], "sourcedId": "flash", "endDate": "2026-08-17"})
    night = read(tmp_path, files)
    assert [(each.code, each.line, each.key) for each in night.findings] == [("R-ROW-03", 4, "flash")]
    assert night.keys("academicSessions") == ["fall", "year"]


def test_enrollment_that_ends_before_it_begins_is_kept_and_noted(tmp_path: Path) -> None:
    files = small()
    for row in files["enrollments"][:2]:
        row |= {"beginDate": "2026-08-17", "endDate": "2026-08-16"}
    night = read(tmp_path, files)
    assert [(each.code, each.line, each.count) for each in night.findings] == [("R-ROW-04", 2, 2)]
    assert len(night.keys("enrollments")) == 3


def test_dates_that_a_file_does_not_have_are_not_looked_at(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write(small())
    desk.put("enrollments.csv", "sourcedId,classSourcedId,schoolSourcedId,userSourcedId,role,beginDate\n"
             "e,class,school,pupil-1,student,2026-08-17\n")  # fmt: skip
    assert desk.read().codes == set()


def test_status_in_a_bulk_file_is_noted_once(tmp_path: Path) -> None:
    files = small()
    files["users"][1]["status"] = "active"
    files["users"][2]["dateLastModified"] = "2026-08-17T00:00:00Z"
    night = read(tmp_path, files)
    assert [(each.code, each.line, each.count) for each in night.findings] == [("R-ROW-01", 3, 2), ("R-ROW-07", 3, 1)]


def test_record_marked_as_deleted_in_a_bulk_file_is_gone(tmp_path: Path) -> None:
    files = small()
    files["enrollments"][2]["status"] = "tobedeleted"
    assert read(tmp_path, files).keys("enrollments") == ["class-pupil-1", "class-teacher"]


@pytest.mark.parametrize("gap", ["status", "dateLastModified"])
def test_row_of_a_delta_without_status_or_date_is_left_out(tmp_path: Path, gap: str) -> None:
    desk = Desk(tmp_path)
    desk.write(small())
    desk.settle()
    whole = {"status": "active", "dateLastModified": "2026-11-19T00:00:00Z", "givenName": "Zoë"}
    desk.write({"users": [user("pupil-1", **{**whole, gap: ""}), user("pupil-2", **whole)]}, {"users": "delta"})
    night = desk.read()
    assert [(each.code, each.line, each.key) for each in night.findings] == [("R-ROW-02", 2, "pupil-1")]
    assert [night.row("users", key)["givenName"] for key in ("pupil-1", "pupil-2")] == ["Ana", "Zoë"]


def test_record_that_comes_twice_is_used_once_when_both_are_equal(tmp_path: Path) -> None:
    files = small()
    files["users"] += [files["users"][1], files["users"][1]]
    night = read(tmp_path, files)
    assert [(each.code, each.line, each.count) for each in night.findings] == [("R-FILE-14", 6, 1), ("R-FILE-14", 7, 1)]
    assert night.keys("users") == ["parent", "pupil-1", "pupil-2", "teacher"]
    assert night.read.figures["users.csv"].rejected == 0


def test_record_that_comes_twice_is_not_used_when_they_differ(tmp_path: Path) -> None:
    files = small()
    files["users"] += [files["users"][3], {**files["users"][3], "givenName": "Eva"}]
    night = read(tmp_path, files)
    assert [(each.code, each.line, each.key) for each in night.found("R-FILE-13")] == [
        ("R-FILE-13", 5, "parent"), ("R-FILE-13", 6, "parent"), ("R-FILE-13", 7, "parent"),
    ]  # fmt: skip
    assert "parent" not in night.keys("users")
    assert night.read.figures["users.csv"].rejected == 3


def test_record_that_comes_twice_is_not_used_when_one_of_them_is_broken(tmp_path: Path) -> None:
    files = small()
    files["users"].append({**files["users"][3], "enabledUser": "maybe"})
    night = read(tmp_path, files)
    assert "parent" not in night.keys("users")
    assert night.read.figures["users.csv"].rejected == 2


def test_broken_record_that_comes_twice_is_no_copy_of_one_that_is_used(tmp_path: Path) -> None:
    files = small()
    files["users"] += [user("twin", enabledUser="maybe"), user("twin", enabledUser="maybe")]
    night = read(tmp_path, files)
    assert night.codes == {"R-BOOL-01"}
    assert night.read.figures["users.csv"].rejected == 2


def test_blank_and_missing_cells_are_told_apart_from_each_other_in_copies(tmp_path: Path) -> None:
    files = small()
    files["users"] += [user("twin", middleName="x", email=""), user("twin", middleName="", email="x")]
    assert len(read(tmp_path, files).found("R-FILE-13")) == 2


def test_lines_that_are_no_rows_are_told(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write(small(), end="\n")
    path = desk.inbox / "users.csv"
    path.write_text(path.read_text().replace("pupil-2,,,", "broken\npupil-2,,,"))
    night = desk.read()
    assert [(each.code, each.line, each.key) for each in night.findings] == [("R-FILE-07", 4, "broken")]
    assert len(night.keys("users")) == 4
    assert (night.read.figures["users.csv"].rows, night.read.figures["users.csv"].rejected) == (5, 1)
