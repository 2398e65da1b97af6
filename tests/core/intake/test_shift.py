"""Rows that a comma without quotes has shifted: repaired where one reading alone is possible, never otherwise."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import columns, dicts

from syncrun.intake import land as landing
from syncrun.intake.arrival import ArrivedFile
from syncrun.intake.scan import scan
from syncrun.intake.shift import MOST
from syncrun.run.checking import EVERYTHING
from syncrun.scratch import scratch
from syncrun.sdk import FileKind

HEADS = {
    "orgs": columns("orgs"),
    "classes": [
        "sourcedId", "status", "dateLastModified", "title", "grades", "courseSourcedId", "classCode", "classType", "location",
        "schoolSourcedId", "termSourcedIds", "subjects", "subjectCodes", "periods",
    ],
    "users": [
        "sourcedId", "status", "dateLastModified", "enabledUser", "orgSourcedIds", "role", "username", "userIds", "givenName",
        "familyName", "middleName", "identifier", "email", "sms", "phone", "agentSourcedIds", "grades", "password",
    ],
}  # fmt: skip
CLASS = ["c1", "", "", "Algebra", "09", "course-1", "ALG-1", "scheduled", "Room 4", "school-1", "term-1", "", "", "1"]
USER = [
    "u1",
    "",
    "",
    "true",
    "school-1",
    "student",
    "ana.b",
    "",
    "Ana",
    "Berg",
    "",
    "17",
    "ana@example.org",
    "",
    "",
    "",
    "09",
    "",
]


@contextlib.contextmanager
def landed(
    folder: Path, entity: str, *rows: list[str]
) -> Iterator[tuple[dict[int, dict[str, Any]], list[Any], list[Any]]]:
    """Rows by line, bad lines, findings."""
    path = folder / f"{entity}.csv"
    path.write_text("".join(",".join(each) + "\n" for each in (HEADS[entity], *rows)), encoding="utf-8")
    with scratch(folder / "spill", [folder]) as connection:
        landing.prepare(connection)
        _, findings = landing.land(
            connection, ArrivedFile(FileKind(path.name, entity), scan(path), "bulk"), "1.1", EVERYTHING
        )
        found = {each["line"]: each for each in dicts(connection, f"FROM landed.{entity} ORDER BY line")}
        bad = connection.execute("SELECT line, code, words FROM rejected_lines ORDER BY line").fetchall()
        yield found, bad, [(each.code, each.line, each.column) for each in findings if each.line and each.line > 1]


def put(row: list[str], column: str, text: str, entity: str) -> list[str]:
    return [text if name == column else cell for name, cell in zip(HEADS[entity], row, strict=True)]


def test_comma_in_a_title_between_typed_columns_is_put_back(tmp_path: Path) -> None:
    with landed(tmp_path, "classes", put(CLASS, "title", "Algebra, Honors", "classes"), CLASS) as (rows, bad, findings):
        assert rows[2]["title"] == "Algebra, Honors"
        assert rows[2]["grades"] == "09"
        assert (bad, findings) == ([], [("R-FILE-15", 2, "title")])


def test_comma_between_names_is_refused_with_its_readings(tmp_path: Path) -> None:
    with landed(tmp_path, "users", put(USER, "familyName", "Berg, Jr", "users"), USER) as (rows, bad, findings):
        assert list(rows) == [3]
        assert findings == []
        ((line, code, words),) = bad
        assert (line, code) == (2, "R-FILE-08")
        assert words == "the comma may belong to givenName or to familyName"


def test_blank_cell_too_many_is_left_out(tmp_path: Path) -> None:
    with landed(tmp_path, "classes", [*CLASS, ""], CLASS) as (rows, bad, findings):
        assert set(rows) == {2, 3}
        assert (bad, findings) == ([], [("R-FILE-16", 2, None)])


def test_two_commas_are_not_guessed_at(tmp_path: Path) -> None:
    with landed(tmp_path, "classes", put(CLASS, "title", "A, B, C", "classes"), CLASS) as (rows, bad, _):
        assert (set(rows), [code for _, code, _ in bad]) == ({3}, ["R-FILE-08"])


def test_words_hold_no_cell(tmp_path: Path) -> None:
    with landed(tmp_path, "users", put(USER, "givenName", "canary, 4f7b", "users"), USER) as (_, bad, _):
        assert "canary" not in str(bad)


def test_file_of_very_many_shifted_rows_is_not_repaired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncrun.intake.shift.MOST", 3)
    shifted = [put([f"c{n}", *CLASS[1:]], "title", "A, B", "classes") for n in range(4)]
    assert MOST > 1000
    with landed(tmp_path, "classes", *shifted) as (rows, bad, _):
        assert (rows, len(bad)) == ({}, 4)


@pytest.mark.requirement("S2-11")
def test_a_thousand_shifted_rows_and_no_wrong_repair(tmp_path: Path) -> None:
    """A comma anywhere in any filled cell: the row comes out as it was meant, or its line is refused."""
    chance = random.Random(7)
    for entity, row in (("classes", CLASS), ("users", USER)):
        made, meant = [], {}
        for n in range(500):
            cells = [f"k{n}", *row[1:]]
            if chance.random() < 0.5:
                cells = put(
                    cells,
                    chance.choice(["location", "classCode"] if entity == "classes" else ["middleName", "phone"]),
                    "X y",
                    entity,
                )
            place = chance.choice([at for at, cell in enumerate(cells) if len(cell) > 1])
            at = chance.randrange(1, len(cells[place]))
            blank = chance.choice(["", " "])
            shifted = [*cells[:place], cells[place][:at] + "," + blank + cells[place][at:], *cells[place + 1 :]]
            made.append(shifted)
            meant[n + 2] = dict(zip(HEADS[entity], shifted, strict=True))
        with landed(tmp_path, entity, *made) as (rows, bad, findings):
            told = {line for line, _, _ in bad}
            repaired = {line for code, line, _ in findings if code == "R-FILE-15"}
            assert set(rows) == repaired
            assert told | repaired == set(meant)
            assert not told & repaired
            for line in repaired:
                for column, cell in meant[line].items():
                    assert (rows[line].get(column) or "") == ("" if column == "password" else cell), (line, column)
            assert len(repaired) > 20


def test_nothing_is_repaired_behind_an_open_quote(tmp_path: Path) -> None:
    """The line may be a piece of the cell that the quote opened."""
    opened = put(CLASS, "title", '"Algebra', "classes")
    with landed(tmp_path, "classes", opened, put(CLASS, "title", "Algebra, Honors", "classes")) as (
        rows,
        bad,
        findings,
    ):
        assert (rows, findings) == ({}, [])
        assert [(line, code) for line, code, _ in bad] == [(2, "R-FILE-09"), (3, "R-FILE-08")]
