"""What the connector says of itself; imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterable

from syncrun.sdk import Cap, ConnectorInfo, hookimpl


@hookimpl
def syncrun_sources() -> Iterable[ConnectorInfo]:
    """PowerSchool's API."""
    yield ConnectorInfo(
        name="powerschool_api",
        title="PowerSchool SIS, by the queries of a plug-in that the district installs",
        cls="syncrun.connectors.powerschool.api:PowerSchoolApi",
        settings="syncrun.connectors.powerschool.api_setting:PowerSchoolApiSettings",
        caps=Cap.INCREMENTAL,
        maintainer="the syncrun authors",
        stage="import",
        server="base_url",
    )
