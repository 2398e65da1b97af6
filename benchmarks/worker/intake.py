"""Our reading: `python -m benchmarks.worker.intake FOLDER` lands a set, applies all rules and accepts it."""

from __future__ import annotations

import datetime
import json
import sys
import time
from pathlib import Path

import duckdb  # noqa: F401 # its import is no part of the work

from syncrun.connectors.oneroster_csv.format import ONEROSTER_CSV
from syncrun.run.checking import check_files
from syncrun.run.progress import Silent
from syncrun.sdk import FileSet
from syncrun.snapshot import merge

TODAY = datetime.date(2026, 11, 20)


class Stopwatch(Silent):
    """Notes when each phase began, and how long was spent on writing the snapshot, which is no part of landing and
    rules."""

    def __init__(self) -> None:
        self.begun = {"fetch": time.perf_counter()}
        self.writing = 0.0

    def phase(self, name: str) -> None:
        self.begun[name] = time.perf_counter()

    def publish(self, *arguments: object) -> None:
        begun = time.perf_counter()
        _publish(*arguments)
        self.writing += time.perf_counter() - begun


_publish = merge.publish


def main() -> None:
    """Read; the clock runs from the first look at the files, hashes included."""
    watch = Stopwatch()
    merge.publish = watch.publish
    fileset = FileSet(tuple(sorted(Path(sys.argv[1]).iterdir())), "the benchmark")
    checked = check_files(fileset, ONEROSTER_CSV, TODAY, progress=watch)
    end = time.perf_counter()
    begun = watch.begun
    print(json.dumps({
        "land": begun["check"] - begun["fetch"], "rules": end - begun["check"] - watch.writing, "snapshot": watch.writing,
        "rows": sum(each.rows for each in checked.figures.values()),
        "rejected": sum(each.rejected for each in checked.figures.values()), "findings": len(checked.findings),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
