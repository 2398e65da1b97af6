"""A district whose roster comes from a PowerSchool server, and a clock that only those move who wait by it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from syncrun.run.ending import Result
from syncrun.testing.powerschool_server import Entry, PowerSchoolServer

if TYPE_CHECKING:
    from world import World

PREFIX = "com.example.syncrun"
SECRET = "canary-51fe09"
ALL = ["orgs", "academicSessions", "courses", "classes", "users", "enrollments"]


class School:
    """A district, `world`, and the server that it reads."""

    def __init__(self, world: World, server: PowerSchoolServer) -> None:
        self.world, self.server = world, server
        server.clock = world.clock
        self.configure()

    def configure(self, more: str = "", *, year: str = "year-2027", collections: list[str] = ALL) -> None:
        self.world.configure(f"""
district = "riverside"
time_zone = "America/New_York"
[source]
connector = "powerschool_api"
base_url = "{self.server.base_url}"
client_id = "env:PS_ID"
client_secret = "env:PS_SECRET"
prefix = "{PREFIX}"
collections = {collections}
{more}
[[sinks]]
sink = "planner"
database_url = "{self.world.planner_url}"
create_tables = true
school_years = ["{year}"]
new_teachers = "add"
""")

    def query(self, collection: str) -> str:
        return f"{PREFIX}.oneroster.{collection}"

    def path(self, collection: str) -> str:
        return f"/ws/schema/query/{self.query(collection)}"

    def edit(self, collection: str, key: str, **cells: Any) -> None:
        self.server.edit(self.query(collection), key, **cells)

    def leave(self, pupil: str) -> None:
        """A pupil leaves, with the places in classes."""
        for key in [key for key in self.keys("enrollments") if key.endswith(f"-{pupil}")]:
            self.server.remove(self.query("enrollments"), key)
        self.server.remove(self.query("users"), pupil)

    def keys(self, collection: str) -> list[str]:
        return self.server.keys(self.query(collection))

    def sync(self, **options: Any) -> Result:
        return self.world.sync(**options)

    def asked(self, collection: str, after: int = 0) -> list[Entry]:
        return [each for each in self.server.log[after:] if each.path == self.path(collection)]

    def pupils(self) -> set[str]:
        """Those whom the planner has, by their user name."""
        return {value for row in self.world.dump()["students"] for value in row if str(value).startswith("s")}


def codes(result: Result) -> set[str]:
    return {each["code"] for each in result.summary["findings"]}


class Watch:
    """A clock that stands still but for those who wait by it."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.waits: list[float] = []
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self.time

    def wait(self, seconds: float) -> None:
        with self._lock:
            self.waits.append(seconds)
            self.time += seconds
