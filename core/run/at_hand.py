"""The roster that people decide by: the newest one that has been read, or the source read now.

Before the first sync nothing was accepted. Then, or when a person asks for it, the source is read as a run reads it, up to
what is accepted of it; nothing is planned, and no sink is written to. What was read is kept, so that the next command need
not read it again.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from syncrun.clock import today
from syncrun.run import reading
from syncrun.run.folder import made, write_whole
from syncrun.run.input import input_of
from syncrun.run.session import Session
from syncrun.scratch import scratch
from syncrun.snapshot.table import Snapshot
from syncrun.state import lease

KEPT = "read.json"


@dataclass(frozen=True, slots=True)
class Roster:
    """A roster and whence it is: `accepted` (a sync took it), `planned` (a run read it, and its plan waits or was a dry
    run) or `read` (for deciding alone). `id` begins with the moment when it was read, in UTC."""

    snapshot: Snapshot
    how: str

    @property
    def id(self) -> str:
        """The run that read it."""
        return self.snapshot.id

    @property
    def moment(self) -> str:
        """When it was read, like `2026-11-20 19:00` (UTC)."""
        day, _, time = self.id.partition("T")
        return f"{day[:4]}-{day[4:6]}-{day[6:]} {time[:2]}:{time[2:4]}"


def at_hand(session: Session, staged: Collection[str], *, fresh: bool) -> Roster:
    """The newest roster whose files are there; with `fresh`, or when there is none, the source is read."""
    found = [] if fresh else [each for each in _known(session) if _is_there(each.snapshot, session.folders.home)]
    return max(found, key=lambda each: each.id) if found else Roster(_read(session, staged), "read")


def _known(session: Session) -> Iterator[Roster]:
    district = session.district
    accepted = session.state.snapshot(district.name)
    if accepted:
        yield Roster(Snapshot.from_json(accepted), "accepted")
    runs = (each for each in session.state.runs(district.name, limit=5) if each.snapshot)
    for run in runs:
        if run.snapshot and not (run.summary or {}).get("doubtful") and run.mode != "upload":
            yield Roster(Snapshot.from_json(run.snapshot), "planned")
            break
    path = session.folders.root / KEPT
    if path.exists():
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["rests_on"] == district.fingerprint:
            yield Roster(Snapshot.from_json(kept["snapshot"]), "read")


def _is_there(snapshot: Snapshot, home: Path) -> bool:
    return all(path.exists() for path in snapshot.paths(home).values())


def _read(session: Session, staged: Collection[str]) -> Snapshot:
    """Read the source, and hold the lease meanwhile: a run must not pull at the same time."""
    district, folders = session.district, session.folders
    content = session.state.snapshot(district.name)
    before = Snapshot.from_json(content) if content else None
    with lease.held(session.state.engine, district.name, session.run, session.clock):
        folder = made(folders.run(session.run))
        try:
            with contextlib.closing(input_of(session)) as given:
                try:
                    arrival = given.arrival()
                    with scratch(
                        folder / "spill", [folders.home, *{each.path.parent for each in arrival.scans}]
                    ) as engine:
                        read = reading.read(
                            engine, arrival, before, staged=staged, limits=district.limits,
                            today=today(session.clock, district.time_zone), home=folders.home,
                            snapshots=folders.snapshot(session.run), run=session.run, progress=session.progress,
                            missed_since=given.changes_since(),
                        )  # fmt: skip
                finally:
                    given.drop()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    kept = {"rests_on": district.fingerprint, "snapshot": read.snapshot.to_json()}
    write_whole(made(folders.root) / KEPT, json.dumps(kept))
    return read.snapshot
