"""A digest in words and as JSON: the same needs, by district."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syncrun.state.outbox import Notice


@dataclass(frozen=True, slots=True)
class Letter:
    """A digest. `id` stays the same when it is sent again; `subject` and `text` are for people, `body` is JSON."""

    id: str
    subject: str
    text: str
    body: bytes


def written(batch: str, notices: Sequence[Notice], now: datetime.datetime) -> Letter:
    """The digest of these notices, oldest first."""
    needs = [(notice, need) for notice in notices for need in notice.needs]
    told = {
        "id": batch,
        "type": "syncrun.digest",
        "timestamp": now.isoformat(),
        "needs": [{**need, "at": notice.at.isoformat()} for notice, need in needs],
    }
    lines: list[str] = []
    for district in dict.fromkeys(notice.district for notice in notices):
        lines += [f"District {district}", *_lines(needs, district), ""]
    text = "\n".join([*lines, "Sent by syncrun. No names or ids of persons are in this message."])
    return Letter(batch, _subject(needs), text, json.dumps(told).encode())


def _lines(needs: Sequence[tuple[Notice, Mapping[str, Any]]], district: str) -> list[str]:
    found = []
    for notice, need in needs:
        if notice.district == district:
            found += [f"  {need['code']}  {need['title']}", f"    {notice.at:%Y-%m-%d %H:%M} UTC  {need['words']}",
                      f"    Next: {need['next_step']}"]  # fmt: skip
    return found


def _subject(needs: Sequence[tuple[Notice, Mapping[str, Any]]]) -> str:
    asking = {notice.district for notice, need in needs if need["asks"] != "know"}
    if not asking:
        return "syncrun: the first sync is complete"
    return f"syncrun: {next(iter(asking))} needs a person" if len(asking) == 1 else (
        f"syncrun: {len(asking)} districts need a person"
    )  # fmt: skip
