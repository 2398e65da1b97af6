"""The JSON schema of the district file says yes and no where the reader does."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from syncrun.config.jsonschema import district_schema, settings_schema
from syncrun.errors import ContractError
from syncrun.registry import Registry
from syncrun.sdk import ConnectorInfo

if TYPE_CHECKING:
    from vendor import Site

GOOD = """
district = "riverside"
[source]
connector = "oneroster_csv"
path = "inbox"
[[sinks]]
sink = "planner"
database_url = "env:X"
"""
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "number": (int, float), "integer": int}


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a value is as the schema says, as far as the words go that our schema uses."""
    unknown = schema.keys() - {
        "$schema", "title", "description", "default", "type", "properties", "required", "additionalProperties", "items",
        "minItems", "minLength", "oneOf", "const", "enum", "pattern", "minimum", "maximum",
    }  # fmt: skip
    assert not unknown
    if "type" in schema and not (
        isinstance(value, TYPES[schema["type"]]) and isinstance(value, bool) == (schema["type"] == "boolean")
    ):
        return False
    tests = [
        "const" not in schema or value == schema["const"],
        "enum" not in schema or value in schema["enum"],
        "pattern" not in schema or re.search(schema["pattern"], value),
        "minimum" not in schema or value >= schema["minimum"],
        "maximum" not in schema or value <= schema["maximum"],
        "minItems" not in schema or len(value) >= schema["minItems"],
        "minLength" not in schema or len(value) >= schema["minLength"],
        "oneOf" not in schema or sum(fits(value, each) for each in schema["oneOf"]) == 1,
        "items" not in schema or all(fits(each, schema["items"]) for each in value),
        set(schema.get("required", ())) <= set(value) if isinstance(value, dict) else True,
    ]
    if isinstance(value, dict) and "properties" in schema:
        tests += [fits(value[key], each) for key, each in schema["properties"].items() if key in value]
        tests.append(schema.get("additionalProperties", True) or set(value) <= set(schema["properties"]))
    return all(tests)


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return district_schema(Registry())


@pytest.mark.parametrize("more", [
    "", 'name = "x"\nschool_years = ["y"]\nnew_teachers = "add"\ncreate_tables = true\nmapping = "m.csv"',
    "[limits]\nremovals = 2.5\nupdates_floor = 0",
    '[[sinks.routes]]\nfrom = ["a"]\nto = "b"\nname = "B"\ngrades = ["06"]',
])  # fmt: skip
def test_good_file_fits(schema: dict[str, Any], more: str) -> None:
    assert fits(tomllib.loads(GOOD + more), schema)


@pytest.mark.parametrize(("old", "new"), [
    ('district = "riverside"', 'district = "River Side"'), ('district = "riverside"', ""),
    ("oneroster_csv", "oneroster_cvs"), ('path = "inbox"', ""), ('path = "inbox"', 'path = "inbox"\npaht = "x"'),
    ('"env:X"', "3"), ('"env:X"', '"env:X"\nnew_teachers = "perhaps"'), ('"env:X"', '"env:X"\n[limits]\nremovals = 101'),
    ('"env:X"', '"env:X"\n[[sinks.routes]]\nto = "b"'), ('"env:X"', '"env:X"\n[[sinks.routes]]\nfrom = []\nto = "b"'),
    ('"env:X"', '"env:X"\n[[sinks.routes]]\nfrom = ["a"]\nto = ""'),
    ('"env:X"', '"env:X"\n[limits]\nremovals_floor = 1.5'), ('"env:X"', '"env:X"\n[limits]\nremoval = 1'),
])  # fmt: skip
def test_what_the_reader_refuses_does_not_fit(schema: dict[str, Any], old: str, new: str) -> None:
    assert not fits(tomllib.loads(GOOD.replace(old, new)), schema)


def test_every_setting_is_described(schema: dict[str, Any]) -> None:
    def bare(part: dict[str, Any], path: str) -> list[str]:
        found = [f"{path}.{key}" for key, each in part.get("properties", {}).items()
                 if not each.get("description") and "const" not in each]  # fmt: skip
        inner = [*part.get("properties", {}).items(), *enumerate(part.get("oneOf", ()))]
        inner += [("[]", part["items"])] if "items" in part else []
        return found + [each for key, below in inner for each in bare(below, f"{path}.{key}")]

    assert bare(schema, "") == []


def test_secrets_are_texts(schema: dict[str, Any]) -> None:
    sinks = schema["properties"]["sinks"]["items"]["oneOf"]
    (planner,) = (each for each in sinks if each["properties"]["sink"]["const"] == "planner")
    assert planner["properties"]["database_url"]["type"] == "string"


def test_plugin_without_usable_settings_is_left_out_and_the_others_stay(site: Site) -> None:
    site.plugin("odd", 'from syncrun.sdk import *\n@hookimpl\ndef syncrun_sources():\n'
                       '    yield ConnectorInfo("odd", "t", "PACKAGE.parts:Thing", "PACKAGE.parts:Nothing")')  # fmt: skip
    site.plugin("bad", "raise RuntimeError")
    site.good("good")
    found = district_schema(Registry())["properties"]["source"]["oneOf"]
    assert [each["properties"]["connector"]["const"] for each in found] == [
        "classlink", "good", "oneroster_csv", "powerschool_api", "sftp", "upload",
    ]  # fmt: skip
    with pytest.raises(ContractError, match="odd"):
        settings_schema(ConnectorInfo("odd", "t", "x:X", "odd_of_vendor.parts:Nothing"))
