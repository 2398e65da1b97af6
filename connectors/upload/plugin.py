"""What the connector says of itself; imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterable

from syncrun.sdk import ConnectorInfo, hookimpl


@hookimpl
def syncrun_sources() -> Iterable[ConnectorInfo]:
    """Files by hand."""
    yield ConnectorInfo(
        name="upload",
        title="Files brought by hand with `syncrun upload`; no nightly source",
        cls="syncrun.connectors.upload.source:ByHand",
        settings="syncrun.connectors.upload.setting:ByHandSettings",
        maintainer="the syncrun authors",
        stage="import",
    )
