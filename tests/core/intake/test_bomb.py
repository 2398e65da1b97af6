"""Archives that are built to fill disk or memory: each is refused within a second and 100 MB, in a process of its own."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SECONDS, MEGABYTES = 1.0, 100
PLAIN = 1 << 27
PROBE = """
import json, re, sys, time
from pathlib import Path
from syncrun.connectors.oneroster_csv.format import ONEROSTER_CSV
from syncrun.intake.arrival import arrive
from syncrun.sdk import FileSet
into = Path(sys.argv[2])
before = time.monotonic()
found = arrive(FileSet((Path(sys.argv[1]),), "a test"), ONEROSTER_CSV, into)
print(json.dumps({
    "codes": [each.code for each in found.findings], "words": found.findings[0].words,
    "seconds": time.monotonic() - before,
    "megabytes": int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024,
    "written": sum(each.stat().st_size for each in into.iterdir()),
}))
"""


def packed(*members: tuple[str, bytes], level: int = 9) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as made:
        for name, content in members:
            made.writestr(name, content)
    return out.getvalue()


def nested() -> bytes:
    """As 42.zip: five layers of sixteen archives around gigabytes of nothing."""
    content = packed(("0.dll", b"0" * (1 << 24)))
    for layer in range(5):
        content = packed(*((f"{layer}-{n}.zip", content) for n in range(16)))
    return content


def ratio() -> bytes:
    """A file that is wanted, packed to a two-hundredth and less."""
    return packed(("users.csv", b"0" * PLAIN), level=1)


def silent_ratio() -> bytes:
    """The same, of which the directory says that it is a thousand bytes."""
    content = bytearray(packed(("users.csv", b"0" * PLAIN), level=1))
    place = content.rindex(b"PK\x01\x02") + 24
    content[place : place + 4] = struct.pack("<I", 1000)
    return bytes(content)


def head(name: bytes, crc: int, packed_size: int, size: int) -> bytes:
    """The header before a member."""
    return struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 8, 0, 0, crc, packed_size, size, len(name), 0) + name


def entry(name: bytes, crc: int, packed_size: int, size: int, place: int) -> bytes:
    """What the directory says of a member."""
    sizes = (crc, packed_size, size, len(name), 0, 0, 0, 0, 0, place)
    return struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 8, 0, 0, *sizes) + name


def directory(entries: Iterator[bytes] | list[bytes], place: int, count: int) -> bytes:
    content = b"".join(entries)
    return content + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, len(content), place, 0)


def overlapping(count: int = 250, size: int = 4 << 20) -> bytes:
    """As Fifield built them: the members share one kernel, and each quotes the headers of those behind it in a stored
    block of its own deflate stream, so that every checksum is right."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    kernel = packer.compress(b"0" * size) + packer.flush()
    names = [b"users.csv", b"orgs.csv", *(b"%05d" % number for number in range(count - 2))]
    body, content, entries = kernel, b"0" * size, []
    for name in reversed(names):
        header = head(name, zlib.crc32(content), len(body), len(content))
        entries.append((name, zlib.crc32(content), len(body), len(content), len(header) + len(body)))
        body = header + body
        if name is not names[0]:
            body = struct.pack("<BHH", 0, len(header), len(header) ^ 0xFFFF) + body
            content = header + content
    total = len(body)
    told = [entry(name, crc, length, plain, total - back) for name, crc, length, plain, back in reversed(entries)]
    return body + directory(told, total, len(told))


def crowded(count: int = 1_000_000) -> bytes:
    """A million members, told by a directory of 50 MB."""
    entries = (entry(b"%07d" % number, 0, 0, 0, 0) for number in range(count))
    content = b"".join(entries)
    start = head(b"users.csv", 0, 0, 0)
    end64 = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(content), len(start))
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, len(start) + len(content), 1)
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return start + content + end64 + locator + end


def commented() -> bytes:
    """Few members with very long comments."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for number in range(900):
            member = zipfile.ZipInfo(f"{number}.txt")
            member.comment = b"x" * 65535
            made.writestr(member, b"")
    return out.getvalue()


def bzip2() -> bytes:
    """A packing of which one block of a megabyte unpacks to gigabytes at once."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_BZIP2) as made:
        made.writestr("users.csv", b"0" * PLAIN)
    return out.getvalue()


@pytest.mark.parametrize(
    ("bomb", "code"),
    [(nested, "R-ZIP-04"), (ratio, "R-ZIP-05"), (silent_ratio, "R-ZIP-01"), (overlapping, "R-ZIP-05"),
     (crowded, "R-ZIP-05"), (commented, "R-ZIP-05"), (bzip2, "R-ZIP-06")],
    ids=lambda each: each.__name__ if callable(each) else "",
)  # fmt: skip
def test_bomb_is_refused_at_once(tmp_path: Path, bomb: Callable[[], bytes], code: str) -> None:
    path, into = tmp_path / "bomb.zip", tmp_path / "into"
    path.write_bytes(bomb())
    into.mkdir()
    done = subprocess.run([sys.executable, "-c", PROBE, str(path), str(into)], check=True, capture_output=True)
    found = json.loads(done.stdout)
    assert found["codes"] == [code], found
    assert found["seconds"] < SECONDS
    assert found["megabytes"] < MEGABYTES
    assert found["written"] <= 1 << 20


def test_overlapping_bomb_is_in_order_but_for_its_overlap() -> None:
    bomb = overlapping(3, 1 << 20)
    for member in zipfile.ZipFile(io.BytesIO(bomb)).infolist():
        start = member.header_offset + 30 + len(member.filename)
        plain = zlib.decompress(bomb[start : start + member.compress_size], -15)
        assert (len(plain), zlib.crc32(plain)) == (member.file_size, member.CRC)
