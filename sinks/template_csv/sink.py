"""CSV files in a receiver's own form, as a sink."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from syncrun.sdk import Context, Whole
from syncrun.sdk.file.archive import Archive
from syncrun.sdk.file.journal import Journal
from syncrun.sdk.file.sink import FileSink, digest, named
from syncrun.sdk.file.text import Dialect, write
from syncrun.sinks.oneroster_csv.table import tables
from syncrun.sinks.template_csv.expression import DERIVED, Query, parts, steps
from syncrun.sqltext import literal, literals


class TemplateExport(FileSink):
    """Files whose columns are written in the district file."""

    def __init__(self, settings: Mapping[str, Any], context: Context) -> None:
        super().__init__(settings, context)
        self._files: list[Mapping[str, Any]] = settings["files"]
        self._archive: str | None = settings.get("archive")
        self.tables = tables(_wanted(self._files))

    def form(self) -> str:
        """The settings that decide what files look like."""
        return digest(self._archive, *self._files)

    def render(self, whole: Whole, into: Path, journal: Journal) -> Mapping[str, Path]:
        """The files, or the one archive with all of them. A file without rows has its header and no more."""
        if self._archive:
            path = into / "archive.zip"
            with Archive(path) as archive:
                for each in self._files:
                    archive.add(named(each["name"], whole), *self._content(each, whole), _dialect(each), empty=True)
            return {named(self._archive, whole): path}
        return {
            named(each["name"], whole): self._written(each, whole, into / str(n)) for n, each in enumerate(self._files)
        }

    def _written(self, file: Mapping[str, Any], whole: Whole, path: Path) -> Path:
        dialect = _dialect(file)
        path.touch(mode=0o600)
        with path.open("w", encoding=dialect.encoding, errors="replace", newline="") as stream:
            write(stream, *self._content(file, whole), dialect)
        return path

    @staticmethod
    def _content(file: Mapping[str, Any], whole: Whole) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
        return list(file["columns"]), whole.rows(_query(file))


def _query(file: Mapping[str, Any]) -> str:
    """The rows of a file, in the order of their keys."""
    query = Query(file["rows"], "after")
    cells = [_cell(query, each) for each in file["columns"].values()]
    tests = [
        f"{query.value(tuple(path.split('.')))} IN ({literals([words] if isinstance(words, str) else words)})"
        for path, words in file["where"].items()
    ]
    return f"SELECT {', '.join(cells)} FROM {query.source()} WHERE {' AND '.join(tests) or 'true'} ORDER BY own.key"


def _cell(query: Query, column: Mapping[str, Any]) -> str:
    value = query.text(column["value"])
    cases = " ".join(f"WHEN {literal(old)} THEN {literal(new)}" for old, new in column["words"].items())
    otherwise = literal(column["otherwise"]) if "otherwise" in column else value
    return f"CASE {value} {cases} ELSE {otherwise} END" if cases else otherwise if "otherwise" in column else value


def _dialect(file: Mapping[str, Any]) -> Dialect:
    return Dialect(
        file["delimiter"], file["always_quoted"], {"crlf": "\r\n", "lf": "\n"}[file["line_end"]], file["encoding"],
        file["header"], file["spreadsheet"],
    )  # fmt: skip


def _wanted(files: list[Mapping[str, Any]]) -> dict[str, list[str]]:
    """By table the columns that some file uses; of a person, no others are staged."""
    wanted: dict[str, dict[str, None]] = {}
    for file in files:
        wanted.setdefault(file["rows"], {})
        paths = [part.path for column in file["columns"].values() for part in parts(column["value"]) if part.path]
        for path in (*paths, *(tuple(each.split(".")) for each in file["where"])):
            for table, column in steps(file["rows"], path):
                wanted.setdefault(table, {})[column.name] = None
                if column in DERIVED.get(table, ()):
                    wanted.setdefault("roles", {})
    if "users" in wanted:  # whose role is worked out from all of theirs
        wanted["users"]["primaryOrgSourcedId"] = None
        wanted.setdefault("roles", {})
    return {table: list(columns) for table, columns in wanted.items()}
