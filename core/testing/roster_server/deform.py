"""The faults inside of records: what servers do to booleans, blanks, lists, references and dates (sections 6.1 and 11)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from syncrun.testing.roster_server.fault import NONE, Faults
from syncrun.testing.roster_server.field import FIELDS, HERE, known
from syncrun.testing.roster_server.version import Version

INNER = "https://inner.roster.invalid:8443/ims/oneroster/v1p1"
"""A host behind a proxy that no client reaches."""
BLANKS: Mapping[str, Any] = {"empty": "", "null": None, "word": "null", "object": {}}
WORDS: Mapping[str, Mapping[str, Any]] = {
    "real": {"true": True, "false": False},
    "number": {"true": 1, "false": 0},
    "capital": {"true": "True", "false": "False"},
}
_TOUCHED = ("booleans", "blanks", "lists", "flat_ids", "hrefs", "ref_types", "refs", "integer_ids", "undated", "dated_now",
            "extra_keys")  # fmt: skip


def deforms(faults: Faults) -> bool:
    """Whether any fault touches the records."""
    return any(getattr(faults, name) != getattr(NONE, name) for name in _TOUCHED)


def deformed(facts: dict[str, Any], collection: str, version: Version, faults: Faults, now: str) -> dict[str, Any]:
    """The record as a server with these faults has it. `now` is the moment of the answer."""
    record = dict(facts)
    for name, field in FIELDS[collection].items():
        value = record.get(name)
        if field.kind == "boolean" and faults.booleans and isinstance(value, str):
            record[name] = WORDS[faults.booleans].get(value, value)
        elif field.kind == "list" and faults.lists:
            record[name] = _scalar(value or [], faults.lists)
    if faults.blanks:
        record |= dict.fromkeys(
            known(collection, version) - record.keys() - {"metadata", "children"}, BLANKS[faults.blanks]
        )
    record = _dated(record, faults, now)
    if faults.extra_keys:
        record |= {"@type": collection, "links": [], "_id": 1}
    if faults.flat_ids:
        record = _flattened(record)
    record = {name: _walk(value, faults) for name, value in record.items()}
    return record | ({"sourcedId": _number(record.get("sourcedId"))} if faults.integer_ids else {})


def _dated(record: dict[str, Any], faults: Faults, now: str) -> dict[str, Any]:
    if faults.undated:
        return {name: value for name, value in record.items() if name not in {"status", "dateLastModified"}}
    return record | {"dateLastModified": now} if faults.dated_now else record


def _scalar(value: list[Any], form: str) -> Any:
    if form == "null":
        return value or None
    if form == "comma":
        return ",".join(map(str, value))
    return value[0] if len(value) == 1 else value or ""


def _flattened(record: Mapping[str, Any]) -> dict[str, Any]:
    """`course` becomes `courseSourcedId`, `orgs` becomes `orgSourcedIds` with commas, as roster-hub does."""
    found: dict[str, Any] = {}
    for name, value in record.items():
        if _is_reference(value):
            found[f"{name}SourcedId"] = value["sourcedId"]
        elif isinstance(value, list) and value and all(map(_is_reference, value)):
            found[f"{name.removesuffix('s')}SourcedIds"] = ",".join(each["sourcedId"] for each in value)
        else:
            found[name] = value
    return found


def _is_reference(value: Any) -> bool:
    return isinstance(value, Mapping) and "sourcedId" in value and "href" in value


_HREFS: Mapping[str, Callable[[str], str]] = {
    "inner": lambda path: INNER + path,
    "relative": lambda path: path,
    "doubled": lambda path: f"hhttp://{INNER.partition('//')[2]}{path}",
}


def _walk(value: Any, faults: Faults) -> Any:
    """The value with all references in it as the faults have them."""
    if isinstance(value, list):
        return [_walk(each, faults) for each in value]
    if not isinstance(value, dict):
        return value
    if not _is_reference(value):
        return {name: _walk(each, faults) for name, each in value.items()}
    found = dict(value)
    if faults.hrefs == "absent":
        del found["href"]
    elif faults.hrefs:
        found["href"] = _HREFS[faults.hrefs](str(found["href"]).removeprefix(HERE))
    if faults.ref_types == "absent":
        found.pop("type", None)
    elif faults.ref_types:
        found["type"] = "category"
    if faults.integer_ids:
        found["sourcedId"] = _number(found["sourcedId"])
    return {"": found, "text": found["sourcedId"], "list": [found], "number": 4}[faults.refs]


def _number(key: Any) -> Any:
    return int(key) if isinstance(key, str) and key.isdecimal() and len(key) < 19 else key
