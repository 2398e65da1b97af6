"""What the messaging app says of itself; imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterable

from syncrun.sdk import Cap, ConnectorInfo, hookimpl


@hookimpl
def syncrun_sinks() -> Iterable[ConnectorInfo]:
    """The messaging app."""
    yield ConnectorInfo(
        name="messaging",
        title="A school messaging app's database (SQLite or PostgreSQL)",
        cls="syncrun.sinks.messaging.sink:Messaging",
        settings="syncrun.sinks.messaging.setting:MessagingSettings",
        caps=Cap.CLIENT_IDS
        | Cap.BULK
        | Cap.TRANSACTIONAL
        | Cap.ARCHIVE
        | Cap.RESTORE
        | Cap.LINK
        | Cap.QUIET
        | Cap.RELEASE
        | Cap.MOVE,
        maintainer="the syncrun authors",
        stage="export",
    )
