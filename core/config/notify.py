"""Whom to tell that a person is needed: the section `[notify]` of a district file, or the file `notify.toml` of the home
folder for all districts that have none.

Secrets stay references here; they are fetched when something is sent, so that a run never holds them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import tomllib
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from syncrun.errors import ConfigError, Problem
from syncrun.sdk import Secret
from syncrun.sdk.setting import Reference

Channel = Literal["webhook", "mail"]
CHANNELS: tuple[Channel, ...] = ("webhook", "mail")
Security = Literal["starttls", "tls", "none"]
FILE = "notify.toml"
"""The file for all districts without a section of their own, in the home folder."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")
_MAILBOX = re.compile(r"[^\s@<>,;\"]+@[^\s@<>,;\"]+")


def _doc(text: str) -> dict[str, str]:
    return {"doc": text}


def _address(value: str) -> None:
    parts = urllib.parse.urlsplit(value)
    if not parts.hostname or parts.scheme not in {"https", "http"}:
        raise ValidationError("is not an address that begins with https://")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValidationError("begins with http://, which everybody on the way can read; write https://")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValidationError("holds a user, a password or a query; what is sent is signed with webhook_key")


def _mailbox(value: str) -> None:
    if not _MAILBOX.fullmatch(value):
        raise ValidationError("is not a mail address like roster@example.org")


class NotifySchema(Schema):
    """Who is told when a person is needed, and when the first sync is complete. No names or ids of persons are sent."""

    webhook = fields.String(validate=_address, metadata=_doc("the https address that gets a signed JSON message"))
    webhook_key = Secret(metadata=_doc("the key of the signature, as Standard Webhooks have it"))
    mail_to = fields.List(
        fields.String(validate=_mailbox),
        validate=validate.Length(min=1),
        load_default=tuple,
        metadata=_doc("who gets mail"),
    )
    mail_from = fields.String(validate=_mailbox, metadata=_doc("whom the mail is from"))
    smtp = fields.String(
        validate=validate.Regexp(r"^[A-Za-z0-9.\-]+:[0-9]{1,5}$", error="Must be like smtp.example.org:587."),
        metadata=_doc("the mail server and its port"),
    )
    smtp_security = fields.String(
        load_default="starttls",
        validate=validate.OneOf(["starttls", "tls", "none"]),
        metadata=_doc("how the connection is made safe; none only to this machine"),
    )
    smtp_user = fields.String(metadata=_doc("the user at the mail server"))
    smtp_password = Secret(metadata=_doc("the password there"))

    @validates_schema
    def _whole(self, data: dict[str, Any], **_: Any) -> None:
        wrong: dict[str, list[str]] = {}
        for key, others in (
            ("webhook", ("webhook_key",)), ("mail_to", ("mail_from", "smtp")), ("smtp_user", ("smtp_password",)),
            ("smtp_password", ("smtp_user",)),
        ):  # fmt: skip
            for other in others:
                if data.get(key) and not data.get(other):
                    wrong.setdefault(other, []).append(f"is needed with {key}")
        if not data.get("webhook") and not data.get("mail_to"):
            wrong["webhook"] = ["is needed, or mail_to: else nobody is told"]
        if data["smtp_security"] == "none" and data.get("smtp", "").rpartition(":")[0] not in {"", *LOOPBACK}:
            wrong["smtp_security"] = ["none is for a mail server on this machine"]
        if wrong:
            raise ValidationError(wrong)

    @post_load
    def _notify(self, data: dict[str, Any], **_: Any) -> Notify:
        return Notify(**{**data, "mail_to": tuple(data["mail_to"])})


@dataclass(frozen=True, slots=True)
class Notify:
    """Where to send. Secrets are references; relative paths in them start at the folder of the file."""

    webhook: str | None = None
    webhook_key: Reference | None = None
    mail_to: tuple[str, ...] = ()
    mail_from: str = ""
    smtp: str = ""
    smtp_security: Security = "starttls"
    smtp_user: str | None = None
    smtp_password: Reference | None = None

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The ways on which something is sent."""
        return tuple(each for each, there in zip(CHANNELS, (self.webhook, self.mail_to), strict=True) if there)

    def destination(self, channel: Channel) -> str:
        """What stands for the place that a channel leads to: what goes to one place can go in one message."""
        told = dataclasses.asdict(self)
        mine = {key: value for key, value in told.items() if key.startswith(("webhook", "mail", "smtp"))
                and key.startswith("webhook") == (channel == "webhook")}  # fmt: skip
        return hashlib.sha256(json.dumps([channel, mine], sort_keys=True).encode()).hexdigest()


def found_in(path: Path) -> Notify | None:
    """What the file at `path` says, a district file or `notify.toml`; None when it has no section `[notify]`.

    Raises `ConfigError` with what is wrong in the section; the rest of the file is not looked at.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError([Problem("E-CONFIG-1", path.name, f"cannot be read ({type(error).__name__})")],
                          source=path.name) from None  # fmt: skip
    if "notify" not in raw:
        return None
    try:
        found: Notify = NotifySchema().load(raw["notify"])
    except ValidationError as error:
        raise ConfigError(_problems(error.messages_dict), source=path.name) from None
    return found


def _problems(messages: Mapping[Any, Any], path: str = "notify") -> Iterator[Problem]:
    for key, value in messages.items():
        here = path if key == "_schema" else f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}"
        if isinstance(value, Mapping):
            yield from _problems(value, here)
        else:
            for message in value:
                coded = re.match(r"(E-[A-Z]+-\d+): (.*)", message)
                yield Problem(coded[1], here, coded[2]) if coded else Problem("E-CONFIG-3", here, message)


def for_district(path: Path, home: Path) -> tuple[Notify, Path] | None:
    """What counts for the district file at `path`, with the file that says so: its own section, else the home folder's,
    also where the district file is no TOML at all. Raises `ConfigError` with what is wrong in a section."""
    unreadable = None
    for file in (path, home / FILE):
        try:
            found = found_in(file) if file.is_file() else None
        except ConfigError as error:
            if file != path or error.problems[0].code != "E-CONFIG-1":
                raise
            unreadable, found = error, None
        if found:
            return found, file
    if unreadable:
        raise unreadable
    return None
