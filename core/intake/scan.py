"""One pass over a file's bytes: its hash, its line ends, commas and letters, and whether it changed meanwhile."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

BLOCK = 1 << 22
LineEnd = Literal["\n", "\r\n", "\r", "mixed", ""]


@dataclass(frozen=True, slots=True)
class Scan:
    """What the bytes say. `lines` counts line ends; `stamp` is (size, modification time, inode) before the pass."""

    path: Path
    size: int
    sha256: str
    lines: int
    line_end: LineEnd
    ended: bool
    """Whether the last line has its line end."""
    commas: int
    ascii: bool
    """Whether all letters are of ASCII."""
    stamp: tuple[int, int, int]

    @property
    def written(self) -> float:
        """When the file was written, in seconds since 1970; 0 for unknown."""
        return self.stamp[1] / 1e9

    def changed(self) -> bool:
        """Whether the file is another one now, still growing, or gone."""
        try:
            return stamp(self.path) != self.stamp
        except FileNotFoundError:
            return True


def stamp(path: Path) -> tuple[int, int, int]:
    """Size, modification time and inode of a file."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino


def scan(path: Path) -> Scan:
    """Look at one file."""
    seen = stamp(path)
    digest = hashlib.sha256()
    size = feeds = returns = pairs = commas = 0
    plain = True
    last = b""
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
            size += len(block)
            feeds += block.count(b"\n")
            commas += block.count(b",")
            plain = plain and block.isascii()
            if b"\r" in block:
                returns += block.count(b"\r")
                pairs += block.count(b"\r\n")
            if last == b"\r" and block[:1] == b"\n":
                pairs += 1
            last = block[-1:]
    return Scan(
        path, size, digest.hexdigest(), feeds + returns - pairs, _line_end(feeds, returns, pairs),
        last in {b"\n", b"\r"}, commas, plain, seen,
    )  # fmt: skip


def _line_end(feeds: int, returns: int, pairs: int) -> LineEnd:
    if not feeds and not returns:
        return ""
    if pairs == feeds == returns:
        return "\r\n"
    if not returns:
        return "\n"
    return "\r" if not feeds else "mixed"


def scan_all(paths: Iterable[Path]) -> list[Scan]:
    """Look at several files, two at a time: hashing runs beside the interpreter."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(scan, paths))
