"""Damage for fuzzing, always the same for the same number: of bytes, of CSV text, and of zip archives; and the watch that
is kept over what becomes of it."""

from __future__ import annotations

import contextlib
import csv
import io
import random
import re
import signal
import struct
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from desk import AUTUMN

from syncrun.connectors.oneroster_csv.format import ONEROSTER_CSV
from syncrun.errors import SyncError
from syncrun.run.checking import check_files
from syncrun.sdk import FileSet

SECONDS, MEGABYTES = 10, 600
Files = Mapping[str, bytes]
NASTY = (
    *("", " ", "\0", "\x1a", '"', '""', ",", "\n", "\r", "\r\n", "\t", ";", "\ufeff", "\u200b", "\u202e", "\xa0", "'"),
    *(
        "NULL",
        "None",
        "-1",
        "0",
        "1e999",
        "99999999999999999999",
        "2026-02-30",
        "0000-00-00",
        "9999-12-31",
        "true",
        "TRUE",
    ),
    *("=1+1", "#REF!", "1E+05", "{a:b}", "{{{", "}:{", "a,b,,c", "../../x", "'; DROP TABLE users; --", "%s%n", "\\N"),
    *("x" * 300, "é" * 300, "\U0001f600", "a\u0301", "ß", "🏫,🏫", "ext:x", "tobedeleted", "active", "administrator"),
    *("pupil-1", "school", "class", "year", "\x7f", "\x85", "\u2028", "\x0b", "\x0c", "\x1f"),
)

# -- bytes -----------------------------------------------------------------------------------------------------------


def _span(content: bytes, chance: random.Random, longest: int = 64) -> tuple[int, int]:
    start = chance.randrange(len(content) + 1)
    return start, min(start + chance.randrange(1, longest), len(content))


def flip(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content or b"\0")
    for _ in range(chance.choice((1, 1, 2, 16))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content) + 1)]


def drop(content: bytes, chance: random.Random) -> bytes:
    start, end = _span(content, chance, 1024)
    return content[:start] + content[end:]


def repeat(content: bytes, chance: random.Random) -> bytes:
    start, end = _span(content, chance, 1024)
    return content[:end] + content[start:end] * chance.choice((1, 1, 2, 50)) + content[end:]


def splice(content: bytes, chance: random.Random) -> bytes:
    start, end = _span(content, chance, 256)
    place = chance.randrange(len(content) + 1)
    return content[:place] + content[start:end] + content[place + end - start :]


def scramble(content: bytes, chance: random.Random) -> bytes:
    start, end = _span(content, chance)
    return content[:start] + chance.randbytes(end - start) + content[end:]


def put(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content) + 1)
    return content[:place] + chance.choice(NASTY).encode("utf-8", "surrogatepass") + content[place:]


BYTES = (flip, cut, drop, repeat, splice, scramble, put)

# -- text ------------------------------------------------------------------------------------------------------------


def _read(content: bytes) -> list[list[str]]:
    """The rows of a text, as far as they can be told."""
    found: list[list[str]] = []
    with contextlib.suppress(csv.Error):
        found.extend(csv.reader(io.StringIO(content.decode("utf-8", "replace"), newline="")))
    return found


def cells(content: bytes, chance: random.Random) -> bytes:
    """Some cells become others, in the header too now and then."""
    rows = _read(content)
    for _ in range(chance.choice((1, 2, 8))):
        row = chance.choice(rows[chance.random() > 0.2 :] or rows) if rows else []
        if row:
            place = chance.randrange(len(row))
            row[place] = chance.choice((chance.choice(NASTY), row[place] + chance.choice(NASTY), chance.choice(row)))
    return _written(rows, chance)


def rows(content: bytes, chance: random.Random) -> bytes:
    """Rows go, come twice, change places, or are of another length."""
    found = _read(content)
    if found:
        place = chance.randrange(len(found))
        chance.choice((found.pop, lambda n: found.insert(n, found[n]), lambda n: found[n].append("x"),
                       lambda n: found[n].clear(), lambda n: chance.shuffle(found)))(place)  # fmt: skip
    return _written(found, chance)


def columns(content: bytes, chance: random.Random) -> bytes:
    """Columns go, come twice or change places, in every row."""
    found = _read(content)
    order = list(range(len(found[0]))) if found else []
    if order:
        chance.choice((order.pop, lambda: order.append(order[0]), lambda: chance.shuffle(order), order.clear))()
    return _written([[row[n] for n in order if n < len(row)] for row in found], chance)


def _written(found: Iterable[list[str]], chance: random.Random) -> bytes:
    out = io.StringIO()
    quoting = chance.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
    csv.writer(out, lineterminator=chance.choice(("\n", "\r\n", "\r")), quoting=quoting).writerows(found)
    return out.getvalue().encode("utf-8", "replace")


def encoded(content: bytes, chance: random.Random) -> bytes:
    """The same text as other bytes."""
    name = chance.choice(("utf-16", "utf-16-le", "utf-8-sig", "cp1252", "utf-32", "utf-7", "cp037"))
    return content.decode("utf-8", "replace").encode(name, "replace")


def blown(content: bytes, chance: random.Random) -> bytes:
    """A cell as long as a book, or a line of nothing but commas or quotes."""
    place = chance.randrange(len(content) + 1)
    return content[:place] + chance.choice((b"x", b",", b'"', b"\n", b"\r", b"\0")) * (1 << 20) + content[place:]


TEXT = (cells, cells, cells, rows, columns, encoded, *BYTES)


def bundle(files: Files, number: int) -> dict[str, bytes]:
    """The set with damage in one file or several; some damage is seldom, since it takes long."""
    chance = random.Random(number)
    found = dict(files)
    for _ in range(chance.choice((1, 1, 2, 4))):
        name = chance.choice(sorted(found))
        damage = blown if chance.random() < 0.01 else chance.choice(TEXT)
        found[name] = damage(found[name], chance)
    return found


# -- archives --------------------------------------------------------------------------------------------------------


def packed(files: Files, chance: random.Random) -> bytes:
    """The set as an archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", chance.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED))) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return out.getvalue()


FIELDS = {b"PK\x03\x04": 30, b"PK\x01\x02": 46, b"PK\x05\x06": 22}


def lie(content: bytes, chance: random.Random) -> bytes:
    """Fields of the headers and of the directory say something else."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 5))):
        sign = chance.choice(tuple(FIELDS))
        place = chance.choice([each.start() for each in re.finditer(re.escape(sign), content)])
        field = place + chance.randrange(2, FIELDS[sign] // 2) * 2
        value = chance.choice((0, 1, 0xFFFF, 0x7FFF, chance.randrange(1 << 16)))
        changed[field : field + 2] = struct.pack("<H", value)
    return bytes(changed[: len(content)])


def zipped(files: Files, number: int) -> bytes:
    """An archive of the set with damage to its bytes; seldom a sound one of damaged files."""
    chance = random.Random(number)
    if chance.random() < 0.02:
        return packed(bundle(files, number), chance)
    content = packed(files, chance)
    damage = chance.choice((lie, lie, lie, *BYTES))
    return damage(content, chance)


# -- the watch -------------------------------------------------------------------------------------------------------


class Hang(BaseException):
    """A check took too long. It is no `Exception`, so that nothing swallows it."""


@contextlib.contextmanager
def watched(number: int) -> Iterator[None]:
    """Stop what takes too long: of the processor's time, so that a busy machine fails nobody, and six times as long by
    the clock."""

    def stop(*_: object) -> None:
        raise Hang(number)

    timers = {signal.SIGPROF: (signal.ITIMER_PROF, SECONDS), signal.SIGALRM: (signal.ITIMER_REAL, 6 * SECONDS)}
    before = {sign: signal.signal(sign, stop) for sign in timers}
    began = time.process_time()
    for timer, seconds in timers.values():
        signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        for sign, (timer, _) in timers.items():
            signal.setitimer(timer, 0)
            signal.signal(sign, before[sign])
    if time.process_time() - began > SECONDS:
        raise Hang(number)


def checked(paths: Iterable[Path], number: int) -> str:
    """What the check of a set says: an exit code, or the code of the error. Any error but ours goes through."""
    with watched(number):
        try:
            return f"exit {check_files(FileSet(tuple(paths), 'a test'), ONEROSTER_CSV, AUTUMN).exit_code}"
        except SyncError as error:
            findings = getattr(error, "findings", None)
            return findings[0].code if findings else error.code


def megabytes(line: str) -> float:
    """A figure of the memory of this process: `VmRSS` now, `VmHWM` at its highest."""
    found = re.search(rf"{line}:\s+(\d+)", Path("/proc/self/status").read_text(encoding="utf-8"))
    return int(found[1]) / 1024 if found else 0


def sweep(numbers: Iterable[int], check: Callable[[int], str]) -> Counter[str]:
    """Check each number; how often each answer came. Fails with the number for any error but ours, for a check that
    takes too long and for memory that grows."""
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    before = megabytes("VmRSS")
    answers: Counter[str] = Counter()
    for number in numbers:
        try:
            answers[check(number)] += 1
        except Exception as error:
            raise AssertionError(f"number {number} raised {type(error).__name__}") from error
    assert megabytes("VmHWM") - before < MEGABYTES
    return answers
