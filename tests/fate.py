"""Runs of one district that end in every way, each in a process of its own that may be killed. A program: it forks from
a process that has opened nothing yet.

    python fate.py      for each line read, an order in JSON, a run or a look; answers with a line

An order: `folder`; `kind` of the source (see `KINDS`); `moment` (ISO 8601); `do`, which is `look`, or `full`,
`incremental` or `dry` for a run; and for a run `approve` (say yes to what waits before it), `die_at` (the point at which it
is killed), `source` and `sink`: what is wrong with them, as `[word, number]`.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import duckdb  # noqa: F401 # heavy: once, before all forks
import sqlalchemy as sa
from bureau import Book, Bureau, away
from gradebook import Gradebook
from kill_sweep import Fuse, in_child, wire
from world import World

import syncrun.apply.execute
import syncrun.apply.outgoing
import syncrun.apply.step
import syncrun.run.applying
import syncrun.run.pulling
from syncrun.sdk.sql.sink import SqlSink
from syncrun.snapshot.table import Snapshot
from syncrun.testing.clock import FixedClock

if TYPE_CHECKING:
    from syncrun.run.ending import Result

KINDS = {
    "dated": 'connector = "bureau"',
    "counted": 'connector = "bureau"\nby_version = true',
    "files": 'connector = "oneroster_csv"\npath = "inbox"\nsettle_seconds = 0',
}
"""A source that is asked for what changed since a moment; one that is asked by version; files, which are always whole."""
DISTRICT = """
district = "riverside"
time_zone = "America/New_York"
[source]
{source}
[[sinks]]
sink = "planner"
database_url = "{planner}"
create_tables = true
school_years = ["year-2027"]
new_teachers = "add"
[[sinks]]
sink = "gradebook"
school_years = ["year-2027"]
[limits]
removals = 100
class_shrink = 100
updates = 100
rekeys = 100
rejected = 100
shrink = 100
spread_hours = 0
"""
TABLES = ("schools", "school_years", "teachers", "teacher_years", "classes", "students", "class_members")


class Points(Fuse):
    """Points where pages come, too."""

    def page(self, collection: str, rows: int) -> None:
        """A page is on disk."""
        self.point()


class Fated(World):
    """One district, `riverside`, with a planner and a gradebook."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.kind = kind
        super().__init__(folder)

    def configure(self, *_: object, **__: object) -> None:
        """Write the district file, always the same."""
        self.toml.write_text(DISTRICT.format(source=KINDS[self.kind], planner=self.planner_url), encoding="utf-8")


def ordered(order: dict[str, Any]) -> dict[str, Any]:
    """Carry out an order, in a process of its own."""
    folder = Path(order["folder"])
    answer = folder / "answer.json"
    answer.unlink(missing_ok=True)

    def work() -> int:
        os.environ["SYNCRUN_HOME"] = str(folder / "home")
        world = Fated(folder, order["kind"])
        world.clock = FixedClock(datetime.datetime.fromisoformat(order["moment"]))
        found = look(world) if order["do"] == "look" else run(world, order)
        answer.write_text(json.dumps(found, default=str), encoding="utf-8")
        return 0

    code = in_child(work)
    found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8")) if answer.exists() else {}
    return {"code": code, **found}


def look(world: Fated) -> dict[str, Any]:
    """What the state and the sinks have."""
    state = world.state()
    content = state.snapshot("riverside")
    accepted = Snapshot.from_json(content) if content else None
    return {
        "accepted": accepted.id if accepted else None,
        "pull": accepted.pull if accepted else None,
        "taken": [[each.sink, each.table, each.seq, each.run] for each in state.applied("riverside")],
        "planner": world.dump() if (world.folder / "planner.db").exists() else {},
        "gradebook": _gradebook(world.folder / "book.json"),
        "unfinished": [each.id for each in state.interrupted("riverside")],
    }


def _gradebook(path: Path) -> list[list[Any]]:
    """What is in it and not set aside: key, table, name and the key of the school. A row that is there twice shows."""
    rows: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    keys = {sink_id: row["key"] for sink_id, row in rows.items()}
    return sorted([row["key"], row["table"], row.get("name"), keys.get(str(row.get("school_id")), "")]
                  for row in rows.values() if not row["archived"])  # fmt: skip


def run(world: Fated, order: dict[str, Any]) -> dict[str, Any]:
    """Sync once, with what is to go wrong."""
    if order.get("approve"):
        world.approve()
    fuse = Points(order.get("die_at"))
    wire(fuse)
    Bureau.fault = staticmethod(source_fault(world.folder / "source.json", fuse, *order.get("source") or ("", 0)))
    with sink_fault(world, fuse, *order.get("sink") or ("", 0)):
        mode = "full" if order["do"] == "full" else "incremental"
        result = world.sync(mode=mode, dry_run=order["do"] == "dry", progress=fuse)
    return {"code": result.exit_code, "outcome": result.outcome, "error": result.error.code if result.error else None,
            "points": fuse.points, "told": _told(result)}  # fmt: skip


def _told(result: Result) -> dict[str, Any]:
    names = ("nothing_to_do", "files", "error", "errors")
    told = {name: result.summary[name] for name in names if name in result.summary}
    planned = {sink: {name: table["planned"] for name, table in each["tables"].items() if table["planned"]}
               for sink, each in result.summary.get("sinks", {}).items()}  # fmt: skip
    return {**told, "planned": planned}


def source_fault(path: Path, fuse: Fuse, word: str, at: int) -> Callable[[int], bool]:
    """What happens before a page: the source goes away at page `at`, breaks off there, or changes there."""

    def turn(number: int) -> bool:
        fuse.point()
        if word == "away" and number >= at:
            raise away("The bureau")
        if word == "changes" and number == at:
            book = Book.opened(path)
            key = book.there("users", role="student")[-1]
            book.put("users", key, givenName=f"Meanwhile {book.version}")
            book.save()
        return word == "breaks off" and number == at

    return turn


@contextlib.contextmanager
def sink_fault(world: Fated, fuse: Fuse, word: str, at: int) -> Iterator[None]:
    """What is wrong with the sinks: they go away before chunk `at`, or after it so that its answer is lost, or they refuse
    some rows."""
    chunks = 0

    def around(function: Callable[..., Any]) -> Callable[..., Any]:
        def called(self: object, given: Any) -> Any:
            nonlocal chunks
            chunks += 1
            if word == "away before" and chunks >= at:
                raise away("The sink")
            found = list(function(self, given))
            if word == "away after" and chunks >= at:
                raise away("The sink")
            return found

        return called

    one = Gradebook._one

    def row(self: Gradebook, change: Any) -> Any:
        fuse.point()
        found = one(self, change)
        fuse.point()
        return found

    Gradebook._one = row  # type: ignore[method-assign] # of this process alone
    SqlSink.apply_bulk = around(SqlSink.apply_bulk)  # type: ignore[method-assign] # as above
    Gradebook.apply = around(Gradebook.apply)  # type: ignore[method-assign] # as above
    if word == "refuses":
        Gradebook.refused = {key for key in _keys(world) if hash_of(key) % 4 == at % 4}
    if (world.folder / "planner.db").exists():
        with world.planner() as connection:
            _refuse(connection, [f"{at % 16:x}", f"{at * 7 % 16:x}"] if word == "refuses" else [])
    yield


def hash_of(text: str) -> int:
    """A number for a text, the same in every process."""
    return sum(text.encode())


def _keys(world: Fated) -> list[str]:
    book = Book.opened(world.folder / "source.json")
    return [key for collection in book.rows.values() for key in collection]


def _refuse(connection: sa.Connection, digits: list[str]) -> None:
    """Have the planner refuse rows whose ids begin with one of these, and take all others."""
    there = sa.inspect(connection).get_table_names()
    for table in TABLES:
        for event in ("insert", "update"):
            connection.execute(sa.text(f"DROP TRIGGER IF EXISTS refuse_{event}_{table}"))
            if digits and table in there:
                listed = ", ".join(f"'{each}'" for each in digits)
                connection.execute(sa.text(
                    f"CREATE TRIGGER refuse_{event}_{table} BEFORE {event} ON {table} WHEN substr(NEW.id, 1, 1) IN ({listed}) "
                    "BEGIN SELECT RAISE(ABORT, 'not today'); END"
                ))  # fmt: skip


def main() -> None:
    """Carry out one order a line."""
    for module in (syncrun.apply.step, syncrun.apply.outgoing, syncrun.run.applying):
        cast("Any", module).CHUNK_ROWS = 6
    syncrun.apply.execute.ATTEMPTS = 1
    syncrun.run.pulling.WORKERS = 1  # pages come in the same order each time
    os.fsync = lambda stream: None  # nothing here must survive a power failure
    for line in sys.stdin:
        print(json.dumps(ordered(json.loads(line))), flush=True)  # noqa: T201 # a program of its own answers


if __name__ == "__main__":
    main()
