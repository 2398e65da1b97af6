"""What the templated export says of itself; imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterable

from syncrun.sdk import Cap, ConnectorInfo, hookimpl


@hookimpl
def syncrun_sinks() -> Iterable[ConnectorInfo]:
    """CSV files in a receiver's own form."""
    yield ConnectorInfo(
        name="template_csv",
        title="CSV files in a receiver's own form, in a folder or on an SFTP server",
        cls="syncrun.sinks.template_csv.sink:TemplateExport",
        settings="syncrun.sinks.template_csv.setting:TemplateSettings",
        caps=Cap.CLIENT_IDS | Cap.ARCHIVE | Cap.RESTORE | Cap.WHOLE | Cap.QUIET,
        maintainer="the syncrun authors",
    )
