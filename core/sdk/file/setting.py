"""Settings that sinks share which publish files: where, by what name, and how many old ones are kept."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from syncrun.sdk.setting import Secret

FINGERPRINTS = r"^SHA256:[A-Za-z0-9+/]{43}( SHA256:[A-Za-z0-9+/]{43})*$"
PLACEHOLDERS = frozenset({"district", "date", "time", "run"})


def _doc(text: str) -> dict[str, str]:
    return {"doc": text}


def plain_name(text: str) -> None:
    """A name of a file, with placeholders, that leads nowhere else and is not hidden."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError:
        raise ValidationError("Has a brace without its other half.") from None
    unknown = sorted({field for _, field, _, _ in parts if field is not None} - PLACEHOLDERS)
    if unknown or any(spec or conversion for _, _, spec, conversion in parts):
        raise ValidationError(f"May have the placeholders {', '.join(f'{{{each}}}' for each in sorted(PLACEHOLDERS))}.")
    if re.search(r"[/\\:*?\"<>|\x00-\x1f]", text) or text.startswith((".", " ")) or not text.strip():
        raise ValidationError("Must be the name of a file, without a folder.")


class SftpTargetSettings(Schema):
    """A folder on an SFTP server."""

    host = fields.String(required=True, validate=validate.Length(min=1), metadata=_doc("the server's name or address"))
    port = fields.Integer(load_default=22, strict=True, validate=validate.Range(1, 65535), metadata=_doc("its port"))
    username = fields.String(required=True, validate=validate.Length(min=1), metadata=_doc("who logs in"))
    password = Secret(metadata=_doc("the password, as a reference; it is tried once"))
    private_key = Secret(metadata=_doc("a private key in OpenSSH's or PEM form, as a reference like file:/path"))
    passphrase = Secret(metadata=_doc("what the private key is locked with, as a reference"))
    host_key = fields.String(
        validate=validate.Regexp(FINGERPRINTS, error="Must be a fingerprint as `syncrun sftp hostkey` prints it."),
        metadata=_doc(
            "the fingerprint of the server's key, SHA256:...; two with a space between while it is exchanged"
        ),
    )
    legacy = fields.Boolean(
        load_default=False, metadata=_doc("also allow algorithms of old servers that rest on SHA-1: only where needed")
    )
    folder = fields.String(load_default=".", metadata=_doc("the folder on the server; none: where the log-in ends"))
    minutes = fields.Float(
        load_default=60, validate=validate.Range(min=0, min_inclusive=False), metadata=_doc("how long sending may take")
    )

    @validates_schema
    def _one_way_in(self, data: Mapping[str, Any], **kwargs: object) -> None:
        if not data.get("password") and not data.get("private_key"):
            raise ValidationError("needs a password or a private_key")


class FileSettings(Schema):
    """Where files are published."""

    path = fields.String(metadata=_doc("the folder into which files are published, relative to the district file"))
    sftp = fields.Nested(SftpTargetSettings, metadata=_doc("a folder on an SFTP server, in place of `path`"))
    keep = fields.Integer(
        strict=True, validate=validate.Range(1),
        metadata=_doc("how many publications are kept; older ones that this sink made are removed; without it, all are"),
    )  # fmt: skip

    @validates_schema
    def _one_place(self, data: Mapping[str, Any], **kwargs: object) -> None:
        if bool(data.get("path")) == bool(data.get("sftp")):
            raise ValidationError("needs either path or sftp")
