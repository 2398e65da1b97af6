"""How an answer goes over the wire, and what can go wrong there: wrong lengths, cuts, stalls, bombs."""

from __future__ import annotations

import email.utils
import struct
import threading
import zlib
from collections.abc import Iterator
from http import HTTPStatus
from typing import Protocol

from syncrun.clock import Clock
from syncrun.testing.roster_server.answer import Answer
from syncrun.testing.roster_server.fault import Faults

BLOCK = 1 << 20


class CutError(ConnectionError):
    """The connection is to be closed here and now, whatever was promised."""


class Line(Protocol):
    """What takes bytes: a connection."""

    def send(self, data: bytes) -> None:
        """Send all of it."""


def transmit(line: Line, answer: Answer, faults: Faults, clock: Clock, closing: threading.Event) -> None:
    """Send an answer. Raises `CutError` where the connection cannot be used any further."""
    length = len(answer.body) + faults.length_off
    if faults.gzip_bomb:
        answer.headers["Content-Encoding"] = "gzip"
        length = sum(map(len, _bomb(faults.gzip_bomb)))
    line_of_status = f"HTTP/1.1 {answer.status} {_phrase(answer.status)}\r\n"
    headers = {"Date": email.utils.format_datetime(clock.now(), usegmt=True), **answer.headers}
    headers["Content-Length"] = str(max(0, length))
    head = line_of_status + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    if not _wrong(faults):
        line.send(head.encode("latin-1") + answer.body)  # at once: two packets cost a client 40 ms
        return
    line.send(head.encode("latin-1"))
    for part in _parts(answer.body, faults, closing):
        line.send(part)
    if faults.length_off:
        raise CutError("The length was wrong.")


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus.__members__.values() else "Status"


def _wrong(faults: Faults) -> bool:
    return bool(
        faults.length_off or faults.cut_after or faults.stall_after or faults.bytes_per_second or faults.gzip_bomb
    )


def _parts(body: bytes, faults: Faults, closing: threading.Event) -> Iterator[bytes]:
    """The body in the parts that are sent. Waiting ends when the server closes."""
    if faults.gzip_bomb:
        yield from _bomb(faults.gzip_bomb)
    elif faults.cut_after:
        yield body[: faults.cut_after]
        raise CutError("The connection is cut.")
    elif faults.stall_after:
        yield body[: faults.stall_after]
        if closing.wait(faults.stall_seconds):
            raise CutError("The server closes.")
        yield body[faults.stall_after :]
    elif faults.bytes_per_second:
        step = max(1, faults.bytes_per_second // 10)
        for at in range(0, len(body), step):
            yield body[at : at + step]
            if closing.wait(0.1):
                raise CutError("The server closes.")
    else:
        yield body


def _bomb(size: int) -> Iterator[bytes]:
    """`size` zeros as gzip, a thousandth of it in length, made block by block."""
    yield b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(bytes(BLOCK)) + packer.flush(zlib.Z_FULL_FLUSH)  # stands for itself wherever it is put
    check = 0
    for _ in range(size // BLOCK):
        check = zlib.crc32(bytes(BLOCK), check)
        yield block
    rest = bytes(size % BLOCK)
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    yield packer.compress(rest) + packer.flush()
    yield struct.pack("<II", zlib.crc32(rest, check), size % (1 << 32))
