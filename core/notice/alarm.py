"""The alarm: a district has had no good run for too long, whatever the reason, also when nothing runs at all."""

from __future__ import annotations

import datetime
from pathlib import Path

from syncrun.config.district import District
from syncrun.errors import ConfigError
from syncrun.notice.need import Need, need, of_file
from syncrun.state import history, outbox
from syncrun.state.store import State


def overdue(district: District, state: State) -> Need | None:
    """The need, when the last good run ended more than `alarm_hours` ago, or the first run began so long ago and none
    ended well since. A district that never ran has no alarm."""
    good = history.last_good(state, district.name)
    since = good.finished_at if good else history.first_begun(state, district.name)
    if since is None or not district.alarm_hours:
        return None
    if state.clock.now() - since < datetime.timedelta(hours=district.alarm_hours):
        return None
    hours = f"more than {district.alarm_hours:g} hours ago"
    words = f"The last good run ended at {since:%Y-%m-%d %H:%M} UTC, {hours}." if good else (
        f"No run has ended well since the first began, {hours}."
    )  # fmt: skip
    run = good.id if good else None
    return need(
        "N-ALARM-1", district.name, words, f"See `syncrun runs --district {district.name}`.", run or "never", run=run
    )


def ring(district: District, state: State) -> bool:
    """Have people told that a district is overdue, once for each last good run; whether they are to be told now."""
    found = overdue(district, state)
    if found is None:
        return False
    with state.transaction() as connection:
        return outbox.add(
            state, connection, f"alarm:{district.name}:{found.run or 'never'}", district.name, str(district.path),
            [found.as_dict()],
        )  # fmt: skip


def ring_unusable(name: str, path: Path, error: ConfigError, state: State) -> bool:
    """Have people told that a district file cannot be used, once for each time that it was written; whether they are to be
    told now."""
    changed = path.stat().st_mtime_ns if path.exists() else 0
    with state.transaction() as connection:
        return outbox.add(
            state, connection, f"file:{name}:{changed}", name, str(path), [of_file(name, error).as_dict()]
        )
