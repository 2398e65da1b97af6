"""Reports of files that were checked without a sync: the same form as a run's, with nothing planned."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from syncrun.plan.model import Plan
from syncrun.report import rows
from syncrun.report.source import NO_FATES, RunFiles
from syncrun.run import summary
from syncrun.run.reading import Reading
from syncrun.sqltext import name
from syncrun.state.store import Run

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def write(connection: DuckDBPyConnection, read: Reading, folder: Path) -> None:
    """Write the report of each file that was read into the folder."""
    connection.execute("CREATE SCHEMA roster")
    for entity in read.snapshot.tables:
        connection.execute(f"CREATE VIEW roster.{name(entity)} AS FROM accepted.{name(entity)}")
    connection.execute(f"CREATE VIEW fates AS {NO_FATES}")
    files = RunFiles(connection, _run(read), read.snapshot, Plan("check", "", {}))
    rows.prepare(files)
    for entity in rows.entities(files):
        rows.write(files, entity, folder / f"{entity}-report.csv")


def _run(read: Reading) -> Run:
    """What a report asks of a run: which files it had."""
    now = datetime.datetime.now(datetime.UTC)
    return Run(
        id="check", district="-", mode="check", dry_run=True, status="ended", outcome=None, exit_code=None, epoch=0,
        started_at=now, finished_at=now, host="", pid=0, identity=None, plan_hash=None, plan_run=None, snapshot=None,
        summary={"files": summary.files(read.figures)},
    )  # fmt: skip
