"""Ids for sinks that let the caller choose them: derived from district, sink, table and key, so that a repeat cannot
double a row and a whole batch can name rows that are not written yet.

They are UUIDs of version 8 (RFC 9562, custom) made of an MD5, which is no matter of security here. Both executions
give the same: a test holds them together.
"""

from __future__ import annotations

import hashlib
import uuid

from syncrun.sqltext import literal


def _space(district: str, sink: str, table: str) -> str:
    return f"syncrun|{district}|{sink}|{table}|"


def derived(district: str, sink: str, table: str, key: str) -> str:
    """The id of one row."""
    digits = hashlib.md5((_space(district, sink, table) + key).encode(), usedforsecurity=False).hexdigest()
    return str(uuid.UUID(f"{digits[:12]}8{digits[13:16]}8{digits[17:]}"))


def sql_derived(district: str, sink: str, table: str, key: str) -> str:
    """The same for an SQL expression `key`; of type UUID, NULL for NULL."""
    digits = f"md5({literal(_space(district, sink, table))} || {key})"
    return f"(substr({digits}, 1, 12) || '8' || substr({digits}, 14, 3) || '8' || substr({digits}, 18))::UUID"
