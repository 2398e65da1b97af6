"""How one district stands: its last good run, its next one, what of its plan waits since when, what a person is needed
for. Nothing is read but the state and the district's file."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from syncrun.config.district import District
from syncrun.errors import EXIT_DEGRADED, EXIT_DONE, EXIT_HELD, ConfigError
from syncrun.notice.alarm import overdue
from syncrun.notice.need import Need, need, of_file, of_job, of_run, skipped
from syncrun.order.start import NextRun, unscheduled
from syncrun.plan.model import school_of
from syncrun.state import history, job, lease, outbox
from syncrun.state.model import holds, runs
from syncrun.state.store import Approval, Run, State

WAITS = ("N-FIRST-1", "N-HELD-1")


@dataclass(frozen=True, slots=True)
class Held:
    """A part of a plan that waits: since when the same changes wait, and until when an approval of them holds, which the
    next run acts on. `rejected`: a person turned it down, and the source is to be changed."""

    sink: str
    school: str | None
    hash: str
    codes: tuple[str, ...]
    since: datetime.datetime
    approved_until: datetime.datetime | None
    rejected: bool

    def as_dict(self, now: datetime.datetime) -> dict[str, Any]:
        """As `--json` prints it."""
        until = self.approved_until.isoformat() if self.approved_until else None
        return {"sink": self.sink, "school": self.school, "hash": self.hash, "codes": list(self.codes),
                "since": self.since.isoformat(), "hours": round((now - self.since).total_seconds() / 3600, 1),
                "approved_until": until, "rejected": self.rejected}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Overview:
    """One district. `at_work` is the run that is going on; `last` the newest that is not a dry run; `again_at` when one
    that ended early is tried again by a server; `watched` says that files that come begin runs; `filed` says that its file is one of districts/ or was named."""

    district: str
    time_zone: str
    last_good: Run | None
    last: Run | None
    at_work: str | None
    next_run: datetime.datetime | None
    held: tuple[Held, ...]
    needs: tuple[Need, ...]
    filed: bool = True
    again_at: datetime.datetime | None = None
    watched: bool = False

    @property
    def last_outcome(self) -> str:
        """How the last run ended, in a word."""
        if self.at_work:
            return "at work"
        if self.last is None:
            return "never ran"
        return self.last.outcome or "cut off"

    def _local(self, moment: datetime.datetime | None) -> str | None:
        return moment.astimezone(ZoneInfo(self.time_zone)).isoformat() if moment else None

    def as_dict(self, now: datetime.datetime) -> dict[str, Any]:
        """As `--json` prints it; `next_run` is in the district's time, with its distance from UTC."""
        return {
            "district": self.district, "last_good": _brief(self.last_good), "last": _brief(self.last),
            "last_outcome": self.last_outcome, "filed": self.filed, "at_work": self.at_work,
            "again_at": self.again_at.isoformat() if self.again_at else None,
            "next_run": self._local(self.next_run), "watched": self.watched,
            "held": [each.as_dict(now) for each in self.held], "needs": [each.as_dict() for each in self.needs],
        }  # fmt: skip


def overview(district: District, state: State, next_run: NextRun = unscheduled) -> Overview:
    """How a district stands now. `next_run` tells when it is scheduled to run."""
    name = district.name
    last = next((run for run in state.runs(name) if not run.dry_run), None)
    with state.transaction() as connection:
        told = history.newest(connection, name, "")
    held = tuple(_held(state, told)) if told else ()
    owed = job.last(state, name)
    return Overview(name, district.time_zone, history.last_good(state, name), last,
                    lease.holder(state.engine, name, state.clock), next_run(name), held,
                    tuple(_needs(district, state, told, held)), again_at=owed.again_at if owed and owed.is_open else None,
                    watched=district.arrival is not None)  # fmt: skip


def unusable(name: str, error: ConfigError, state: State) -> Overview:
    """A district whose file cannot be used, as far as the state knows it."""
    last = next((run for run in state.runs(name) if not run.dry_run), None)
    return Overview(name, "UTC", history.last_good(state, name), last, None, None, (), (of_file(name, error),))


def unfiled(name: str, state: State) -> Overview:
    """A district that ran and whose file is none of districts/, as far as the state knows it. Nobody is needed for it
    here: it may be kept elsewhere, or be gone."""
    last = next((run for run in state.runs(name) if not run.dry_run), None)
    working = lease.holder(state.engine, name, state.clock)
    return Overview(name, "UTC", history.last_good(state, name), last, working, None, (), (), filed=False)


def exit_code(found: Iterable[Overview]) -> int:
    """What `--fail` ends with: 4 when something is to be put right, 3 when plans only wait for approval, else 0."""
    asks = {need.asks for each in found for need in each.needs}
    return EXIT_DEGRADED if "act" in asks else EXIT_HELD if "approve" in asks else EXIT_DONE


def _needs(district: District, state: State, told: Run | None, held: tuple[Held, ...]) -> Iterator[Need]:
    open_sinks = {each.sink for each in held if each.approved_until is None}
    for each in of_run(district.name, {"run": told.id, **(told.summary or {})}) if told else ():
        if each.code not in WAITS or each.words.partition(":")[0] in open_sinks:
            yield each
    owed = job.last(state, district.name)
    if owed and owed.ended_at and (told is None or told.started_at <= owed.ended_at):
        unended = of_job(owed)
        if unended:
            yield unended
    passed = history.last_skipped(state, district.name)
    if passed:
        yield skipped(district.name, passed.reason)
    alarm = overdue(district, state)
    if alarm:
        yield alarm
    lost = [each for each in outbox.listed(state, "given up") if each.notice.district == district.name]
    if lost:
        yield need("N-TELL-1", district.name, f"{len(lost)} deliveries were given up ({lost[-1].error}).",
                   "Correct the section [notify]; `syncrun digest show` lists them.", str(lost[-1].notice.id))  # fmt: skip


def _held(state: State, run: Run) -> Iterator[Held]:
    words = state.approvals(run.district)
    for each in state.holds(run.id):
        same = (holds.c.district == run.district) & (holds.c.sink == each.sink) & (holds.c.part == each.part)
        query = sa.select(sa.func.min(runs.c.finished_at)).join(holds, holds.c.run == runs.c.id)
        with state.transaction() as connection:
            since = connection.execute(query.where(same & (holds.c.hash == each.hash))).scalar()
        school = school_of(each.part) or None
        word = _word(words, run, school)
        approved = word.expires_at if word and word.verdict == "approve" else None
        yield Held(each.sink, school, each.hash, tuple(sorted(set(each.reasons))), since or run.started_at, approved,
                   word is not None and word.verdict == "reject")  # fmt: skip


def _word(words: Iterable[Approval], run: Run, school: str | None) -> Approval | None:
    """The last word on the whole plan, or on a school of it since it was made."""
    found = [each for each in words
             if (each.school is None and each.plan_hash == run.plan_hash)
             or (school and each.school == school and run.finished_at and each.at >= run.finished_at)]  # fmt: skip
    return found[-1] if found else None


def _brief(run: Run | None) -> dict[str, Any] | None:
    return None if run is None else {
        "run": run.id, "outcome": run.outcome, "mode": run.mode, "started_at": run.started_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
    }  # fmt: skip
