"""The first line of a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncrun.finding import Finding
from syncrun.intake.header import Header, read
from syncrun.roster.entity import ENTITIES

ORGS = "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId"


def header(folder: Path, content: str | bytes, entity: str = "orgs", *needed: str) -> tuple[Header, list[Finding]]:
    path = folder / "file.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read(path, "file.csv", ENTITIES[entity].cells(), needed or ("sourcedId", "name", "type"))


def codes(findings: list[Finding]) -> list[tuple[str, str | None]]:
    return [(each.code, each.column) for each in findings]


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\r"])
def test_header_as_the_standard_has_it(tmp_path: Path, start: str, end: str) -> None:
    found, findings = header(tmp_path, start + ORGS + end)
    assert list(found.raw) == ORGS.split(",")
    assert found.known == {column: column for column in found.raw}
    assert findings == []


@pytest.mark.requirement("S2-10")
def test_column_order_does_not_matter(tmp_path: Path) -> None:
    found, findings = header(tmp_path, ",".join(reversed(ORGS.split(","))))
    assert set(found.known) == set(ORGS.split(","))
    assert findings == []


def test_quoted_names_are_read(tmp_path: Path) -> None:
    found, findings = header(tmp_path, ",".join(f'"{column}"' for column in ORGS.split(",")))
    assert (list(found.raw), findings) == (ORGS.split(","), [])


def test_name_that_differs_by_case_or_blanks_is_read_and_noted(tmp_path: Path) -> None:
    found, findings = header(tmp_path, ORGS.replace("sourcedId,", "SOURCEDID,").replace(",name,", ",\u00a0Name ,"))
    assert (found.known["sourcedId"], found.known["name"]) == ("SOURCEDID", "\u00a0Name ")
    assert codes(findings) == [("R-FILE-04", "sourcedId"), ("R-FILE-04", "name")]


@pytest.mark.requirement("S2-13")
def test_columns_that_are_not_known_are_left_alone_and_noted_once(tmp_path: Path) -> None:
    found, findings = header(tmp_path, ORGS + ",dcid,metadata.color,")
    assert set(found.known) == set(ORGS.split(","))
    assert [(each.code, each.count) for each in findings] == [("R-FILE-05", 2)]


def test_missing_columns_are_named(tmp_path: Path) -> None:
    _, findings = header(tmp_path, "sourcedId,type")
    assert ("R-FILE-02", "name") in codes(findings)
    assert ("R-FILE-06", "identifier") in codes(findings)


def test_columns_of_the_other_version_are_not_missed(tmp_path: Path) -> None:
    given = [column for column, cell in ENTITIES["users"].cells().items() if cell.only != "1.2"]
    assert header(tmp_path, ",".join(given), "users")[1] == []


@pytest.mark.parametrize("twice", ["name", "Name", "color"])
def test_column_that_is_there_twice_is_found(tmp_path: Path, twice: str) -> None:
    _, findings = header(tmp_path, f"{ORGS},color,{twice}")
    assert "R-FILE-03" in {each.code for each in findings}


def test_column_that_is_there_twice_is_found_beside_other_remarks(tmp_path: Path) -> None:
    _, findings = header(tmp_path, f"{ORGS.upper()},color,color")
    assert "R-FILE-03" in {each.code for each in findings}


def test_columns_without_a_name_are_no_doubles(tmp_path: Path) -> None:
    assert header(tmp_path, ORGS + ",, ,")[1] == []


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_is_refused(tmp_path: Path, encoding: str) -> None:
    found, findings = header(tmp_path, f"{ORGS}\ns1\n".encode(encoding))
    assert found.raw == ()
    assert codes(findings) == [("R-FILE-01", None)]


def test_header_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    assert codes(header(tmp_path, f"{ORGS},größe\n".encode("latin-1"))[1]) == [("R-FILE-01", None)]


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\n\r\n", b"x" * 300_000, b"x" * (3 << 20), b'"' * 9, b'"a\nb"'])
def test_first_line_that_is_no_header_has_no_columns(tmp_path: Path, content: bytes) -> None:
    _, findings = header(tmp_path, content)
    assert ("R-FILE-02", "sourcedId") in codes(findings)


@pytest.mark.parametrize(("surplus", "stopped"), [(993, False), (994, True)])
def test_header_of_more_columns_than_a_table_has_is_refused(tmp_path: Path, surplus: int, *, stopped: bool) -> None:
    found, findings = header(tmp_path, ORGS + "," * surplus)
    assert ("R-FILE-40" in {each.code for each in findings}, found.raw == ()) == (stopped, stopped)
