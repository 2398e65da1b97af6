"""One pass over a file's bytes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncrun.intake import scan as scanning
from syncrun.intake.scan import scan, scan_all


@pytest.mark.parametrize(
    ("content", "lines", "line_end", "ended"),
    [
        (b"", 0, "", False),
        (b"a,b", 0, "", False),
        (b"a,b\n", 1, "\n", True),
        (b"a\nb\nc", 2, "\n", False),
        (b"a\r\nb\r\n", 2, "\r\n", True),
        (b"a\rb\rc", 2, "\r", False),
        (b"a\r\nb\n", 2, "mixed", True),
        (b"a\rb\n", 2, "mixed", True),
        (b"a\r\nb\r", 2, "mixed", True),
        (b"\n\r\n\r", 3, "mixed", True),
    ],
)
def test_line_ends_are_told_apart(tmp_path: Path, content: bytes, lines: int, line_end: str, *, ended: bool) -> None:
    path = tmp_path / "users.csv"
    path.write_bytes(content)
    found = scan(path)
    assert (found.size, found.lines, found.line_end, found.ended) == (len(content), lines, line_end, ended)
    assert found.sha256 == hashlib.sha256(content).hexdigest()


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    st.lists(st.sampled_from([b"a", b"\r", b"\n", b"\r\n", b"\xff\0"]), max_size=30).map(b"".join), st.integers(1, 9)
)
def test_result_does_not_depend_on_how_the_bytes_come(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, block: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "blocks.csv"
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scanning, "BLOCK", block)
        by_bits = scan(path)
    assert by_bits == scan(path)
    assert by_bits.lines == len(content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")) - 1


def test_several_files_come_in_the_order_they_were_asked_for(tmp_path: Path) -> None:
    paths = [tmp_path / f"{n}.csv" for n in range(5)]
    for n, path in enumerate(paths):
        path.write_text("x" * (5 - n))
    assert [(each.path, each.size) for each in scan_all(paths)] == [(path, 5 - n) for n, path in enumerate(paths)]


def test_file_that_stays_has_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text("a")
    assert not scan(path).changed()


def _grow(path: Path) -> None:
    with path.open("a") as stream:
        stream.write("b")


def _touch(path: Path) -> None:
    os.utime(path, ns=(1, 1))


def _swap(path: Path) -> None:
    stamp = path.stat()
    other = path.with_suffix(".new")
    other.write_text("b")
    os.utime(other, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize("change", [_grow, _touch, _swap, Path.unlink])
def test_file_that_grows_or_is_another_or_is_gone_has_changed(tmp_path: Path, change: object) -> None:
    path = tmp_path / "users.csv"
    path.write_text("a")
    found = scan(path)
    assert callable(change)
    change(path)
    assert found.changed()
