"""Checking files without a sync: no sink, no state, nothing left behind."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from desk import AUTUMN, Desk, Files, small, user

from syncrun.connectors.oneroster_csv.format import ONEROSTER_CSV
from syncrun.run.checking import Checked, check_files
from syncrun.run.reading import SetRefusedError
from syncrun.sdk import FileSet


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return Desk(tmp_path)


def checked(desk: Desk, files: Files) -> Checked:
    """What a check says; the inbox is as it was, and nothing else is there."""
    desk.write(files)
    before = {path: path.read_bytes() for path in desk.inbox.iterdir()}
    try:
        return check_files(FileSet(tuple(sorted(before)), "a test"), ONEROSTER_CSV, AUTUMN)
    finally:
        assert {path: path.read_bytes() for path in desk.inbox.iterdir()} == before
        assert not list((desk.folder / "temporary").iterdir())


@pytest.mark.requirement("S4-6")
def test_set_in_order_gives_0(desk: Desk) -> None:
    found = checked(desk, small())
    assert (found.exit_code, found.findings) == (0, [])
    assert {name: each.rows for name, each in found.figures.items()}["users.csv"] == 4


def test_set_with_rows_that_cannot_be_used_gives_4(desk: Desk) -> None:
    files = small()
    files["users"].append(user("pupil-3", enabledUser="maybe"))
    found = checked(desk, files)
    assert (found.exit_code, [(each.code, each.line) for each in found.findings]) == (4, [("R-BOOL-01", 6)])


def test_set_with_notes_alone_gives_0(desk: Desk) -> None:
    files = small()
    files["users"][0]["givenName"] = " Ana"
    found = checked(desk, files)
    assert (found.exit_code, [each.code for each in found.findings]) == (0, ["R-CELL-02"])


def test_set_that_would_wait_for_a_person_gives_3(desk: Desk) -> None:
    files = small()
    files["users"] += [user(f"bad-{n}", enabledUser="maybe") for n in range(101)]
    found = checked(desk, files)
    assert (found.exit_code, found.doubtful) == (3, True)


def test_set_that_cannot_be_used_is_refused(desk: Desk) -> None:
    files = small()
    del files["users"]
    with pytest.raises(SetRefusedError):
        checked(desk, files)


def test_every_column_is_looked_at(desk: Desk) -> None:
    files = small()
    files["demographics"] = [{"sourcedId": "pupil-1", "birthDate": "yesterday", "asian": "perhaps"}]
    files["users"].append(user("pupil-3", email="ana", identifier="1E+9", password="secret"))
    assert {each.column for each in checked(desk, files).findings} == {
        "birthDate",
        "asian",
        "email",
        "identifier",
        "password",
    }
