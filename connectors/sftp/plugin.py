"""What the connector says of itself; imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterable

from syncrun.sdk import Cap, ConnectorInfo, hookimpl


@hookimpl
def syncrun_sources() -> Iterable[ConnectorInfo]:
    """Files on an SFTP server."""
    yield ConnectorInfo(
        name="sftp",
        title="Roster files on a district's SFTP server, loose or in a zip archive",
        cls="syncrun.connectors.sftp.source:Sftp",
        settings="syncrun.connectors.sftp.setting:SftpSettings",
        caps=Cap.INCREMENTAL,
        maintainer="the syncrun authors",
        stage="import",
        server="host",
    )
