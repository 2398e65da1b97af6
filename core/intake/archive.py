"""Zip archives, read without trust: members are streamed into a private folder under names of our own choosing,
counted as they come, and whatever the library raises becomes one of our errors.

What the directory of the archive says is weighed before anything is unpacked, and the directory itself is read only up
to a limit. Packings other than stored and deflated are refused: the library holds what one block of them unpacks to in
memory, and that may be gigabytes.
"""

from __future__ import annotations

import calendar
import contextlib
import datetime
import errno
import io
import itertools
import os
import re
import stat
import unicodedata
import zipfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from syncrun.errors import InputError
from syncrun.finding import Finding
from syncrun.intake.rule import ARCHIVE_RULES

MAX_MEMBERS = 1000
MAX_DIRECTORY = 1 << 20
MAX_BYTES = 20 * (1 << 30)
"""What the members that are read may unpack to, together."""
MAX_RATIO = 200
RATIO_FROM = 1 << 20
"""Small members may be packed as tightly as they like."""
BLOCK = 1 << 20
_ENCRYPTED = 0x0001 | 0x0040 | 0x2000
"""Bits of a member that is encrypted: in the old way, in the strong way, its directory too."""
_AES = 99
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_LEADS_OUT = re.compile(r"/|[A-Za-z]:|.*[\\\0]", re.DOTALL)
_PACKED = re.compile(r".*\.(zip|7z|rar|gz|tgz|tar|bz2|xz|zst)", re.IGNORECASE | re.DOTALL)
_UNSET = (1980, 1, 1)
"""The first day that an archive can name; writers that know no date write it."""


class ArchiveError(InputError):
    """An archive that is not unpacked. `finding` says why; a set in such an archive is refused with `E-INPUT-2`."""

    code = "E-INPUT-4"

    def __init__(self, code: str, words: str) -> None:
        self.finding = Finding(code, words=words)
        rule = ARCHIVE_RULES[code]
        super().__init__(f"{code} {rule.title}: {words}.", next_step=rule.fix)


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The members that were read, as pairs of the name in the archive and the file written, and the names of those that
    were left."""

    members: list[tuple[str, Path]]
    left: list[str]


class _Wary(io.FileIO):
    """A file of which the library cannot read more at once than the directory of a plain archive takes."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_DIRECTORY:
            raise ArchiveError("R-ZIP-05", f"its directory takes more than {MAX_DIRECTORY >> 20} MB")
        return super().read(size) or b""


def is_archive(path: Path) -> bool:
    """Whether the file begins as a zip archive does; its name does not count."""
    with path.open("rb") as stream:
        return stream.read(4) in {b"PK\x03\x04", b"PK\x05\x06"}


def unpack(path: Path, wanted: Iterable[str], into: Path) -> Unpacked:
    """Stream the members whose base name is `wanted` (case aside) into `into`; others stay unread. A wanted name that
    begins with a point is an ending. A file written has the date of its member, or 0 where the archive names none.

    Raises `ArchiveError` for anything but a whole, plain archive within the limits above, and `InputError` when the
    disk is full.
    """
    known = {name.lower() for name in wanted}
    with _guarded(), _Wary(path) as stream, zipfile.ZipFile(stream) as archive:
        members = [each for each in archive.infolist() if not each.is_dir()]
        chosen = [each for each in members if _is_wanted(PurePosixPath(each.filename).name.lower(), known)]
        left = [each.filename for each in members if each not in chosen]
        _look(archive.infolist(), archive.start_dir)
        _weigh(chosen)
        if not chosen and any(_PACKED.fullmatch(each) for each in left):
            raise ArchiveError("R-ZIP-04", "no file of the set is in it, but archives are")
        return Unpacked(
            [(each.filename, _write(archive, each, into / f"{number:03d}.csv")) for number, each in enumerate(chosen)],
            left,
        )


@contextlib.contextmanager
def _guarded() -> Iterator[None]:
    """Make everything that goes wrong one of our errors, except that a file cannot be read at all."""
    try:
        yield
    except InputError:
        raise
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise InputError("There is no room on the disk for what the archive holds.",
                             next_step="Make room where syncrun keeps its files; then run again.") from None  # fmt: skip
        if error.errno not in {None, errno.EINVAL}:
            raise
        raise _damaged(error) from None
    except Exception as error:  # noqa: BLE001 # zipfile raises eight kinds of errors for damaged archives
        raise _damaged(error) from None


def _damaged(error: Exception) -> ArchiveError:
    return ArchiveError("R-ZIP-01", f"it is cut, or its bytes are not as they were packed ({type(error).__name__})")


def _is_wanted(base: str, known: Collection[str]) -> bool:
    return base in known or (PurePosixPath(base).suffix in known and not base.startswith("."))


def _look(members: Sequence[zipfile.ZipInfo], directory: int) -> None:
    """What an archive must not hold, whichever of its members are read. `directory` is where its directory begins."""
    if len(members) > MAX_MEMBERS:
        raise ArchiveError("R-ZIP-05", f"it has more than {MAX_MEMBERS} members")
    seen: set[str] = set()
    for member in members:
        _look_at(member)
        name = unicodedata.normalize("NFKC", PurePosixPath(member.filename).as_posix()).casefold()
        if name in seen:
            raise ArchiveError("R-ZIP-03", "two members have one name")
        seen.add(name)
    spans = sorted(map(_span, members))
    if spans and spans[0][0] != 0:
        raise ArchiveError("R-ZIP-01", "other bytes stand before its first member")
    if any(end > start for (_, end), (start, _) in itertools.pairwise([*spans, (directory, directory)])):
        raise ArchiveError("R-ZIP-05", "its members overlap, as those of a bomb do")


def _look_at(member: zipfile.ZipInfo) -> None:
    if _LEADS_OUT.match(member.orig_filename) or ".." in PurePosixPath(member.filename).parts:
        raise ArchiveError("R-ZIP-03", "the path of a member leads out of it")
    if stat.S_IFMT(member.external_attr >> 16) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise ArchiveError("R-ZIP-03", "a member is a link or a device")
    if member.flag_bits & _ENCRYPTED or member.compress_type == _AES:
        raise ArchiveError("R-ZIP-02", "it cannot be read without a password")


def _span(member: zipfile.ZipInfo) -> tuple[int, int]:
    """Where a member begins, and where it ends at the earliest."""
    return member.header_offset, member.header_offset + 30 + len(member.orig_filename) + member.compress_size


def _weigh(members: Iterable[zipfile.ZipInfo]) -> None:
    """What the members say of themselves must be within the limits; `_write` counts whether it was true."""
    total = 0
    for member in members:
        if member.compress_type not in _METHODS:
            raise ArchiveError("R-ZIP-06", f"a member has the packing {member.compress_type}")
        total += member.file_size
        _confirm(member, member.file_size, total)


def _confirm(member: zipfile.ZipInfo, size: int, total: int) -> None:
    if total > MAX_BYTES:
        raise ArchiveError("R-ZIP-05", f"it unpacks to more than {MAX_BYTES >> 30} GB")
    if size > RATIO_FROM and size > MAX_RATIO * max(member.compress_size, 1):
        raise ArchiveError("R-ZIP-05", f"a member unpacks to more than {MAX_RATIO} times its size")


def _write(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> Path:
    """Copy one member, counting real bytes; its declared size is not believed."""
    size = 0
    with archive.open(member) as source, target.open("xb") as out:
        while block := source.read(BLOCK):
            size += len(block)
            _confirm(member, size, size)
            out.write(block)
    if size != member.file_size:
        raise ArchiveError("R-ZIP-01", "a member is shorter than the archive says")
    date = _date(member)
    os.utime(target, (date, date))
    return target


def _date(member: zipfile.ZipInfo) -> int:
    """When a member was written, by the clock of whoever packed it; 0 for unknown."""
    if member.date_time[:3] <= _UNSET:
        return 0
    try:
        return calendar.timegm(datetime.datetime(*member.date_time).timetuple())  # noqa: DTZ001 # zip knows no zones
    except ValueError:
        return 0
