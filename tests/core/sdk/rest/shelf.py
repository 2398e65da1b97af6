"""A collection behind pages, as good servers and bad ones turn them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from scripted import Asked, Reply


@dataclass
class Shelf:
    """Serves `ids` by limit and offset. Each switch is one habit of a server."""

    ids: list[str]
    total: Callable[[int], object | None] = lambda count: count
    clamp: int | None = None
    short: int = 0
    sorts: bool = True
    count: str | None = "X-Count"
    link: Callable[[int, int, int], str | None] = lambda offset, limit, count: None
    key: str = "users"
    before: Callable[[Shelf, int], Reply | None] = lambda shelf, turn: None
    skip_page: int | None = None
    extra: dict[str, str] = field(default_factory=dict)
    turn: int = 0

    def __call__(self, asked: Asked) -> Reply:
        self.turn += 1
        if special := self.before(self, self.turn):
            return special
        limit = int(asked.params.get("limit", 100))
        offset = int(asked.params.get("offset", 0))
        if self.clamp:
            limit = min(limit, self.clamp)
        kept = sorted(self.ids) if self.sorts and asked.params.get("sort") == "sourcedId" else self.ids
        start = offset + limit if self.turn == self.skip_page else offset
        rows = kept[start : start + max(1, limit - self.short)]
        headers = dict(self.extra)
        if (total := self.total(len(kept))) is not None:
            headers["X-Total-Count"] = str(total)
        if self.count:
            headers[self.count] = str(len(rows))
        if link := self.link(offset, limit, len(kept)):
            headers["Link"] = link
        return Reply(body={self.key: [record(each) for each in rows]}, headers=headers)


def record(sourced_id: str) -> dict[str, Any]:
    return {"sourcedId": sourced_id, "status": "active", "givenName": "canary"}
