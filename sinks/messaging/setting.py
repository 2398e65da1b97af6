"""The messaging app's own settings in a district file."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from syncrun.sdk import DatabaseUrl


def _yes_or_no(doc: str, *, default: bool = True) -> fields.Boolean:
    return fields.Boolean(load_default=default, metadata={"doc": doc})


class MessagingSettings(Schema):
    """Where the app's database is, and what of a person the sync may say."""

    database_url = DatabaseUrl(
        required=True,
        metadata={"doc": "address of the app's database: a reference (env:MESSAGING_URL), or sqlite:///messaging.db"},
    )
    create_tables = _yes_or_no("make the app's tables where the database has none", default=False)
    manage_guardians = _yes_or_no(
        "whether guardians come from the source; turned off, those that are there stay as they are"
    )
    guardians_most = fields.Integer(
        load_default=6, strict=True, validate=validate.Range(1),
        metadata={"doc": "guardians of one student; of more, parents and guardians come before relatives, then by sourcedId"},
    )  # fmt: skip
    update_contact_of_claimed = _yes_or_no(
        "whether e-mail and phones of teachers and guardians who have claimed their account follow the source",
        default=False,
    )
    update_language = _yes_or_no("whether languages follow the source after an account is made")
    student_number = fields.String(
        load_default="identifier", validate=validate.OneOf(["identifier", "sourcedId"]),
        metadata={"doc": "what students.number is: the id that people know, or the source's own"},
    )  # fmt: skip
    login_phone = fields.String(
        load_default="sms", validate=validate.OneOf(["sms", "phone"]),
        metadata={"doc": "which of the source's columns is the phone that people log in with; the other is the second phone"},
    )  # fmt: skip
