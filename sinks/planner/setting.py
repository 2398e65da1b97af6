"""The planner's own settings in a district file."""

from __future__ import annotations

from marshmallow import Schema, fields

from syncrun.sdk import DatabaseUrl


class PlannerSettings(Schema):
    """Where the planner's database is."""

    database_url = DatabaseUrl(
        required=True,
        metadata={"doc": "address of the planner's database: a reference (env:PLANNER_URL), or sqlite:///planner.db"},
    )
    create_tables = fields.Boolean(
        load_default=False, metadata={"doc": "make the planner's tables where the database has none"}
    )
