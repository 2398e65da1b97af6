"""The messaging app's relational schema.

Every synced row has `managed_by`: the district whose sync owns it, or NULL for what people made in the app themselves.
`archived_at` sets a row aside. The columns of `APP_COLUMNS` are filled by people or by the app, and no sync writes them.
Contacts are not unique: families share phones and addresses.

Foreign keys guard every table, the memberships too: unlike the planner's class members, people make them by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from syncrun.sdk.sql.write import Target

metadata = sa.MetaData()
_ID = sa.String(36).with_variant(postgresql.UUID(as_uuid=False), "postgresql")
_TIME = sa.DateTime(timezone=True)

APP_COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "classrooms": ("nickname", "color", "notes"),
    "teachers": ("claimed_at", "is_test"),
    "students": ("points",),
    "guardians": ("muted", "claimed_at", "is_test"),
    "memberships": ("points",),
})  # fmt: skip
"""What only people and the app fill, by table."""


def _table(name: str, *columns: sa.schema.SchemaItem) -> sa.Table:
    """A synced table: its id, its own columns and the three that say whose the row is."""
    return sa.Table(
        name, metadata, sa.Column("id", _ID, primary_key=True), *columns, sa.Column("managed_by", sa.Text),
        sa.Column("external_id", sa.Text), sa.Column("archived_at", _TIME),
    )  # fmt: skip


def _to(name: str, table: str, *, required: bool = True) -> sa.Column[str]:
    return sa.Column(name, _ID, sa.ForeignKey(f"{table}.id"), nullable=not required, index=True)


def _titled(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.Text, sa.CheckConstraint(f"length({name}) <= {length}"), nullable=False)


def _person(*columns: sa.schema.SchemaItem) -> tuple[sa.schema.SchemaItem, ...]:
    """What teachers and guardians have in common: a name, contacts, an account that may have been claimed."""
    return (
        _titled("given_name", 100), _titled("family_name", 100), sa.Column("email", sa.Text),
        sa.Column("login_phone", sa.Text), sa.Column("second_phone", sa.Text), sa.Column("language", sa.Text),
        _flag("can_sign_in", default=True), *columns, sa.Column("claimed_at", _TIME), _flag("is_test"),
    )  # fmt: skip


def _flag(name: str, *, default: bool = False) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.true() if default else sa.false())


def _points() -> sa.Column[int]:
    return sa.Column("points", sa.Integer, nullable=False, server_default="0")


schools = _table("schools", _titled("name", 200), sa.Column("code", sa.Text))
teachers = _table(
    "teachers", _to("school_id", "schools", required=False), *_person(sa.Column("number", sa.Text))
)  # fmt: skip
classrooms = _table(
    "classrooms", _to("school_id", "schools"), _titled("title", 120), sa.Column("code", sa.Text),
    sa.Column("grade", sa.Text), sa.Column("period", sa.Text), sa.Column("starts_on", sa.Date),
    sa.Column("ends_on", sa.Date), sa.Column("nickname", sa.Text), sa.Column("color", sa.Text),
    sa.Column("notes", sa.Text),
)  # fmt: skip
students = _table(
    "students", _to("school_id", "schools"), _titled("given_name", 100), _titled("family_name", 100),
    sa.Column("grade", sa.Text), sa.Column("number", sa.Text), _points(),
)  # fmt: skip
guardians = _table("guardians", _to("school_id", "schools"), *_person(_flag("muted")))
memberships = _table(
    "memberships", _to("classroom_id", "classrooms"), _to("student_id", "students", required=False),
    _to("teacher_id", "teachers", required=False), sa.Column("is_lead", sa.Boolean), _points(),
    sa.CheckConstraint("(student_id IS NULL) <> (teacher_id IS NULL)", name="memberships_person"),
)  # fmt: skip
guardianships = _table(
    "guardianships", _to("student_id", "students"), _to("guardian_id", "guardians"), sa.Column("relationship", sa.Text)
)
student_attributes = _table(
    "student_attributes", _to("student_id", "students"), _titled("name", 200), sa.Column("value", sa.Text)
)

TARGETS = {table.name: Target(table, external="external_id") for table in metadata.sorted_tables}
"""The tables that are synced; those below are not."""

outbox = sa.Table(
    "outbox", metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False), sa.Column("recipient_table", sa.Text, nullable=False),
    sa.Column("recipient_id", _ID, nullable=False), sa.Column("channel", sa.Text), sa.Column("address", sa.Text),
    sa.Column("school_id", _ID, sa.ForeignKey("schools.id")), sa.Column("created_at", _TIME, nullable=False),
    sa.Column("sent_at", _TIME), sa.Column("withdrawn_at", _TIME),
    sa.UniqueConstraint("kind", "recipient_table", "recipient_id", name="outbox_once"),
)  # fmt: skip
"""Messages for the app to send: those with neither `sent_at` nor `withdrawn_at`. Nobody gets two of one kind."""
launches = sa.Table(
    "launches", metadata,
    sa.Column("school_id", _ID, sa.ForeignKey("schools.id"), primary_key=True),
    sa.Column("recipient_table", sa.Text, primary_key=True), sa.Column("run", sa.Text, nullable=False),
)  # fmt: skip
"""The run that first brought a school's teachers, or its guardians; what that run brings gets no invitation."""
