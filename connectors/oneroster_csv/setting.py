"""The connector's own settings in a district file."""

from __future__ import annotations

import codecs

from marshmallow import Schema, ValidationError, fields, validate

from syncrun.connectors.format import NAMES


def _known(encoding: str) -> None:
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise ValidationError("Must be a character set that Python knows, like utf-8 or windows-1252.") from None


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
    encoding = fields.String(
        validate=_known,
        metadata={"doc": "the files' character set, like windows-1252; without it, each file is looked at"},
    )
    delimiter = fields.String(
        validate=validate.OneOf([",", "\t", ";", "|"]),
        metadata={"doc": "what stands between cells; without it, each file's header is looked at"},
    )
    quotes = fields.Boolean(
        load_default=True,
        metadata={"doc": "whether quotes enclose cells; false: a quote is a letter like others"},
    )
