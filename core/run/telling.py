"""What of a run people are told: written with its end, in one transaction, so that neither is without the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from syncrun.notice.need import complete, new_since, of_run
from syncrun.run.session import Session
from syncrun.state import history, outbox

if TYPE_CHECKING:
    import sqlalchemy as sa


def note_needs(session: Session, connection: sa.Connection, run: str, summary: Mapping[str, Any]) -> None:
    """Write down what a person is needed for after a run, unless it was told after the one before. Dry runs tell
    nobody; a run that is to be tried again changes nothing of what was told."""
    if session.dry_run:
        return
    district = session.district
    found = of_run(district.name, {"run": run, **summary})
    before = history.newest(connection, district.name, run)
    fresh = new_since(found, of_run(district.name, before.summary) if before and before.summary else [])
    if fresh:
        outbox.add(session.state, connection, f"run:{run}", district.name, str(district.path),
                   [each.as_dict() for each in fresh])  # fmt: skip


def note_complete(session: Session, connection: sa.Connection, run: str) -> None:
    """Write down that the first sync is complete (requirement S2-17); it is told once."""
    district = session.district
    outbox.add(session.state, connection, f"first:{district.name}", district.name, str(district.path),
               [complete(district.name, run).as_dict()])  # fmt: skip
