"""Descriptors: what a plug-in says of itself before anything heavy is imported."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Literal, get_args

API = 1
"""The number of the plug-in interface that this version of `syncrun` serves."""


class Cap(enum.Flag):
    """What a connector or sink can do. The engine asks for nothing that is not claimed."""

    NONE = 0
    INCREMENTAL = enum.auto()
    """A source that can send only what changed."""
    CLIENT_IDS = enum.auto()
    """A sink that lets the caller choose ids."""
    BULK = enum.auto()
    """A sink with `apply_bulk`."""
    TRANSACTIONAL = enum.auto()
    """A sink that commits a chunk and its ledger row together."""
    ARCHIVE = enum.auto()
    """A sink that can set a row aside without losing it."""
    RESTORE = enum.auto()
    """A sink that can bring an archived row back under its id."""
    LINK = enum.auto()
    """A sink that lets us take over a row that was there before."""
    RELEASE = enum.auto()
    """A sink that remembers such a row as it was, can give it back so, and can set aside what was there before."""
    MOVE = enum.auto()
    """A sink that can put a membership in the place of another in one step."""
    WHOLE = enum.auto()
    """A sink that publishes whole tables, with `publish`."""
    QUIET = enum.auto()
    """A sink that sends no message to people, or can be told not to."""
    WATCH = enum.auto()
    """A source of files on this machine that can tell at once which are there, with `arrived`."""


Stage = Literal["import", "two_way", "export"]
"""What an application does for the roster, and so when it is served: `import` brings data in, `two_way` takes and
gives, `export` only takes."""
STAGES: tuple[Stage, ...] = get_args(Stage)
"""The stages in the order in which they are served."""


@dataclass(frozen=True, slots=True)
class ConnectorInfo:
    """One source connector or sink.

    `cls` and `settings` are import paths, `"package.module:Name"`; they are imported only when a district names the
    connector. `settings` is a marshmallow schema of the connector's own settings. `stage` may be left out: a source
    then is an `import`, a sink an `export`. `server` is the setting of a source that says which server is asked, as its
    name or as a URL; so many runs that ask the same one are not begun at once.
    """

    name: str
    title: str
    cls: str
    settings: str
    caps: Cap = Cap.NONE
    api: int = API
    maintainer: str = ""
    issues: str = ""
    stage: Stage | None = None
    server: str = ""


def stage_of(info: ConnectorInfo, kind: Literal["source", "sink"]) -> Stage:
    """The stage of a connector: what it says, or what most of its kind are."""
    return info.stage or ("import" if kind == "source" else "export")


@dataclass(frozen=True, slots=True)
class MatcherInfo:
    """One matcher, which proposes that a record of the source and one of the sink are the same."""

    name: str
    title: str
    cls: str
    api: int = API


@dataclass(frozen=True, slots=True)
class CommandInfo:
    """One click command that a plug-in adds under `syncrun x`."""

    name: str
    title: str
    command: str


@dataclass(frozen=True, slots=True)
class Distribution:
    """Where a plug-in came from."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a plug-in, or a part of it, is not available."""

    plugin: str
    stage: str
    reason: str
    distribution: Distribution = field(default_factory=lambda: Distribution("unknown", ""))
