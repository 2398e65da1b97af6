"""Zip archives: plain ones are read, anything else is refused with one kind of error and nothing outside is written."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from syncrun.errors import InputError
from syncrun.intake import archive
from syncrun.intake.archive import is_archive, unpack

WANTED = ("users.csv", "orgs.csv")
CONTENT = b"sourcedId,status\n" + b"".join(b"s%d,\n" % n for n in range(500))


def packed(*members: tuple[str | zipfile.ZipInfo, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", kind) as made:
        for name, content in members:
            made.writestr(name, content, kind)
    return out.getvalue()


def opened(folder: Path, content: bytes) -> list[tuple[str, bytes]]:
    """What comes out of an archive; the folder holds nothing else afterwards."""
    path, into = folder / "set.zip", folder / "unpacked"
    path.write_bytes(content)
    into.mkdir(exist_ok=True)
    for old in into.iterdir():
        old.unlink()
    found = unpack(path, WANTED, into)
    assert sorted(folder.iterdir()) == [path, into]
    assert all(each.parent == into for _, each in found)
    return [(name, each.read_bytes()) for name, each in found]


def refused(folder: Path, content: bytes, words: str) -> None:
    with pytest.raises(InputError, match=f"R-SET-20: The archive .*{words}"):
        opened(folder, content)
    assert sorted(each.name for each in folder.iterdir()) == ["set.zip", "unpacked"]


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_stored_and_deflated_members_are_read(tmp_path: Path, kind: int) -> None:
    found = opened(tmp_path, packed(("users.csv", CONTENT), ("orgs.csv", b"a"), kind=kind))
    assert found == [("users.csv", CONTENT), ("orgs.csv", b"a")]


def test_members_in_a_folder_or_in_other_case_are_read(tmp_path: Path) -> None:
    found = opened(tmp_path, packed(("export/", b""), ("export/USERS.CSV", b"a"), ("export/orgs.csv", b"b")))
    assert found == [("export/USERS.CSV", b"a"), ("export/orgs.csv", b"b")]


def test_members_of_other_names_stay_unread(tmp_path: Path) -> None:
    assert opened(tmp_path, packed(("README.txt", b"a"), ("users.csv.bak", b"b"), ("orgs.csv", b"c"))) == [
        ("orgs.csv", b"c")
    ]


def test_empty_archive_has_no_members(tmp_path: Path) -> None:
    assert opened(tmp_path, packed()) == []


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_archive_is_known_by_its_beginning(tmp_path: Path, kind: int) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(packed(("users.csv", b"a"), kind=kind))
    assert is_archive(path)
    path.write_bytes(b"sourcedId,status\n")
    assert not is_archive(path)


@pytest.mark.parametrize(
    "name", ["../users.csv", "a/../../users.csv", "/users.csv", "C:users.csv", "C:/users.csv", "a\\users.csv", "..\\users.csv"]
)  # fmt: skip
def test_member_whose_path_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    refused(tmp_path, packed(("orgs.csv", b"a"), (name, b"b")), "leads out of it")


def test_link_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("users.csv")
    link.external_attr = 0o120777 << 16
    refused(tmp_path, packed((link, b"/etc/passwd")), "holds a link")


def test_encrypted_member_is_refused(tmp_path: Path) -> None:
    content = bytearray(packed(("users.csv", CONTENT)))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    refused(tmp_path, bytes(content), "is encrypted")


@pytest.mark.filterwarnings("ignore:Duplicate name")  # the library warns while it makes the archive
@pytest.mark.parametrize("second", ["users.csv", "Users.CSV"])
def test_two_members_of_one_name_are_refused(tmp_path: Path, second: str) -> None:
    refused(tmp_path, packed(("users.csv", b"a"), (second, b"b")), "two members of one name")


def test_archive_with_too_many_members_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBERS", 3)
    assert opened(tmp_path, packed(*((f"{n}.txt", b"") for n in range(3)))) == []
    refused(tmp_path, packed(*((f"{n}.txt", b"") for n in range(4))), "more than 3 members")


def test_member_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_BYTES", len(CONTENT))
    assert opened(tmp_path, packed(("users.csv", CONTENT))) == [("users.csv", CONTENT)]
    refused(tmp_path, packed(("users.csv", CONTENT + b"x")), "unpacks to more than 20 GB")


def test_member_that_is_packed_too_tightly_is_refused(tmp_path: Path) -> None:
    assert opened(tmp_path, packed(("users.csv", b"0" * archive.RATIO_FROM)))
    refused(tmp_path, packed(("users.csv", b"0" * (20 << 20))), "more than 200 times its size")


def test_member_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    content = bytearray(packed(("users.csv", b"0" * (20 << 20))))
    place = content.index(b"PK\x01\x02") + 24
    content[place : place + 4] = struct.pack("<I", 1000)
    refused(tmp_path, bytes(content), "")


def test_members_that_overlap_are_refused(tmp_path: Path) -> None:
    """Two entries of the directory that share one run of bytes, as the densest bombs do."""
    content = packed(("users.csv", CONTENT), ("orgs.csv", CONTENT))
    entry = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 4)
    shared = bytearray(content)
    shared[entry + 42 : entry + 46] = struct.pack("<I", 0)
    refused(tmp_path, bytes(shared), "overlap")


@pytest.mark.parametrize("share", range(0, 100, 9))
def test_archive_that_was_cut_is_refused(tmp_path: Path, share: int) -> None:
    content = packed(("users.csv", CONTENT), ("orgs.csv", b"a"))
    refused(tmp_path, content[: len(content) * share // 100], "damaged or not a plain zip archive")


def flip(content: bytearray, chance: random.Random) -> None:
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def scramble(content: bytearray, chance: random.Random) -> None:
    place = chance.randrange(len(content))
    content[place : place + 8] = chance.randbytes(8)


def swap(content: bytearray, chance: random.Random) -> None:
    one, other = sorted(chance.sample(range(len(content)), 2))
    content[one:other] = content[one:other][::-1]


def damaged_headers(content: bytearray, chance: random.Random) -> None:
    place = content.index(b"PK\x01\x02" if chance.random() < 0.5 else b"PK\x05\x06")
    content[min(place + chance.randrange(46), len(content) - 1)] = chance.randrange(256)


@pytest.mark.parametrize("damage", [flip, scramble, swap, damaged_headers])
def test_damaged_archive_is_read_right_or_refused(
    tmp_path: Path, damage: Callable[[bytearray, random.Random], None]
) -> None:
    """Five hundred times: what is read has the checksum of what was packed, anything else is our error."""
    members = {"users.csv": CONTENT[:200], "orgs.csv": b"a"}
    whole = packed(*members.items())
    refusals = []
    for seed in range(500):
        content = bytearray(whole)
        damage(content, random.Random(seed))
        try:
            found = opened(tmp_path, bytes(content))
        except InputError as error:
            refusals.append(error.message)
        else:
            assert all(piece in members.values() for _, piece in found)
    assert len(refusals) > 100
    assert all(each.startswith("R-SET-20") for each in refusals)
