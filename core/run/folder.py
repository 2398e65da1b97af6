"""Where a district's files are: one folder a run, one a snapshot, one for what each sink has taken.

    data/<district>/runs/<run>/             findings, plan, exceptions
    data/<district>/snapshots/<run>/        the accepted roster
    data/<district>/read.json               which roster was read for people to decide by
    data/<district>/applied/<sink>/         what the sink has taken
    data/<district>/kept/<sink>/            what the sink remembers of itself

Everything is made with mode 0700, since it holds children's data. Old runs are pruned by age and number.
"""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from syncrun.scratch import settle

KEPT_RUNS = 60
LEFTOVERS = ("fetched", "unpacked", "spill", "outgoing-*.csv", "*.part", "plan/*/observed-*.csv", "plan/*/*.part")
KEPT_DAYS = 90
KEPT_SNAPSHOTS = 14


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders of one district below the home folder."""

    home: Path
    district: str

    @property
    def root(self) -> Path:
        """All of the district's data."""
        return self.home / "data" / self.district

    def run(self, run: str) -> Path:
        """A run's folder."""
        return self.root / "runs" / run

    def snapshot(self, run: str) -> Path:
        """The folder of the roster that a run read."""
        return self.root / "snapshots" / run

    def applied(self, sink: str) -> Path:
        """What a sink has taken."""
        return self.root / "applied" / sink

    def kept(self, sink: str) -> Path:
        """What a sink remembers of itself; made by the sink."""
        return self.root / "kept" / sink

    def plan(self, run: str) -> Path:
        """The description of a run's plan."""
        return self.run(run) / "plan.json"

    def sweep(self) -> None:
        """Remove what runs that were cut off left behind: it may hold rows of children."""
        for pattern in LEFTOVERS:
            for path in self.root.glob(f"runs/*/{pattern}"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def prune(self, now: datetime.datetime, keep: Collection[str]) -> None:
        """Remove old runs and snapshots but for those in `keep`."""
        oldest = now - datetime.timedelta(days=KEPT_DAYS)
        for kind, most in (("runs", KEPT_RUNS), ("snapshots", KEPT_SNAPSHOTS)):
            found = sorted((self.root / kind).iterdir(), reverse=True) if (self.root / kind).is_dir() else []
            for place, folder in enumerate(found):
                moment = datetime.datetime.fromtimestamp(folder.stat().st_mtime, datetime.UTC)
                if folder.name not in keep and (place >= most or moment < oldest):
                    shutil.rmtree(folder)


def made(folder: Path) -> Path:
    """The folder, made with mode 0700 where it is missing, its parents too."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
    return folder


def write_whole(target: Path, text: str) -> None:
    """Write a text file with mode 0600: all of it, durably, or nothing."""
    part = target.with_suffix(".part")
    part.touch(mode=0o600)
    part.write_text(text, encoding="utf-8")
    settle(part, target)
