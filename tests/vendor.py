"""Distributions of vendors, really installed into a folder on the import path: metadata, entry points, modules."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

PLUGIN = """
from syncrun.sdk import ConnectorInfo, hookimpl

@hookimpl
def syncrun_{kind}s():
    yield ConnectorInfo(name="{name}", title="{name} by a vendor", cls="{package}.parts:Thing",
                        settings="{package}.parts:Settings")
"""
PARTS = """
from marshmallow import Schema

class Settings(Schema):
    pass

class Thing:
    def __init__(self, settings, context):
        pass
"""


class Site:
    """The folder. `install` puts a distribution there as an installer would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def install(
        self, distribution: str, entry_points: Mapping[str, str], modules: Mapping[str, str], version: str = "1.0"
    ) -> None:
        """Modules are given by their dotted names, entry points of the group `syncrun` by theirs."""
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        lines = [f"{name} = {value}" for name, value in entry_points.items()]
        (info / "entry_points.txt").write_text("\n".join(["[syncrun]", *lines, ""]))
        for name, source in modules.items():
            self._write(name.split("."), source)

    def _write(self, parts: list[str], source: str) -> None:
        folder = self.folder.joinpath(*parts[:-1])
        folder.mkdir(parents=True, exist_ok=True)
        for n in range(1, len(parts)):
            (self.folder.joinpath(*parts[:n]) / "__init__.py").touch()
        (folder / f"{parts[-1]}.py").write_text(source)

    def plugin(self, name: str, source: str, distribution: str | None = None, version: str = "1.0") -> None:
        """A distribution with one plug-in, whose module has this source."""
        package = f"{name.replace('-', '_')}_of_{(distribution or 'vendor').replace('-', '_')}"
        self.install(
            distribution or f"vendor-{name}", {name: f"{package}.plugin"},
            {f"{package}.plugin": source.replace("PACKAGE", package), f"{package}.parts": PARTS}, version,
        )  # fmt: skip

    def good(self, name: str, kind: str = "source", distribution: str | None = None, version: str = "1.0") -> None:
        """A plug-in that does as it should."""
        self.plugin(name, PLUGIN.format(name=name, kind=kind, package="PACKAGE"), distribution, version)

    def forget(self) -> None:
        """Drop what was imported from here."""
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", "") or "").startswith(str(self.folder)):
                del sys.modules[name]
