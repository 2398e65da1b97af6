"""Whether the files of a set were written together, and later than those that were accepted last: a file of another
export that came or stayed among them makes a set that never was. And whether they are still of the same format."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING

from syncrun.finding import Finding
from syncrun.intake.arrival import Arrival
from syncrun.intake.land import Landed
from syncrun.rules.cells import VALUED
from syncrun.snapshot.table import Snapshot

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

HOUR = 3600
MARGIN = 15 * HOUR
"""The members of an archive have the local time of whoever packed it, which may be 14 hours from that of a plain file;
two nightly exports lie further apart."""


def weigh(arrival: Arrival, before: Snapshot | None, hours: float) -> list[Finding]:
    """What the times say at which the files were written. Files without one say nothing, and `hours` 0 asks nothing."""
    dated = [each for each in arrival.files.values() if each.scan.written]
    if not dated or not hours:
        return []
    newest = max(dated, key=lambda each: each.scan.written)
    accepted = {table.file: table for table in before.tables.values() if table.file} if before else {}
    new = {each.name for each in dated if each.name in accepted and accepted[each.name].sha256 != each.scan.sha256}
    last = max((table.written for table in accepted.values()), default=0)
    if new and newest.scan.written + MARGIN < last:
        return [Finding("R-SET-32", words=f"by {_hours(last - newest.scan.written)}")]
    return [
        Finding("R-SET-31" if each.name in new else "R-SET-30", each.name, words=f"{_hours(late)} before {newest.name}")
        for each in dated
        if (late := newest.scan.written - each.scan.written) > hours * HOUR
    ]


def changed(arrival: Arrival, before: Snapshot | None) -> list[Finding]:
    """Whether the set is of another format than the one that was accepted last: what had a file of its own may now be
    drawn from others or the reverse, under ids that are not the same. Records that a source sends have no files."""
    if arrival.upload or arrival.pulled or before is None or before.form in {"", arrival.form.name}:
        return []
    here = {each.name for each in arrival.form.kinds}
    gone = sorted({table.file for table in before.tables.values() if table.file.endswith(".csv")} - here)
    lacks = f"; without {', '.join(gone)}" if gone else ""
    return [Finding("R-FORM-06", words=f"{before.form} before, {arrival.form.name} now{lacks}")]


def _hours(seconds: float) -> str:
    return f"{seconds / HOUR:.0f} hours"


def past(connection: DuckDBPyConnection, landed: Mapping[str, Landed], today: datetime.date) -> list[Finding]:
    """Whether the last day of every term that arrived is over."""
    terms = landed.get("academicSessions")
    if terms is None or terms.file.mode != "bulk" or "endDate" not in terms.columns:
        return []
    found = connection.execute(f'SELECT max(endDate) FROM {VALUED}."academicSessions"').fetchone()
    return [Finding("R-SET-40", terms.file.name)] if found and found[0] and found[0] < today else []
