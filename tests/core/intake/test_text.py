"""From bytes to text: the same rows whatever the bytes, and a remark on each step."""

from __future__ import annotations

import csv
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncrun.finding import Finding
from syncrun.intake.scan import scan
from syncrun.intake.text import plain
from syncrun.sdk import TextForm

ROWS = [
    ["sourcedId", "givenName", "familyName"], ["s1", "Zoë", "Müller"], ["s2", "José", "Peña"], ["s3", "Anaïs", "Lefèvre"],
    ["s4", "Ana", "Berg"],
]  # fmt: skip
TEXT = "".join(",".join(row) + "\n" for row in ROWS)


def read(folder: Path, content: bytes, form: TextForm | None = None) -> tuple[Path, list[Finding]]:
    (folder / "into").mkdir(exist_ok=True)
    (folder / "users.csv").write_bytes(content)
    return plain(scan(folder / "users.csv"), "users.csv", form or TextForm(), folder / "into")


def cells(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.reader(stream, strict=True))


def told(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(each.code, each.words) for each in findings]


@pytest.mark.parametrize("content", [TEXT.encode(), TEXT.encode("utf-8-sig"), b"", b"a,b\n1,2\n"])
def test_utf_8_is_not_copied(tmp_path: Path, content: bytes) -> None:
    assert read(tmp_path, content) == (tmp_path / "users.csv", [])


@pytest.mark.parametrize(
    ("encoding", "told_as"),
    [("utf-16", "utf-16-le"), ("utf-32", "utf-32-le"), ("utf-16-le", "utf-16-le"), ("utf-16-be", "utf-16-be")],
)
def test_wide_letters_are_read_by_their_mark_or_their_zeros(tmp_path: Path, encoding: str, told_as: str) -> None:
    path, findings = read(tmp_path, TEXT.encode(encoding))
    assert (cells(path), told(findings)) == (ROWS, [("R-TEXT-01", told_as)])


@pytest.mark.parametrize("mark", ["\ufeff".encode("utf-16-be"), "\ufeff".encode("utf-32-be")])
def test_marks_of_the_other_order(tmp_path: Path, mark: bytes) -> None:
    encoding = "utf-16-be" if len(mark) == 2 else "utf-32-be"
    path, findings = read(tmp_path, mark + TEXT.encode(encoding))
    assert (cells(path), told(findings)) == (ROWS, [("R-TEXT-01", encoding)])


def test_letters_of_an_eight_bit_set_are_recognised_and_the_set_is_told(tmp_path: Path) -> None:
    path, findings = read(tmp_path, TEXT.encode("windows-1252"))
    assert cells(path) == ROWS
    assert [each.code for each in findings] == ["R-TEXT-02"]


@pytest.mark.parametrize("encoding", ["windows-1252", "mac_roman", "cp850", "utf-8"])
def test_declared_set_is_used_and_needs_no_remark(tmp_path: Path, encoding: str) -> None:
    path, findings = read(tmp_path, TEXT.encode(encoding), TextForm(encoding=encoding))
    assert (cells(path), findings) == (ROWS, [])


def test_damaged_letter_in_utf_8_is_no_other_set(tmp_path: Path) -> None:
    """The line is refused later; the others are what they are."""
    content = TEXT.encode().replace("José".encode(), b"Jos\xe9")
    assert read(tmp_path, content) == (tmp_path / "users.csv", [])


def test_bytes_that_a_declared_set_does_not_have_stay_damaged(tmp_path: Path) -> None:
    path, _ = read(tmp_path, b"sourcedId\nZo\xeb\nx\x81y\n", TextForm(encoding="windows-1252"))
    assert path.read_bytes() == "sourcedId\nZoë\nx".encode() + b"\x81y\n"


def test_sign_for_the_end_of_a_file_is_left_out(tmp_path: Path) -> None:
    path, findings = read(tmp_path, TEXT.encode() + b"\x1a")
    assert (cells(path), told(findings)) == (ROWS, [("R-TEXT-03", "")])


@pytest.mark.parametrize("zeros", [2, 4096])
def test_file_that_ends_in_zeros_is_refused(tmp_path: Path, zeros: int) -> None:
    assert told(read(tmp_path, TEXT.encode() + bytes(zeros))[1]) == [("R-TEXT-06", "")]


@pytest.mark.parametrize(("sign", "word"), [("\t", "tabs"), (";", "semicolons"), ("|", "bars")])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_other_signs_between_cells_are_seen_in_the_header(tmp_path: Path, sign: str, word: str, end: str) -> None:
    rows = [*ROWS, ["s5", "Berg, Ana", 'the "one"'], ["s6", "a\nb", ""]]
    lines = [sign.join(f'"{c.replace(chr(34), chr(34) * 2)}"' if set(c) & set('",\n') and n == 5 else c for c in row)
             for n, row in enumerate(rows[:6])]  # fmt: skip
    path, findings = read(tmp_path, (end.join(lines) + end).encode())
    assert (cells(path), told(findings)) == (rows[:6], [("R-TEXT-04", word)])


def test_bare_commas_get_quotes_where_other_signs_stand_between_cells(tmp_path: Path) -> None:
    path, _ = read(tmp_path, b'sourcedId;name\n1;Berg, Ana\n2;"x;y"\n3;"a\nb;c"\n')
    assert cells(path) == [["sourcedId", "name"], ["1", "Berg, Ana"], ["2", "x;y"], ["3", "a\nb;c"]]


@pytest.mark.parametrize("header", ["name", "a;b,c", "a;b|c"])
def test_sign_that_is_not_certain_is_left_alone(tmp_path: Path, header: str) -> None:
    assert read(tmp_path, f"{header}\n1;2\n".encode())[1] == []


def test_quotes_are_letters_where_the_source_says_so(tmp_path: Path) -> None:
    form = TextForm(delimiter="\t", quotes=False)
    path, findings = read(tmp_path, b'id\tname\n1\t"Bob" Smith\n2\tBerg, Ana\n3\t"\n', form)
    assert cells(path) == [["id", "name"], ["1", '"Bob" Smith'], ["2", "Berg, Ana"], ["3", '"']]
    assert told(findings) == [("R-TEXT-04", "tabs"), ("R-TEXT-05", "")]


def test_copy_is_private_and_every_file_has_its_own(tmp_path: Path) -> None:
    first, _ = read(tmp_path, TEXT.encode("utf-16"))
    second, _ = read(tmp_path, TEXT.encode("utf-16"))
    assert first != second
    assert stat.S_IMODE(first.stat().st_mode) == 0o600


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(
    text=st.text(st.characters(codec="utf-8", exclude_characters="\x1a\x00"), min_size=4, max_size=200),
    encoding=st.sampled_from(["utf-16", "utf-32"]),
)
def test_every_text_comes_through(tmp_path_factory: pytest.TempPathFactory, text: str, encoding: str) -> None:
    form = TextForm(delimiter=",")
    path, _ = read(tmp_path_factory.getbasetemp(), text.encode(encoding), form)
    assert path.read_bytes().decode() == text


@pytest.mark.parametrize("names", ["Zoë Müller Peña Lefèvre", "Søren Ångström", "García Núñez", "O’Brien – Roß"])
def test_western_letters_are_read_as_they_are_written(tmp_path: Path, names: str) -> None:
    path, findings = read(tmp_path, f"sourcedId\n{names}\n".encode("cp1252"))
    assert cells(path) == [["sourcedId"], [names]]
    assert told(findings) == [("R-TEXT-02", "cp1252")]


def test_cyrillic_letters_are_not_taken_for_western_ones(tmp_path: Path) -> None:
    names = "Иванова Мария Сергеевна, Петров Александр Николаевич, Сидоренко Ольга Владимировна"
    path, findings = read(tmp_path, f"sourcedId\n{names}\n".encode("cp1251"), TextForm(delimiter=";"))
    assert names in path.read_text(encoding="utf-8").replace('"', "")
    assert [each.words for each in findings if each.code == "R-TEXT-02"] == ["cp1251"]
