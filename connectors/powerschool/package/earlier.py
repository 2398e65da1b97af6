"""The package that is there already: a new one must not take its place unnoticed."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element

from syncrun.connectors.powerschool.lint import Level, lint_bytes
from syncrun.connectors.powerschool.lint.document import opened
from syncrun.connectors.powerschool.lint.package import MAX_BYTES, files
from syncrun.connectors.powerschool.package.archive import Package
from syncrun.connectors.powerschool.package.plugin import Plugin, pinned_identifiers
from syncrun.errors import ContractError, UsageError


def compare(plugin: Plugin, package: Package, folder: Path, *, new_identifiers: bool) -> None:
    """Hold a package against what `folder` has under the same prefix, and against our own rules.

    Raises `UsageError` when other contents would go by a version that is out, when the version is lower than one that
    is there, or when people would be known by other ids; `ContractError` when the package breaks a rule.
    """
    wrong = [each for each in lint_bytes(package.content, package.name) if each.rule.level is Level.ERROR]
    if wrong:
        raise ContractError(f"The package would break {wrong[0].code}: {wrong[0].rule.title}.")
    for path in sorted(folder.glob(f"{plugin.prefix}-*.zip")):
        earlier = _manifest(path)
        if earlier is not None:
            _compare(plugin, package, path, earlier, new_identifiers=new_identifiers)


def _compare(plugin: Plugin, package: Package, path: Path, earlier: Element, *, new_identifiers: bool) -> None:
    pinned = pinned_identifiers(earlier.get("description", ""))
    if pinned not in {None, plugin.identifiers} and not new_identifiers:
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


def _manifest(path: Path) -> Element | None:
    """The manifest of a package, None for a file that is none."""
    if path.stat().st_size > MAX_BYTES:
        return None
    found, _ = files(path.read_bytes(), path.name)
    document, _ = opened(found.get("plugin.xml", b""), path.name)
    return document.root if document else None
