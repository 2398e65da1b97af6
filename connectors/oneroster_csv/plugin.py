"""What the connector says of itself; imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterable

from syncrun.sdk import Cap, ConnectorInfo, hookimpl


@hookimpl
def syncrun_sources() -> Iterable[ConnectorInfo]:
    """OneRoster CSV."""
    yield ConnectorInfo(
        name="oneroster_csv",
        title="OneRoster CSV 1.1 and 1.2 from a folder or a zip archive",
        cls="syncrun.connectors.oneroster_csv.source:OneRosterCsv",
        settings="syncrun.connectors.oneroster_csv.setting:OneRosterCsvSettings",
        caps=Cap.INCREMENTAL,
        maintainer="the syncrun authors",
        stage="import",
    )
