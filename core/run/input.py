"""What a run reads: files that a source fetches or a person brings, or records that a source sends."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol, cast

import syncrun
from syncrun.clock import today
from syncrun.errors import ContractError, SyncError
from syncrun.intake.arrival import Arrival
from syncrun.intake.settle import Patience
from syncrun.run import pulling, reading, uploading
from syncrun.run.pulling import Pull, Pulled
from syncrun.run.session import Session
from syncrun.sdk import FileSource, RecordSource
from syncrun.snapshot.made_up import school_year
from syncrun.snapshot.table import Snapshot


class Input(Protocol):
    """What a run reads."""

    def content(self) -> Mapping[str, Any]:
        """What stands for it in the identity of the run. Nothing more is read for it than must be."""

    def arrival(self) -> Arrival:
        """All of it, brought here."""

    def changes_since(self) -> str | None:
        """For everything read after changes alone were: from when on changes would have been asked for (ISO 8601)."""

    def kept(self, snapshot: Snapshot, *, proved: bool) -> Snapshot:
        """The accepted roster with what the next run must know of this input; `proved` says whether reading it found
        nothing against its being all there is."""

    def drop(self) -> None:
        """It has been read, and is of no use any more."""

    def close(self) -> None:
        """Let go of the source."""


class FileInput:
    """Files."""

    def __init__(self, session: Session, source: FileSource) -> None:
        self._session, self._source = session, source
        self._arrival: Arrival | None = None

    def content(self) -> Mapping[str, Any]:
        """The hashes of the files."""
        return reading.content(self.arrival(), today(self._session.clock, self._session.district.time_zone))

    def arrival(self) -> Arrival:
        """The files, fetched once."""
        if self._arrival is None:
            session = self._session
            patience = None if session.upload else Patience(session.district.source.settle_seconds, session.clock)
            self._arrival = reading.fetch(self._source, session.folders.run(session.run), patience, session.upload)
            if session.upload and not session.dry_run:
                uploading.note(
                    session.state, session.district.name, session.run, session.who, session.upload, self._arrival
                )
        return self._arrival

    def changes_since(self) -> str | None:
        """Files say themselves what they are."""
        return None

    def kept(self, snapshot: Snapshot, *, proved: bool) -> Snapshot:
        """After an upload the source is asked for changes from the same moment on."""
        content = self._session.state.snapshot(self._session.district.name)
        pull = Snapshot.from_json(content).pull if content and self._session.upload else None
        return dataclasses.replace(snapshot, pull=pull)

    def drop(self) -> None:
        """What was fetched is removed with the rest of the run's passing files."""

    def close(self) -> None:
        """Nothing is open."""


class RecordInput:
    """Records. Where the source's revision is known, it stands for them, and they are pulled only when it is another."""

    def __init__(self, session: Session, source: RecordSource) -> None:
        self._session, self._source = session, source
        content = session.state.snapshot(session.district.name)
        before = Snapshot.from_json(content).pull if content else None
        self._before = Pulled(**before) if before else None
        self._mark = source.mark()
        now = session.clock.now()
        self._rests_on = f"{session.district.fingerprint} {syncrun.__version__}"
        self._pull = Pull(
            source, session.folders.root / "pull", self._mark,
            None if session.mode == "full" else pulling.since(source, self._before, now, self._rests_on),
            clock=session.clock, progress=session.progress,
            rests_on=self._rests_on, confirm=session.state.confirm,
        )  # fmt: skip
        self._arrival: Arrival | None = None

    def content(self) -> Mapping[str, Any]:
        """The revision, or hashes of the records."""
        day = today(self._session.clock, self._session.district.time_zone)
        if self._mark.revision is None:
            return reading.content(self.arrival(), day)
        return {"revision": self._mark.revision, "year": school_year(day)}

    def arrival(self) -> Arrival:
        """The records, pulled once."""
        if self._arrival is None:
            self._arrival = self._pull.arrival()
        return self._arrival

    def changes_since(self) -> str | None:
        """Only where changes alone were read since everything was."""
        before = self._before
        if self._pull.since or before is None or before.full == before.moment or before.rests_on != self._rests_on:
            return None
        return before.moment

    def kept(self, snapshot: Snapshot, *, proved: bool) -> Snapshot:
        """With the pull by which it came."""
        pulled = self._pull.pulled(self._before, proved=proved)
        return dataclasses.replace(snapshot, pull=dataclasses.asdict(pulled) if pulled else None)

    def drop(self) -> None:
        """Remove the pages."""
        self._pull.drop()

    def close(self) -> None:
        """Close the source's connections."""
        try:
            self._source.close()
        except SyncError:
            raise
        except Exception as error:
            raise ContractError(f"The source raised {type(error).__name__} on closing.") from error


def input_of(session: Session) -> Input:
    """What the run of a session reads."""
    source = session.source()
    if pulling.sends_records(source):
        return RecordInput(session, source)
    return FileInput(session, cast("FileSource", source))
