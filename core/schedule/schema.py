"""Schedules as the district file writes them, and as options of the command line do: read and checked by one schema."""

from __future__ import annotations

import contextlib
import datetime
import functools
import re
import zoneinfo
from collections.abc import Mapping
from typing import Any, cast

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from syncrun.schedule.arrival import QUIET_SECONDS, Arrival
from syncrun.schedule.spec import CATCH_UP_HOURS, EVERY, LONGEST_MONTH, MODES, WEEKDAYS, Mode, Spec, Window, in_order

TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


def _doc(text: str) -> dict[str, Any]:
    return {"doc": text}


@functools.cache
def zones() -> frozenset[str]:
    """The zones of the IANA database; to look for them takes as long as reading three district files."""
    return frozenset(zoneinfo.available_timezones())


def time_zone(value: str) -> None:
    """Raise `ValidationError` unless it is a zone of the IANA database."""
    if value not in zones():
        raise ValidationError("is not a time zone of the IANA database, like America/New_York")


class Day(fields.Date):
    """A day, as a date of TOML or as text."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> datetime.date:
        if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
            return value
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            with contextlib.suppress(ValueError):  # a day that no calendar has, which is said below
                return datetime.date.fromisoformat(value)
        raise ValidationError("is not a day like 2027-06-12")


class TimeOfDay(fields.String):
    """A time of day to the minute, as a time of TOML or as text."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if isinstance(value, datetime.time) and not (value.second or value.microsecond):
            return value
        if isinstance(value, str) and re.fullmatch(TIME, value):
            return datetime.time.fromisoformat(value)
        raise ValidationError("is not a time like 19:30, from 00:00 to 23:59")


class Days(fields.Field[list[Any]]):
    """One day or a list of them: names of weekdays, or numbers in a month."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> list[Any]:
        listed = value if isinstance(value, list) else [value]
        named = all(isinstance(each, str) and each in WEEKDAYS for each in listed)
        numbered = all(type(each) is int and 1 <= each <= LONGEST_MONTH for each in listed)
        if not listed or not (named or numbered):
            raise ValidationError(
                f"is not a weekday ({', '.join(WEEKDAYS)}), a day of the month (1 to 31) or a list of them"
            )
        return listed


class WindowSchema(Schema):
    """Days in a row."""

    first = Day(required=True, data_key="from", metadata=_doc("the first day"))
    last = Day(required=True, data_key="to", metadata=_doc("the last day, which belongs to it"))

    @validates_schema
    def _forward(self, data: dict[str, Any], **_: Any) -> None:
        if data["last"] < data["first"]:
            raise ValidationError({"to": ["is before the first day"]})

    @post_load
    def _window(self, data: dict[str, Any], **_: Any) -> Window:
        return Window(**data)


class CalendarSchema(Schema):
    """What may stand in `[schedule]` for both schedules, and in one of them for it alone."""

    time_zone = fields.String(validate=time_zone, metadata=_doc("its IANA time zone; without one, the district's"))
    until = Day(metadata=_doc("the last day on which it runs; then it has ended"))
    skip = fields.List(Day(), metadata=_doc("days on which nothing runs, like holidays"))
    pause = fields.Nested(WindowSchema, many=True, metadata=_doc("windows in which nothing runs, like the summer"))
    additions_only = fields.Nested(
        WindowSchema, many=True,
        metadata=_doc("windows in which runs add and update and remove nothing, those started by hand included"),
    )  # fmt: skip
    catch_up_hours = fields.Float(
        validate=validate.Range(0.25, 720),
        metadata=_doc(f"how late a missed run may still begin; without a word {CATCH_UP_HOURS:g} hours"),
    )


class SpecSchema(CalendarSchema):
    """One schedule. Its own end, zone and hours go before those of `[schedule]`; its days and windows come besides."""

    every = fields.String(required=True, validate=validate.OneOf(EVERY), metadata=_doc("how often"))
    at = TimeOfDay(required=True, metadata=_doc("the time of day, like 19:30"))
    on = Days(
        metadata=_doc('for a week the weekdays, like ["mon", "thu"]; for a month its days, like 31 or [1, 15], where '
                      "in a shorter month the last day is meant")
    )  # fmt: skip

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def _fitting(self, data: dict[str, Any], original: Mapping[str, Any], **_: Any) -> None:
        every, on = data.get("every"), data.get("on")
        if every not in EVERY or ("on" in original and on is None):  # of which is told already
            return
        kind = {"day": None, "week": str, "month": int}[every]
        if kind is None and on is not None:
            raise ValidationError({"on": ["is for every week or month; every day needs none"]})
        if kind is not None and on is None:
            raise ValidationError({"on": [f"is required: on which days of the {every}"]})
        if kind is not None and on is not None and not isinstance(on[0], kind):
            said = "weekdays, like mon" if kind is str else "days of the month, like 31"
            raise ValidationError({"on": [f"must be {said}, since it is for every {every}"]})


class ArrivalSchema(Schema):
    """Runs that begin when new files are there; `{}` is enough. End, zone and days off are those of `[schedule]`."""

    start = TimeOfDay(data_key="from", metadata=_doc("the time of day from which runs may begin, like 19:00"))
    end = TimeOfDay(
        data_key="to", metadata=_doc("the time of day until which they may; before `from`: on the next day")
    )
    quiet_seconds = fields.Float(
        load_default=QUIET_SECONDS,
        validate=validate.Range(1, 86_400),
        metadata=_doc("how long nothing must have changed before the files count as all there"),
    )

    @validates_schema
    def _both(self, data: dict[str, Any], **_: Any) -> None:
        for key, other in (("start", "end"), ("end", "start")):
            if key in data and other not in data:
                raise ValidationError({self.fields[other].data_key: [f"is required with {self.fields[key].data_key}"]})
        if "start" in data and data["start"] == data.get("end"):
            raise ValidationError({"to": ["is the same as from: leave both out for runs at any time of day"]})


class ScheduleSchema(CalendarSchema):
    """When the district runs by itself: on a full schedule, an incremental one, when files come, or all of it."""

    full = fields.Nested(
        SpecSchema, metadata=_doc("when everything is read, and sinks are put right where they drifted")
    )
    incremental = fields.Nested(SpecSchema, metadata=_doc("when what changed is read; the source must be able to tell"))
    arrival = fields.Nested(ArrivalSchema, metadata=_doc("that new files begin a run; only for files of this machine"))

    @validates_schema
    def _one(self, data: dict[str, Any], **_: Any) -> None:
        if not any(each in data for each in (*MODES, "arrival")):
            raise ValidationError(f"names no schedule: say {', '.join(MODES)} or arrival")


def specs(section: Mapping[str, Any], zone: str) -> dict[Mode, Spec]:
    """The schedules of a section that `ScheduleSchema` has loaded. `zone` is the district's."""
    return {mode: spec_of(section[mode], zone, section) for mode in MODES if mode in section}


def arrival_of(section: Mapping[str, Any], zone: str) -> Arrival | None:
    """When the arrival of files begins a run, by a section that `ScheduleSchema` has loaded; None when it never does."""
    if "arrival" not in section:
        return None
    own = section["arrival"]
    return Arrival(
        section.get("time_zone") or zone, own.get("start", datetime.time()), own.get("end", datetime.time()),
        own["quiet_seconds"], section.get("until"), frozenset(section.get("skip", ())), in_order(section.get("pause", ())),
        in_order(section.get("additions_only", ())),
    )  # fmt: skip


def spec_of(own: Mapping[str, Any], zone: str, section: Mapping[str, Any] | None = None) -> Spec:
    """The schedule that `SpecSchema` has loaded, with what the section says for both."""
    shared = section or {}
    one = {key: own.get(key, shared.get(key)) for key in ("time_zone", "until", "catch_up_hours")}
    many = {key: [*shared.get(key, ()), *own.get(key, ())] for key in ("skip", "pause", "additions_only")}
    on = {WEEKDAYS.index(each) if isinstance(each, str) else cast("int", each) for each in own.get("on", ())}
    return Spec(
        own["every"], own["at"], one["time_zone"] or zone, tuple(sorted(on)), one["until"], frozenset(many["skip"]),
        in_order(many["pause"]), in_order(many["additions_only"]), one["catch_up_hours"] or CATCH_UP_HOURS,
    )  # fmt: skip
