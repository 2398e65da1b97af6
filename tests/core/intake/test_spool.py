"""Pages on disk: what counts after a cut, and who may read them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from syncrun.errors import BadJsonError
from syncrun.intake.spool import INDEX, Spool
from syncrun.sdk import Page


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pages of users, one of orgs."""
    spool = Spool(tmp_path)
    for number in (1, 2):
        spool.add("users", Page([{"sourcedId": f"u{number}"}], cursor=f"behind {number}"))
    spool.add("orgs", Page([{"sourcedId": "o"}], complete=True))
    spool.add("users", Page([{"sourcedId": "u3"}], complete=True))
    return tmp_path


def numbers(folder: Path) -> list[int]:
    """The pages of users that count."""
    return [page.number for page in Spool(folder).pages("users")]


def test_pages_that_were_kept_are_there_again(folder: Path) -> None:
    spool = Spool(folder)
    assert numbers(folder) == [1, 2, 3]
    assert [page.cursor for page in spool.pages("users")] == ["behind 1", "behind 2", None]
    assert (spool.rows("users"), spool.ended("users"), spool.ended("classes")) == (3, True, False)
    assert [path.read_bytes() for path in spool.paths("orgs")] == [b'[{"sourcedId":"o"}]']


def test_only_the_last_page_can_prove_a_collection(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    assert not spool.add("users", Page([], cursor="more", complete=True)).complete
    assert spool.add("users", Page([], complete=True)).complete


def test_what_is_no_object_becomes_an_empty_one(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    assert spool.add("users", Page([None, 1, "x", {"a": 1}])).count == 4
    assert spool.paths("users")[0].read_bytes() == b'[{},{},{},{"a":1}]'


def test_what_cannot_be_kept_is_an_error_of_the_source(tmp_path: Path) -> None:
    deep: object = 1
    for _ in range(300):
        deep = {"a": deep}
    with pytest.raises(BadJsonError) as caught:
        Spool(tmp_path).add("users", Page([{"metadata": deep}]))
    assert caught.value.code == "E-ANSWER-3"
    assert not Spool(tmp_path).pages("users")


@pytest.mark.parametrize("harm", ["gone", "shorter", "as long, of zeros"])
def test_a_page_that_is_not_as_it_was_written_ends_its_collection(folder: Path, harm: str) -> None:
    """The pages behind it do not count either; those of other collections do."""
    path = folder / "users-000002.json"
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(b"\0" * path.stat().st_size if harm == "as long, of zeros" else path.read_bytes()[:-1])
    assert numbers(folder) == [1]
    assert Spool(folder).ended("orgs")
    spool = Spool(folder)
    spool.add("users", Page([{"sourcedId": "other"}], cursor="behind the other"))
    assert numbers(folder) == [1, 2]
    last = Spool(folder).last("users")
    assert last is not None
    assert last.cursor == "behind the other"


@pytest.mark.parametrize("left", range(1, 60, 7))
def test_an_index_that_was_cut_leaves_no_gap(folder: Path, left: int) -> None:
    """A line that was cut off does not count, and what is added then stands on a line of its own."""
    index = folder / INDEX
    lines = index.read_bytes().splitlines(keepends=True)
    index.write_bytes(b"".join([lines[0], lines[2], lines[1][:left]]))
    spool = Spool(folder)
    assert numbers(folder) == [1]
    spool.add("users", Page([{"sourcedId": "again"}], cursor="behind 2"))
    spool.add("users", Page([{"sourcedId": "u3"}], complete=True))
    assert numbers(folder) == [1, 2, 3]
    assert Spool(folder).paths("users")[1].read_bytes() == b'[{"sourcedId":"again"}]'


def test_an_index_whose_last_line_has_no_end(folder: Path) -> None:
    index = folder / INDEX
    index.write_bytes(index.read_bytes().rstrip(b"\n"))
    spool = Spool(folder)
    spool.add("classes", Page([], complete=True))
    assert numbers(folder) == [1, 2, 3]
    assert Spool(folder).ended("classes")


def test_a_gap_in_the_index_ends_the_collection(folder: Path) -> None:
    index = folder / INDEX
    lines = index.read_bytes().splitlines(keepends=True)
    index.write_bytes(b"".join([lines[0], lines[2], lines[3]]))
    assert numbers(folder) == [1]


def test_nobody_else_may_read_them(folder: Path) -> None:
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
