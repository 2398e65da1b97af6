"""Whether the pages that came are all there is. What is proved whole is ground for saying "the rest is gone"; so a doubt
counts, and a server's word only where it holds.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

ABSURD = 10**9
"""More records than any collection has; such a total is no total."""


def total_of(headers: Mapping[str, str]) -> int | None:
    """The collection's size as the server tells it; None where it is absent, negative, no number or absurd."""
    return _count(headers.get("X-Total-Count", ""))


def count_of(headers: Mapping[str, str]) -> int | None:
    """The page's size as the server tells it, under either name; None where it says nothing that can be read."""
    return _count(headers.get("X-Count", headers.get("X-Returned-Count", "")))


def _count(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < len(str(ABSURD)) else None


class Proof:
    """What speaks for and against the pages of one pull being all of a collection.

    `received` counts records, from the offset at which the pull began; `doubt` is the first reason, a code word, for
    which they are not proved whole:

    - `moved`: the total changed between pages, or a page did not begin where the last one ended;
    - `repeated`: a record came twice, so that another may have been skipped;
    - `order`: an order was kept and then left; or there is no total, and no order either, or no way to see that pages
      join;
    - `total`: the total is not what was received;
    - `empty`: nothing came, and no total says that nothing is there.
    """

    def __init__(self, received: int, total: int | None, *, sorted_: bool) -> None:
        self.received = received
        self.total = total
        self.sorted = sorted_
        self._told = total is not None
        self.moved = False
        self._loose = received > 1  # in which order the records before came is not known any more
        self._repeated = False
        self._pages = 0
        self._order = Order()
        self._kept = False
        self._last_ids: frozenset[str] = frozenset()

    def add(self, records: Sequence[Mapping[str, Any]], total: int | None, *, anchored: bool = False) -> list[str]:
        """Take in a page; `anchored` where it was seen to begin at the last record before. Returns the records' ids,
        those that have one."""
        self._loose = self._loose or (self.received > 1 and not anchored)
        if total is not None:
            self.moved = self.moved or (self._told and total != self.total)
            self.total, self._told = total, True
        ids = [str(found) for each in records if (found := each.get("sourcedId")) is not None]
        if records:
            unique = frozenset(ids)
            self._repeated = self._repeated or len(unique) != len(ids) or not unique.isdisjoint(self._last_ids)
            self._last_ids = unique
            self._order.add(ids if len(ids) == len(records) else None)
            if self._pages == 0:
                self._kept = self.sorted and self._order.kept and len(ids) > 1
            self._pages += 1
            self.received += len(records)
        return ids

    @property
    def complete(self) -> bool:
        """Whether as many records came as the server said; with more, its total is no longer believed."""
        return self.total is not None and self.received == self.total

    @property
    def doubt(self) -> str:
        """Why the pages so far are not proved; before the end only what no later page can mend."""
        if self.moved:
            return "moved"
        if self._repeated:
            return "repeated"
        return "order" if self._kept and not self._order.kept else ""

    def verdict(self) -> str:
        """At the end: why the pages are not proved to be all, or nothing where they are."""
        if self.doubt:
            return self.doubt
        if self.total is not None:
            return "" if self.complete else "total"
        if self.received == 0:
            return "empty"
        one = self._pages == 1
        return "" if not self._loose and (one or (self.sorted and self._order.kept)) else "order"


class Order:
    """Whether ids came in some ascending order. Databases sort texts in several ways; each is followed until it fails."""

    def __init__(self) -> None:
        self._ways: dict[str, Any] = dict.fromkeys(_WAYS)
        self._last: str | None = None

    @property
    def kept(self) -> bool:
        """Whether there is a way in which all ids so far ascend, none of them twice in a row."""
        return bool(self._ways)

    def add(self, ids: Sequence[str] | None) -> None:
        """Follow a page's ids; None for a page with records that have none."""
        if ids is None or any(map(operator.eq, chain([self._last], ids), ids)):
            self._ways.clear()
        for name, last in list(self._ways.items()):
            keys = _WAYS[name](ids or ())
            if keys is None or not all(map(operator.le, *_pairs(last, keys))):
                del self._ways[name]
            elif keys:
                self._ways[name] = keys[-1]
        self._last = ids[-1] if ids else self._last


def _pairs(last: Any, keys: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
    whole = keys if last is None else [last, *keys]
    return whole[:-1], whole[1:]


_SIGNS = re.compile(r"[^\w\n]|_")
_ASCII_SIGNS = bytes(code for code in range(128) if _SIGNS.fullmatch(chr(code)))


def _folded(ids: Sequence[str]) -> Sequence[str] | None:
    return _as_one(ids, str.casefold)


def _letters(ids: Sequence[str]) -> Sequence[str] | None:
    return _as_one(ids, lambda text: _without_signs(text).casefold())


def _without_signs(text: str) -> str:
    if text.isascii():  # twenty times as quick, and what nearly all ids are
        return text.encode().translate(None, _ASCII_SIGNS).decode()
    return _SIGNS.sub("", text)


def _as_one(ids: Sequence[str], change: Callable[[str], str]) -> Sequence[str] | None:
    """All ids changed at once, which is many times quicker than one by one."""
    found = change("\n".join(ids)).split("\n") if ids else []
    return found if len(found) == len(ids) else None


def _numbers(ids: Sequence[str]) -> Sequence[int] | None:
    try:
        return [int(each) for each in ids]
    except ValueError:
        return None


_WAYS: dict[str, Callable[[Sequence[str]], Sequence[Any] | None]] = {
    "code points": lambda ids: ids,
    "without case": _folded,
    "letters and digits": _letters,
    "numbers": _numbers,
}
"""Ways in which databases sort texts, as the keys of each: binary, without case, by a locale (which passes over signs),
and as numbers."""
