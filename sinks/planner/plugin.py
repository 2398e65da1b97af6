"""What the planner says of itself; imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterable

from syncrun.sdk import Cap, ConnectorInfo, hookimpl


@hookimpl
def syncrun_sinks() -> Iterable[ConnectorInfo]:
    """The planner."""
    yield ConnectorInfo(
        name="planner",
        title="A lesson planner's database (SQLite or PostgreSQL)",
        cls="syncrun.sinks.planner.sink:Planner",
        settings="syncrun.sinks.planner.setting:PlannerSettings",
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
