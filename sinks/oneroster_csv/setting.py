"""The export's own settings in a district file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate, validates, validates_schema

from syncrun.sdk.file.setting import FileSettings, plain_name
from syncrun.sinks.oneroster_csv.column import COLUMNS
from syncrun.sinks.oneroster_csv.header import FILES

OPTIONAL = ("demographics",)
"""Tables that a set can be without."""


def _doc(text: str) -> dict[str, str]:
    return {"doc": text}


class OneRosterExportSettings(FileSettings):
    """Which OneRoster, how much of it, and by what name."""

    version = fields.String(
        load_default="1.1", validate=validate.OneOf(list(FILES)), metadata=_doc("the version of OneRoster CSV")
    )
    mode = fields.String(
        load_default="complete", validate=validate.OneOf(["complete", "delta"]),
        metadata=_doc("complete: each file is the whole roster; delta: the first is, and then what changed"),
    )  # fmt: skip
    file_name = fields.String(
        validate=plain_name,
        metadata=_doc("the name of the zip archive, with {district}, {date}, {time} or {run}; without it, "
                      "{district}-{date}.zip, and for delta {district}-{date}-{time}.zip"),
    )  # fmt: skip
    demographics = fields.Boolean(load_default=False, metadata=_doc("whether demographics.csv goes along"))
    leave_out = fields.List(
        fields.String(), load_default=list,
        metadata=_doc("columns that nobody is to get, like users.phone; they are blank, and never read into a run"),
    )  # fmt: skip
    source_name = fields.String(load_default="syncrun", metadata=_doc("source.systemName in the manifest"))

    @validates("leave_out")
    def _known_columns(self, value: list[str], **kwargs: object) -> None:
        for each in value:
            table, _, column = each.partition(".")
            held = next((known for known in COLUMNS.get(table, ()) if known.name == column), None)
            if held is None:
                raise ValidationError(f"{each} is no column of the roster; write it like users.phone.")
            if held.needed:
                raise ValidationError(f"{each} must be in every OneRoster file; it cannot be left out.")

    @validates_schema
    def _deltas_differ(self, data: Mapping[str, Any], **kwargs: object) -> None:
        name = data.get("file_name")
        if data.get("mode") == "delta" and name and "{time}" not in name and "{run}" not in name:
            raise ValidationError(
                "Needs {time} or {run}: a delta must not take the place of one before it.", "file_name"
            )
