"""The connector's own settings in a district file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from syncrun.sdk import Secret

COLLECTIONS = ("orgs", "academicSessions", "courses", "classes", "users", "enrollments")
SHORT = ("users", "classes", "enrollments")
"""What there must be a query for."""
_NAME = validate.Regexp(
    r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*\Z", error="is no name of a query: words with points between"
)


def _doc(text: str) -> dict[str, str]:
    return {"doc": text}


class PowerSchoolApiSettings(Schema):
    """Where the server is, the credentials that it made for the plug-in, and the queries to run."""

    base_url = fields.String(required=True, metadata=_doc("the server's address, as https://ps.example.org"))
    client_id = Secret(
        required=True, metadata=_doc("the client id of the plug-in's data configuration page, as a reference")
    )
    client_secret = Secret(required=True, metadata=_doc("its client secret, as a reference"))
    prefix = fields.String(
        validate=_NAME, metadata=_doc("the plug-in's prefix: its queries are PREFIX.oneroster.users and so on")
    )
    collections = fields.List(
        fields.String(validate=validate.OneOf(COLLECTIONS)),
        load_default=lambda: list(SHORT),
        metadata=_doc("what there are queries for; where schools, terms or courses are left out, they are made up"),
    )
    queries = fields.Dict(
        keys=fields.String(validate=validate.OneOf(COLLECTIONS)), values=fields.String(validate=_NAME),
        load_default=dict, metadata=_doc("names of queries that go by others, by collection"),
    )  # fmt: skip
    deltas = fields.Boolean(
        load_default=False, metadata=_doc("ask for changes alone, by data version; everything is read now and then")
    )
    application_name = fields.String(
        metadata=_doc("the application name of the data version subscription; needed for deltas")
    )
    full_every_days = fields.Float(
        load_default=1,
        validate=validate.Range(0),
        metadata=_doc("after so many days everything is read again: only that finds what is gone"),
    )
    page_size = fields.Integer(
        load_default=1000,
        strict=True,
        validate=validate.Range(1, 50_000),
        metadata=_doc("records asked for at once; never more than the server says that this plug-in may"),
    )
    requests_at_once = fields.Integer(
        load_default=4,
        strict=True,
        validate=validate.Range(1, 16),
        metadata=_doc("requests to the server at a time; one after the other once it asks for intervals"),
    )
    requests_per_second = fields.Float(
        validate=validate.Range(min=0, min_inclusive=False),
        metadata=_doc("requests begun in a second; no bound without it"),
    )
    pull_minutes = fields.Float(
        load_default=240,
        validate=validate.Range(min=0, min_inclusive=False),
        metadata=_doc("a pull that takes longer ends, and the next run goes on with it"),
    )
    insecure = fields.String(
        load_default="",
        validate=validate.OneOf(["", "unencrypted"]),
        metadata=_doc("unencrypted: allow http:// to another machine, where everybody on the way reads names and keys"),
    )

    @validates_schema
    def _whole(self, data: Mapping[str, Any], **kwargs: object) -> None:
        wanted = data.get("collections", ())
        lacking = [each for each in SHORT if each not in wanted]
        if lacking:
            raise ValidationError(f"lacks {', '.join(lacking)}", "collections")
        unnamed = [each for each in wanted if each not in data.get("queries", {})]
        if unnamed and not data.get("prefix"):
            raise ValidationError(f"needs prefix, or names for {', '.join(unnamed)} under queries", "prefix")
        if data.get("deltas") and not data.get("application_name"):
            raise ValidationError("is needed for deltas", "application_name")
