"""Why a database refused a row, in words without the row: drivers quote values, so their texts are never passed on."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from typing import Any

REJECTIONS = {
    "S-UNIQUE-1": "a row with the same value is already there",
    "S-REFERENCE-1": "it names a row that the sink does not have",
    "S-BLANK-1": "a value that the sink needs is missing",
    "S-CHECK-1": "a value is outside what the sink allows",
    "S-VALUE-1": "a value does not fit the sink's column",
    "S-GONE-1": "the row is no longer in the sink, or no longer ours",
    "S-PARENT-1": "a row that it belongs to, or whose place it takes, was rejected or is held",
    "S-OTHER-1": "the sink refuses it",
}
"""Codes of rejections by sinks, with the reason in words."""

RAISED = "P0001"
"""The state of PostgreSQL when a trigger of the vendor's refuses a row."""
_STATES = {"23505": "S-UNIQUE-1", "23503": "S-REFERENCE-1", "23502": "S-BLANK-1", "23514": "S-CHECK-1"}
_SQLITE = {"UNIQUE": "S-UNIQUE-1", "FOREIGN KEY": "S-REFERENCE-1", "NOT NULL": "S-BLANK-1", "CHECK": "S-CHECK-1"}


def is_rejection(error: Exception) -> bool:
    """Whether the database refuses the row, rather than being unable to serve."""
    if isinstance(error, sqlite3.Error):
        return isinstance(error, sqlite3.IntegrityError | sqlite3.DataError)
    state = getattr(error, "sqlstate", None) or ""
    return state[:2] in {"22", "23", "44"} or state == RAISED


def rejection(error: Exception, hints: Mapping[str, str]) -> tuple[str, str]:
    """Code and reason. `hints` are sentences of the sink's own by the name of the constraint, or of `table.column`."""
    cause: Any = error
    if isinstance(cause, sqlite3.Error):
        found = re.match(r"(UNIQUE|FOREIGN KEY|NOT NULL|CHECK) constraint failed:? ?(.*)", str(cause))
        by_trigger = getattr(cause, "sqlite_errorname", "") == "SQLITE_CONSTRAINT_TRIGGER"
        code = _SQLITE[found[1]] if found else "S-OTHER-1" if by_trigger else "S-VALUE-1"
        where = found[2] if found else ""
    else:
        state = cause.sqlstate or ""
        code = _STATES.get(state) or ("S-VALUE-1" if state.startswith("22") else "S-OTHER-1")
        where = cause.diag.constraint_name or ""
        if not where and cause.diag.table_name and cause.diag.column_name:
            where = f"{cause.diag.table_name}.{cause.diag.column_name}"
    hint = hints.get(where)
    return code, hint or REJECTIONS[code] + (f" ({where})" if where else "")
