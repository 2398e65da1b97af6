"""From bytes to text: files that are not plain UTF-8 with commas are copied as such before anything else reads them.

The ladder: a byte-order mark; UTF-16 that betrays itself by its zeros; UTF-8; then the 8-bit set that the source
declares or, where no byte speaks for UTF-8, the one that is recognised. What cannot be decoded stays a damaged line and is
refused there. Lines keep their numbers. Each step is a remark in the report.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import charset_normalizer

from syncrun.finding import Finding
from syncrun.intake.dialect import MAX_LINE
from syncrun.intake.scan import Scan
from syncrun.sdk import TextForm

BLOCK = 1 << 22
SAMPLE = 1 << 16
"""So many bytes of lines with other letters than ASCII are looked at to recognise an 8-bit set."""
EIGHT_BIT = ("cp1252", "cp1250", "cp1251", "mac_roman", "cp850", "iso8859_15")
"""The sets that exports of schools are written in. The first is by far the most common; where its letters make words, a
guess by frequencies would be worse. No guess is sure, so that a plan waits for a person until the source declares one."""
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"), (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip
"""Byte-order marks; the longer ones first, since one begins as another does."""
DELIMITERS = {"\t": "tabs", ";": "semicolons", "|": "bars"}
END_OF_FILE = b"\x1a"
_ODD = re.compile(
    "[^\\x00-\\x7fÀ-ÖØ-öø-ÿŒœŠšŽžŸ\u2018\u2019\u201c\u201d\u2013\u2014«»°ºª¿¡\u20ac\u00a0]|[a-zà-öø-ÿœšž][À-ÖØ-ÞŒŠŽŸ]|\\w[\u2013\u2014]\\w"
)
"""What letters of Western Europe do not look like: other signs, a capital behind a small letter, a dash inside a word."""
_WORDS = re.compile(r"[\w .#:/()-]+")


@dataclass(frozen=True, slots=True)
class _Look:
    """What the bytes of a file show: its encoding, how many bytes its mark takes, and how many at its end are none of
    the text's."""

    encoding: str
    mark: int
    tail: int


def plain(scan: Scan, file: str, form: TextForm, into: Path) -> tuple[Path, list[Finding]]:
    """The file itself where it is UTF-8 with commas, otherwise a copy in the folder `into` that is; remarks on it.

    A file that ends in zeros gets a finding that stops the set: it was not written to its end.
    """
    path = scan.path
    look, findings = _look(scan, file, form)
    delimiter, more = _delimiter(path, file, form, look)
    findings += more
    if look.encoding == "utf-8" and not look.tail and delimiter == "," and form.quotes:
        return path, findings
    if not form.quotes:
        findings.append(Finding("R-TEXT-05", file))
    copy = into / f"text-{len(list(into.glob('text-*'))):03d}.csv"
    copy.touch(mode=0o600)
    turned = _turned(delimiter, quotes=form.quotes)
    with copy.open("w", encoding="utf-8", errors="surrogateescape", newline="") as out:
        for text in _decoded(path, look):
            out.write(turned(text))
    return copy, findings


# -- bytes ---------------------------------------------------------------------------------------------------------------


def _look(scan: Scan, file: str, form: TextForm) -> tuple[_Look, list[Finding]]:
    path = scan.path
    with path.open("rb") as stream:
        head = stream.read(BLOCK)
        size = stream.seek(0, 2)
        stream.seek(max(0, size - BLOCK))
        end = stream.read(BLOCK)
    encoding, mark = _marked(head)
    findings = []
    if encoding != "utf-8":
        findings.append(Finding("R-TEXT-01", file, words=encoding))
    elif form.encoding:
        encoding = codecs.lookup(form.encoding).name
    elif not scan.ascii and not _is_utf8(path):
        encoding = _eight_bit(path) or "utf-8"
        findings += [Finding("R-TEXT-02", file, words=encoding)] if encoding != "utf-8" else []
    wide = encoding.startswith(("utf-16", "utf-32"))
    tail = 0 if wide else len(end) - len(end.rstrip(END_OF_FILE))
    if tail:
        findings.append(Finding("R-TEXT-03", file))
    if not wide and end[: len(end) - tail].endswith(b"\0\0"):
        findings.append(Finding("R-TEXT-06", file))
    return _Look(encoding, mark, tail), findings


def _marked(head: bytes) -> tuple[str, int]:
    """The encoding that a byte-order mark names, or that zeros at every other place betray, and the mark's length."""
    for mark, encoding in MARKS:
        if head.startswith(mark):
            return encoding, len(mark)
    first = head[: 1 << 10]
    if len(first) >= 8 and first.count(0) * 5 >= len(first) * 2:  # two of five: text in other letters has fewer
        odd, even = first[1::2].count(0), first[::2].count(0)
        if odd and not even:
            return "utf-16-le", 0
        if even and not odd:
            return "utf-16-be", 0
    return "utf-8", 0


def _is_utf8(path: Path) -> bool:
    """Whether the bytes are UTF-8, or damaged UTF-8: some of the letters beyond ASCII are right."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    damaged = False
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            if block.isascii() and not decoder.getstate()[0]:
                continue
            text = decoder.decode(block)
            damaged = damaged or re.search("[\udc80-\udcff]", text) is not None
            if re.search("[\x80-\ud7ff\ue000-\U0010ffff]", text.removeprefix("\ufeff")):
                return True
    return not damaged


def _eight_bit(path: Path) -> str | None:
    """The 8-bit set in which the letters beyond ASCII make words."""
    sample = bytearray()
    with path.open("rb") as stream:
        while len(sample) < SAMPLE and (line := stream.readline(MAX_LINE)):
            if not line.isascii():
                sample += line
    western = bytes(sample).decode(EIGHT_BIT[0], "replace")
    if not _ODD.search(western):
        return EIGHT_BIT[0]
    found = charset_normalizer.from_bytes(bytes(sample), cp_isolation=list(EIGHT_BIT[1:]), threshold=0.5).best()
    return found.encoding if found else None


def _decoded(path: Path, look: _Look) -> Iterator[str]:
    """The text in pieces that end with a line end, but for the last. Bytes that the encoding does not have stay bytes."""
    errors = "surrogateescape" if not look.encoding.startswith("utf-") or look.encoding == "utf-8" else "replace"
    decoder = codecs.getincrementaldecoder(look.encoding)(errors)
    left = path.stat().st_size - look.mark - look.tail
    rest = ""
    with path.open("rb") as stream:
        stream.seek(look.mark)
        while left > 0 and (block := stream.read(min(BLOCK, left))):
            left -= len(block)
            text = rest + decoder.decode(block, final=left <= 0)
            cut = max(text.rfind("\n"), text.rfind("\r", 0, -1)) + 1
            rest = text[cut:]
            yield text[:cut]
    yield rest


# -- commas and quotes ---------------------------------------------------------------------------------------------------


def _delimiter(path: Path, file: str, form: TextForm, look: _Look) -> tuple[str, list[Finding]]:
    """What stands between cells: what the source declares, or what alone takes the header apart into words."""
    if form.delimiter:
        found = form.delimiter
    else:
        header = next(_decoded(path, look), "").lstrip("\ufeff").replace("\r", "\n").partition("\n")[0]
        fits = [
            each for each in DELIMITERS
            if "," not in header and each in header
            and all(_WORDS.fullmatch(cell.strip().strip('"') or "x") for cell in header.split(each))
        ]  # fmt: skip
        found = fits[0] if len(fits) == 1 else ","
    if found == ",":
        return found, []
    return found, [Finding("R-TEXT-04", file, words=DELIMITERS.get(found, found))]


def _turned(delimiter: str, *, quotes: bool) -> Callable[[str], str]:
    """What makes CSV with commas and quotes of a piece of text."""
    if not quotes:
        return lambda text: _quoted_where_needed(text, delimiter)
    if delimiter == ",":
        return lambda text: text
    inside = False

    def turn(text: str) -> str:
        nonlocal inside
        if not inside and '"' not in text and "," not in text:
            return text.replace(delimiter, ",")
        found = []
        for line in text.splitlines(keepends=True):
            turned, inside = _line_turned(line, delimiter, inside=inside)
            found.append(turned)
        return "".join(found)

    return turn


def _line_turned(line: str, delimiter: str, *, inside: bool) -> tuple[str, bool]:
    """One line with commas between its cells; whether a quote is open behind it. A cell with a comma gets quotes."""
    cells, cell, quoted = [], "", inside
    for sign in line.rstrip("\r\n"):
        if sign == '"' and (quoted or not cell):
            quoted = not quoted
        if sign == delimiter and not quoted:
            cells.append(cell)
            cell = ""
        else:
            cell += sign
    cells.append(cell)
    end = line[len(line.rstrip("\r\n")) :]
    return ",".join(f'"{each}"' if "," in each and '"' not in each else each for each in cells) + end, quoted


def _quoted_where_needed(text: str, delimiter: str) -> str:
    """Where quotes are letters like others, cells that hold them, or commas, get quotes of ours."""
    if '"' not in text and (delimiter == "," or "," not in text):
        return text.replace(delimiter, ",")
    found = []
    for line in text.splitlines(keepends=True):
        body = line.rstrip("\r\n")
        cells = (
            '"' + cell.replace('"', '""') + '"' if '"' in cell or "," in cell else cell
            for cell in body.split(delimiter)
        )
        found.append(",".join(cells) + line[len(body) :])
    return "".join(found)
