"""The planner as it was before the demo's first sync: a school and a teacher that the district also has, and a school,
a teacher and a class that people made themselves and that must survive."""

from __future__ import annotations

import uuid
from pathlib import Path

import sqlalchemy as sa

from syncrun.sinks.planner import database


def _id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.example.org"))


def furnish(path: Path) -> None:
    """Make the planner's database with the rows of people."""
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        database.metadata.create_all(connection)
        connection.execute(sa.insert(database.schools), [
            {"id": _id("oak"), "name": "Oak High", "code": "S003"},
            {"id": _id("art"), "name": "Evening Art School", "code": None},
        ])  # fmt: skip
        connection.execute(sa.insert(database.teachers), [
            {"id": _id("t300"), "school_id": _id("oak"), "given_name": "T.", "family_name": "Rossi", "email": None,
             "number": "T300"},
            {"id": _id("volunteer"), "school_id": _id("art"), "given_name": "Vera", "family_name": "Larsen",
             "email": "vera@example.org", "number": None},
        ])  # fmt: skip
        connection.execute(sa.insert(database.classes), [
            {"id": _id("pottery"), "school_id": _id("art"), "title": "Pottery"},
        ])  # fmt: skip
    engine.dispose()
