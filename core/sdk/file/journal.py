"""What a sink remembers of its publications, in a small file below the home folder, and a lock on it.

It is written before a file gets its name and after: whatever was cut off, the names that are ours are known, and so is
what was left half done. The lock keeps a run that was frozen from publishing beside a newer one; the epoch, after it.
"""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from syncrun.errors import FenceError, TransientError
from syncrun.sdk.sink import Claim


@dataclass(frozen=True, slots=True)
class Journal:
    """`groups` are the names that were published together, oldest first; `pending` those that were begun last and may be
    there or not. `last` has the hash of each file of the newest publication, `run` is whose it is, `form` what stands for
    the settings that it was made by."""

    epoch: int = 0
    groups: tuple[tuple[str, ...], ...] = ()
    pending: tuple[str, ...] = ()
    last: Mapping[str, str] = dataclasses.field(default_factory=dict)
    run: str = ""
    form: str = ""

    @property
    def names(self) -> frozenset[str]:
        """All names that are ours."""
        return frozenset(name for group in (*self.groups, self.pending) for name in group)


class Shelf:
    """The folder in which the journal is, and files that wait to be published."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / "journal.json"

    def read(self) -> Journal:
        """The journal; an empty one where there is none."""
        if not self._path.exists():
            return Journal()
        raw = json.loads(self._path.read_text(encoding="utf-8"))
        return Journal(**{**raw, "groups": tuple(map(tuple, raw["groups"])), "pending": tuple(raw["pending"])})

    def write(self, journal: Journal) -> None:
        """Write it, durably."""
        part = self._path.with_suffix(".part")
        part.touch(mode=0o600)
        with part.open("w", encoding="utf-8") as stream:
            json.dump(dataclasses.asdict(journal), stream)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(self._path)

    @contextmanager
    def held(self, claim: Claim) -> Iterator[Journal]:
        """The journal, for us alone. Raises `FenceError` when a newer run has published, `TransientError` while another
        publishes."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self.folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise TransientError(f"Another run of district {claim.district} is publishing.") from None
            journal = self.read()
            if journal.epoch > claim.epoch:
                raise FenceError(f"A newer run of district {claim.district} has published; this run stops.")
            yield dataclasses.replace(journal, epoch=claim.epoch)
        finally:
            os.close(handle)
