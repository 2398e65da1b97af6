"""The connector's own settings in a district file."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from syncrun.connectors.format import NAMES


class OneRosterCsvSettings(Schema):
    """Where the files are."""

    path = fields.String(
        required=True,
        metadata={"doc": "the folder that holds the CSV files, or the zip archive; relative to the district file"},
    )
    format = fields.String(
        load_default="auto",
        validate=validate.OneOf(NAMES),
        metadata={"doc": "what the files are; auto: OneRoster, or what they plainly are by their columns"},
    )
