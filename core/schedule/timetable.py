"""The timetable: the schedules of all districts as the state keeps them, each with the moment of its next run.

A schedule comes from the district file, which then rules it, or from a command. Earlier ones are kept as history; the
current one counts, from the moment it was saved. Whoever begins runs asks `due` what to begin, and takes each with
`claim`; what becomes of it then is in `syncrun.state.job`.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

import sqlalchemy as sa

from syncrun.errors import UsageError
from syncrun.schedule.arrival import Arrival
from syncrun.schedule.due import Settled, Slot, appointment, decide
from syncrun.schedule.next import next_run
from syncrun.schedule.spec import MODES, Mode, Spec, from_json, settings, to_json
from syncrun.state import job, lease
from syncrun.state.job import Job, TakenError
from syncrun.state.model import jobs, schedules
from syncrun.state.store import State

Source = Literal["file", "command"]


class RuledByFileError(UsageError):
    """The district file has this schedule; a command cannot change it."""

    code = "E-SCHED-1"


class NoScheduleError(UsageError):
    """The district has no such schedule."""

    code = "E-SCHED-2"
    next_step = "See `syncrun schedule show`, or make one with `syncrun schedule set`."


@dataclass(frozen=True, slots=True)
class Entry:
    """A schedule in the timetable. `next_at`: its next run, were it not paused; None when it has ended. `settled`: until
    when all is settled. `missed_at`: the last run that was missed and not made up for. `last_run`: the last that the
    schedule brought to an end."""

    id: int
    district: str
    mode: Mode
    spec: Spec
    source: Source
    who: str
    at: datetime.datetime
    paused_by: str | None
    paused_at: datetime.datetime | None
    next_at: datetime.datetime | None
    settled: datetime.datetime
    last_due_at: datetime.datetime | None
    missed_at: datetime.datetime | None
    last_run: str | None

    @property
    def paused(self) -> bool:
        """Whether somebody paused it until it is resumed."""
        return self.paused_at is not None

    @property
    def ended(self) -> bool:
        """Whether it never runs again."""
        return self.next_at is None

    @property
    def runs_at(self) -> datetime.datetime | None:
        """The moment of its next run, in UTC; None when it is paused or has ended."""
        return None if self.paused else self.next_at


@dataclass(frozen=True, slots=True)
class Due:
    """A run that is to begin: of a district, in a mode, for the appointment `at`. `settles` is what becomes of its
    schedules with it."""

    district: str
    mode: Mode
    at: datetime.datetime
    settles: tuple[Settled, ...]


# -- looking -----------------------------------------------------------------------------------------------------------


def entries(state: State, district: str) -> list[Entry]:
    """The schedules of a district that count, the full one first."""
    with state.transaction() as connection:
        return _entries(connection, district)


def _entries(connection: sa.Connection, district: str) -> list[Entry]:
    found = connection.execute(sa.select(schedules).where(schedules.c.district == district, schedules.c.current))
    return sorted(map(_entry, found), key=lambda each: MODES.index(each.mode))


def _entry(row: sa.Row[Any]) -> Entry:
    values = row._asdict()
    values.pop("current")
    return Entry(**{**values, "spec": from_json(values["spec"])})


def next_entry(found: Iterable[Entry]) -> Entry | None:
    """Of the schedules of a district the one that runs next."""
    running = [(each.runs_at, MODES.index(each.mode), each) for each in found if each.runs_at is not None]
    return min(running, key=lambda each: each[:2])[2] if running else None


# -- saving ------------------------------------------------------------------------------------------------------------


def adopt(state: State, district: str, wanted: Mapping[Mode, Spec], now: datetime.datetime | None = None) -> list[Mode]:
    """Take over the schedules that the district file has, in place of any of the same mode, and drop those that it has
    no more; which changed. What is as it was keeps its place, and gets its next run anew if clocks changed meanwhile."""
    now = now or state.clock.now()
    before = {each.mode: each for each in entries(state, district)}
    changed = [mode for mode in MODES if _differs(before.get(mode), wanted.get(mode))]
    moved = {
        each.id: moment for mode, each in before.items() if mode not in changed
        and (moment := appointment(each.spec, now, each.settled, each.next_at)) != each.next_at
    }  # fmt: skip
    if not changed and not moved:
        return []
    with state.transaction() as connection:
        _alone(connection)
        for entry, moment in moved.items():
            connection.execute(sa.update(schedules).where(schedules.c.id == entry).values(next_at=moment))
        there = {each.mode: each for each in _entries(connection, district)}
        changed = [mode for mode in MODES if _differs(there.get(mode), wanted.get(mode))]
        for mode in changed:
            _replace(
                connection, state, there.get(mode), district, mode, wanted.get(mode), "file", "the district file", now
            )
    return changed


def _differs(before: Entry | None, wanted: Spec | None) -> bool:
    """Whether the file says something else of a schedule than what is on record; of one that a command made, and that the
    file does not have, it says nothing."""
    if wanted is None:
        return before is not None and before.source == "file"
    return before is None or (before.spec, before.source) != (wanted, "file")


def put(state: State, district: str, wanted: Mapping[Mode, Spec], who: str) -> None:
    """Make schedules the current ones from now on, all or none; one that says what it said goes on as it was. Raises
    `RuledByFileError`, and `UsageError` for one that would never run."""
    now = state.clock.now()
    never = [mode for mode, spec in wanted.items() if next_run(spec, now) is None]
    if never:
        raise UsageError(f"The {never[0]} schedule would never run: it ends before its first run.",
                         safe="No schedule was changed.", next_step="Choose a later end date, or none.")  # fmt: skip
    with state.transaction() as connection:
        _alone(connection)
        there = {each.mode: each for each in _entries(connection, district)}
        for mode, spec in wanted.items():
            before = there.get(mode)
            _free(before)
            if before is None or before.spec != spec:
                _replace(connection, state, before, district, mode, spec, "command", who, now)


def clear(state: State, district: str, mode: Mode, who: str) -> None:
    """Take a schedule away; it is kept as history. Raises `RuledByFileError` and `NoScheduleError`."""
    with state.transaction() as connection:
        _alone(connection)
        (before,) = _wanted(connection, district, [mode])
        _free(before)
        _replace(connection, state, before, district, mode, None, "command", who, state.clock.now())


def pause(state: State, district: str, modes: Iterable[Mode], who: str) -> None:
    """Pause schedules until they are resumed, wherever they come from. One that is paused already stays as it is."""
    with state.transaction() as connection:
        for each in _wanted(connection, district, modes):
            if not each.paused:
                values = {"paused_by": who, "paused_at": state.clock.now()}
                connection.execute(sa.update(schedules).where(schedules.c.id == each.id).values(values))
                state.note(connection, district, who, "schedule pause", each.mode, {})


def resume(state: State, district: str, modes: Iterable[Mode], who: str) -> None:
    """Let paused schedules go on. What they left out meanwhile is not made up for."""
    now = state.clock.now()
    with state.transaction() as connection:
        for each in _wanted(connection, district, modes):
            if each.paused:
                values = {"paused_by": None, "paused_at": None, "settled": now, "next_at": next_run(each.spec, now)}
                connection.execute(sa.update(schedules).where(schedules.c.id == each.id).values(values))
                state.note(connection, district, who, "schedule resume", each.mode, {})


def _wanted(connection: sa.Connection, district: str, modes: Iterable[Mode]) -> list[Entry]:
    there = {each.mode: each for each in _entries(connection, district)}
    return [_there(there, district, mode) for mode in modes]


def _there(there: Mapping[Mode, Entry], district: str, mode: Mode) -> Entry:
    if mode not in there:
        raise NoScheduleError(f"District {district} has no {mode} schedule.")
    return there[mode]


def confirm_changeable(district: str, there: Mapping[Mode, Entry], modes: Iterable[Mode]) -> None:
    """Raise `NoScheduleError` or `RuledByFileError` unless commands may change all of these schedules."""
    for mode in modes:
        _free(_there(there, district, mode))


def _free(before: Entry | None) -> None:
    if before is not None and before.source == "file":
        raise RuledByFileError(
            f"The district file has the {before.mode} schedule.", safe="No schedule was changed.",
            next_step=f"Edit `{before.mode}` in [schedule] there, or take it out and make it here from then on. A pause "
            "without dates is possible here all the same.",
        )  # fmt: skip


def _alone(connection: sa.Connection) -> None:
    """Let nobody else save schedules until the transaction ends; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("LOCK TABLE schedules IN SHARE ROW EXCLUSIVE MODE"))


def _replace(
    connection: sa.Connection, state: State, before: Entry | None, district: str, mode: Mode, spec: Spec | None,
    source: Source, who: str, now: datetime.datetime,
) -> None:  # fmt: skip
    """Put a schedule in the place of another, or of none. A pause stays; everything else begins anew."""
    if before is not None:
        connection.execute(sa.update(schedules).where(schedules.c.id == before.id).values(current=False, next_at=None))
    if spec is not None:
        kept = {"paused_by": before.paused_by, "paused_at": before.paused_at, "last_due_at": before.last_due_at,
                "missed_at": before.missed_at, "last_run": before.last_run} if before else {}  # fmt: skip
        connection.execute(sa.insert(schedules).values(
            district=district, mode=mode, spec=to_json(spec), source=source, who=who, at=now, current=True,
            next_at=next_run(spec, now), settled=now, **kept))  # fmt: skip
    state.note(
        connection, district, who, "schedule set" if spec else "schedule clear", mode, settings(spec) if spec else {}
    )


# -- what is due -------------------------------------------------------------------------------------------------------


Missed = Callable[[sa.Connection, str, Settled], None]
"""Hears, in the transaction that settles it, of a district's run that was missed and is too late to be made up for."""


def unheard(connection: sa.Connection, district: str, settled: Settled) -> None:
    """Nobody hears of it."""


def due(state: State, now: datetime.datetime | None = None, missed: Missed = unheard) -> list[Due]:
    """The runs that are to begin now, those that waited longest first; one a district, and none of a district at work.

    What was missed and is too late to be made up for is settled here: it is noted, and the next appointment made.
    """
    now = now or state.clock.now()
    with state.transaction() as connection:
        found = list(_decided(connection, now, lease.at_work(connection, state.clock)))
    runs = []
    for district, settled in found:
        first = next((each for each in settled if each.fate == "runs"), None)
        if first is not None:
            runs.append(Due(district, first.slot.mode, first.at, settled))
        elif settled:
            with contextlib.suppress(TakenError), state.transaction() as connection:
                _settle(connection, district, settled, missed)
    return sorted(runs, key=lambda each: (each.at, each.district))


def _decided(
    connection: sa.Connection, now: datetime.datetime, at_work: Collection[str]
) -> Iterator[tuple[str, tuple[Settled, ...]]]:  # fmt: skip
    """By district what becomes of the appointments that have come."""
    columns = schedules.c
    taken = sa.exists().where(jobs.c.district == columns.district, jobs.c.ended_at.is_(None))
    query = (
        sa.select(columns.id, columns.district, columns.mode, columns.spec, columns.next_at, columns.settled)
        .where(columns.current, columns.paused_at.is_(None), columns.next_at <= now, ~taken)
        .order_by(columns.district)
    )
    for district, rows in groupby(connection.execute(query), key=lambda row: str(row.district)):
        if district in at_work:
            continue
        slots = [Slot(row.id, row.mode, from_json(row.spec), row.next_at, row.settled) for row in rows]
        yield district, tuple(decide(slots, now))


def claim(
    state: State, run: Due, server: str, mark: str | None = None, missed: Missed = unheard
) -> Job | None:  # fmt: skip
    """Take a run that is due, before it begins, as the job of a server. Of any number that ask, one gets it; None for the
    others, and when the schedule was changed or paused meanwhile."""
    try:
        with state.transaction() as connection:
            settle(connection, run, missed)
            mine = [each.slot.key for each in run.settles if each.fate == "runs"]
            connection.execute(sa.update(schedules).where(schedules.c.id.in_(mine)).values(last_due_at=run.at))
            return job.take(connection, state, run.district, run.mode, "schedule", run.at, server, mark)
    except TakenError:
        return None


def settle(connection: sa.Connection, run: Due, missed: Missed = unheard) -> None:
    """Make the next appointments in place of a run that is due, in a transaction. Raises `TakenError` when another did so,
    or when the schedule was changed or paused meanwhile."""
    _settle(connection, run.district, run.settles, missed)


def _settle(connection: sa.Connection, district: str, settled: Iterable[Settled], missed: Missed) -> None:
    """Make the next appointments. Raises `TakenError` where one is not as it was: another did it, or paused it."""
    for each in settled:
        values: dict[str, Any] = {"next_at": each.next_at, "settled": max(each.at, each.slot.settled)}
        if each.fate == "too late":
            values["missed_at"] = each.at
        same = (schedules.c.id == each.slot.key) & (schedules.c.next_at == each.slot.next_at)
        waits = same & schedules.c.current & schedules.c.paused_at.is_(None)
        if connection.execute(sa.update(schedules).where(waits).values(values)).rowcount != 1:
            raise TakenError
        if each.fate == "too late":
            missed(connection, district, each)


# -- additions only ----------------------------------------------------------------------------------------------------


def overlaid(found: Iterable[Entry], wanted: Mapping[Mode, Spec]) -> dict[Mode, Spec]:
    """What `adopt` would make of the schedules of a district."""
    return {**{each.mode: each.spec for each in found if each.source == "command"}, **wanted}


def adds_only(found: Iterable[Spec | Arrival], now: datetime.datetime) -> bool:
    """Whether a run that begins now removes nothing: a schedule of the district says so of this day, paused or not."""
    return any(each.adds_only(each.day_of(now)) for each in found)
