"""The table of findings."""

from __future__ import annotations

from pathlib import Path

import duckdb

from syncrun.finding import Finding
from syncrun.rules import table
from syncrun.scratch import read_parquet


def test_findings_come_back_in_order_of_file_and_line(tmp_path: Path) -> None:
    findings = [
        Finding("R-FILE-07", "users.csv", 9, "u9"),
        Finding("R-CELL-01", "users.csv", 2, "u2", "givenName", "", 1, "words"),
        Finding("R-CELL-01", "orgs.csv", 3, "o3", "name"),
        Finding("R-CELL-02", "users.csv", 2, None, "phone", "9 ", 7),
    ]
    with duckdb.connect() as connection:
        table.prepare(connection)
        table.note(connection, [])
        table.note(connection, findings)
        ordered = [findings[2], findings[1], findings[3], findings[0]]
        assert table.read(connection) == ordered
        assert table.read(connection, limit=2) == ordered[:2]
        table.write(connection, tmp_path / "findings.parquet")
        kept = connection.execute(f"FROM {read_parquet([tmp_path / 'findings.parquet'])}").fetchall()
    assert {Finding(*row) for row in kept} == set(findings)
