"""Our pull: `python -m benchmarks.worker.pull BASE_URL KEY SECRET SIZE FOLDER [read]` brings all pages into a folder, as a
run does; with `read` they are then landed, drawn, checked and accepted as well.

Waits between repeats are counted, not waited: how long a server wants to be left alone is no figure of ours.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import duckdb  # noqa: F401 # its import is no part of the work
import requests_oauthlib  # noqa: F401 # as above

from benchmarks.worker.intake import TODAY
from syncrun.clock import SystemClock
from syncrun.config.district import Limits
from syncrun.config.schema import LimitsSchema
from syncrun.connectors.classlink.setting import ClassLinkSettings
from syncrun.connectors.classlink.source import ClassLink
from syncrun.intake.arrival import Arrival
from syncrun.run import reading
from syncrun.run.checking import EVERYTHING
from syncrun.run.progress import Silent
from syncrun.run.pulling import Pull
from syncrun.scratch import scratch
from syncrun.sdk import Context, rest
from syncrun.sdk.setting import SecretText


class Stopwatch(Silent):
    """Notes when each phase began."""

    def __init__(self) -> None:
        self.begun: dict[str, float] = {}

    def phase(self, name: str) -> None:
        self.begun[name] = time.perf_counter()


class Counted(rest.Client):
    """A client that says what it did."""

    made: list[Counted] = []
    waited = 0.0

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named, wait=self._passed)
        self.made.append(self)

    def _passed(self, seconds: float) -> None:
        self.waited += seconds


def main() -> None:
    """Pull, and read where that is wanted; the clock runs from the first request."""
    base, key, secret, size, folder, *more = sys.argv[1:]
    rest.Client = Counted  # type: ignore[misc] # so that its requests can be counted
    settings = ClassLinkSettings().load({
        "base_url": base, "key": "env:KEY", "secret": "env:SECRET", "page_size": int(size), "demographics": True,
    })  # fmt: skip
    told = {**settings, "key": SecretText(key), "secret": SecretText(secret)}
    source = ClassLink(told, Context("benchmark", Path(folder), "benchmark"))
    begun, worked = time.perf_counter(), time.process_time()
    pull = Pull(
        source, Path(folder) / "pull", source.mark(), None, clock=SystemClock(), progress=Silent(), rests_on="benchmark"
    )
    arrival = pull.arrival()
    pulled = time.perf_counter() - begun
    client = Counted.made[0]
    facts: dict[str, float] = {
        "pull": pulled, "requests": client.pull.sent, "repeats": client.pull.repeats, "waits": client.waited,
        "records": sum(each.scan.lines for each in arrival.files.values()),
        "unproved": sum(not each.proved for each in arrival.files.values()),
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, "cpu": time.process_time() - worked,
    }  # fmt: skip
    source.close()
    print(json.dumps(facts | (_read(arrival, Path(folder)) if more else {})))


def _read(arrival: Arrival, folder: Path) -> dict[str, float]:
    """The seconds that it takes to read the pages."""
    watch = Stopwatch()
    with scratch(folder / "spill", [folder]) as connection:
        read = reading.read(
            connection, arrival, None, staged=EVERYTHING, limits=Limits(**LimitsSchema().load({})), today=TODAY,
            home=folder, snapshots=folder / "snapshot", run="benchmark", progress=watch,
        )  # fmt: skip
    end = time.perf_counter()
    begun = watch.begun
    return {"land": begun["check"] - begun["land"], "rules": end - begun["check"], "rejected": sum(
        each.rejected for each in read.figures.values())}  # fmt: skip


if __name__ == "__main__":
    main()
