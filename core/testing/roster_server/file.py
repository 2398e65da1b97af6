"""A roster from OneRoster CSV files, of version 1.1 or 1.2, in a folder or a zip archive.

Columns are read by name, in any order; those that are not OneRoster's, and files beside the roster's, are passed over.
Nothing is checked: what the files say is served.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO

from syncrun.clock import Clock
from syncrun.errors import InputError
from syncrun.testing.roster_server.field import FIELDS, Field, reference
from syncrun.testing.roster_server.roster import LOADED, Roster, dump
from syncrun.testing.roster_server.version import form_of

Convert = Callable[[str], Any]
Rows = Iterator[dict[str, Any]]


class CsvFolder:
    """The CSV files of a folder or an archive, found by name without regard to case."""

    def __init__(self, path: Path) -> None:
        self._archive = None if path.is_dir() else path
        if self._archive is None:
            names = [str(each) for each in path.rglob("*.csv")]
        else:
            try:
                with zipfile.ZipFile(path) as archive:
                    names = archive.namelist()
            except (OSError, zipfile.BadZipFile) as error:
                raise InputError(f"{path.name} is neither a folder nor a zip archive.",
                                 next_step="Name a folder or a zip archive of OneRoster CSV files.") from error  # fmt: skip
        self._names = {Path(name).stem.lower(): name for name in names if name.lower().endswith(".csv")}

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._names

    @contextmanager
    def opened(self, name: str) -> Iterator[TextIO]:
        """A file's text."""
        found = self._names[name.lower()]
        if self._archive is None:
            with Path(found).open(encoding="utf-8-sig", newline="") as stream:
                yield stream
        else:
            with zipfile.ZipFile(self._archive) as archive, archive.open(found) as member:
                yield io.TextIOWrapper(member, encoding="utf-8-sig", newline="")

    def rows(self, name: str) -> Iterator[dict[str, str]]:
        """The rows of a small file by column, blanks left out; none if there is no such file."""
        if name in self:
            with self.opened(name) as stream:
                for row in csv.DictReader(stream):
                    yield {column: cell for column, cell in row.items() if column and cell}


def read_roster(path: Path, clock: Clock | None = None) -> Roster:
    """The roster in the files. Raises `InputError` where there are none, or a file is no CSV in UTF-8."""
    folder = CsvFolder(path)
    found = [name for name in FIELDS if name in folder]
    if not found:
        raise InputError(f"{path.name} holds no OneRoster CSV files.",
                         next_step="Name a folder or a zip archive with orgs.csv, users.csv and the others.")  # fmt: skip
    roster = Roster(clock)
    for name in found:
        try:
            _lay(roster, folder, name)
        except (UnicodeDecodeError, csv.Error) as error:
            raise InputError(f"{name}.csv is no CSV file in UTF-8.") from error
    return roster


def _lay(roster: Roster, folder: CsvFolder, collection: str) -> None:
    roles, profiles = _attached(folder) if collection == "users" else ({}, {})
    with folder.opened(collection) as stream:
        for record in _records(collection, csv.reader(stream)):
            key = record["sourcedId"]
            if key in roles:
                record["roles"] = roles[key]
                record.pop("role", None)
                record.pop("orgs", None)
            if key in profiles:
                record["userProfiles"] = profiles[key]
            roster.lay(collection, key, dump(record), form_of(record) if collection == "users" else None)


def _records(collection: str, rows: Iterator[list[str]]) -> Rows:
    """The records of a file: each cell that is not blank, converted by the kind of its field."""
    header = next(rows, [])
    names = {column: at for at, column in enumerate(header)}
    plan = list(_plan(collection, header))
    key, status, date = (names.get(name, -1) for name in ("sourcedId", "status", "dateLastModified"))
    extra = [(at, column.partition(".")[2]) for column, at in names.items() if column.startswith("metadata.")]
    for row in rows:
        if len(row) < len(header):
            if not row:
                continue
            row.extend([""] * (len(header) - len(row)))
        record: dict[str, Any] = {
            "sourcedId": row[key],
            "status": (status >= 0 and row[status]) or "active",
            "dateLastModified": (date >= 0 and row[date]) or LOADED,
        }
        for at, name, convert in plan:
            cell = row[at]
            if cell:
                record[name] = convert(cell) if convert else cell
        if extra:
            metadata = {name: row[at] for at, name in extra if row[at]}
            if metadata:
                record["metadata"] = metadata
        yield record


def _plan(collection: str, header: Sequence[str]) -> Iterator[tuple[int, str, Convert | None]]:
    """Where each field's cell is, and what makes its value; no function for text, which stays as it is."""
    names = {column: at for at, column in enumerate(header)}
    for name, field in FIELDS[collection].items():
        at = names.get(field.column or name)
        if at is not None:
            yield at, name, _convert(name, field)


def _convert(name: str, field: Field) -> Convert | None:
    refer = lru_cache(100_000)(lambda key: reference(field.target, key))
    if name == "userIds":
        return _user_ids
    if field.kind == "ref":
        return refer
    if field.kind == "refs":
        return lambda cell: [refer(key) for key in _items(cell)]
    return _items if field.kind == "list" else None


def _items(cell: str) -> list[str]:
    """The items of a list: commas between them, quotes around those that hold a comma."""
    items = next(csv.reader([cell])) if '"' in cell else cell.split(",")
    return [item.strip() for item in items if item.strip()]


def _user_ids(cell: str) -> list[dict[str, str]]:
    """`{type:id},{type:id}` as objects."""
    found = []
    for item in _items(cell):
        kind, _, identifier = item.strip("{}").partition(":")
        found.append({"type": kind, "identifier": identifier})
    return found


def _attached(folder: CsvFolder) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    """The roles and the profiles of each user, which are files of their own in version 1.2."""
    roles: dict[str, list[Any]] = {}
    for row in folder.rows("roles"):
        role: dict[str, Any] = {name: row[name] for name in ("roleType", "role", "beginDate", "endDate") if name in row}
        role |= {"org": reference("orgs", row["orgSourcedId"])} if "orgSourcedId" in row else {}
        role |= {"userProfile": row["userProfileSourcedId"]} if "userProfileSourcedId" in row else {}
        roles.setdefault(row.get("userSourcedId", ""), []).append(role)
    profiles: dict[str, list[Any]] = {}
    for row in folder.rows("userProfiles"):
        profile: dict[str, Any] = {"profileId": row.get("sourcedId", "")}
        profile |= {
            name: row[name] for name in ("profileType", "vendorId", "applicationId", "description") if name in row
        }
        if "credentialType" in row:
            login = {name: row[name] for name in ("username", "password") if name in row}
            profile["credentials"] = [{"type": row["credentialType"], **login}]
        profiles.setdefault(row.get("userSourcedId", ""), []).append(profile)
    return roles, profiles
