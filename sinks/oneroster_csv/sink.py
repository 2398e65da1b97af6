"""OneRoster CSV as a sink: a zip archive a publication, complete or with what changed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from syncrun.sdk import Context, Remark, Whole
from syncrun.sdk.file.archive import Archive
from syncrun.sdk.file.journal import Journal
from syncrun.sdk.file.sink import FileSink, digest, named
from syncrun.sinks.oneroster_csv.column import COLUMNS
from syncrun.sinks.oneroster_csv.content import Content
from syncrun.sinks.oneroster_csv.header import ABSENT, COMMON, FILES, Version
from syncrun.sinks.oneroster_csv.table import tables

NAMES: Mapping[str, str] = {"complete": "{district}-{date}.zip", "delta": "{district}-{date}-{time}.zip"}
ROLES_LOST = Remark(
    """SELECT count(*) FROM (SELECT userSourcedId FROM shaped.roles GROUP BY userSourcedId HAVING count(DISTINCT role) > 1
        OR bool_or(role IN ('counselor') OR starts_with(role, 'ext:')))""",
    "{count} persons have roles that OneRoster 1.1 has no room for; one role of each is exported.",
)


class OneRosterExport(FileSink):
    """The roster as OneRoster CSV files in a zip archive."""

    def __init__(self, settings: Mapping[str, Any], context: Context) -> None:
        super().__init__(settings, context)
        self._settings = settings
        self._version: Version = settings["version"]
        self.tables = tables(_wanted(settings))
        self.remarks = (ROLES_LOST,) if self._version == "1.1" else ()
        self._content = Content(self._version, self.tables)

    def form(self) -> str:
        """The settings that decide what is in the archive."""
        return digest(*(self._settings[each] for each in ("version", "mode", "demographics", "source_name")),
                      sorted(self._settings["leave_out"]))  # fmt: skip

    def render(self, whole: Whole, into: Path, journal: Journal) -> Mapping[str, Path]:
        """One archive; none where only changes are wanted and there are none."""
        changes = self._settings["mode"] == "delta" and journal.form == self.form()
        path = into / "archive.zip"
        modes: dict[str, str] = dict.fromkeys((*FILES[self._version], *ABSENT[self._version]), "absent")
        with Archive(path) as archive:
            for file in self._content.files():
                query = self._content.changes(file, whole.moment) if changes else self._content.whole(file)
                header = (*COMMON, *FILES[self._version][file])
                if archive.add(f"{file}.csv", header, whole.rows(query)):
                    modes[file] = "delta" if changes else "bulk"
            archive.add("manifest.csv", ("propertyName", "value"), self._manifest(modes))
        if changes and set(modes.values()) == {"absent"}:
            return {}
        return {named(self._settings.get("file_name") or NAMES[self._settings["mode"]], whole): path}

    def _manifest(self, modes: Mapping[str, str]) -> list[tuple[str, str]]:
        files = [(f"file.{file}", modes[file]) for file in sorted(modes, key=str.lower)]
        return [("manifest.version", "1.0"), ("oneroster.version", self._version), *files,
                ("source.systemName", self._settings["source_name"])]  # fmt: skip


def _wanted(settings: Mapping[str, Any]) -> dict[str, list[str]]:
    """By table the columns that are exported; of a person, only those are staged."""
    version: Version = settings["version"]
    left_out = set(settings["leave_out"])
    files = {
        each: columns for each, columns in FILES[version].items() if each != "demographics" or settings["demographics"]
    }
    wanted = {
        file: [each.name for each in COLUMNS[file] if each.name in columns and f"{file}.{each.name}" not in left_out]
        for file, columns in files.items()
    }
    wanted["roles"] = [each.name for each in COLUMNS["roles"] if f"roles.{each.name}" not in left_out]
    wanted["users"] = list(dict.fromkeys([*wanted["users"], "primaryOrgSourcedId"]))  # which role is the one of 1.1
    return wanted
