"""What the connector says of itself; imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterable

from syncrun.sdk import Cap, ConnectorInfo, hookimpl


@hookimpl
def syncrun_sources() -> Iterable[ConnectorInfo]:
    """ClassLink."""
    yield ConnectorInfo(
        name="classlink",
        title="ClassLink Roster Server and other OneRoster 1.1 and 1.2 REST services",
        cls="syncrun.connectors.classlink.source:ClassLink",
        settings="syncrun.connectors.classlink.setting:ClassLinkSettings",
        caps=Cap.INCREMENTAL,
        maintainer="the syncrun authors",
        stage="import",
        server="base_url",
    )
