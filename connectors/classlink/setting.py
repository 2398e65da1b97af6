"""The connector's own settings in a district file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from syncrun.sdk import Secret


def _doc(text: str) -> dict[str, str]:
    return {"doc": text}


class ClassLinkSettings(Schema):
    """Where the service is, and how to prove who asks: `key` and `secret` sign each request (OAuth 1, the direct Roster
    Server); with `token_url` they fetch a token (OAuth 2); `token` alone is sent as it is (ClassLink's proxy)."""

    base_url = fields.String(
        required=True,
        metadata=_doc("the address below which the collections are, as https://x.oneroster.com/ims/oneroster/v1p1"),
    )
    version = fields.String(
        load_default="auto",
        validate=validate.OneOf(["auto", "1.1", "1.2"]),
        metadata=_doc("the version of OneRoster; auto: as the address says"),
    )
    key = Secret(metadata=_doc("the consumer key or client id, as a reference"))
    secret = Secret(metadata=_doc("its secret, as a reference"))
    token = Secret(metadata=_doc("a bearer token that does not change, as a reference: for ClassLink's proxy"))
    application_id = fields.String(
        metadata=_doc("the oneroster_application_id of ClassLink's proxy; it is put before the path of base_url")
    )
    token_url = fields.String(metadata=_doc("where a token is fetched with key and secret"))
    scopes = fields.List(fields.String(), load_default=list, metadata=_doc("the scopes to ask a token for"))
    client_auth = fields.String(
        load_default="basic",
        validate=validate.OneOf(["basic", "form", "query"]),
        metadata=_doc("where key and secret stand in a request for a token"),
    )
    signature = fields.String(
        load_default="HMAC-SHA256",
        validate=validate.OneOf(["HMAC-SHA256", "HMAC-SHA1"]),
        metadata=_doc("how requests are signed"),
    )
    insecure = fields.String(
        load_default="",
        validate=validate.OneOf(["", "unencrypted"]),
        metadata=_doc(
            "unencrypted: allow http:// to another machine, on which everybody on the way reads names and keys"
        ),
    )
    demographics = fields.Boolean(load_default=False, metadata=_doc("whether to read demographics; few apps need them"))
    deltas = fields.Boolean(
        load_default=False, metadata=_doc("ask for changes alone, by dateLastModified; everything is read now and then")
    )
    full_every_days = fields.Float(
        load_default=7, validate=validate.Range(0), metadata=_doc("after so many days everything is read again")
    )
    overlap_minutes = fields.Float(
        load_default=60,
        validate=validate.Range(10),
        metadata=_doc("how far before the last pull changes are asked for: clocks differ"),
    )
    page_size = fields.Integer(
        load_default=10_000,
        strict=True,
        validate=validate.Range(1, 50_000),
        metadata=_doc("records asked for at once; fewer when the service finds that too heavy"),
    )
    requests_at_once = fields.Integer(
        load_default=4,
        strict=True,
        validate=validate.Range(1, 16),
        metadata=_doc("requests to the service's host at a time, for all districts of a process together"),
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

    @validates_schema
    def _one_way_in(self, data: Mapping[str, Any], **kwargs: object) -> None:
        named = {each for each in ("key", "secret", "token") if data.get(each)}
        if named not in ({"key", "secret"}, {"token"}):
            raise ValidationError("needs either key and secret, or token")
        if "token" in named and data.get("token_url"):
            raise ValidationError("token_url goes with key and secret", "token_url")
