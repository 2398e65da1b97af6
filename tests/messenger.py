"""The small world with the messaging app in place of the planner, and what tests look for in it."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from world import YEAR, World

from syncrun.intake.upload import Upload
from syncrun.sinks.messaging import database

if TYPE_CHECKING:
    from syncrun.run.ending import Result

Row = Mapping[str, str]


class Messenger(World):
    """One district, `riverside`, that syncs to the messaging app."""

    def __init__(self, folder: Path, url: str | None = None) -> None:
        super().__init__(folder, url or f"sqlite:///{folder / 'messaging.db'}")

    def configure(
        self, text: str | None = None, *, sink: str = "", limits: str = "", years: str = f'["{YEAR}"]'
    ) -> None:
        """Write the district file; `sink` has further settings of the app."""
        super().configure(
            text
            or f"""
district = "riverside"
time_zone = "America/New_York"
[source]
connector = "oneroster_csv"
path = "inbox"
settle_seconds = 0
[[sinks]]
sink = "messaging"
database_url = "{self.planner_url}"
create_tables = true
school_years = {years}
{sink}
{f"[limits]{chr(10)}{limits}" if limits else ""}
"""
        )

    # -- families --------------------------------------------------------------------------------------------------

    def guardian(self, key: str, *students: str, role: str = "parent", **cells: str) -> None:
        """A guardian in `users.csv`, whose students name them."""
        schools = {row["sourcedId"]: row["orgSourcedIds"] for row in self.rows("users")}
        self.rows("users").append(
            {"sourcedId": key, "enabledUser": "true", "orgSourcedIds": schools[students[0]], "role": role, "username": key,
             "givenName": "Gil", "familyName": f"Of-{key}", "email": f"{key}@home.example.org",
             "agentSourcedIds": ",".join(students), **cells}
        )  # fmt: skip

    def put(self, name: str, *rows: Row) -> Path:
        """A file to be uploaded, with the columns that its rows have."""
        folder = self.folder / "brought"
        folder.mkdir(exist_ok=True)
        columns = list(dict.fromkeys(column for row in rows for column in row))
        with (folder / name).open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, columns, restval="")
            writer.writeheader()
            writer.writerows(rows)
        return folder / name

    def upload(self, *files: Path) -> Result:
        """Upload files for the district."""
        return self.sync(upload=Upload(files, None, complete=False))

    def bring(self, name: str, *rows: Row) -> Result:
        """Write one file and upload it."""
        return self.upload(self.put(name, *rows))

    # -- looking ---------------------------------------------------------------------------------------------------

    def all(self, table: str) -> dict[str, dict[str, Any]]:
        """The rows of a table by their own ids."""
        with self.planner() as connection:
            found = connection.execute(sa.select(database.metadata.tables[table]))
            return {str(each.id): dict(each._mapping) for each in found}

    def active(self, table: str) -> dict[str, dict[str, Any]]:
        """The rows that are not set aside, by the source's ids."""
        return {each["external_id"]: each for each in self.all(table).values() if each["archived_at"] is None}

    def outbox(self) -> list[tuple[str, str, str]]:
        """Table and e-mail or phone of everyone to whom an invitation is to be sent, and the channel."""
        return sorted((each["recipient_table"], each["address"], each["channel"]) for each in self.all("outbox").values()
                      if each["sent_at"] is None and each["withdrawn_at"] is None)  # fmt: skip

    def dump(self, *, archived: bool = False) -> dict[str, list[tuple[Any, ...]]]:
        """All rows, sorted, whoever made them, with tables that no sync writes; without `archived` only active ones."""
        found = {}
        with self.planner() as connection:
            for table in database.metadata.sorted_tables:
                query = sa.select(table)
                if not archived and "archived_at" in table.c:
                    query = query.where(table.c.archived_at.is_(None))
                found[table.name] = sorted(map(tuple, connection.execute(query)), key=repr)
        return found

    def whole(self) -> str:
        """A hash of every row of every table that the database has, the sync's own tables too."""
        lines = []
        with self.planner() as connection:
            for name in sorted(sa.inspect(connection).get_table_names()):
                rows = connection.execute(sa.text(f'SELECT * FROM "{name}"')).fetchall()
                lines += [name, *sorted(repr(tuple(row)) for row in rows)]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()
