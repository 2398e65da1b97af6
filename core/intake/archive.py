"""Zip archives, read without trust: members are streamed into a private folder under names of our own choosing,
counted as they come, and whatever the library raises becomes one of our errors."""

from __future__ import annotations

import itertools
import zipfile
from collections.abc import Collection, Iterable
from pathlib import Path, PurePosixPath

from syncrun.errors import InputError

MAX_MEMBERS = 1000
MAX_BYTES = 20 * (1 << 30)
MAX_RATIO = 200
RATIO_FROM = 1 << 20
"""Small members may be packed as tightly as they like."""
BLOCK = 1 << 20


def is_archive(path: Path) -> bool:
    """Whether the file begins as a zip archive does; its name does not count."""
    with path.open("rb") as stream:
        return stream.read(4) in {b"PK\x03\x04", b"PK\x05\x06"}


def unpack(path: Path, wanted: Iterable[str], into: Path) -> list[tuple[str, Path]]:
    """Stream the members whose base name is `wanted` (case aside) into `into`; pairs of the member's name in the
    archive and the file written. A wanted name that begins with a point is an ending. Members of other names stay unread.

    Raises `InputError` for anything but a whole, plain archive within the limits above.
    """
    known = {name.lower() for name in wanted}
    try:
        with zipfile.ZipFile(path) as archive:
            members = [each for each in archive.infolist() if not each.is_dir()]
            _look(members)
            return [
                (member.filename, _write(archive, member, into / f"{number:03d}.csv"))
                for number, member in enumerate(members)
                if _is_wanted(_base(member).lower(), known)
            ]
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 # zipfile raises eight kinds of errors for damaged archives
        raise _refused(f"is damaged or not a plain zip archive ({type(error).__name__})") from None


def _base(member: zipfile.ZipInfo) -> str:
    return PurePosixPath(member.filename).name


def _is_wanted(base: str, known: Collection[str]) -> bool:
    return base in known or (PurePosixPath(base).suffix in known and not base.startswith("."))


def _refused(why: str) -> InputError:
    return InputError(f"R-SET-20: The archive {why}.")


def _look(members: list[zipfile.ZipInfo]) -> None:
    """What the directory of the archive must not hold."""
    if len(members) > MAX_MEMBERS:
        raise _refused(f"has more than {MAX_MEMBERS} members")
    seen: set[str] = set()
    for member in members:
        parts = PurePosixPath(member.filename).parts
        if ".." in parts or member.filename.startswith("/") or "\\" in member.filename or ":" in member.filename:
            raise _refused("has a member whose path leads out of it")
        if member.flag_bits & 1:
            raise _refused("is encrypted")
        if (member.external_attr >> 16) & 0o170000 == 0o120000:
            raise _refused("holds a link")
        if member.filename.lower() in seen:
            raise _refused("holds two members of one name")
        seen.add(member.filename.lower())
    spans = sorted((member.header_offset, member.header_offset + 30 + member.compress_size) for member in members)
    if any(end > start for (_, end), (start, _) in itertools.pairwise(spans)):
        raise _refused("has members that overlap")


def _write(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> Path:
    """Copy one member, counting real bytes; its declared size is not believed."""
    size = 0
    with archive.open(member) as source, target.open("xb") as out:
        while block := source.read(BLOCK):
            size += len(block)
            if size > MAX_BYTES:
                raise _refused("unpacks to more than 20 GB")
            if size > RATIO_FROM and size > MAX_RATIO * max(member.compress_size, 1):
                raise _refused(f"unpacks to more than {MAX_RATIO} times its size")
            out.write(block)
    return target
