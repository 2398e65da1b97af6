"""The connector's own settings in a district file."""

from __future__ import annotations

from marshmallow import Schema, fields


class OneRosterCsvSettings(Schema):
    """Where the files are."""

    path = fields.String(
        required=True,
        metadata={"doc": "the folder that holds the CSV files, or the zip archive; relative to the district file"},
    )
