"""A reading desk: sets of files are read with the engine's own parts, without a district, a state or a sink."""

from __future__ import annotations

import contextlib
import csv
import datetime
import io
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncrun.config.district import Limits
from syncrun.config.schema import LimitsSchema
from syncrun.connectors.oneroster_csv.format import ONEROSTER_CSV
from syncrun.finding import Finding
from syncrun.intake.arrival import arrive
from syncrun.roster.entity import ENTITIES
from syncrun.rules import table
from syncrun.run import reading
from syncrun.run.checking import EVERYTHING
from syncrun.run.progress import Silent
from syncrun.run.reading import Reading
from syncrun.scratch import scratch
from syncrun.sdk import FileSet
from syncrun.snapshot.table import Snapshot

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

AUTUMN = datetime.date(2026, 11, 20)
Row = dict[str, str]
Files = dict[str, list[Row]]


def small() -> Files:
    """A district of one school: a class, its teacher, two pupils and a guardian, in OneRoster 1.1."""
    return {
        "orgs": [
            {"sourcedId": "district", "name": "Riverside", "type": "district"},
            {"sourcedId": "school", "name": "Oak", "type": "school", "parentSourcedId": "district"},
        ],
        "academicSessions": [
            {"sourcedId": "year", "title": "2026-2027", "type": "schoolYear", "startDate": "2026-08-17",
             "endDate": "2027-06-12", "schoolYear": "2027"},
            {"sourcedId": "fall", "title": "Fall", "type": "term", "startDate": "2026-08-17", "endDate": "2026-12-19",
             "parentSourcedId": "year", "schoolYear": "2027"},
        ],
        "courses": [{"sourcedId": "course", "title": "Mathematics", "orgSourcedId": "district",
                     "schoolYearSourcedId": "year"}],
        "classes": [{"sourcedId": "class", "title": "Mathematics 1", "courseSourcedId": "course",
                     "classType": "scheduled", "schoolSourcedId": "school", "termSourcedIds": "fall"}],
        "users": [
            user("teacher", "teacher"), user("pupil-1", "student", agentSourcedIds="parent"),
            user("pupil-2", "student"), user("parent", "parent"),
        ],
        "enrollments": [enrolled("teacher", "teacher"), enrolled("pupil-1"), enrolled("pupil-2")],
    }  # fmt: skip


def user(key: str, role: str = "student", **cells: str) -> Row:
    """A row of users.csv."""
    return {"sourcedId": key, "enabledUser": "true", "orgSourcedIds": "school", "role": role, "username": key,
            "givenName": "Ana", "familyName": "Berg", **cells}  # fmt: skip


def enrolled(person: str, role: str = "student", **cells: str) -> Row:
    """A row of enrollments.csv."""
    return {"sourcedId": f"class-{person}", "classSourcedId": "class", "schoolSourcedId": "school",
            "userSourcedId": person, "role": role, **cells}  # fmt: skip


def columns(entity: str, version: str = "1.1") -> list[str]:
    """The columns of a file, in the standard's order."""
    return [column for column, cell in ENTITIES[entity].cells().items() if cell.only in {None, version}]


def text(header: Sequence[str], rows: Iterable[Mapping[str, str]], end: str = "\r\n") -> str:
    """A CSV file."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=end)
    writer.writerow(header)
    writer.writerows([row.get(column, "") for column in header] for row in rows)
    return out.getvalue()


class Night:
    """What came of reading a set: the accepted rows by entity, the findings, and what is kept for the next time."""

    def __init__(self, connection: DuckDBPyConnection, read: Reading) -> None:
        self.read = read
        self.snapshot: Snapshot = read.snapshot
        self.findings: list[Finding] = table.read(connection)
        self.sanity: list[Finding] = table.sanity(connection)
        self.rows: dict[str, list[dict[str, Any]]] = {
            entity: dicts(connection, f"FROM accepted.{entity}") for entity in read.snapshot.tables
        }

    @property
    def codes(self) -> set[str]:
        """The codes of all findings but those about columns that are not there."""
        return {each.code for each in self.findings} - {"R-FILE-06"}

    @property
    def doubts(self) -> set[str]:
        """The codes for which a person must look."""
        return {each.code for each in self.read.doubts}

    def keys(self, entity: str) -> list[str]:
        """The accepted sourcedIds, sorted."""
        return sorted(row["sourcedId"] for row in self.rows[entity])

    def row(self, entity: str, key: str) -> dict[str, Any]:
        """One accepted row."""
        (found,) = (row for row in self.rows[entity] if row["sourcedId"] == key)
        return found

    def found(self, code: str) -> list[Finding]:
        """The findings of one code."""
        return [each for each in self.findings if each.code == code]


def dicts(connection: DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    """The rows of a query by column."""
    found = connection.execute(query)
    names = [each[0] for each in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


class Desk:
    """An inbox, and the roster that was accepted `before`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inbox = folder / "inbox"
        self.inbox.mkdir()
        self.before: Snapshot | None = None
        self._numbers = itertools.count(1)

    def write(
        self, files: Files, modes: Mapping[str, str] | str | None = "bulk", *, version: str = "1.1", end: str = "\r\n"
    ) -> None:  # fmt: skip
        """Put a set into the inbox, in place of what is there. `modes` goes into the manifest: one for all files, one
        by file (absent for the others), or None for no manifest."""
        for old in self.inbox.rglob("*.csv"):
            old.unlink()
        for entity, rows in files.items():
            self.put(f"{entity}.csv", text(columns(entity, version), rows, end))
        if modes is not None:
            told = dict.fromkeys(files, modes) if isinstance(modes, str) else modes
            lines = {"manifest.version": "1.0", "oneroster.version": version}
            lines |= {
                f"file.{entity}": told.get(entity, "absent")
                for entity in (*(kind.entity for kind in ONEROSTER_CSV.kinds), *told)
            }
            self.put("manifest.csv", "propertyName,value\n" + "".join(f"{key},{word}\n" for key, word in lines.items()))

    def put(self, name: str, content: str | bytes) -> Path:
        """Write one file."""
        path = self.inbox / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    @contextlib.contextmanager
    def opened(self, **options: Any) -> Iterator[tuple[DuckDBPyConnection, Reading]]:
        """Read what is in the inbox; the tables can be looked at."""
        number = next(self._numbers)
        (self.folder / f"unpacked-{number}").mkdir()
        form = options.get("form", ONEROSTER_CSV)
        paths = tuple(path for path in sorted(self.inbox.rglob("*")) if path.is_file())
        arrival = arrive(FileSet(paths, "a test"), form, self.folder / f"unpacked-{number}")
        with scratch(self.folder / f"spill-{number}", [self.folder]) as connection:
            yield connection, reading.read(
                connection, arrival, self.before, staged=options.get("staged", EVERYTHING),
                limits=Limits(**LimitsSchema().load(options.get("limits", {}))), today=AUTUMN, home=self.folder,
                snapshots=self.folder / f"snapshot-{number}", run=f"run-{number}",
                progress=options.get("progress", Silent()),
            )  # fmt: skip

    def read(self, **options: Any) -> Night:
        """Read what is in the inbox."""
        with self.opened(**options) as (connection, read):
            return Night(connection, read)

    def settle(self, **options: Any) -> Night:
        """Read it, and take it for what was accepted."""
        night = self.read(**options)
        self.before = night.snapshot
        return night
