"""A district whose roster comes over REST, from a real server on loopback; and patience that takes no time."""

from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING, Any

from world import World, planned

from syncrun.run.ending import Result
from syncrun.sdk import rest
from syncrun.sdk.rest import Client, HostBudget, Limits
from syncrun.snapshot.table import Snapshot
from syncrun.testing.roster_server import Faults, RosterServer

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

KEY, SECRET = "canary-key-71c", "canary-secret-93e"


class Patience:
    """Takes the place of all waiting for a host: the clock that waits are measured by moves on when somebody waits, and
    stands still otherwise. `waits` are the seconds waited. `limits` are put in place of the client's own."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.limits: dict[str, float] = {}
        self._lock = threading.Lock()
        self._time = 1000.0
        self._hosts: dict[str, HostBudget] = {}

    def __call__(self) -> float:
        """The time in seconds."""
        return self._time

    def wait(self, seconds: float) -> None:
        """Move the time."""
        with self._lock:
            self.waits.append(seconds)
            self._time += seconds

    def client(self, *told: Any, limits: Limits, **more: Any) -> Client:
        """A client as a connector makes it, that waits by this."""
        limits = dataclasses.replace(limits, **self.limits)
        return Client(*told, limits=limits, wait=self.wait, clock=self, **more)

    def host(self, host: str, *bounds: Any) -> HostBudget:
        """The budget of a host, by this."""
        with self._lock:
            return self._hosts.setdefault(host, HostBudget(*bounds, clock=self))

    def take_over(self, monkeypatch: pytest.MonkeyPatch) -> Patience:
        """Have all connectors of this process wait by it."""
        monkeypatch.setattr(rest, "Client", self.client)
        monkeypatch.setattr(rest, "host_budget", self.host)
        return self


class Remote(World):
    """One district, `riverside`, that reads from `server`; the server's clock is the world's."""

    server: RosterServer

    def serve(self, **options: Any) -> RosterServer:
        """A server with what is in the inbox, not started yet; it becomes the one to read from."""
        options = {"key": KEY, "secret": SECRET, "clock": self.clock, **options}
        self.server = RosterServer.from_files(self.inbox, **options)
        return self.server

    def point(self, version: str = "1.1", *, address: str = "", limits: str = "", **settings: Any) -> None:
        """Write the district file: read from the server, with these settings of the source; None leaves one out."""
        told: dict[str, Any] = {
            "connector": "classlink", "base_url": address or self.server.base_url("1.2" if version == "1.2" else "1.1"),
            "key": "env:CANARY_KEY", "secret": "env:CANARY_SECRET", **settings,
        }  # fmt: skip
        lines = [f"{name} = {_toml(value)}" for name, value in told.items() if value is not None]
        self.configure("\n".join([
            'district = "riverside"', 'time_zone = "America/New_York"', "[source]", *lines, "[[sinks]]",
            'sink = "planner"', f'database_url = "{self.planner_url}"', "create_tables = true",
            'school_years = ["year-2027"]', 'new_teachers = "add"', *(["[limits]", limits] if limits else []), "",
        ]))  # fmt: skip

    def break_it(self, **faults: Any) -> Faults:
        """Put faults in place of those that the server has; none make it good."""
        self.server.faults = Faults(**faults)
        return self.server.faults

    def asked(self, since: int = 0) -> list[str]:
        """The requests from a number on, as `users?limit=50`."""
        return [f"{each.word}?{each.query}" for each in self.server.log[since:]]

    def pull_folder(self) -> Path:
        """Where the pages of a pull are kept until it is read."""
        return self.home / "data" / "riverside" / "pull"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return str(value) if isinstance(value, int | float) else f'"{value}"'


def accepted(world: World) -> dict[str, list[str]]:
    """The roster that was accepted last, by entity: what records say, not where they stood or when they changed."""
    import duckdb

    content = world.state().snapshot("riverside")
    assert content is not None
    found = {}
    for entity, path in Snapshot.from_json(content).paths(world.home).items():
        query = """SELECT COLUMNS(lambda each: each NOT IN ('line', 'place', 'status', 'dateLastModified'))
            FROM read_parquet(?)"""
        found[entity] = sorted(map(repr, duckdb.connect().execute(query, [str(path)]).fetchall()))
    return found


def code_of(result: Result) -> str:
    """The code of the error with which a run ended; else those of its findings and holds."""
    if result.error:
        found = result.summary.get("error") or {}
        codes = [each["code"] for each in found.get("findings", [])]
        return " ".join([result.error.code, *codes])
    return " ".join(sorted({each["code"] for each in result.summary.get("findings", [])}))


def removed(result: Result) -> int:
    """How many removals a result planned."""
    return sum(count for action, count in planned(result).items() if action not in {"create", "update", "revive"})
