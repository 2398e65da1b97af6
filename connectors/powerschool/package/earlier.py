"""The package that is there already: a new one must not take its place unnoticed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

from syncrun.connectors.powerschool.lint import Level, lint_bytes
from syncrun.connectors.powerschool.lint.document import opened
from syncrun.connectors.powerschool.lint.package import MAX_BYTES, files
from syncrun.connectors.powerschool.package.archive import Package
from syncrun.connectors.powerschool.package.plugin import CATALOGUE, ROSTER, Plugin, pinned_identifiers
from syncrun.errors import ContractError, UsageError


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a new package may do that the app takes for another roster."""

    new_identifiers: bool = False
    new_files: bool = False


def compare(plugin: Plugin, package: Package, folder: Path, allowed: Allowed) -> None:
    """Hold a package against what `folder` has under the same prefix, and against our own rules.

    Raises `UsageError` when other contents would go by a version that is out, when the version is lower than one that
    is there, when people would be known by other ids, or when the roster would have other files; `ContractError` when
    the package breaks a rule.
    """
    wrong = [each for each in lint_bytes(package.content, package.name) if each.rule.level is Level.ERROR]
    if wrong:
        raise ContractError(f"The package would break {wrong[0].code}: {wrong[0].rule.title}.")
    for path in sorted(folder.glob(f"{plugin.prefix}-*.zip")):
        found = _files(path)
        earlier = _root(found, "plugin.xml")
        if earlier is not None:
            _compare_sets(plugin, path, _root(found, f"queries_root/{plugin.prefix}.named_queries.xml"), allowed)
            _compare(plugin, package, path, earlier, allowed)


def _compare_sets(plugin: Plugin, path: Path, queries: Element | None, allowed: Allowed) -> None:
    """With other files the app's school years, courses and schools go by other ids, or by made-up ones."""
    names = [each.get("name", "") for each in queries.iter("query")] if queries is not None else []
    had = {name.rpartition(".")[2] for name in names} & {*ROSTER, *CATALOGUE}
    if had and had != set(plugin.data_sets) and not allowed.new_files:
        sets = ", ".join(f'"{each}"' for each in (*ROSTER, *CATALOGUE) if each in had)
        raise UsageError(
            f"{path.name} gives {_count(had)}, this one {_count(plugin.data_sets)}: school years and courses would go by "
            "other ids, and the app would take the next night for another roster.",
            next_step=f"Write data_sets = [{sets}], or go on with --new-files.",
        )


def _count(sets: Collection[str]) -> str:
    return f"{len(sets)} files"


def _compare(plugin: Plugin, package: Package, path: Path, earlier: Element, allowed: Allowed) -> None:
    pinned = pinned_identifiers(earlier.get("description", ""))
    if pinned not in {None, plugin.identifiers} and not allowed.new_identifiers:
        raise UsageError(
            f"In {path.name} people are known by {pinned}, in this one by {plugin.identifiers}: all of them would be "
            "removed from the app and made anew.",
            next_step=f'Write identifiers = "{pinned}", or go on with --new-identifiers.',
        )
    if path.name == package.name and path.read_bytes() != package.content:
        raise UsageError(f"{path.name} is there with other contents.",
                         next_step="Give the new one a higher version: districts update only to those.")  # fmt: skip
    if _numbers(earlier.get("version", "")) > _numbers(plugin.version):
        raise UsageError(f"{path.name} is of a higher version than {plugin.version}.",
                         next_step="Give the new one a higher version, or another --target.")  # fmt: skip


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(each) for each in version.split(".") if each.isdecimal())


def _files(path: Path) -> Mapping[str, bytes]:
    """The files of a package, none of a file that is no package."""
    return {} if path.stat().st_size > MAX_BYTES else files(path.read_bytes(), path.name)[0]


def _root(found: Mapping[str, bytes], name: str) -> Element | None:
    """The document of a package that goes by a name."""
    document, _ = opened(found.get(name, b""), name)
    return document.root if document else None
