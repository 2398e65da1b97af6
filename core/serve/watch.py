"""The files that came: for districts that begin a run when new ones are there."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from syncrun.config.district import District
from syncrun.registry import imported
from syncrun.sdk import Cap, Context, WatchedSource


@dataclass(frozen=True, slots=True)
class _Sight:
    mark: str | None
    since: float


class Watch:
    """Looks at the files of districts, and says which have been there, unchanged, for long enough."""

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        self._timer = timer
        self._sights: dict[str, _Sight] = {}
        self._coming: set[str] = set()

    @property
    def sees_more_coming(self) -> bool:
        """Whether some files were looked at and will begin a run when they have been quiet for longer."""
        return bool(self._coming)

    def arrived(self, district: District, known: str | None, now: datetime.datetime) -> str | None:
        """What stands for files that came and were dealt with by nobody: other ones than those that are `known`. None when
        there are none, when they may still be coming, or when it is no time for them."""
        self._coming.discard(district.name)
        if district.arrival is None:
            return None
        mark = mark_of(district)
        before = self._sights.get(district.name)
        if before is None or before.mark != mark:
            before = self._sights[district.name] = _Sight(mark, self._timer())
        if mark is None or mark == known or not district.arrival.open_at(now):
            return None
        if self._timer() - before.since < district.arrival.quiet_seconds:
            self._coming.add(district.name)
            return None
        return mark


def mark_of(district: District) -> str | None:
    """What stands for the files of a district that are there now; None when there are none, or its source cannot tell,
    also where that is a fault of its plug-in: other districts go on, and a scheduled run of this one says what it is."""
    info = district.source.info
    if Cap.WATCH not in info.caps:
        return None
    try:
        source = imported(info.cls, info.name)(district.source.settings, Context(district.name, district.folder, ""))
        return cast("WatchedSource", source).arrived()
    except Exception:  # noqa: BLE001 # a plug-in may raise anything
        return None
