"""The JSON schema of the district file, made from the marshmallow schemas, for editors and for the docs."""

from __future__ import annotations

import warnings
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema, fields

from syncrun.config import district
from syncrun.config.schema import DistrictSchema, SinkSchema, SourceSchema
from syncrun.errors import ContractError
from syncrun.registry import Offer, Registry
from syncrun.sdk import ConnectorInfo, Secret


def _json(schema: Schema) -> dict[str, Any]:
    """One marshmallow schema as JSON schema; `metadata["doc"]` becomes the description."""
    plugin = MarshmallowPlugin()
    APISpec("syncrun", "1", "3.1.0", plugins=[plugin])
    converter: Any = plugin.converter
    converter.map_to_openapi_type(Secret, "string", None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # apispec warns of fields it takes for unknown, then does as it was told above
        found: dict[str, Any] = converter.schema2jsonschema(schema)
    for name, field in schema.fields.items():
        property_ = found["properties"][field.data_key or name]
        property_.pop("doc", None)
        property_["description"] = field.metadata.get("doc", "")
        if isinstance(field, fields.Nested):
            inner = _json(field.schema)
            property_.pop("$ref", None)
            property_.update({"type": "array", "items": inner} if field.many else inner)
    return {**found, "additionalProperties": False}


def settings_schema(info: ConnectorInfo) -> dict[str, Any]:
    """The settings of one connector or sink. Raises `ContractError` when its plug-in has none."""
    return _json(district.settings_schema(info))


def district_schema(registry: Registry) -> dict[str, Any]:
    """The whole file. Settings of a connector depend on which one is named; plug-ins with faults are left out."""
    whole = _json(DistrictSchema())
    offers = registry.load_all()
    whole["properties"]["source"] = {
        "description": "where the roster comes from",
        **_choice(SourceSchema(), "connector", [each for each in offers if each.kind == "source"]),
    }
    whole["properties"]["sinks"] = {
        "type": "array", "minItems": 1, "description": "where it goes",
        "items": _choice(SinkSchema(), "sink", [each for each in offers if each.kind == "sink"]),
    }  # fmt: skip
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A district of syncrun", **whole}


def _choice(common: Schema, key: str, offers: list[Offer]) -> dict[str, Any]:
    """One alternative for each connector: the common settings and its own."""
    alternatives = []
    for offer in offers:
        if not isinstance(offer.info, ConnectorInfo):
            continue
        try:
            base, own = _json(common), settings_schema(offer.info)
        except ContractError:  # the plug-in's own fault, which `syncrun plugins info` tells
            continue
        properties = {**base["properties"], **own["properties"], key: {"const": offer.info.name}}
        required = sorted({*base.get("required", ()), *own.get("required", ())})
        alternatives.append({"title": offer.info.title, "type": "object", "properties": properties,
                             "required": required, "additionalProperties": False})  # fmt: skip
    return {"oneOf": alternatives}
