"""What a file is by its first bytes, where it is plainly no text: archives, workbooks and pages that were given the name
of a CSV file."""

from __future__ import annotations

from pathlib import Path

LOOKED_AT = 512
ZIP = "a zip archive"
WORKBOOK = "an Excel workbook"
_SIGNS = (
    (0, b"PK\x03\x04", ZIP),
    (0, b"PK\x05\x06", ZIP),
    (0, b"\xd0\xcf\x11\xe0", WORKBOOK),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"Rar!\x1a\x07", "a RAR archive"),
    (0, b"BZh", "a bzip2 archive"),
    (0, b"\xfd7zXZ\0", "an xz archive"),
    (0, b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"%PDF-", "a PDF document"),
    (0, b"<!doctype", "a web page"),
    (0, b"<html", "a web page"),
    (0, b"<?xml", "an XML document"),
)
_WORKBOOK_PARTS = (b"[Content_Types].xml", b"_rels/", b"xl/", b"mimetypeapplication/vnd.oasis")
"""What workbooks, which are zip archives, have as their first member."""


def kind(path: Path) -> str:
    """What the file is in words, or nothing where it may be text."""
    with path.open("rb") as stream:
        head = stream.read(LOOKED_AT)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for place, sign, words in _SIGNS:
        if head.startswith(sign, place) or (sign[:1] == b"<" and text.startswith(sign)):
            return WORKBOOK if words == ZIP and head[30:].startswith(_WORKBOOK_PARTS) else words
    return ""
