"""The district file as marshmallow schemas. `syncrun schema` and the docs page of settings are generated from them."""

from __future__ import annotations

import zoneinfo

from marshmallow import Schema, ValidationError, fields, validate

NAME = r"^[a-z0-9][a-z0-9_-]{0,62}$"


def _doc(text: str) -> dict[str, str]:
    return {"doc": text}


def _percent(default: float, doc: str) -> fields.Float:
    return fields.Float(load_default=default, validate=validate.Range(0, 100), metadata=_doc(doc))


def _rows(default: int, doc: str) -> fields.Integer:
    return fields.Integer(load_default=default, strict=True, validate=validate.Range(0), metadata=_doc(doc))


class LimitsSchema(Schema):
    """How much a plan may change before a person must look. Shares are per cent of what the sink has taken."""

    removals = _percent(10, "removals of one table, in a school or in the district, per cent")
    removals_floor = _rows(5, "as many removals never hold, whatever the share")
    class_shrink = _percent(50, "pupils that one class may lose, per cent")
    class_shrink_floor = _rows(5, "classes with fewer pupils are not looked at")
    updates = _percent(75, "updates of one table in a school, per cent")
    updates_floor = _rows(5, "as many updates never hold")
    rekeys = _percent(5, "rows that only changed their id, per cent")
    rekeys_floor = _rows(5, "as many changed ids never hold")
    rejected = _percent(2, "rows of one file that may be rejected, per cent")
    rejected_floor = _rows(100, "as many rejected rows never hold")
    strict = fields.Boolean(
        load_default=False, metadata=_doc("refuse a set in which anything is against the standard, however small")
    )
    guardians = _rows(6, "guardians that `guardians.csv` may give one student; rows beyond are rejected")
    shrink = _percent(50, "rows that one file may have lost since the last accepted set, per cent")
    shrink_floor = _rows(20, "as many lost rows never hold")
    spread_hours = fields.Float(
        load_default=24,
        validate=validate.Range(0),
        metadata=_doc("how many hours apart the files of one set may have been written; 0 does not look"),
    )


class SinkSchema(Schema):
    """What every sink has beside its own settings."""

    sink = fields.String(required=True, metadata=_doc("which sink; see `syncrun plugins list`"))
    name = fields.String(
        validate=validate.Regexp(NAME), metadata=_doc("its name in reports, when a sink is used twice")
    )
    school_years = fields.List(
        fields.String(),
        load_default=list,
        metadata=_doc("sourcedIds of the school years to roster; none means schools and teachers only"),
    )
    mapping = fields.String(metadata=_doc("a CSV file of decisions on orgs, teachers and years, relative to this file"))
    deselected = fields.String(
        load_default="keep",
        validate=validate.OneOf(["keep", "archive"]),
        metadata=_doc("what becomes of rows of orgs and teachers that people take out of the sync"),
    )
    new_teachers = fields.String(
        load_default="ask",
        validate=validate.OneOf(["ask", "add", "ignore"]),
        metadata=_doc(
            "what to do after the first sync with new rows that cost money: ask a person, add them, or ignore teachers "
            "until somebody decides on them with `syncrun map teachers`"
        ),
    )


class SourceSchema(Schema):
    """What every source has beside its own settings."""

    connector = fields.String(required=True, metadata=_doc("which connector; see `syncrun plugins list`"))
    settle_seconds = fields.Float(
        load_default=2,
        validate=validate.Range(0, 600),
        metadata=_doc("a file changed less than so many seconds ago is looked at twice, to see whether it still grows"),
    )


def _zone(value: str) -> None:
    if value not in zoneinfo.available_timezones():
        raise ValidationError("is not a time zone of the IANA database, like America/New_York")


class DistrictSchema(Schema):
    """The district file."""

    district = fields.String(
        required=True,
        validate=validate.Regexp(
            NAME, error="Must be small letters, digits, - and _, and begin with a letter or digit."
        ),
        metadata=_doc("the district's name: small letters, digits, - _"),
    )
    time_zone = fields.String(load_default="UTC", validate=_zone, metadata=_doc("the district's IANA time zone"))
    plugins = fields.List(
        fields.String(), load_default=list, metadata=_doc("plug-ins that look on or review, beside those named below")
    )
    source = fields.Dict(keys=fields.String(), required=True, metadata=_doc("where the roster comes from"))
    sinks = fields.List(
        fields.Dict(keys=fields.String()),
        required=True,
        validate=validate.Length(min=1),
        metadata=_doc("where it goes"),
    )
    limits = fields.Nested(
        LimitsSchema, load_default=lambda: LimitsSchema().load({}), metadata=_doc("how much may change unseen")
    )
