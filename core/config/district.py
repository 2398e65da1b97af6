"""One TOML file per district, checked as a whole: every problem is reported at once, with its path and a hint."""

from __future__ import annotations

import difflib
import hashlib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from marshmallow import Schema, ValidationError, fields
from platformdirs import user_data_path

from syncrun.config import order, secret
from syncrun.config.notify import Notify
from syncrun.config.schema import DistrictSchema, SinkSchema, SourceSchema
from syncrun.errors import ConfigError, ContractError, Problem
from syncrun.registry import Registry, imported
from syncrun.roster.route import Route
from syncrun.schedule.arrival import Arrival
from syncrun.schedule.schema import arrival_of, specs
from syncrun.schedule.spec import Mode, Spec
from syncrun.sdk import Cap, ConnectorInfo
from syncrun.sdk.info import STAGES, Stage, stage_of
from syncrun.sdk.setting import Reference

AfterFailure = Literal["skip", "run"]
"""What becomes of a dependant when what it comes after has failed or waits for a person."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a plan may change before a person must look; `syncrun.config.schema.LimitsSchema` says what each is."""

    removals: float
    removals_floor: int
    class_shrink: float
    class_shrink_floor: int
    updates: float
    updates_floor: int
    rekeys: float
    rekeys_floor: int
    rejected: float
    rejected_floor: int
    strict: bool
    guardians: int
    shrink: float
    shrink_floor: int
    spread_hours: float


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """Where the roster comes from: the connector and its settings, secrets fetched; how long its files must have been
    quiet."""

    info: ConnectorInfo
    settings: Mapping[str, Any]
    settle_seconds: float = 0


@dataclass(frozen=True, slots=True)
class SinkConfig:
    """Where it goes: the sink, its settings, and what the engine is to do for it."""

    name: str
    info: ConnectorInfo
    settings: Mapping[str, Any]
    school_years: tuple[str, ...]
    mapping: Path | None
    new_teachers: Literal["ask", "add", "ignore"]
    deselected: Literal["keep", "archive"]
    routes: tuple[Route, ...] = ()
    after_failure: AfterFailure = "skip"

    @property
    def stage(self) -> Stage:
        """When it is served: import, two_way, export."""
        return stage_of(self.info, "sink")


@dataclass(frozen=True, slots=True)
class District:
    """A district file that has been checked. `fingerprint` changes with its text, and with nothing else."""

    name: str
    path: Path
    time_zone: str
    source: SourceConfig
    sinks: tuple[SinkConfig, ...]
    limits: Limits
    plugins: tuple[str, ...]
    fingerprint: str
    after: tuple[str, ...] = ()
    after_failure: AfterFailure = "skip"
    wait_minutes: int = 240
    alarm_hours: float = 36
    notify: Notify | None = None
    schedule: Mapping[Mode, Spec] = field(default_factory=dict)
    """The schedules that the file has; others may be made with `syncrun schedule`."""
    arrival: Arrival | None = None
    """When the arrival of files begins a run."""

    @property
    def served(self) -> tuple[SinkConfig, ...]:
        """The sinks in the order in which they are served: by stage, and within one as the file has them."""
        return tuple(sorted(self.sinks, key=lambda each: STAGES.index(each.stage)))

    @property
    def folder(self) -> Path:
        """Where relative paths of the file start."""
        return self.path.parent


def home() -> Path:
    """Where `syncrun` keeps its state: `SYNCRUN_HOME`, or the user's data folder."""
    return Path(os.environ.get("SYNCRUN_HOME") or user_data_path("syncrun")).expanduser().absolute()


def district_folders() -> list[Path]:
    """Where names of districts are looked up: `SYNCRUN_DISTRICTS`, `./districts`, `$SYNCRUN_HOME/districts`."""
    named = os.environ.get("SYNCRUN_DISTRICTS")
    return [Path(named)] if named else [Path("districts"), home() / "districts"]


def district_names() -> list[str]:
    """The names that can be given to `--district`."""
    return sorted({path.stem for folder in district_folders() if folder.is_dir() for path in folder.glob("*.toml")})


def find(wanted: str) -> Path:
    """The file of a district given by name or by path."""
    if wanted.endswith(".toml") or os.sep in wanted:
        if Path(wanted).is_file():
            return Path(wanted).absolute()
        raise ConfigError([Problem("E-CONFIG-2", wanted, "there is no such file",
                                   "give the path of a district file, or a name from `syncrun init`")],
                          source="the district file")  # fmt: skip
    for folder in district_folders():
        if (folder / f"{wanted}.toml").is_file():
            return (folder / f"{wanted}.toml").absolute()
    near = difflib.get_close_matches(wanted, district_names(), 1)
    searched = ", ".join(map(str, district_folders()))
    hint = f"did you mean {near[0]}?" if near else f"looked in {searched}; `syncrun init {wanted}` makes one"
    raise ConfigError([Problem("E-CONFIG-2", wanted, "there is no district of that name", hint)], source="--district")


def load(wanted: str, registry: Registry, *, fetch_secrets: bool = True) -> District:
    """The district given by name or path. Raises `ConfigError` with every problem of its file."""
    path = find(wanted)
    try:
        text = path.read_text(encoding="utf-8")
        raw = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            [Problem("E-CONFIG-1", path.name, str(error), "correct the TOML there")], source=path.name
        ) from None
    except OSError as error:
        raise ConfigError([Problem("E-CONFIG-1", path.name, f"cannot be read: {error.strerror}")],
                          source=path.name) from None  # fmt: skip
    return _Reader(path, raw, registry, fetch_secrets=fetch_secrets).district(hashlib.sha256(text.encode()).hexdigest())


class _Reader:
    """Goes through one file and collects problems; only at the end is anything raised."""

    def __init__(self, path: Path, raw: dict[str, Any], registry: Registry, *, fetch_secrets: bool) -> None:
        self.path, self.raw, self.registry, self.fetch_secrets = path, raw, registry, fetch_secrets
        self.problems: list[Problem] = []

    def district(self, fingerprint: str) -> District:
        values = self._loaded(DistrictSchema(), self.raw, "")
        source = self._source(values.get("source"))
        raw_sinks = self.raw.get("sinks")
        sinks = [
            self._sink(each, f"sinks[{n}]") for n, each in enumerate(raw_sinks if isinstance(raw_sinks, list) else ())
        ]
        names = [sink.name for sink in sinks if sink]
        for name in sorted({each for each in names if names.count(each) > 1}):
            self._problem("E-CONFIG-3", "sinks", f"two sinks are called {name}", "give each a `name` of its own")
        for plugin in values.get("plugins") or ():
            self._observer(plugin)
        if source and "incremental" in values.get("schedule", ()):
            self.problems += not_incremental(source, "schedule.incremental")
        if source and "arrival" in values.get("schedule", ()) and Cap.WATCH not in source.info.caps:
            self._problem("E-CONFIG-9", "schedule.arrival", f"the connector {source.info.name} cannot tell that something came",
                          "give it a full schedule")  # fmt: skip
        if values.get("after"):
            stages = [sink.stage for sink in sinks if sink]
            self.problems += order.problems(values.get("district", ""), values["after"], stages,
                                            [self.path.parent, *district_folders()], self.registry)  # fmt: skip
        if self.problems or source is None:
            raise ConfigError(self.problems, source=self.path.name)
        return District(
            values["district"], self.path, values["time_zone"], source, tuple(filter(None, sinks)),
            Limits(**values["limits"]), tuple(values["plugins"]), fingerprint,
            after=tuple(values["after"]), after_failure=values["after_failure"], wait_minutes=values["wait_minutes"],
            alarm_hours=values["alarm_hours"], notify=values["notify"],
            schedule=specs(values.get("schedule", {}), values["time_zone"]),
            arrival=arrival_of(values.get("schedule", {}), values["time_zone"]),
        )  # fmt: skip

    def _problem(self, code: str, path: str, message: str, hint: str = "") -> None:
        self.problems.append(Problem(code, path, message, hint))

    def _source(self, raw: Any) -> SourceConfig | None:
        if not isinstance(raw, Mapping):
            return None
        own, rest = _split(raw, SourceSchema())
        values = self._loaded(SourceSchema(), own, "source")
        info = self._info("source", values.get("connector"), "source.connector")
        settings = self._settings(info, rest, "source")
        return SourceConfig(info, settings, values.get("settle_seconds", 0)) if info else None

    def _sink(self, raw: Any, path: str) -> SinkConfig | None:
        if not isinstance(raw, Mapping):
            return None
        own, rest = _split(raw, SinkSchema())
        values = self._loaded(SinkSchema(), own, path)
        info = self._info("sink", values.get("sink"), f"{path}.sink")
        settings = self._settings(info, rest, path)
        mapping = self.path.parent / values["mapping"] if values.get("mapping") else None
        if mapping and not mapping.is_file():
            self._problem("E-CONFIG-3", f"{path}.mapping", "there is no such file",
                          "a CSV with the header kind,sourcedId,decision,sinkId")  # fmt: skip
        elif mapping:
            self._mapping(mapping)
        if not info:
            return None
        return SinkConfig(  # where a setting is wrong, its value is of no account: the file is refused
            values.get("name") or info.name, info, settings, tuple(values.get("school_years", ())), mapping,
            values.get("new_teachers", "ask"), values.get("deselected", "keep"), tuple(values.get("routes", ())),
            values.get("after_failure", "skip"),
        )  # fmt: skip

    def _mapping(self, mapping: Path) -> None:
        from syncrun.config.mapping import read_mapping  # noqa: PLC0415 # heavy, and few districts have one

        try:
            read_mapping(mapping)
        except ConfigError as error:
            self.problems += error.problems

    def _info(self, kind: Literal["source", "sink"], name: Any, path: str) -> ConnectorInfo | None:
        if not isinstance(name, str):
            return None
        try:
            return self.registry.connector(kind, name, path)
        except ConfigError as error:
            self.problems += error.problems
            return None

    def _observer(self, plugin: str) -> None:
        fault = self.registry.fault(plugin)
        if plugin not in {each.name for each in self.registry.listed}:
            self._problem(
                "E-CONFIG-4", "plugins", f"no plug-in named {plugin} is installed", "see `syncrun plugins list`"
            )
        elif fault:
            self._problem("E-CONFIG-7", "plugins", f"the plug-in {plugin} cannot be loaded: {fault.reason} "
                          f"({fault.distribution.name} {fault.distribution.version}, {fault.stage})",
                          "repair it, or take it out of the list")  # fmt: skip

    def _settings(self, info: ConnectorInfo | None, raw: Mapping[str, Any], path: str) -> Mapping[str, Any]:
        if info is None:
            return {}
        try:
            values = self._loaded(settings_schema(info), raw, path)
        except ContractError as error:
            self._problem("E-CONFIG-7", path, error.message, "tell the maintainer of the plug-in")
            return {}
        return {key: self._fetched(value, f"{path}.{key}") for key, value in values.items()}

    def _fetched(self, value: Any, path: str) -> Any:
        """The value with the secrets in it fetched, wherever in it they are."""
        if isinstance(value, Mapping):
            return {key: self._fetched(each, f"{path}.{key}") for key, each in value.items()}
        if isinstance(value, list):
            return [self._fetched(each, f"{path}[{n}]") for n, each in enumerate(value)]
        if not self.fetch_secrets or not isinstance(value, Reference):
            return value
        try:
            return secret.fetch(value, self.path.parent)
        except secret.MissingSecretError as error:
            self.problems.append(secret.problem(path, error))
            return value

    def _loaded(self, schema: Schema, raw: Any, path: str) -> dict[str, Any]:
        try:
            loaded: dict[str, Any] = schema.load(raw)
        except ValidationError as error:
            self.problems += problems(error.messages_dict, path, schema)
            return error.valid_data if isinstance(error.valid_data, dict) else {}
        return loaded


def not_incremental(source: SourceConfig, path: str) -> Iterator[Problem]:
    """What is wrong with an incremental schedule for a source that does not send only what changed; `path` is where it
    was asked for."""
    hint = "give it a full schedule"
    if Cap.INCREMENTAL not in source.info.caps:
        yield Problem("E-CONFIG-9", path, f"the connector {source.info.name} cannot send only what changed", hint)
    elif source.settings.get("deltas") is False:
        yield Problem("E-CONFIG-9", path, "the settings of the source say `deltas = false`: everything is read every time",
                      f"{hint}, or let the source send changes")  # fmt: skip


def settings_schema(info: ConnectorInfo) -> Schema:
    """The schema of the settings of a connector or sink. Raises `ContractError` when the plug-in has none."""
    cls = imported(info.settings, info.name)
    if not (isinstance(cls, type) and issubclass(cls, Schema)):
        raise ContractError(f"The plug-in {info.name} names {info.settings}, which is no marshmallow schema.")
    return cls()


def _split(raw: Mapping[str, Any], schema: Schema) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the engine reads of a section, and what belongs to the plug-in."""
    own = {key: value for key, value in raw.items() if key in schema.fields}
    return own, {key: value for key, value in raw.items() if key not in schema.fields}


def problems(messages: Mapping[Any, Any], path: str, schema: Schema | None) -> Iterator[Problem]:
    """Marshmallow's messages as problems, each with its path like `sinks[0].database_url`."""
    known: Sequence[str] = sorted(schema.fields) if schema else ()
    for key, value in messages.items():
        here = f"{path}[{key}]" if isinstance(key, int) else ".".join(filter(None, (path, str(key))))
        if key == "_schema":  # what is wrong with the whole of it
            here = path
        if isinstance(value, Mapping):
            field = schema.fields.get(str(key)) if schema else None
            inner = schema if isinstance(key, int) else field.schema if isinstance(field, fields.Nested) else None
            yield from problems(value, here, inner)
            continue
        for message in value:
            coded = re.match(r"(E-[A-Z]+-\d+): (.*)", message)
            if coded:
                yield Problem(coded[1], here, coded[2])
            elif message == "Unknown field.":
                near = difflib.get_close_matches(str(key), known, 1)
                hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}" if known else ""
                yield Problem("E-CONFIG-3", here, "is not a setting", hint)
            elif message.startswith("Missing data"):
                yield Problem(
                    "E-CONFIG-3", here, "is required and missing", "see `syncrun schema` or the docs on settings"
                )
            else:
                yield Problem("E-CONFIG-3", here, message[:1].lower() + message[1:].rstrip("."))
