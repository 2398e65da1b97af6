"""What past runs say of a district: whether the last one ended well, when one last did, how long they take."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import sqlalchemy as sa

from syncrun.state.model import audit, runs
from syncrun.state.store import Run, State, run_of

SKIP = "skip"
"""The action in the audit by which a scheduled run that was passed over is known."""
AHEAD = datetime.timedelta(days=2)
"""A skip that lies further ahead was noted while the clock was wrong, and does not count."""
MEASURED = 10
"""So many of the last runs tell how long the next will take."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A scheduled run that was passed over, when and why."""

    at: datetime.datetime
    reason: str


def ended_well(run: Run) -> bool:
    """Whether a run did what it was for. Rows that were rejected alone spoil nothing; a sink that was left out, a part
    that waits, and any error do."""
    told = run.summary or {}
    passed = any(each.get("outcome") == "skipped" for each in told.get("sinks", {}).values())
    return run.outcome == "DONE" or (run.outcome == "DEGRADED" and not told.get("errors") and not passed)


def ended(state: State, district: str, *outcomes: str, limit: int = 200) -> list[Run]:
    """The newest runs of a district that came to an end, with one of these outcomes if any are named, the newest first;
    no dry runs."""
    query = sa.select(runs).where(runs.c.district == district, runs.c.finished_at.is_not(None), ~runs.c.dry_run)
    if outcomes:
        query = query.where(runs.c.outcome.in_(outcomes))
    with state.transaction() as connection:
        return [run_of(row) for row in connection.execute(query.order_by(runs.c.epoch.desc()).limit(limit))]


def newest(connection: sa.Connection, district: str, but: str) -> Run | None:
    """The newest run that ended otherwise than with RETRY, besides one; no dry run. In the transaction given."""
    query = sa.select(runs).where(
        runs.c.district == district, runs.c.id != but, runs.c.finished_at.is_not(None), ~runs.c.dry_run,
        runs.c.outcome != "RETRY",
    )  # fmt: skip
    found = connection.execute(query.order_by(runs.c.epoch.desc()).limit(1)).one_or_none()
    return run_of(found) if found else None


def last_begun(state: State, district: str) -> Run | None:
    """The newest run of a district, whether or not it came to an end; no dry run."""
    query = sa.select(runs).where(runs.c.district == district, ~runs.c.dry_run).order_by(runs.c.epoch.desc()).limit(1)
    with state.transaction() as connection:
        found = connection.execute(query).one_or_none()
    return run_of(found) if found else None


def last_good(state: State, district: str) -> Run | None:
    """The newest that ended well."""
    return next((run for run in ended(state, district, "DONE", "DEGRADED") if ended_well(run)), None)


def first_begun(state: State, district: str) -> datetime.datetime | None:
    """When the first run of a district began; no dry runs."""
    query = sa.select(sa.func.min(runs.c.started_at)).where(runs.c.district == district, ~runs.c.dry_run)
    with state.transaction() as connection:
        return connection.execute(query).scalar()


def first_sync_done(state: State, district: str) -> bool:
    """Whether a person has let a first sync of the district go, and it was carried out: without that, files that come
    begin no run."""
    query = sa.select(runs.c.id).where(
        runs.c.district == district, runs.c.outcome.in_({"DONE", "DEGRADED"}), ~runs.c.dry_run, runs.c.mode != "upload"
    )
    with state.transaction() as connection:
        return connection.execute(query.limit(1)).first() is not None


def names(state: State) -> list[str]:
    """All districts that ever ran."""
    with state.transaction() as connection:
        return list(connection.execute(sa.select(runs.c.district).distinct().order_by(runs.c.district)).scalars())


def usual(state: State, district: str, mode: str) -> datetime.timedelta | None:
    """How long a run of that mode takes: the longest of the last `MEASURED` that had something to do; None when there
    was none yet."""
    found = [
        run.finished_at - run.started_at for run in ended(state, district, "DONE", "DEGRADED")
        if run.finished_at and run.mode == mode and ended_well(run) and not (run.summary or {}).get("nothing_to_do")
    ]  # fmt: skip
    return max(found[:MEASURED], default=None)


def last_skipped(state: State, district: str) -> Skipped | None:
    """The newest scheduled run that was passed over, unless a run began after it."""
    query = sa.select(audit).where(audit.c.district == district, audit.c.action == SKIP).order_by(audit.c.id.desc())
    with state.transaction() as connection:
        found = connection.execute(query.limit(1)).one_or_none()
        later = sa.select(sa.func.max(runs.c.started_at)).where(runs.c.district == district, ~runs.c.dry_run)
        latest: datetime.datetime | None = connection.execute(later).scalar()
    if found is None or (latest is not None and latest >= found.at) or found.at - state.clock.now() > AHEAD:
        return None
    return Skipped(found.at, found.subject)
