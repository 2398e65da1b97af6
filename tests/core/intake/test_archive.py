"""Zip archives: plain ones are read, anything else is refused with one kind of error and nothing outside is written."""

from __future__ import annotations

import errno
import io
import lzma
import random
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from syncrun.errors import InputError
from syncrun.intake import archive
from syncrun.intake.archive import ArchiveError, is_archive, unpack
from syncrun.intake.rule import ARCHIVE_RULES
from syncrun.rules.rule import RULES

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
    found = unpack(path, WANTED, into).members
    assert sorted(folder.iterdir()) == [path, into]
    assert all(each.parent == into for _, each in found)
    return [(name, each.read_bytes()) for name, each in found]


def refused(folder: Path, content: bytes, code: str, words: str | None = None) -> None:
    with pytest.raises(ArchiveError, match=words) as caught:
        opened(folder, content)
    assert caught.value.finding.code == code
    assert caught.value.message.startswith(f"{code} {RULES[code].title}")
    assert caught.value.next_step == RULES[code].fix
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


def test_members_that_stay_unread_are_named(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    path.write_bytes(packed(("a/README.txt", b"a"), ("users.csv", b"b"), ("inner.zip", b"c")))
    assert unpack(path, WANTED, tmp_path).left == ["a/README.txt", "inner.zip"]


@pytest.mark.parametrize(
    ("date", "seconds"),
    [((2026, 11, 20, 18, 30, 8), 1_795_199_408), ((1980, 1, 1, 0, 0, 0), 0), ((2026, 15, 31, 0, 0, 0), 0)],
)  # fmt: skip
def test_file_has_the_date_of_its_member(tmp_path: Path, date: tuple[int, ...], seconds: int) -> None:
    member = zipfile.ZipInfo("users.csv", (2026, 11, 20, 18, 30, 8))
    content = bytearray(packed((member, b"a")))
    place = content.index(b"PK\x01\x02") + 12
    year, month, day, hour, minute, second = date
    stamp = struct.pack("<HH", hour << 11 | minute << 5 | second // 2, (year - 1980) << 9 | month << 5 | day)
    content[place : place + 4] = stamp
    (tmp_path / "set.zip").write_bytes(content)
    ((_, path),) = unpack(tmp_path / "set.zip", WANTED, tmp_path).members
    assert path.stat().st_mtime == seconds


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_archive_is_known_by_its_beginning(tmp_path: Path, kind: int) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(packed(("users.csv", b"a"), kind=kind))
    assert is_archive(path)
    path.write_bytes(b"sourcedId,status\n")
    assert not is_archive(path)


@pytest.mark.parametrize(
    "name",
    [
        *("../users.csv", "a/../../users.csv", "a/..", "/users.csv", "/etc/passwd", "//host/users.csv"),
        *("C:users.csv", "C:/users.csv", "c:\\users.csv", "a\\users.csv", "..\\users.csv", "\\\\host\\users.csv"),
        *("../README.txt", "../folder/", "/folder/", "users.csv\0.exe"),
    ],
)
def test_member_whose_path_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    member = zipfile.ZipInfo("x" * len(name))
    content = packed(("orgs.csv", b"a"), (member, b"")).replace(b"x" * len(name), name.encode())
    refused(tmp_path, content, "R-ZIP-03", "leads out of it")


@pytest.mark.parametrize(
    "kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK],
    ids=["link", "terminal", "disk", "pipe", "socket"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["users.csv", "README.txt"])
def test_link_or_device_is_refused(tmp_path: Path, kind: int, name: str) -> None:
    link = zipfile.ZipInfo(name)
    link.external_attr = (kind | 0o777) << 16
    refused(tmp_path, packed((link, b"/etc/passwd")), "R-ZIP-03", "a link or a device")


def test_plain_members_of_unix_and_windows_are_read(tmp_path: Path) -> None:
    for mode in (0, 0o644 << 16, (stat.S_IFREG | 0o644) << 16, 0x20):
        member = zipfile.ZipInfo("users.csv")
        member.external_attr = mode
        assert opened(tmp_path, packed((member, b"a"))) == [("users.csv", b"a")]


@pytest.mark.parametrize("bits", [0x0001, 0x0041, 0x2000])
def test_encrypted_member_is_refused(tmp_path: Path, bits: int) -> None:
    content = bytearray(packed(("users.csv", CONTENT)))
    entry = content.index(b"PK\x01\x02")
    for place in (6, entry + 8):
        content[place : place + 2] = struct.pack("<H", bits)
    refused(tmp_path, bytes(content), "R-ZIP-02", "password")


def method(content: bytes, number: int) -> bytes:
    """The archive with the packing of its first member renamed."""
    changed = bytearray(content)
    for place in (8, content.index(b"PK\x01\x02") + 10):
        changed[place : place + 2] = struct.pack("<H", number)
    return bytes(changed)


def test_member_encrypted_with_aes_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, method(packed(("users.csv", CONTENT)), 99), "R-ZIP-02")


@pytest.mark.parametrize("number", [1, 9, 12, 14, 93, 95, 98, 65535])
def test_member_of_another_packing_is_refused(tmp_path: Path, number: int) -> None:
    """Also those that the library could read: of bzip2 and lzma it holds what a whole block unpacks to."""
    refused(tmp_path, method(packed(("users.csv", CONTENT)), number), "R-ZIP-06", f"packing {number}")


def test_other_packing_of_a_member_that_stays_unread_does_no_harm(tmp_path: Path) -> None:
    content = method(packed(("README.txt", CONTENT), ("users.csv", b"a")), 9)
    assert opened(tmp_path, content) == [("users.csv", b"a")]


@pytest.mark.filterwarnings("ignore:Duplicate name")  # the library warns while it makes the archive
@pytest.mark.parametrize("second", ["users.csv", "Users.CSV", "./users.csv", "\uff55sers.csv"])
def test_two_members_of_one_name_are_refused(tmp_path: Path, second: str) -> None:
    refused(tmp_path, packed(("users.csv", b"a"), (second, b"b")), "R-ZIP-03", "one name")


@pytest.mark.parametrize("name", ["lib 0.zip", "export/set.ZIP", "users.csv.gz", "set.7z", "set.tar"])
def test_archive_of_archives_is_refused(tmp_path: Path, name: str) -> None:
    refused(tmp_path, packed((name, packed(("users.csv", b"a"))), ("README.txt", b"")), "R-ZIP-04")


def test_archive_beside_the_files_of_the_set_stays_unread(tmp_path: Path) -> None:
    assert opened(tmp_path, packed(("users.csv", b"a"), ("more.zip", b"b"))) == [("users.csv", b"a")]


def test_archive_with_too_many_members_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBERS", 3)
    assert opened(tmp_path, packed(*((f"{n}.txt", b"") for n in range(3)))) == []
    refused(tmp_path, packed(*((f"{n}.txt", b"") for n in range(4))), "R-ZIP-05", "more than 3 members")


def test_directory_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = packed(*((f"{n}.txt", b"") for n in range(99)))
    monkeypatch.setattr(archive, "MAX_DIRECTORY", content.index(b"PK\x05\x06") - content.index(b"PK\x01\x02"))
    assert opened(tmp_path, content) == []
    monkeypatch.setattr(archive, "MAX_DIRECTORY", archive.MAX_DIRECTORY - 1)
    refused(tmp_path, content, "R-ZIP-05", "its directory")


def test_members_that_unpack_to_too_much_together_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_BYTES", len(CONTENT) + 1)
    assert len(opened(tmp_path, packed(("users.csv", CONTENT), ("orgs.csv", b"x"), ("README.txt", CONTENT)))) == 2
    refused(tmp_path, packed(("users.csv", CONTENT), ("orgs.csv", b"xx")), "R-ZIP-05", "unpacks to more than")


def test_member_that_is_packed_too_tightly_is_refused(tmp_path: Path) -> None:
    assert opened(tmp_path, packed(("users.csv", b"0" * archive.RATIO_FROM)))
    refused(tmp_path, packed(("users.csv", b"0" * (20 << 20))), "R-ZIP-05", "more than 200 times its size")
    assert not list((tmp_path / "unpacked").iterdir()), "it was not begun"


def sized(content: bytes, size: int) -> bytes:
    """The archive with the size of its first member given as another."""
    changed = bytearray(content)
    place = content.index(b"PK\x01\x02") + 24
    changed[place : place + 4] = struct.pack("<I", size)
    return bytes(changed)


@pytest.mark.parametrize("size", [0, 1000, 1 << 20])
def test_member_that_says_less_than_it_has_is_refused(tmp_path: Path, size: int) -> None:
    refused(tmp_path, sized(packed(("users.csv", b"0" * (20 << 20))), size), "R-ZIP-01")
    assert sum(each.stat().st_size for each in (tmp_path / "unpacked").iterdir()) <= size


def test_member_that_says_more_than_it_has_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, sized(packed(("users.csv", CONTENT)), len(CONTENT) + 1), "R-ZIP-01", "shorter")


def test_real_bytes_are_counted_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_weigh", lambda members: None)
    refused(tmp_path, packed(("users.csv", b"0" * (20 << 20))), "R-ZIP-05", "more than 200 times its size")


def test_members_that_overlap_are_refused(tmp_path: Path) -> None:
    """Two entries of the directory that share one run of bytes, as the densest bombs do."""
    content = packed(("users.csv", CONTENT), ("orgs.csv", CONTENT))
    entry = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 4)
    shared = bytearray(content)
    shared[entry + 42 : entry + 46] = struct.pack("<I", 0)
    refused(tmp_path, bytes(shared), "R-ZIP-05", "overlap")


def test_bytes_before_the_first_member_are_refused(tmp_path: Path) -> None:
    """Two archives one behind the other: which of them is meant cannot be known."""
    content = packed(("users.csv", b"a"))
    refused(tmp_path, packed(("orgs.csv", b"b")) + content, "R-ZIP-01", "before its first member")


@pytest.mark.parametrize("share", range(100))
def test_archive_that_was_cut_is_refused(tmp_path: Path, share: int) -> None:
    content = packed(("users.csv", CONTENT), ("orgs.csv", b"a"))
    refused(tmp_path, content[: len(content) * share // 100], "R-ZIP-01", "is damaged")


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RecursionError(), struct.error(), zlib.error(), lzma.LZMAError(), EOFError(), OSError(22, "seek"),
     NotImplementedError(), OverflowError(), UnicodeDecodeError("utf-8", b"", 0, 1, "")],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_whatever_the_library_raises_is_our_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def failing(*_: object) -> None:
        raise error

    content = packed(("users.csv", b"a"))
    monkeypatch.setattr(zipfile.ZipFile, "open", failing)
    refused(tmp_path, content, "R-ZIP-01", type(error).__name__)


def test_disk_that_is_full_is_not_taken_for_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(archive, "_write", full)
    with pytest.raises(InputError, match="no room on the disk") as caught:
        opened(tmp_path, packed(("users.csv", b"a")))
    assert "Make room" in caught.value.next_step


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
        except ArchiveError as error:
            refusals.append(error.finding.code)
        else:
            assert all(piece in members.values() for _, piece in found)
    assert len(refusals) > 100
    assert set(refusals) <= set(ARCHIVE_RULES)
