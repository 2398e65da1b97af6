"""Kill a run at every point where an export becomes durable; look at what others see of it; run again, and compare with what
a run published that nobody killed. A program of its own: it forks from a process that has opened nothing yet.

    python export_sweep.py SCENARIO FOLDER

Prints one JSON line. The points: begin and end of each transaction of the state, of each writing of the sink's journal, of
each file that is written beside its place, and of each renaming.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from exporter import Exporter, unpacked
from kill_sweep import Fuse, in_child, small_chunks

from syncrun.demo import roster
from syncrun.sdk.file.folder import Folder
from syncrun.sdk.file.journal import Shelf
from syncrun.state.store import State

SETTINGS = {
    "complete": ("oneroster_csv", ""),
    "delta": ("oneroster_csv", 'mode = "delta"'),
    "loose": ("template_csv", """
[[sinks.files]]
name = "people.csv"
rows = "users"
columns = { Id = "{sourcedId}", Name = "{givenName} {familyName}" }
[[sinks.files]]
name = "rooms.csv"
rows = "classes"
columns = { Id = "{sourcedId}", Room = "{location}" }
"""),
}  # fmt: skip
Seen = dict[str, Any]


def wire(fuse: Fuse) -> None:
    """Put points around everything that makes something durable."""

    def around(function: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **named: Any) -> Any:
            fuse.point()
            found = function(*arguments, **named)
            fuse.point()
            return found

        return called

    real = State.transaction

    @contextlib.contextmanager
    def transaction(self: State) -> Iterator[Any]:
        with real(self) as connection:
            yield connection
            fuse.point()
        fuse.point()

    State.transaction = transaction
    Shelf.write = around(Shelf.write)
    Folder._write = staticmethod(around(Folder._write))
    Folder._settle = around(Folder._settle)
    Path.replace = around(Path.replace)


def world(folder: Path, scenario: str, days: int) -> Exporter:
    """The district, some days after the first."""
    os.environ["SYNCRUN_HOME"] = str(folder / "home")
    found = Exporter(folder)
    found.sink, settings = SETTINGS[scenario]
    found.configure(sink=settings)
    found.clock.move(days=days)
    return found


def prepare(folder: Path, scenario: str) -> int:
    """The first publication is out, and the next day has arrived."""
    district = world(folder, scenario, 0)
    district.first()
    district.write(roster.next_day())
    return 0


def seen(folder: Path) -> Seen:
    """What others see: each file by its name, deltas by what they say and not by when."""
    found: Seen = {}
    for path in (folder / "outbox").iterdir():
        content = path.read_bytes()
        if path.name.startswith("."):
            continue
        if path.name.count("-") == 4:  # a delta, named after the second
            tables = unpacked(content)
            for row in (row for rows in tables.values() for row in rows):
                row.pop("dateLastModified", None)
            found["delta"] = tables
        else:
            found[path.name] = content.hex()
    return found


def main() -> None:
    """Try every point."""
    small_chunks()
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("scenario", choices=list(SETTINGS))
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--every", type=int, default=1)
    given = arguments.parse_args()
    template = given.folder / "template"
    template.mkdir()
    if in_child(lambda: prepare(template, given.scenario)):
        sys.exit("the scenario could not be prepared")

    def trial(name: str, burn_at: int | None) -> tuple[Path, int]:
        folder = given.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(template, folder)

        def work() -> int:
            fuse = Fuse(burn_at)
            district = world(folder, given.scenario, 1)
            wire(fuse)
            code = district.sync().exit_code
            (folder / "points").write_text(str(fuse.points), encoding="utf-8")
            return code

        return folder, in_child(work)

    def finish(folder: Path) -> int:
        district = world(folder, given.scenario, 1)
        district.clock.move(minutes=1)
        for _ in range(3):
            result = district.sync()
            if result.summary.get("nothing_to_do"):
                return 0
        print("not at rest:", result.summary, file=sys.stderr)
        return 1

    folder, code = trial("whole", None)
    old, new = seen(template), seen(folder)
    faults = [] if code == 0 and old != new else ["without a kill"]
    tried = 0
    points = int((folder / "points").read_text(encoding="utf-8"))
    for point in range(1 + points % given.every, points + 1, given.every):
        folder, code = trial("killed", point)
        tried += 1
        meanwhile = seen(folder)
        if code != -signal.SIGKILL:
            faults.append(f"point {point}: ended with {code} and was not killed")
        if any(content not in {json.dumps(each.get(name)) for each in (old, new)}
               for name, content in ((name, json.dumps(content)) for name, content in meanwhile.items())):  # fmt: skip
            faults.append(f"point {point}: something that is neither old nor new is seen")
        if in_child(lambda: finish(folder)):  # noqa: B023 # run at once
            faults.append(f"point {point}: did not come to rest")
        elif seen(folder) != new:
            faults.append(f"point {point}: another publication")
        elif any(path.name.startswith(".") for path in (folder / "outbox").iterdir()):
            faults.append(f"point {point}: something half done is left")
    print(json.dumps({"points": points, "tried": tried, "faults": faults}))


if __name__ == "__main__":
    main()
