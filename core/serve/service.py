"""The service: it looks what is to begin, begins it, and settles what ended.

All that it must not forget is in the state: which runs are owed (`syncrun.state.job`), and which are due
(`syncrun.schedule.timetable`). A service that is killed at any moment leaves jobs that the next one, here or on another
machine, takes over: when nothing of them is at work any more it looks whether a run ended, and begins one if none did.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import time
import urllib.parse
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncrun.config.district import District
from syncrun.errors import EXIT_DONE, EXIT_RETRY, SyncError
from syncrun.notice.need import missed, of_job
from syncrun.order.foresight import scheduled
from syncrun.order.start import Skip, Start, may_start, note_skip
from syncrun.schedule import timetable
from syncrun.schedule.due import Settled
from syncrun.schedule.timetable import Due
from syncrun.serve.again import CRASH_PAUSES, FINAL, TRY_HOURS, Again, is_time, verdict
from syncrun.serve.executor import BusyError, Ended, Executor, Limits, Task
from syncrun.serve.log import Log
from syncrun.serve.shelf import Filed, Shelf, Stamp
from syncrun.serve.watch import Watch, mark_of
from syncrun.state import history, job, lease, outbox, server
from syncrun.state.job import Ending, Job, TakenError
from syncrun.state.store import State

if TYPE_CHECKING:
    import sqlalchemy as sa

TICK = 1.0
"""Seconds between two looks, unless something ends."""
DUE_SECONDS = 5.0
"""So old may be what is known to be due while there is still some of it."""
FILES_SECONDS = 10.0
SEEN_SECONDS = 15.0
BUSY_SECONDS = 5.0
"""Until a task that somebody else has at work is looked at again."""
DIGEST_SECONDS = 3600.0
NEED_SECONDS = 300.0
"""Until people are told that they are needed, so that what happens meanwhile is told with it."""
SOON_SECONDS = 35.0
"""Who looks once waits so long for a run that is tried again."""
JUMP_SECONDS = 60.0
"""So far the clock may go apart from the one that only goes forward before it counts as set."""
DIGEST = ":digest"
"""The key of the task that sends digests; no district is called so."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """A run that is to begin: due by a schedule, or since files came, of which `mark` tells."""

    filed: Filed
    due: Due | None
    mark: str | None = None


class Every:
    """Says when it is time again."""

    def __init__(self, seconds: float, timer: Callable[[], float]) -> None:
        self._seconds, self._timer = seconds, timer
        self._next = 0.0

    def come(self) -> bool:
        """Whether so many seconds have passed since it last said so; the first time it is time at once."""
        if self._timer() < self._next:
            return False
        self._next = self._timer() + self._seconds
        return True

    def within(self, seconds: float) -> None:
        """It is time in so many seconds at the latest."""
        self._next = min(self._next, self._timer() + seconds)


class Service:
    """Runs that begin by themselves. `step` does what is to be done now; `serve` goes on until `stop`. `id` is by what the
    state knows it."""

    def __init__(
        self, state: State, executor: Executor, limits: Limits, log: Log, *, shelf: Shelf | None = None,
        timer: Callable[[], float] = time.monotonic, digests: bool = True,
    ) -> None:  # fmt: skip
        self._state, self._executor, self._limits, self._log = state, executor, limits, log
        self._shelf, self._watch, self._timer = shelf or Shelf(), Watch(timer), timer
        self._files, self._seen = Every(FILES_SECONDS, timer), Every(SEEN_SECONDS, timer)
        self._others, self._look, self._comes = (Every(DUE_SECONDS, timer) for _ in range(3))
        self._digest = Every(DIGEST_SECONDS, timer) if digests else None
        self._jobs: dict[str, Job] = {}
        self._ended: list[Ended] = []
        self._wishes: list[_Wish] = []
        self._waits_since: dict[tuple[str, str], float] = {}
        self._apart = self._clocks_apart(state.clock.now())
        self._unfiled: set[str] = set()
        self._unusable: dict[str, Stamp] = {}
        self._told = self._stopping = self._left_behind = False
        self._good = True
        self.id = server.announce(state)

    @property
    def all_good(self) -> bool:
        """Whether all jobs that came to their end here were carried out by runs that ended well."""
        return self._good

    @property
    def owes(self) -> bool:
        """Whether a run is still to be tried again; the next server does."""
        return bool(self._jobs)

    def stop(self) -> None:
        """Begin nothing more, and end; may be called in a signal handler."""
        self._stopping = True
        self._executor.wake()

    def serve(self, *, once: bool = False) -> None:
        """Go on until `stop`, or with `once` until nothing is at work and nothing can begin now."""
        pause = TICK
        while not self._stopping:
            try:
                self.step(once=once)
                pause = TICK
            except SyncError as error:  # the state database is away; what is at work goes on
                self._log.trouble(error.code)
                pause = min(2 * pause, 60.0)
                if once and not self._executor.at_work:
                    raise
            if once and not self._sees_more():
                break
            self._ended += self._executor.ended(pause)
        self.leave()

    def _sees_more(self) -> bool:
        """Whether something is at work, here or left behind by a server that is gone, or will be before long."""
        soon = self._state.clock.now() + datetime.timedelta(seconds=SOON_SECONDS)
        again = any(each.again_at is not None and each.again_at <= soon for each in self._jobs.values())
        return bool(
            self._executor.at_work or self._ended or self._left_behind or again or self._watch.sees_more_coming
        )  # fmt: skip

    def step(self, *, once: bool = False) -> None:
        """Do what is to be done now; `once`: as one who will not look again.

        Raises `SyncError` when the state is out of reach; nothing is forgotten then."""
        now = self._state.clock.now()
        self._say_seen()
        if self._files.come():
            for filed in self._shelf.look():
                if filed.district:
                    timetable.adopt(self._state, filed.name, filed.district.schedule, now)
                elif self._unusable.get(filed.name) != filed.stamp:
                    self._unusable[filed.name] = filed.stamp
                    self._log.unusable(filed.name)
                self._say_seen()
            self._look.within(0)
            if not self._told:
                self._told = True
                self._log.started(self._limits.at_once, len(self._shelf.all()))
        self._mind_clock(now)
        if once and not self._executor.at_work:
            for each in (self._look, self._comes, self._others):
                each.within(0)
        self._settle_ended()
        if self._others.come():
            self._take_over(now)
        self._begin_owed(now)
        self._begin_wished(now, once=once)
        self._send_digest(last=once)

    def _say_seen(self) -> None:
        if self._seen.come():
            server.seen(self._state, self.id)

    def leave(self) -> None:
        """Ask what is at work to end, and let go of what is not done, for the next server."""
        self._ended += self._executor.stop()
        with contextlib.suppress(SyncError):  # the next server sees that we are gone
            self._settle_ended()
            for each in self._jobs.values():
                job.release(self._state, each)
            server.leave(self._state, self.id)
        self._log.left()

    def _mind_clock(self, now: datetime.datetime) -> None:
        """Make appointments anew when the clock was set: they may lie years ahead since it was wrong."""
        apart = self._clocks_apart(now)
        if abs(apart - self._apart) > JUMP_SECONDS:
            for filed in self._shelf.all():
                if filed.district:
                    timetable.adopt(self._state, filed.name, filed.district.schedule, now)
            self._apart = apart
            self._look.within(0)

    def _clocks_apart(self, now: datetime.datetime) -> float:
        return now.timestamp() - self._timer()

    # -- what ended --------------------------------------------------------------------------------------------------

    def _settle_ended(self) -> None:
        while self._ended:
            ended = self._ended[0]
            if ended.key == DIGEST:
                if ended.exit_code not in {EXIT_DONE, EXIT_RETRY}:
                    self._log.errand("digest not sent", ended.exit_code)
            elif ended.key in self._jobs:
                self._conclude(self._jobs[ended.key], ended)
            self._ended.pop(0)

    def _conclude(self, mine: Job, ended: Ended) -> None:
        """Settle a job whose process ended."""
        run = job.run_for(self._state, mine, FINAL)
        if run is not None:
            self._end(mine, "ended", run.exit_code, run.id)
            return
        if self._stopping and ended.cause == "ended" and ended.exit_code not in FINAL:
            self._log.released(mine)  # `leave` lets go of it
            return
        found = verdict(mine, ended, self._state.clock.now())
        if isinstance(found, Again):
            self._put_off(mine, found.seconds, crashed=found.crashed)
            self._log.again(mine, ended.exit_code, found.seconds)
        else:
            self._end(mine, found, ended.exit_code)

    def _end(self, mine: Job, ending: Ending, exit_code: int | None = None, run: str | None = None) -> None:
        """Note the end of a job, and what a person is needed for if no run tells it, in one transaction."""
        with self._state.transaction() as connection:
            ours = job.end(connection, self._state, mine, ending, exit_code, run)
            over = dataclasses.replace(
                mine, ended_at=self._state.clock.now(), ending=ending, exit_code=exit_code, run=run
            )
            need, filed = of_job(over), self._shelf.get(mine.district)
            if ours and need and filed:
                outbox.add(self._state, connection, f"job:{mine.district}:{mine.number}", mine.district, str(filed.path),
                           [need.as_dict()])  # fmt: skip
        del self._jobs[mine.district]
        if not ours:
            self._log.given_away(mine)
            return
        self._judge(good=run is not None and exit_code == EXIT_DONE)
        self._log.ended(mine, ending, exit_code, run)

    def _judge(self, *, good: bool) -> None:
        if not good:
            self._good = False
            if self._digest:
                self._digest.within(NEED_SECONDS)

    def _put_off(self, mine: Job, seconds: float, *, crashed: bool = False) -> None:
        at = self._state.clock.now() + datetime.timedelta(seconds=seconds)
        self._keep(mine, job.again(self._state, mine, at, crashed=crashed))

    def _keep(self, before: Job, now: Job | None) -> None:
        """Remember a job as it is now, or forget it when another server has it."""
        if now is None:
            self._jobs.pop(before.district, None)
            self._log.given_away(before)
        else:
            self._jobs[now.district] = now

    # -- what is owed ------------------------------------------------------------------------------------------------

    def _take_over(self, now: datetime.datetime) -> None:
        """Take over jobs of servers that are gone, when nothing of them is at work any more."""
        self._left_behind = False
        there = {each.id for each in server.living(self._state)}
        for each in job.still_open(self._state):
            if each.server == self.id:
                self._jobs.setdefault(each.district, each)  # whether it was taken was not told when it was
            elif each.server in there:
                continue
            elif self._is_at_work(each.district):
                self._left_behind = True
            elif self._is_for_us(each, now):
                mine = job.adopt(self._state, each, self.id)
                if mine:
                    self._log.taken_over(mine)
                    self._jobs[mine.district] = mine

    def _is_for_us(self, owed: Job, now: datetime.datetime) -> bool:
        """Whether its district has a file here; a job that nobody has a file for comes to its end after a while."""
        old = now - owed.taken_at > datetime.timedelta(hours=TRY_HOURS)
        return self._shelf.get(owed.district) is not None or old

    def _is_at_work(self, district: str) -> bool:
        return not self._executor.is_free(district) or bool(
            lease.holder(self._state.engine, district, self._state.clock)
        )

    def _begin_owed(self, now: datetime.datetime) -> None:
        """Begin what was taken over, and try again what is to be."""
        for mine in sorted(self._jobs.values(), key=lambda each: (each.due_at, each.district)):
            if self._free() <= 0:
                return
            if mine.district in self._executor.at_work or not is_time(mine, now):
                continue
            run = job.run_for(self._state, mine, FINAL)
            filed = self._shelf.get(mine.district)
            if run is not None:
                self._end(mine, "ended", run.exit_code, run.id)
            elif filed is None:
                self._end(mine, "gave up")
            elif mine.crashes > len(CRASH_PAUSES):
                self._end(mine, "crashed")
            elif not self._has_room(filed):
                continue
            elif self._is_paused(mine):
                self._end(mine, "skipped")
            else:
                self._launch(mine, filed, now)

    def _is_paused(self, mine: Job) -> bool:
        """Whether somebody paused the schedule of a job or took it away, or for files paused all schedules, while it was not
        at work."""
        found = timetable.entries(self._state, mine.district)
        if mine.cause == "schedule":
            return all(each.paused for each in found if each.mode == mine.mode)
        return bool(found) and all(each.paused for each in found)

    # -- what is to begin --------------------------------------------------------------------------------------------

    def _begin_wished(self, now: datetime.datetime, *, once: bool) -> None:
        """Begin what is due, as many runs as may be at work."""
        if self._free() <= 0:
            return
        if self._look.come():
            self._wishes = list(self._wished(now))
            if not self._wishes:
                self._look.within(TICK)
            kept = {_key(each) for each in self._wishes}
            self._waits_since = {key: since for key, since in self._waits_since.items() if key in kept}
        left, rest = [], deque(self._wishes)
        try:
            while rest and self._free() > 0:
                if not self._has_room(rest[0].filed) or not self._tried(rest[0], now, once=once):
                    left.append(rest[0])
                rest.popleft()
        finally:  # what was begun is not begun again when the state is back
            self._wishes = [*left, *rest]

    def _wished(self, now: datetime.datetime) -> Iterator[_Wish]:
        for due in timetable.due(self._state, now, self._missed):
            filed = self._shelf.get(due.district)
            if filed:
                yield _Wish(filed, due)
            elif due.district not in self._unfiled:
                self._unfiled.add(due.district)
                self._log.unfiled(due.district)
        watched = (
            [each for each in self._shelf.all() if each.district and each.district.arrival]
            if self._comes.come()
            else []
        )
        marks = job.marks(self._state) if watched else {}
        for filed in watched:
            mark = filed.district and self._arrived(filed.district, marks.get(filed.name, (None, False)), now)
            if mark:
                yield _Wish(filed, None, mark)

    def _missed(self, connection: sa.Connection, district: str, settled: Settled) -> None:
        """Tell people of a run that was missed and is not made up for, in the transaction that settles it."""
        self._log.missed(district)
        filed = self._shelf.get(district)
        if filed:
            need = missed(district, settled.slot.mode, settled.at)
            outbox.add(self._state, connection, f"missed:{district}:{settled.slot.mode}:{settled.at:%Y%m%dT%H%M}", district,
                       str(filed.path), [need.as_dict()])  # fmt: skip

    def _arrived(self, district: District, newest: tuple[str | None, bool], now: datetime.datetime) -> str | None:
        """What stands for files of a district that came and may begin a run. `newest` is as `job.marks` has it."""
        known, at_work = newest
        mark = self._watch.arrived(district, known, now)
        if mark is None or at_work:
            return None
        return mark if self._may_arrive(district.name) else None

    def _may_arrive(self, district: str) -> bool:
        """Whether files may begin a run of a district: its schedules are not paused, and its first sync was let go."""
        entries = timetable.entries(self._state, district)
        paused = bool(entries) and all(each.paused for each in entries)
        return not paused and history.first_sync_done(self._state, district)

    def _tried(self, wish: _Wish, now: datetime.datetime, *, once: bool) -> bool:
        """Begin a run, or pass it over; False when it is to be asked again. How long it waits counts from when it was
        first looked at; for one who looks once, from when it was due."""
        found: Start | Skip = Start()
        if wish.filed.district:
            since = self._waits_since.setdefault(_key(wish), self._timer())
            first = now - datetime.timedelta(seconds=self._timer() - since)
            due = wish.due.at if once and wish.due else first
            asked = may_start(wish.filed.district, self._state, now, due=due, next_run=scheduled(self._state))
            if not isinstance(asked, Start | Skip):
                return False
            found = asked
        if isinstance(found, Skip) and wish.filed.district:
            self._pass_over(wish, wish.filed.district, found)
        else:
            mine = self._taken(wish, now)
            if mine:
                self._jobs[mine.district] = mine
                self._launch(mine, wish.filed, now)
        return True

    def _taken(self, wish: _Wish, now: datetime.datetime) -> Job | None:
        if wish.due:
            mark = mark_of(wish.filed.district) if wish.filed.district and wish.filed.district.arrival else None
            return timetable.claim(self._state, wish.due, self.id, mark, self._missed)
        with contextlib.suppress(TakenError), self._state.transaction() as connection:
            return job.take(connection, self._state, wish.filed.name, "incremental", "arrival", now, self.id, wish.mark)
        return None

    def _pass_over(self, wish: _Wish, district: District, skip: Skip) -> None:
        with contextlib.suppress(TakenError), self._state.transaction() as connection:
            if wish.due:
                timetable.settle(connection, wish.due, self._missed)
            else:
                mine = job.take(connection, self._state, district.name, "incremental", "arrival", self._state.clock.now(),
                                self.id, wish.mark)  # fmt: skip
                job.end(connection, self._state, mine, "skipped")
            note_skip(district, self._state, connection, skip)
            self._judge(good=False)
            self._log.skipped(district.name)

    def _launch(self, mine: Job, filed: Filed, now: datetime.datetime) -> None:
        """Begin the run of a job, after it was noted that it begins."""
        begun = job.begin(self._state, mine)
        self._keep(mine, begun)
        if begun is None:
            return
        try:
            self._executor.begin(Task(mine.district, ("--district", str(filed.path), f"--{mine.mode}")))
            self._log.begun(begun, now)
        except BusyError:
            self._put_off(begun, BUSY_SECONDS)
        except OSError:
            self._conclude(begun, Ended(mine.district, EXIT_RETRY))

    # -- room --------------------------------------------------------------------------------------------------------

    def _free(self) -> int:
        return self._limits.at_once - sum(key != DIGEST for key in self._executor.at_work)

    def _has_room(self, filed: Filed) -> bool:
        """Whether one more run may be at work, and one more that asks the same server."""
        if self._free() <= 0:
            return False
        mine = asked_by(filed)
        others = Counter(asked_by(each) for key in self._executor.at_work if (each := self._shelf.get(key)))
        return mine is None or others[mine] < self._limits.per_source

    def _send_digest(self, *, last: bool) -> None:
        """Send what people are to be told when it is time; with `last` after all else."""
        if self._digest and not (last and self._executor.at_work) and self._digest.come():
            with contextlib.suppress(BusyError, OSError):
                self._executor.begin(Task(DIGEST, ("digest", "send")))


def _key(wish: _Wish) -> tuple[str, str]:
    """What is the same as long as it is the same run that waits."""
    return wish.filed.name, wish.due.at.isoformat() if wish.due else f"{wish.mark}"


def asked_by(filed: Filed) -> str | None:
    """The server that the source of a district asks, by its name; None when it asks none that we know of."""
    if filed.district is None:
        return None
    source = filed.district.source
    named = source.settings.get(source.info.server) if source.info.server else None
    if not isinstance(named, str) or not named:
        return None
    host = urllib.parse.urlsplit(named).hostname if "://" in named else named
    return (host or named).lower()
