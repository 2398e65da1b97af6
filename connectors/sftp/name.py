"""Names that a server gives its files. They come from outside: a name is used only when it is plain, and never as a path.

users.csv                 taken
../users.csv, C:users     left aside: it would lead elsewhere
CON.csv, aux              left aside: a device on some systems
users.csv.filepart, ~$x   passed over: an upload that goes on, or an editor's copy
"""

from __future__ import annotations

import fnmatch
import unicodedata
from collections.abc import Iterable

LONGEST = 200
"""Bytes of a name; file systems take 255, and copies get longer names."""
UNFINISHED = (".filepart", ".part", ".partial", ".tmp", ".temp", ".writing", ".crdownload", ".swp", "~")
_DEVICES = {
    *("con", "prn", "aux", "nul", "conin$", "conout$", "clock$"),
    *(f"{port}{n}" for port in ("com", "lpt") for n in "0123456789¹²³"),
}


def plain(name: str) -> bool:
    """Whether a name can be that of a file here, as it stands, on any system."""
    if not name or name in {".", ".."} or name != name.strip(" ") or name.endswith("."):
        return False
    if any(each in '/\\:*?"<>|' or unicodedata.category(each) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for each in name):
        return False
    if name.split(".", maxsplit=1)[0].strip().lower() in _DEVICES:
        return False
    return len(name.encode()) <= LONGEST


def decoded(name: str | bytes) -> str:
    """A name as text; bytes that are not UTF-8 become signs that no plain name has."""
    return name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name


def unfinished(name: str) -> bool:
    """Whether the name says that its file is not for reading: an upload that goes on, an editor's copy, a hidden file."""
    return name.lower().endswith(UNFINISHED) or name.startswith((".", "~$"))


def fits(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name has one of the forms, in capitals or not."""
    return any(fnmatch.fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)


def same(name: str) -> str:
    """What two names have in common that some systems take for one."""
    return unicodedata.normalize("NFC", name).casefold()


def shown(name: str) -> str:
    """A name for people, whatever is in it."""
    text = name.encode("utf-8", "backslashreplace").decode()
    safe = "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in text)
    return safe if len(safe) <= 80 else f"{safe[:79]}…"  # a line of a report
