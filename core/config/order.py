"""Which district files come after which: that they are there, that they do not wait for each other in a circle, and that
imports come before two-way syncs and those before exports (GG4L, "several sync applications": import, 2-way, export).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncrun.errors import ConfigError, Problem
from syncrun.registry import Registry
from syncrun.sdk.info import STAGES, Stage, stage_of

CODE = "E-CONFIG-10"


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What is looked at of another district's file: its name, whom it comes after, the stages of its sinks."""

    name: str
    after: tuple[str, ...]
    stages: tuple[Stage, ...]


def problems(
    name: str, after: Sequence[str], stages: Iterable[Stage], folders: Sequence[Path], registry: Registry
) -> Iterator[Problem]:
    """What is wrong with the order of a district. `stages` are those of its own sinks; `folders` is where other
    districts are looked up, by the name of their file, which is that of the district."""
    mine = list(stages)
    for position, other in enumerate(after):
        path = f"after[{position}]"
        try:
            found = neighbour(other, folders, registry)
        except ConfigError as error:
            yield Problem(CODE, path, error.problems[0].message, error.problems[0].hint)
            continue
        if circle := _circle(name, found, folders, registry):
            yield Problem(CODE, path, f"goes round in a circle: {' waits for '.join([name, *circle])}",
                          "take one of them out of `after`")  # fmt: skip
        late = max(found.stages, key=STAGES.index, default=None)
        early = min(mine, key=STAGES.index, default=None)
        if late and early and STAGES.index(late) > STAGES.index(early):
            yield Problem(CODE, path, f"{other} has a sink of the stage {late}, this district one of {early}",
                          f"the order is {', '.join(STAGES)}; turn the two round, or split the file")  # fmt: skip


def neighbour(name: str, folders: Sequence[Path], registry: Registry) -> Neighbour:
    """Another district, as far as its order goes. Stages of sinks whose plug-in cannot be loaded are left out: that is
    its own file's problem. Raises `ConfigError` when there is no such file, or none that can be read."""
    for folder in folders:
        path = folder / f"{name}.toml"
        if path.is_file():
            break
    else:
        raise ConfigError(
            [Problem(CODE, name, f"there is no district {name}", "give the name of a file in districts/")]
        )
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise ConfigError([Problem(CODE, name, f"the file of {name} cannot be read", "correct it first")]) from None
    if raw.get("district") != name:
        raise ConfigError([Problem(CODE, name, f"the file {name}.toml is not that of a district {name}",
                                   "call the file as the district is called")])  # fmt: skip
    listed = raw.get("after")
    after = tuple(each for each in listed if isinstance(each, str)) if isinstance(listed, list) else ()
    return Neighbour(name, after, tuple(_stages(raw.get("sinks"), registry)))


def relations(folders: Sequence[Path]) -> dict[str, tuple[str, ...]]:
    """For each district of these folders those that it comes after. Files that cannot be read are left out."""
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted(path for folder in folders if folder.is_dir() for path in folder.glob("*.toml")):
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):  # a run of that district says so
            continue
        listed = raw.get("after")
        if isinstance(listed, list) and isinstance(raw.get("district"), str):
            found[raw["district"]] = tuple(each for each in listed if isinstance(each, str))
    return found


def _stages(sinks: Any, registry: Registry) -> Iterator[Stage]:
    for each in sinks if isinstance(sinks, list) else ():
        if isinstance(each, dict) and isinstance(each.get("sink"), str):
            try:
                yield stage_of(registry.connector("sink", each["sink"], "sinks"), "sink")
            except ConfigError:
                continue


def _circle(name: str, start: Neighbour, folders: Sequence[Path], registry: Registry) -> list[str]:
    """The way from `start` back to the district `name`, if there is one."""
    ways = [(start, [start.name])]
    seen = {start.name}
    while ways:
        here, way = ways.pop()
        if here.name == name:
            return way
        for other in here.after:
            if other == name:
                return [*way, name]
            if other not in seen:
                seen.add(other)
                try:
                    ways.append((neighbour(other, folders, registry), [*way, other]))
                except ConfigError:  # that other file's own problem
                    continue
    return []
