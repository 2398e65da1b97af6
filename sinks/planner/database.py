"""The planner's relational schema.

Every row has `managed_by`: the district whose sync owns it, or NULL for what people made in the planner themselves.
`archived_at` sets a row aside. Foreign keys guard every table but `class_members`: there PostgreSQL would look up two
parents a row, which makes the first load of a large district four times slower; members come only from the sync,
which sends no member without its class and person, and nothing in the planner deletes rows.
See docs/decisions/planner-foreign-keys.md.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from syncrun.sdk.sql.write import Target

metadata = sa.MetaData()
_ID = sa.String(36).with_variant(postgresql.UUID(as_uuid=False), "postgresql")


def _table(name: str, *columns: sa.schema.SchemaItem, external: bool = True) -> sa.Table:
    """A table of the planner: its id, its own columns and the three that say whose the row is."""
    shown = [sa.Column("external_id", sa.Text)] if external else []
    return sa.Table(
        name, metadata, sa.Column("id", _ID, primary_key=True), *columns, sa.Column("managed_by", sa.Text), *shown,
        sa.Column("archived_at", sa.DateTime(timezone=True)),
    )  # fmt: skip


def _to(name: str, table: str, *, required: bool = True) -> sa.Column[str]:
    return sa.Column(name, _ID, sa.ForeignKey(f"{table}.id"), nullable=not required)


def _titled(name: str, length: int = 200) -> sa.Column[str]:
    return sa.Column(name, sa.Text, sa.CheckConstraint(f"length({name}) <= {length}"), nullable=False)


schools = _table("schools", _titled("name"), sa.Column("code", sa.Text))
school_years = _table(
    "school_years", _titled("title"), sa.Column("starts_on", sa.Date), sa.Column("ends_on", sa.Date),
    sa.CheckConstraint("ends_on > starts_on", name="school_years_dates"),
)  # fmt: skip
teachers = _table(
    "teachers", _to("school_id", "schools", required=False), _titled("given_name"), _titled("family_name"),
    sa.Column("email", sa.Text), sa.Column("number", sa.Text),
    sa.Column("can_sign_in", sa.Boolean, nullable=False, server_default=sa.true()),
)  # fmt: skip
teacher_years = _table(
    "teacher_years", _to("teacher_id", "teachers"), _to("school_year_id", "school_years"), external=False
)
classes = _table(
    "classes", _to("school_id", "schools"), _to("school_year_id", "school_years", required=False), _titled("title"),
    sa.Column("code", sa.Text), sa.Column("grade", sa.Text), sa.Column("period", sa.Text), sa.Column("room", sa.Text),
)  # fmt: skip
students = _table(
    "students", _to("school_id", "schools"), _titled("given_name"), _titled("family_name"),
    sa.Column("grade", sa.Text), sa.Column("number", sa.Text),
)  # fmt: skip
class_members = _table(
    "class_members", sa.Column("class_id", _ID, nullable=False), sa.Column("student_id", _ID),
    sa.Column("teacher_id", _ID), sa.Column("is_lead", sa.Boolean), sa.Column("begins_on", sa.Date),
    sa.Column("ends_on", sa.Date),
    sa.CheckConstraint("(student_id IS NULL) <> (teacher_id IS NULL)", name="class_members_person"),
    external=False,
)  # fmt: skip
teacher_email = sa.Index(
    "teachers_email", teachers.c.email, unique=True,
    sqlite_where=teachers.c.archived_at.is_(None), postgresql_where=teachers.c.archived_at.is_(None),
)  # fmt: skip

TARGETS = {
    table.name: Target(table, external="external_id" if "external_id" in table.columns else None)
    for table in metadata.sorted_tables
}
