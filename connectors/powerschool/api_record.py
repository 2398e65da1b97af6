"""The records in an answer to a query, by the names of our columns.

PowerSchool answers as its XML would: a page of one record is an object and no list, a page of none has no `record` at all,
keys are in small letters, and numbers may come as text or as numbers. What a plug-in puts around names and values for
the sake of exports is taken off: letters that keep columns in order (`a_sourcedId`), names of tables (`USERS.email`), and
quotes around values with commas. Facts: PowerSchool reference, sections 1.3, 2.2 and 2.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from syncrun.errors import EnvelopeError

_ORDERED = re.compile(r"[a-z]_(?=[a-z])")
_OTHER_NAMES = {"languages": "language"}


def records_in(body: Any, what: str) -> list[Mapping[str, Any]]:
    """The records of a page, flat, with the keys that they came with. Raises `EnvelopeError` where it is none."""
    if not isinstance(body, dict):
        raise EnvelopeError(f"{what}: the answer is no page of a query.")
    found = body.get("record", [])
    if isinstance(found, dict):
        found = [found]
    if found is None:
        found = []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise EnvelopeError(f"{what}: the answer has things under record that are no records.")
    return [_flat(each) for each in found] if found and "tables" in found[0] else found


def _flat(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A record of a query that is not flattened: its columns are under their tables."""
    tables = record.get("tables")
    inner = [each for each in tables.values() if isinstance(each, dict)] if isinstance(tables, dict) else []
    return {key: value for each in inner for key, value in each.items()}


def number_in(body: Any, key: str) -> int | None:
    """A number that may come as text; None where there is none."""
    found = body.get(key) if isinstance(body, dict) else None
    text = str(found).strip() if isinstance(found, int | str) and not isinstance(found, bool) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def named(records: Sequence[Mapping[str, Any]], columns: Iterable[str]) -> list[dict[str, Any]]:
    """The records with our columns as keys, and nothing else in them."""
    keys = set().union(*records)
    known = {each.lower(): each for each in columns}
    bare = {key: key.rpartition(".")[2].lower() for key in keys}
    ordered = bool(bare) and all(_ORDERED.match(name) for name in bare.values())
    places = {}
    for key, name in bare.items():
        alias = name[2:] if ordered else name
        if column := known.get(_OTHER_NAMES.get(alias, alias)):
            places[key] = column
    return [{places[key]: _plain(value) for key, value in each.items() if key in places} for each in records]


def _plain(value: Any) -> Any:
    """A value as it is meant: a number as text, whole ones without a point, so that the same record is the same whichever
    way it came; and no quotes that only protect commas."""
    if isinstance(value, str):
        if value[:1] == '"' == value[-1:] and len(value) > 1 and ("," in value or '""' in value[1:-1]):
            return value[1:-1].replace('""', '"')
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(int(value) if isinstance(value, float) and value.is_integer() else value)
    return value
