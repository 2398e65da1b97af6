"""The pages about what others write for syncrun: hooks, settings, and the names that a plug-in imports."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import marshmallow
from marshmallow import fields, validate
from written import attribute_docs, code, doc, first, page, signature, table

import syncrun.sdk
import syncrun.sdk.rest
from syncrun import errors, hookspecs
from syncrun.config.notify import NotifySchema
from syncrun.config.schema import DistrictSchema, LimitsSchema, RouteSchema, SinkSchema, SourceSchema
from syncrun.registry import OWN, Registry, imported
from syncrun.schedule.schema import ArrivalSchema, Day, Days, ScheduleSchema, SpecSchema, TimeOfDay, WindowSchema
from syncrun.sdk import Cap, ConnectorInfo, DatabaseUrl, Secret
from syncrun.sdk.info import stage_of
from syncrun.sdk.rest import proof

FIELD_WORDS: Mapping[type[Any], str] = {
    DatabaseUrl: "database address, or reference",
    Secret: "reference to a secret",
    Day: "day",
    TimeOfDay: "time of day",
    Days: "days",
    fields.String: "text",
    fields.Integer: "whole number",
    fields.Float: "number",
    fields.Boolean: "true or false",
    fields.List: "list",
    fields.Nested: "table",
    fields.Dict: "table",
}
"""How settings are typed, in words; the narrower kinds stand before the wider ones."""

SDK_GROUPS: Mapping[str, str] = {
    "syncrun.sdk.info": "Descriptors",
    "syncrun.sdk.setting": "Settings",
    "syncrun.sdk.source": "Sources of files",
    "syncrun.sdk.record": "Sources of records",
    "syncrun.sdk.sink": "Sinks",
    "syncrun.sdk.match": "Matchers",
    "syncrun.sdk.view": "What hooks are shown",
    "syncrun.errors": "Errors",
    "syncrun.sdk": "Marks and numbers",
}

REST_GROUPS: Mapping[str, tuple[str, ...]] = {
    "Asking": ("Client", "Answer", "Limits", "segment", "UNSAFE"),
    "Credentials": ("Auth", "OAuth1", "Bearer", "ClientCredentials"),
    "Pages": ("pages", "RecordPage", "records_of"),
    "Changes alone": ("changed_since", "fits", "window", "OVERLAP"),
    "Budgets": ("HostBudget", "host_budget"),
}
"""The names of `syncrun.sdk.rest` by what they are for; those that no group has come at the end."""


def hook_functions() -> dict[str, Callable[..., Any]]:
    """Every hook by its name."""
    return {name: function for name, function in vars(hookspecs).items() if name.startswith("syncrun_")}


def hooks() -> str:
    """Signature and docstring of each hook."""
    blocks = [
        f"## {name}\n\n```python\ndef {signature(function)}: ...\n```\n\n{doc(function)}"
        for name, function in hook_functions().items()
    ]
    return page("Hooks", doc(hookspecs), "An implementation may leave out arguments that it does not use.", *blocks)


def settings() -> str:
    """The settings of the district file and of the built-in connectors and sinks."""
    blocks = [
        "A district is one TOML file. `syncrun schema` prints a JSON schema of it for editors; settings of plug-ins "
        "are told by `syncrun plugins info NAME`.",
        "## The file", settings_table(DistrictSchema()),
        "## `[source]`", first(SourceSchema), settings_table(SourceSchema()),
    ]  # fmt: skip
    blocks += list(_connectors("source"))
    blocks += ["## `[[sinks]]`", first(SinkSchema), settings_table(SinkSchema())]
    blocks += list(_connectors("sink"))
    blocks += ["## `[[sinks.routes]]`", doc(RouteSchema), settings_table(RouteSchema())]
    blocks += ["## `[limits]`", doc(LimitsSchema), settings_table(LimitsSchema())]
    blocks += ["## `[schedule]`", doc(ScheduleSchema), settings_table(ScheduleSchema()),
               "### `full`, `incremental`", doc(SpecSchema), settings_table(SpecSchema()),
               "### `arrival`", doc(ArrivalSchema), settings_table(ArrivalSchema()),
               "### Windows", doc(WindowSchema), settings_table(WindowSchema())]  # fmt: skip
    return page("Settings", *blocks, "## `[notify]`", doc(NotifySchema), settings_table(NotifySchema()))


def _connectors(kind: str) -> Iterator[str]:
    registry = Registry()
    for name in sorted(each.name for each in registry.listed if each.distribution.name == OWN):
        for offer in registry.load(name):
            if offer.kind == kind and isinstance(offer.info, ConnectorInfo):
                schema = imported(offer.info.settings, name)
                can = ", ".join(code(str(each.name)) for each in Cap if each in offer.info.caps)
                stage = code(stage_of(offer.info, "source" if kind == "source" else "sink"))
                yield (
                    f"### {kind} {code(offer.info.name)}\n\n{offer.info.title}. {first(schema)} Stage: {stage}. "
                    f"It can: {can}."
                )
                yield settings_table(schema())
                for setting, field in schema().fields.items():
                    if isinstance(field, fields.Nested):
                        path = f"sinks.{setting}" if kind == "sink" else f"source.{setting}"
                        yield f"#### `{f'[[{path}]]' if field.many else f'[{path}]'}`\n\n{doc(type(field.schema))}"
                        yield settings_table(field.schema)


def settings_table(schema: marshmallow.Schema) -> str:
    """A table of the settings of a schema."""
    rows = [
        (
            code(each.data_key or name),
            _kind(each),
            "required" if each.required else _default(each),
            str(each.metadata.get("doc", "")),
        )
        for name, each in schema.fields.items()
    ]
    return table(("setting", "type", "default", "what it is"), rows)


def _kind(field: fields.Field[Any]) -> str:
    word = next(text for kind, text in FIELD_WORDS.items() if isinstance(field, kind))
    for rule in field.validators:
        if isinstance(rule, validate.OneOf):
            word = " or ".join(code(json.dumps(each)) for each in rule.choices)
        if isinstance(rule, validate.Range):
            word += f", {rule.min} to {rule.max}" if rule.max is not None else f" from {rule.min}"
        if isinstance(rule, validate.Regexp):
            word += f" like `{rule.regex.pattern!s}`"
    inner = getattr(field, "inner", None)
    if isinstance(field, fields.Nested) and field.many:
        return f"list of {word}s"
    return f"list of {_kind(inner)}s" if isinstance(field, fields.List) and inner else word


def _default(field: fields.Field[Any]) -> str:
    if isinstance(field, fields.Nested) and field.load_default is not marshmallow.missing:
        return "as below"
    value = field.load_default() if callable(field.load_default) else field.load_default
    return "none" if value is marshmallow.missing else code(json.dumps(value))


def sdk() -> str:
    """Every name that plug-ins import."""
    groups: dict[str, list[str]] = {module: [] for module in SDK_GROUPS}
    for name in syncrun.sdk.__all__:
        module = getattr(getattr(syncrun.sdk, name), "__module__", "")
        if name in attribute_docs(syncrun.sdk.match):
            module = "syncrun.sdk.match"
        groups[module if module in groups else "syncrun.sdk"].append(name)
    blocks = [doc(syncrun.sdk)]
    for module, names in groups.items():
        blocks.append(f"## {SDK_GROUPS[module]}")
        blocks += [_definition(name, getattr(syncrun.sdk, name)) for name in names]
    return page("The interface for plug-ins", *blocks)


def rest() -> str:
    """Every name that connectors for REST services import."""
    blocks = [doc(syncrun.sdk.rest)]
    grouped = {name for names in REST_GROUPS.values() for name in names}
    others = tuple(name for name in syncrun.sdk.rest.__all__ if name not in grouped)
    for title, names in {**REST_GROUPS, **({"More": others} if others else {})}.items():
        blocks.append(f"## {title}")
        blocks += [_rest_definition(name, getattr(syncrun.sdk.rest, name)) for name in names]
    blocks += ["## Why pages are not proved to be all", doc(proof.Proof)]
    return page("REST services", *blocks)


def _rest_definition(name: str, thing: Any) -> str:
    """A class with what it is made with, a function with its signature, a constant with the words under it."""
    if inspect.isfunction(thing):
        return f"### {name}\n\n```text\n{signature(thing)}\n```\n\n{doc(thing)}"
    if not isinstance(thing, type):
        modules = filter(inspect.ismodule, vars(syncrun.sdk.rest).values())
        told = next(found[name] for found in map(attribute_docs, modules) if name in found)
        return f"### {name}\n\n{told} It is {code(str(thing))}."
    if dataclasses.is_dataclass(thing):
        return _definition(name, thing)
    made = "" if getattr(thing, "_is_protocol", False) else f"```text\n{_made(name, thing)}\n```\n\n"
    methods = [each for word, each in vars(thing).items() if inspect.isfunction(each) and not word.startswith("_")]
    told = table(("method", "what it does"), [(code(signature(each)), first(each)) for each in methods])
    return f"### {name}\n\n{made}{doc(thing)}\n\n{told}"


def _made(name: str, thing: Any) -> str:
    """How an object of a class is made."""
    return signature(thing.__init__).replace("__init__(self, ", f"{name}(").removesuffix(" -> None")


def _definition(name: str, thing: Any) -> str:
    """One name: its docstring, then its members."""
    if inspect.isfunction(thing):
        return f"### {name}\n\n```text\n{signature(thing)}\n```\n\n{doc(thing)}"
    if inspect.isfunction(getattr(thing, "__wrapped__", None)):
        return _definition(name, thing.__wrapped__)
    if not isinstance(thing, type):
        told = {**attribute_docs(syncrun.sdk.info), **attribute_docs(syncrun.sdk.match), **attribute_docs(syncrun.sdk)}[
            name
        ]
        return f"### {name}\n\n{told}" + _value(thing)
    if issubclass(thing, errors.SyncError):
        return f"### {name}\n\n{first(thing)} See [{thing.code}](errors.md#{thing.code.lower()}-{name.lower()})."
    blocks = [f"### {name}", doc(thing)]
    if issubclass(thing, enum.Enum):
        members = attribute_docs(thing)
        blocks.append(table(("member", "meaning"), [(code(each), members[each]) for each in thing.__members__]))
    elif dataclasses.is_dataclass(thing):
        blocks.append(table(("field", "type", "default"), [_field(each) for each in dataclasses.fields(thing)]))
    elif getattr(thing, "_is_protocol", False):
        methods = [each for each in vars(thing).values() if inspect.isfunction(each) and each.__doc__]
        known = {each: told for each, told in attribute_docs(thing).items() if told}
        if known:
            blocks.append(table(("attribute", "what it is"), [(code(each), told) for each, told in known.items()]))
        blocks.append(table(("method", "what it does"), [(code(signature(each)), first(each)) for each in methods]))
    return "\n\n".join(blocks)


def _value(thing: Any) -> str:
    """A constant's value in words, where it is one to read."""
    if isinstance(thing, int):
        return f" It is {thing} now."
    return f" They are {', '.join(map(code, thing))}." if isinstance(thing, tuple) else ""


def _field(each: dataclasses.Field[Any]) -> tuple[str, str, str]:
    default = "" if each.default is dataclasses.MISSING else code(str(each.default) or '""')
    return code(each.name), code(str(each.type)), default
