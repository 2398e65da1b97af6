"""The demo's roster as PowerSchool exports it: three files, written as the plug-in's instructions say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from syncrun.demo import roster

SHORT = {
    "users": ("sourcedId", "orgSourcedIds", "role", "givenName", "familyName", "email", "sms", "phone",
              "agentSourcedIds", "grades", "language"),
    "classes": ("sourcedId", "title", "grades", "location", "schoolSourcedId"),
    "enrollments": ("classSourcedId", "schoolSourcedId", "userSourcedId", "role"),
}  # fmt: skip
"""The columns that the plug-in exports."""
TABLES = {"users": "USERS", "classes": "SECTIONS", "enrollments": "CC"}
SWAPPED = {"sms": "phone", "phone": "sms"}


def rows(name: str, files: roster.Files) -> list[roster.Row]:
    """The demo's rows; every person has two phones and a language."""
    if name != "users":
        return files[name]
    return [{**row, "sms": f"555-{n}", "phone": f"444-{n}", "language": "es"} for n, row in enumerate(files[name])]


def exported(
    folder: Path, columns: Mapping[str, Sequence[str]], files: roster.Files, *, prefixes: bool, language: str, dcid: bool
) -> None:  # fmt: skip
    """As the instructions say: bare carriage returns, no quotes, the labels of tables left on or removed, the label of
    the language in the plural, a Dcid. The columns for phones stand in each other's place, each under its own label."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, header in columns.items():
        order = [SWAPPED.get(column, column) for column in header]
        labels = [language if label == "language" else label for label in order] + ["Dcid"] * dcid
        lines = [",".join(f"{TABLES[name]}.{label}" if prefixes else label for label in labels)]
        for n, row in enumerate(rows(name, files)):
            cells = [row.get(column, "") for column in order] + [str(n)] * dcid
            assert not any("," in cell or '"' in cell for cell in cells), "quotes are off"
            lines.append(",".join(cells))
        (folder / f"{name}.csv").write_bytes(("\r".join(lines) + "\r").encode())
