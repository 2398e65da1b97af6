"""The district file as marshmallow schemas. `syncrun schema` and the docs page of settings are generated from them."""

from __future__ import annotations

import zoneinfo
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from syncrun.roster.route import Route, conflicts, grade

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


def _names(doc: str, **options: Any) -> fields.List[str]:
    """A list of texts, none of them empty; a list that is there has one."""
    item = fields.String(validate=validate.Length(min=1))
    if not options.get("required"):
        options["load_default"] = tuple
    return fields.List(item, validate=validate.Length(min=1), metadata=_doc(doc), **options)


class RouteSchema(Schema):
    """Which school of the sink gets whom, where it is not the school that the source names. The first route that fits
    counts; what none fits stays where it is. Conditions must all hold; courses, subjects and departments ask for classes
    only."""

    sources = _names("the schools of the source, by sourcedId", required=True, data_key="from")
    to = fields.String(
        required=True,
        validate=validate.Length(min=1),
        metadata=_doc("the sourcedId of the school that gets them: one of the source, or a new one"),
    )
    name = fields.String(
        validate=validate.Length(min=1), metadata=_doc("the name of a new school; only a new one has one")
    )
    identifier = fields.String(validate=validate.Length(min=1), metadata=_doc("the code of a new school"))
    grades = _names("only these grades, like 06: pupils by their own, classes by theirs or their pupils'")
    courses = _names("only classes of these courses, by sourcedId or course code")
    subjects = _names("only classes of these subjects, or of courses of them, by word or code")
    departments = _names("only classes of courses that belong to these orgs, by sourcedId")

    @validates_schema(skip_on_field_errors=False)
    def _named(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("identifier") and not data.get("name"):
            raise ValidationError({"identifier": ["is for a new school, which needs a name"]})

    @post_load
    def _route(self, data: dict[str, Any], **_: Any) -> Route:
        listed = {key: tuple(value) for key, value in data.items() if isinstance(value, list | tuple)}
        return Route(**{**data, **listed, "grades": tuple(map(grade, data["grades"]))})


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
        validate=validate.OneOf(["ask", "add"]),
        metadata=_doc("what to do with new rows that cost money after the first sync: ask a person, or add"),
    )
    routes = fields.Nested(
        RouteSchema,
        many=True,
        load_default=tuple,
        metadata=_doc("rules by which schools of the source are split or merged, in order"),
    )

    @validates_schema
    def _reachable(self, data: dict[str, Any], **_: Any) -> None:
        wrong: dict[int, dict[str, list[str]]] = {}
        for number, what, words in conflicts(data["routes"]):
            wrong.setdefault(number, {}).setdefault(what, []).append(words)
        if wrong:
            raise ValidationError({"routes": wrong})


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
