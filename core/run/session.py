"""What a run works with: the district, the installed plug-ins, the state, the folders."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from syncrun.apply.stop import Stop
from syncrun.clock import Clock, SystemClock
from syncrun.config.district import District, home
from syncrun.errors import ContractError, SyncError
from syncrun.intake.upload import Upload
from syncrun.registry import Registry, imported
from syncrun.run.folder import Folders
from syncrun.run.progress import Progress, Silent
from syncrun.run.uploading import MODE, Uploaded
from syncrun.sdk import Context, FileSource, RecordSource, Sink
from syncrun.state.store import State

Mode = Literal["full", "incremental", "upload"]


@dataclass
class Session:
    """One run at work. `who` is the person or account that started it. A full run reads the sinks too and puts right
    what has drifted; an incremental one trusts what is on record. An `upload` brings the files in place of the
    district's source. With `additions_only` nothing is set aside because the source has it no more. By `stop` the run is
    asked to end."""

    district: District
    registry: Registry
    state: State
    who: str
    mode: Mode = "incremental"
    dry_run: bool = False
    upload: Upload | None = None
    additions_only: bool = False
    clock: Clock = field(default_factory=SystemClock)
    progress: Progress = field(default_factory=Silent)
    stop: Stop = field(default_factory=Stop)
    run: str = field(init=False)
    folders: Folders = field(init=False)

    def __post_init__(self) -> None:
        """Name the run after the moment, so that names sort by time."""
        self.mode = MODE if self.upload else self.mode
        self.run = f"{self.clock.now():%Y%m%dT%H%M%S%f}-{secrets.token_hex(3)}"
        self.folders = Folders(home(), self.district.name)

    def source(self) -> FileSource | RecordSource:
        """The district's source connector, or what a person uploads."""
        if self.upload:
            return Uploaded(self.upload)
        info = self.district.source.info
        with _built(info.name):
            source: FileSource | RecordSource = imported(info.cls, info.name)(
                self.district.source.settings, self._context()
            )
            return source

    def sinks(self) -> dict[str, Sink]:
        """The district's sinks by name."""
        found: dict[str, Sink] = {}
        for config in self.district.sinks:
            with _built(config.info.name):
                found[config.name] = imported(config.info.cls, config.info.name)(
                    config.settings, self._context(self.folders.kept(config.name))
                )
        return found

    def _context(self, kept: Path | None = None) -> Context:
        return Context(self.district.name, self.district.folder, self.state.owner(), kept)


@contextlib.contextmanager
def _built(plugin: str) -> Iterator[None]:
    try:
        yield
    except SyncError:
        raise
    except Exception as error:
        raise ContractError(f"The plug-in {plugin} raised {type(error).__name__} when it was made.") from error
