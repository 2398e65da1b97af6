"""The files of a package, read without trust: nothing is unpacked to disk, and no more than a plug-in ever holds."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import PurePosixPath

from syncrun.connectors.powerschool.lint.rule import Remark

MAX_BYTES = 20 << 20
"""What a package may be, and what its files may be together."""
MAX_FILES = 2000
_ENCRYPTED = 0x0001 | 0x0040 | 0x2000
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_KNOWN = {
    "queries_root": re.compile(r"[^/]+\.named_queries\.xml"),
    "permissions_root": re.compile(r"[^/]+\.permission_mappings\.xml"),
    "user_schema_root": re.compile(r"[^/]+\.xml"),
    "web_root": re.compile(r"(?!.*(^|/)(\.|Thumbs\.db$)).+"),
    "MessageKeys": re.compile(r"[^/]+\.properties"),
    "pagecataloging": re.compile(r"[^/]+\.json"),
}
"""By folder, what may be in it; `plugin.xml` beside them."""


def files(content: bytes, name: str) -> tuple[Mapping[str, bytes], list[Remark]]:
    """The files of a package that are known, by path; a single XML file is its own plugin.xml."""
    if not content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") and len(content) <= MAX_BYTES:
            return {"plugin.xml": content}, []
        return {}, [Remark("L-PS-01", name, words="it is neither a ZIP archive nor XML")]
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [each for each in archive.infolist() if not each.is_dir()]
            words = _unreadable(members)
            if words:
                return {}, [Remark("L-PS-01", name, words=words)]
            remarks = _misplaced(members)
            wanted = [each for each in members if _is_known(each.filename) and each.filename.endswith(".xml")]
            return {each.filename: _content(archive, each) for each in wanted}, remarks
    except _TooMuchError:
        return {}, [Remark("L-PS-01", name, words="a file holds more than the archive says")]
    except Exception:  # noqa: BLE001 # zipfile raises eight kinds of errors for damaged archives
        return {}, [Remark("L-PS-01", name, words="it is cut or damaged")]


class _TooMuchError(Exception):
    """A member is larger than it said."""


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as stream:
        found = stream.read(member.file_size + 1)
    if len(found) > member.file_size:
        raise _TooMuchError
    return found


def _unreadable(members: list[zipfile.ZipInfo]) -> str:
    if len(members) > MAX_FILES:
        return f"it has more than {MAX_FILES} files"
    if sum(each.file_size for each in members) > MAX_BYTES:
        return f"it unpacks to more than {MAX_BYTES >> 20} MB"
    if any(each.flag_bits & _ENCRYPTED for each in members):
        return "it has a password"
    if any(each.compress_type not in _METHODS for each in members):
        return "it is packed in a way that few programs read"
    return ""


def _misplaced(members: list[zipfile.ZipInfo]) -> list[Remark]:
    names = [each.filename for each in members]
    found = [Remark("L-PS-03", name) for name in names if not _is_known(name)]
    folded = [name.casefold() for name in names]
    found += [Remark("L-PS-04", name) for n, name in enumerate(names) if folded[n] in folded[:n]]
    if "plugin.xml" not in names:
        deeper = [name for name in names if PurePosixPath(name).name == "plugin.xml"]
        found = [Remark("L-PS-02", "plugin.xml", words=f"it is {deeper[0]}" if deeper else "there is none"), *found]
    return found


def _is_known(name: str) -> bool:
    if name == "plugin.xml":
        return True
    folder, _, rest = name.partition("/")
    pattern = _KNOWN.get(folder)
    return pattern is not None and ".." not in rest and pattern.fullmatch(rest) is not None
