"""The connector's own settings in a district file."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from syncrun.connectors.format import NAMES
from syncrun.sdk import Secret

FINGERPRINTS = r"^SHA256:[A-Za-z0-9+/]{43}( SHA256:[A-Za-z0-9+/]{43})*$"


def _doc(text: str) -> dict[str, str]:
    return {"doc": text}


def _known(encoding: str) -> None:
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise ValidationError("Must be a character set that Python knows, like utf-8 or windows-1252.") from None


def _more_than_0(default: float, doc: str) -> fields.Float:
    return fields.Float(load_default=default, validate=validate.Range(min=0, min_inclusive=False), metadata=_doc(doc))


class SftpSettings(Schema):
    """Where the server is, who asks, which files to take, and what they are."""

    host = fields.String(required=True, validate=validate.Length(min=1), metadata=_doc("the server's name or address"))
    port = fields.Integer(load_default=22, strict=True, validate=validate.Range(1, 65535), metadata=_doc("its port"))
    username = fields.String(required=True, validate=validate.Length(min=1), metadata=_doc("who logs in"))
    password = Secret(metadata=_doc("the password, as a reference; it is tried once"))
    private_key = Secret(metadata=_doc("a private key in OpenSSH's or PEM form, as a reference like file:/path"))
    passphrase = Secret(metadata=_doc("what the private key is locked with, as a reference"))
    host_key = fields.String(
        validate=validate.Regexp(FINGERPRINTS, error="Must be a fingerprint as `syncrun sftp hostkey` prints it."),
        metadata=_doc(
            "the fingerprint of the server's key, SHA256:...; two with a space between while the key is exchanged"
        ),
    )
    legacy = fields.Boolean(
        load_default=False, metadata=_doc("also allow algorithms of old servers that rest on SHA-1: only where needed")
    )
    folder = fields.String(load_default=".", metadata=_doc("the folder on the server; none: where the log-in ends"))
    files = fields.List(
        fields.String(validate=validate.Length(min=1)),
        load_default=lambda: ["*.csv", "*.txt", "*.tsv", "*.zip"],
        validate=validate.Length(min=1),
        metadata=_doc("which files to take, as patterns with * and ?, in capitals or not"),
    )
    marker = fields.String(
        metadata=_doc(
            "a pattern like *.done: a set counts only when such a file came after it; without it, none is needed"
        )
    )
    spread_hours = _more_than_0(2, "how many hours apart the loose files of one set may have been written")
    quiet_seconds = fields.Float(
        load_default=30,
        validate=validate.Range(0, 600),
        metadata=_doc(
            "files younger than a quarter of an hour are looked at again after so many seconds; 0 does not look"
        ),
    )
    max_age_hours = fields.Float(
        validate=validate.Range(min=0, min_inclusive=False),
        metadata=_doc("a set whose newest file is older is not taken again; without it, age is of no account"),
    )
    max_file_mb = _more_than_0(2048, "the size of one file that is taken, in millions of bytes")
    max_total_mb = _more_than_0(8192, "the size of all files together, in millions of bytes")
    minutes = _more_than_0(60, "how long fetching may take")
    format = fields.String(
        load_default="auto",
        validate=validate.OneOf(NAMES),
        metadata=_doc("what the files are; auto: OneRoster, or what they plainly are by their columns"),
    )
    encoding = fields.String(
        validate=_known,
        metadata=_doc("the files' character set, like windows-1252; without it, each file is looked at"),
    )
    delimiter = fields.String(
        validate=validate.OneOf([",", "\t", ";", "|"]),
        metadata=_doc("what stands between cells; without it, each file's header is looked at"),
    )
    quotes = fields.Boolean(
        load_default=True, metadata=_doc("whether quotes enclose cells; false: a quote is a letter like others")
    )

    @validates_schema
    def _one_way_in(self, data: Mapping[str, Any], **kwargs: object) -> None:
        if not data.get("password") and not data.get("private_key"):
            raise ValidationError("needs a password or a private_key")
        if data.get("passphrase") and not data.get("private_key"):
            raise ValidationError("passphrase goes with private_key", "passphrase")
