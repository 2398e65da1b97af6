"""An answer of the other side, and its JSON, read once and strictly."""

from __future__ import annotations

import datetime
import email.utils
import gc
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from syncrun.errors import AnswerError, BadJsonError, CutAnswerError, NotJsonError


@dataclass(frozen=True, slots=True)
class Received:
    """What came over the wire: status, headers (their names in any case) and the decoded body."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer(Received):
    """A good answer. `json` is the parsed body; `headers` are for connectors too (`answer.headers.get("x-perm-rev")`).
    It prints as its status only: bodies hold children's data."""

    json: Any = field(repr=False)

    @property
    def date(self) -> datetime.datetime | None:
        """The other side's clock, in UTC, where it tells it."""
        return date_of(self.headers)


def date_of(headers: Mapping[str, str]) -> datetime.datetime | None:
    """The moment in the header `Date`, in UTC; None where there is none or it is none."""
    return moment(headers.get("Date", ""))


def moment(text: str) -> datetime.datetime | None:
    """A date as HTTP writes it, in UTC; None for other texts."""
    try:
        found = email.utils.parsedate_to_datetime(text)
        return found.replace(tzinfo=found.tzinfo or datetime.UTC).astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        return None


def parsed(body: bytes, what: str) -> Any:
    """The JSON of a body. `what` names the request, for errors.

    Raises `NotJsonError` for pages and for nothing, `CutAnswerError` where it ends in the middle, and `BadJsonError`
    for NaN, numbers out of range, more than a thousand levels, half letters and bytes that are not UTF-8. Of two
    equal keys the last one counts.
    """
    start = body.lstrip()[:1]
    if not start:
        raise NotJsonError(f"{what}: the answer is empty.")
    if start not in {b"{", b"["}:
        kind = "a page for people (HTML)" if start == b"<" else "no JSON"
        raise NotJsonError(f"{what}: the answer is {kind}.")
    try:
        return _read(body)
    except orjson.JSONDecodeError as error:
        raise _spoken(error, body, what) from None


def _read(body: bytes) -> Any:
    """The JSON of a body, while the search for cycles rests. JSON has none, and of a page of ten thousand records the
    search takes three times as long as the reading. Threads that do this at once end with the search as it was."""
    if not gc.isenabled():
        return orjson.loads(body)
    gc.disable()
    try:
        return orjson.loads(body)
    finally:
        gc.enable()


def _spoken(error: orjson.JSONDecodeError, body: bytes, what: str) -> AnswerError | CutAnswerError:
    text = error.msg
    try:
        body.decode()
    except UnicodeDecodeError as wrong:
        if wrong.reason == "unexpected end of data":
            return CutAnswerError(f"{what}: the answer ends in the middle of a letter.")
        return BadJsonError(f"{what}: the JSON has bytes that are not UTF-8, at byte {wrong.start}.")
    if "end of data" in text or error.pos >= len(body.decode()):
        return CutAnswerError(f"{what}: the JSON ends in the middle.")
    for sign, words in _REASONS.items():
        if sign in text:
            return BadJsonError(f"{what}: the JSON has {words}, at character {error.pos}.")
    return BadJsonError(f"{what}: the JSON breaks off its grammar at character {error.pos} (NaN, for instance).")


_REASONS = {
    "depth": "too many levels",
    "infinity": "a number out of range",
    "surrogate": "half a letter (a lone surrogate)",
}
"""What orjson says, and what we say."""
