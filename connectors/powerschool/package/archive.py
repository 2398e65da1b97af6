"""The package as ZIP archives: the same bytes for the same description, and nothing in them but what PowerSchool knows."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from syncrun.connectors.powerschool.package.markup import manifest, permissions, queries
from syncrun.connectors.powerschool.package.plugin import Plugin

Server = Literal["25.2", "legacy"]
_WRITTEN = (1980, 1, 1, 0, 0, 0)
"""The first day that an archive can name: when it was made is nobody's business."""
_PLAIN = 0o644 << 16


@dataclass(frozen=True, slots=True)
class Package:
    """One archive: the name of its file, the servers it is for and its bytes."""

    name: str
    server: Server | Literal["any"]
    content: bytes


def packages(plugin: Plugin, server: Server | None = None) -> list[Package]:
    """The archives of a plug-in, for servers of one age or for both; one serves all where the API is not used."""
    stem = f"{plugin.prefix}-{plugin.version}"
    if not plugin.api:
        return [Package(f"{stem}.zip", "any", _zipped(members(plugin, "legacy")))]
    found = [Package(f"{stem}.zip", "25.2", _zipped(members(plugin, "25.2"))),
             Package(f"{stem}-legacy.zip", "legacy", _zipped(members(plugin, "legacy")))]  # fmt: skip
    return [each for each in found if server in {None, each.server}]


def members(plugin: Plugin, server: Server) -> Mapping[str, str]:
    """The files of an archive by their paths."""
    found = {
        "plugin.xml": manifest(plugin, access_level=server != "legacy"),
        f"queries_root/{plugin.prefix}.named_queries.xml": queries(plugin),
    }
    if plugin.portal_pages:
        found[f"permissions_root/{plugin.prefix}.permission_mappings.xml"] = permissions(plugin)
    return found


def _zipped(files: Mapping[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _WRITTEN)
            entry.compress_type = zipfile.ZIP_STORED  # packed bytes differ from one version of zlib to the next
            entry.create_system = 3
            entry.external_attr = _PLAIN
            archive.writestr(entry, files[name].encode())
    return out.getvalue()
