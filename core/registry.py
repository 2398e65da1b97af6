"""Finding and loading plug-ins: by name, each in its own guard, from the entry points of the group `syncrun`.

Listing reads metadata and imports nothing. A plug-in is loaded when a district names it; one that raises, exits, or
names a hook that does not exist becomes a `Fault` with its distribution and version, its registration is taken back,
and everything else goes on. An entry point is named after the connector it offers, and a module that offers several has
an entry point for each; built-ins come in by the same door, and nobody else may use their names.
"""

from __future__ import annotations

import difflib
import functools
import importlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any, Literal

import pluggy

from syncrun import hookspecs
from syncrun.errors import ConfigError, ContractError, Problem, SyncError
from syncrun.sdk import API, CommandInfo, ConnectorInfo, MatcherInfo
from syncrun.sdk.info import STAGES, Distribution, Fault

GROUP = "syncrun"
OWN = "syncrun"
Kind = Literal["source", "sink", "matcher", "command"]
_HOOKS: dict[Kind, str] = {
    "source": "syncrun_sources",
    "sink": "syncrun_sinks",
    "matcher": "syncrun_matchers",
    "command": "syncrun_commands",
}
_TYPES: dict[Kind, type[ConnectorInfo | MatcherInfo | CommandInfo]] = {
    "source": ConnectorInfo,
    "sink": ConnectorInfo,
    "matcher": MatcherInfo,
    "command": CommandInfo,
}
_SPECS = {name for name in vars(hookspecs) if name.startswith("syncrun_")}


@dataclass(frozen=True, slots=True)
class Listed:
    """A plug-in as its metadata shows it: nothing of it has been imported."""

    name: str
    module: str
    distribution: Distribution
    entry_point: EntryPoint


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing that a loaded plug-in offers."""

    kind: Kind
    info: ConnectorInfo | MatcherInfo | CommandInfo
    plugin: str
    distribution: Distribution


def _distribution(entry_point: EntryPoint) -> Distribution:
    """Where an entry point came from; metadata may be damaged and must not stop the listing."""
    found = entry_point.dist
    try:
        return Distribution(found.name or "unknown", found.version or "") if found else Distribution("unknown", "")
    except Exception:  # noqa: BLE001 # the library raises one thing or another, by version of Python
        return Distribution("unknown", "")


def _installed() -> list[Listed]:
    return [Listed(each.name, each.value, _distribution(each), each) for each in entry_points(group=GROUP)]


class Registry:
    """The plug-ins of this installation. `listed` is for tests that bring their own."""

    def __init__(self, listed: Iterable[Listed] | None = None) -> None:
        self.listed = sorted(_installed() if listed is None else listed, key=lambda each: (each.name, each.module))
        self.faults: list[Fault] = []
        self._chosen = dict(self._choose())
        self._loaded: set[str] = set()
        self._manager = pluggy.PluginManager("syncrun")
        self._manager.add_hookspecs(hookspecs)
        self._offers: dict[str, list[Offer]] = {}

    def _choose(self) -> Iterator[tuple[str, Listed]]:
        """Which plug-in each name stands for. Who uses a name that is taken has a fault."""
        for name in sorted({each.name for each in self.listed}):
            found = [each for each in self.listed if each.name == name]
            own = [each for each in found if each.distribution.name == OWN]
            if own or len(found) == 1:
                yield name, (own or found)[0]
            who = " and ".join(f"{each.distribution.name} {each.distribution.version}" for each in found)
            for other in (each for each in found if len(found) > 1 and each not in own):
                self._fault(other, "list", "uses the name of a built-in; the built-in is used" if own
                            else f"two distributions use this name: {who}")  # fmt: skip

    # -- loading -----------------------------------------------------------------------------------------------------

    def load(self, name: str) -> list[Offer]:
        """Load the plug-in `name` unless it is loaded; what it offers. Faults are noted, nothing is raised."""
        if name not in self._offers:
            chosen = self._chosen.get(name)
            self._offers[name] = self._load_one(chosen) if chosen else []
        return self._offers[name]

    def fault(self, name: str) -> Fault | None:
        """Why the plug-in `name` cannot be used; None when it can. A hook that raised later does not count."""
        self.load(name)
        if name in self._loaded:
            return None
        chosen = self._chosen.get(name)
        mine = [each for each in self.faults if each.plugin == name]
        return next((each for each in mine if chosen is None or each.distribution == chosen.distribution), None)

    def load_all(self) -> list[Offer]:
        """Load every plug-in, each in its own guard."""
        return [offer for name in sorted({each.name for each in self.listed}) for offer in self.load(name)]

    def _load_one(self, listed: Listed) -> list[Offer]:
        module: Any = self._guarded(listed, "import", listed.entry_point.load)
        if module is None:
            return []
        if not isinstance(module, ModuleType):
            self._fault(listed, "import", f"the entry point must name a module, not {type(module).__name__}")
            return []
        wrong = _wrong_hook(module)
        if wrong:
            self._fault(listed, "hooks", wrong)
            return []
        shared = self._manager.is_registered(module)  # a module may have an entry point for each of its connectors
        if not shared and not self._guarded(
            listed, "register", lambda: self._manager.register(module, listed.name) or listed.name
        ):
            self._take_back(module)
            return []
        offers = self._guarded(listed, "offers", lambda: list(self._offered(module, listed)))
        if offers is None:
            if not shared:
                self._take_back(module)
            return []
        self._loaded.add(listed.name)
        return list(offers)

    def _take_back(self, module: ModuleType) -> None:
        if self._manager.is_registered(module):
            self._manager.unregister(module)

    def _offered(self, module: ModuleType, listed: Listed) -> Iterator[Offer]:
        seen: set[tuple[Kind, str]] = set()
        for kind, hook in _HOOKS.items():
            for implementation in getattr(self._manager.hook, hook).get_hookimpls():
                if implementation.plugin is not module:
                    continue
                for info in implementation.function() or ():
                    if not isinstance(info, _TYPES[kind]):
                        raise TypeError(f"{hook} gave {type(info).__name__}, not {_TYPES[kind].__name__}")
                    api = getattr(info, "api", API)
                    if api != API:
                        raise TypeError(f"{info.name} is written for interface {api}; this syncrun serves {API}")
                    stage = getattr(info, "stage", None)
                    if stage is not None and stage not in STAGES:
                        raise TypeError(f"{info.name} has the stage {stage!r}, which is none of {', '.join(STAGES)}")
                    if (kind, info.name) in seen:
                        raise TypeError(f"{hook} gave two of the name {info.name}")
                    seen.add((kind, info.name))
                    if self._is_here(info, listed):
                        yield Offer(kind, info, listed.name, listed.distribution)

    def _is_here(self, info: ConnectorInfo | MatcherInfo | CommandInfo, listed: Listed) -> bool:
        """Whether it is offered under this entry point: a connector is, under the one of its own name only."""
        if not isinstance(info, ConnectorInfo) or info.name == listed.name:
            return True
        if not any(each.name == info.name and each.module == listed.module for each in self.listed):
            raise TypeError(f"the connector {info.name} has no entry point of its name")
        return False

    def _guarded(self, listed: Listed, stage: str, work: Callable[[], Any]) -> Any:
        """The result of the work, or None with a fault noted. Only an interrupt from the keyboard passes."""
        try:
            return work()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 # a plug-in may raise anything, SystemExit too
            self._fault(listed, stage, f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
            return None

    def _fault(self, listed: Listed, stage: str, reason: str) -> None:
        self.faults.append(Fault(listed.name, stage, reason, listed.distribution))

    # -- using -------------------------------------------------------------------------------------------------------

    def connector(self, kind: Literal["source", "sink"], name: str, path: str) -> ConnectorInfo:
        """The connector of that name. `path` is where the district file names it, for the error.

        Raises `ConfigError` when there is none, with near names, or when its plug-in has a fault.
        """
        for offer in self.load(name):
            if offer.kind == kind and offer.info.name == name and isinstance(offer.info, ConnectorInfo):
                return offer.info
        raise ConfigError([self._unavailable(kind, name, path)])

    def _unavailable(self, kind: Literal["source", "sink"], name: str, path: str) -> Problem:
        fault = self.fault(name)
        if fault:
            why = f"{fault.reason} ({fault.distribution.name} {fault.distribution.version}, {fault.stage})"
            return Problem("E-CONFIG-7", path, f"the plug-in {name} cannot be loaded: {why}",
                           "repair or remove the plug-in; other districts are not affected")  # fmt: skip
        known = sorted({each.name for each in self.listed} - {name})
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"plug-ins that are installed: {', '.join(known) or 'none'}"
        if name in self._loaded:
            offered = " and ".join(sorted({f"a {offer.kind}" for offer in self.load(name)})) or "nothing"
            hint = f"the plug-in {name} offers {offered}"
        word = "connector" if kind == "source" else "sink"
        return Problem("E-CONFIG-4", path, f"no {word} named {name} is installed", hint)

    def call(self, hook: str, **arguments: Any) -> list[tuple[str, Any]]:
        """Call an observing or reviewing hook of every loaded plug-in, each in its own guard.

        The answers come with the plug-in's name; a plug-in that raised has a fault and the answer is the fault.
        """
        answers: list[tuple[str, Any]] = []
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            name = implementation.plugin_name
            listed = self._chosen[name]
            before = len(self.faults)
            wanted = {key: value for key, value in arguments.items() if key in implementation.argnames}
            answer = self._guarded(listed, hook, functools.partial(_taken, implementation.function, wanted))
            answers.append((name, self.faults[-1] if len(self.faults) > before else answer))
        return answers


def _wrong_hook(module: ModuleType) -> str | None:
    """What is wrong with the hooks of a module: a name that is no hook, or one without the mark that makes it one."""
    named = {each: value for each, value in vars(module).items()
             if each.startswith("syncrun_") and not isinstance(value, ModuleType)}  # fmt: skip
    for each, value in named.items():
        if each not in _SPECS:
            near = difflib.get_close_matches(each, sorted(_SPECS), 1)
            return f"{each} is not a hook{f'; did you mean {near[0]}?' if near else ''}"
        if not hasattr(value, "syncrun_impl"):
            return f"{each} lacks the mark @hookimpl"
    return None


def _taken(function: Callable[..., Any], arguments: dict[str, Any]) -> list[Any]:
    """Call it; what it gives, as a list. A generator is drawn empty inside the guard: all of it, or nothing."""
    answer = function(**arguments)
    if answer is None:
        return []
    return list(answer) if isinstance(answer, Iterable) and not isinstance(answer, str) else [answer]


def imported(path: str, plugin: str) -> Any:
    """The object at `package.module:Name`, or `ContractError` naming the plug-in."""
    module, _, name = path.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except SyncError:
        raise
    except (Exception, SystemExit) as error:
        raise ContractError(f"The plug-in {plugin} names {path}, which cannot be imported: {type(error).__name__}: "
                            f"{error}") from error  # fmt: skip
