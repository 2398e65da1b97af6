"""The file that describes a plug-in, `plugin.toml`, checked as a whole: every problem is reported at once, with its path
and a hint."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from syncrun.connectors.powerschool.package.plugin import CATALOGUE, ROSTER, Delivery, Plugin, Publisher
from syncrun.errors import ConfigError, Problem

NAME_SIZE, EMAIL_SIZE, PHONE_SIZE, PUBLISHER_SIZE, VERSION = 40, 40, 20, 100, r"[0-9]+(\.[0-9]+){0,3}"
"""What PowerSchool's `plugin.xsd` allows."""
_VENDOR_SIZE = 100
_SETS = (*ROSTER, *CATALOGUE)


def _doc(text: str) -> dict[str, str]:
    return {"doc": text}


class PublisherSchema(Schema):
    """Whom districts ask; PowerSchool shows it to them."""

    name = fields.String(
        required=True, validate=validate.Length(1, PUBLISHER_SIZE), metadata=_doc("the publisher's name")
    )
    email = fields.String(
        required=True,
        validate=[validate.Length(max=EMAIL_SIZE, error=f"Must have at most {EMAIL_SIZE} characters; PowerSchool takes no more."),
                  validate.Regexp(r"[^@\s]+@[^@\s]+\.[^@\s]+\Z", error="Must be an address, like support@example.com.")],
        metadata=_doc("the address of its support"),
    )  # fmt: skip
    phone = fields.String(
        load_default=None, validate=validate.Length(1, PHONE_SIZE), metadata=_doc("its telephone number, if it has one")
    )


class DeliverySchema(Schema):
    """The SFTP server to which files go. Placeholders stay on the page where nothing is said."""

    host = fields.String(load_default="SFTP-HOST", metadata=_doc("the server's name, without `sftp://`"))
    port = fields.Integer(load_default=22, strict=True, validate=validate.Range(1, 65535), metadata=_doc("its port"))
    fingerprint = fields.String(
        load_default="SHA256:FINGERPRINT",
        validate=validate.Regexp(r"SHA256:[A-Za-z0-9+/=]+\Z", error="Must be a fingerprint, like SHA256:abc…"),
        metadata=_doc("the fingerprint of its host key, which an administrator compares once"),
    )
    folder = fields.String(load_default="upload", metadata=_doc("the folder there"))


class PluginSchema(Schema):
    """The plug-in, what it gives, and how it is exported."""

    name = fields.String(
        required=True, validate=validate.Length(1, NAME_SIZE),
        metadata=_doc("the name in the list of plug-ins; no other plug-in of a server may have it"))  # fmt: skip
    version = fields.String(
        required=True,
        validate=[validate.Regexp(VERSION + r"\Z", error="Must be digits and points, like 1.2.0."), validate.Length(max=20)],
        metadata=_doc("digits and points; an update in place needs a higher one"),
    )  # fmt: skip
    vendor = fields.String(
        required=True, validate=validate.Length(1, _VENDOR_SIZE), metadata=_doc("the app that the rosters are for")
    )
    prefix = fields.String(
        required=True,
        validate=validate.Regexp(
            r"[a-z][a-z0-9]*(\.[a-z][a-z0-9_]*){2}\Z", error="Must be a reversed domain of three words, like com.example.rosters."
        ),
        metadata=_doc("a reversed domain and a product: names of queries are unique in a whole server"),
    )  # fmt: skip
    publisher = fields.Nested(PublisherSchema, required=True, metadata=_doc("who publishes the plug-in"))
    data_sets = fields.List(
        fields.String(validate=validate.OneOf(_SETS)), load_default=list(ROSTER),
        metadata=_doc(f"{', '.join(ROSTER)}; with {', '.join(CATALOGUE)} it is a whole OneRoster set; "
                      "changed later, the app takes the next night for another roster"))  # fmt: skip
    guardians = fields.Boolean(
        load_default=False, metadata=_doc("whether users.csv has guardians, at most six a student")
    )
    guardians_of = fields.String(
        load_default="custodial", validate=validate.OneOf(["custodial", "data_access"]),
        metadata=_doc("which contacts are guardians: those with custody, or those who may see the student's data"))  # fmt: skip
    identifiers = fields.String(
        required=True, validate=validate.OneOf(["dcid", "number"]),
        metadata=_doc("what people are known by: PowerSchool's own key, or student and teacher numbers; changed later, "
                      "everybody is removed and made anew in the app"))  # fmt: skip
    api = fields.Boolean(load_default=False, metadata=_doc("whether the app also reads PowerSchool's API"))
    labels = fields.String(
        load_default="plain", validate=validate.OneOf(["plain", "ordered"]),
        metadata=_doc("labels of columns: `email`, or `g_email`, which keeps their order where they are sorted"))  # fmt: skip
    quotes = fields.Boolean(
        load_default=False,
        metadata=_doc("whether the export is to surround values with quotes; if not, the query itself quotes the values "
                      "that need it"))  # fmt: skip
    staff = fields.String(
        load_default="teachers", validate=validate.OneOf(["teachers", "all"]),
        metadata=_doc("who of the staff is rostered; others than teachers are aides"))  # fmt: skip
    pre_registered = fields.Boolean(load_default=False, metadata=_doc("whether pre-registered students are rostered"))
    lead_days = fields.Integer(
        load_default=14, strict=True, validate=validate.Range(0, 120),
        metadata=_doc("how many days before its first day a year or a place in a class is rostered"))  # fmt: skip
    portal_pages = fields.List(
        fields.String(validate=validate.Regexp(r"/[\w./-]+\.html\Z", error="Must be a path like /admin/home.html.")),
        load_default=list, metadata=_doc("pages of the portal whose users may call the queries; most plug-ins need none"))  # fmt: skip
    delivery = fields.Nested(
        DeliverySchema, load_default=lambda: DeliverySchema().load({}), metadata=_doc("where the files go")
    )
    schedule = fields.String(
        load_default="18:00", validate=validate.Regexp(r"([01]\d|2[0-3]):[0-5]\d\Z", error="Must be a time, like 18:00."),
        metadata=_doc("when the first of the exports is to start, by the district's clock"))  # fmt: skip

    @validates_schema
    def _a_set(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        sets = set(data["data_sets"])
        if len(sets) != len(data["data_sets"]):
            raise ValidationError("Each data set may be named once.", "data_sets")
        if not set(ROSTER) <= sets:
            raise ValidationError(f"Must have {', '.join(ROSTER)}: no roster is read without them.", "data_sets")
        if set(CATALOGUE) & sets and not set(CATALOGUE) <= sets:
            raise ValidationError(f"Must have all of {', '.join(CATALOGUE)}, or none.", "data_sets")


def read(path: Path) -> Plugin:
    """The plug-in that a file describes. Raises `ConfigError` with every problem of the file."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _refused(path, Problem("E-CONFIG-1", path.name, f"cannot be read: {error.strerror}")) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _refused(path, Problem("E-CONFIG-1", path.name, str(error), "correct the TOML there")) from None
    try:
        values: dict[str, Any] = PluginSchema().load(raw)
    except ValidationError as error:
        raise _refused(path, *_problems(error.messages_dict, "", PluginSchema())) from None
    return _plugin(values)


def _refused(path: Path, *problems: Problem) -> ConfigError:
    error = ConfigError(problems, source=path.name)
    error.next_step = (
        "Correct the settings named above and run again; docs/reference/powerschool-plugin.md tells them all."
    )
    return error


def _plugin(values: dict[str, Any]) -> Plugin:
    parts = {
        "publisher": Publisher(**values["publisher"]),
        "delivery": Delivery(**values["delivery"]),
        "data_sets": tuple(each for each in _SETS if each in values["data_sets"]),
        "portal_pages": tuple(values["portal_pages"]),
    }
    return Plugin(**{**values, **parts})


def _problems(messages: Mapping[Any, Any], path: str, schema: Schema | None) -> Iterator[Problem]:
    """Marshmallow's messages as problems, each with its path like `publisher.email`."""
    known = sorted(schema.fields) if schema else []
    for key, value in messages.items():
        here = f"{path}[{key}]" if isinstance(key, int) else ".".join(filter(None, (path, str(key))))
        if isinstance(value, Mapping):
            field = schema.fields.get(str(key)) if schema else None
            yield from _problems(value, here, field.schema if isinstance(field, fields.Nested) else None)
            continue
        doc = str(schema.fields[key].metadata.get("doc", "")) if schema and key in schema.fields else ""
        yield from (_problem(here, str(key), message, doc, known) for message in value)


def _problem(here: str, key: str, message: str, doc: str, known: list[str]) -> Problem:
    if message == "Unknown field.":
        near = difflib.get_close_matches(key, known, 1)
        return Problem("E-CONFIG-3", here, "is not a setting", f"did you mean {near[0]}?" if near else "")
    if message.startswith("Missing data"):
        return Problem("E-CONFIG-3", here, "is required and missing", doc)
    return Problem("E-CONFIG-3", here, re.sub(r"\A[A-Z]", lambda each: each[0].lower(), message).rstrip("."), doc)
