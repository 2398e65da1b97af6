"""What OneRoster CSV says of itself, as a source and as an export; imports nothing heavy.

One name, one entry point: the export is in `sinks/oneroster_csv`.
"""

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
        caps=Cap.INCREMENTAL | Cap.WATCH,
        maintainer="the syncrun authors",
        stage="import",
    )


@hookimpl
def syncrun_sinks() -> Iterable[ConnectorInfo]:
    """OneRoster CSV for others to read."""
    yield ConnectorInfo(
        name="oneroster_csv",
        title="OneRoster CSV 1.1 and 1.2 as zip archives in a folder or on an SFTP server",
        cls="syncrun.sinks.oneroster_csv.sink:OneRosterExport",
        settings="syncrun.sinks.oneroster_csv.setting:OneRosterExportSettings",
        caps=Cap.CLIENT_IDS | Cap.ARCHIVE | Cap.RESTORE | Cap.WHOLE | Cap.QUIET,
        maintainer="the syncrun authors",
    )
