"""One night of the hand-written way: `python -m benchmarks.worker.by_hand URL FILE ...`, in one transaction."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import psycopg

from benchmarks.worker.stream import columns, copy_csv

SCRIPT = Path(__file__).with_suffix(".sql")
KEPT = {
    "users": "WHERE role IN ('student', 'teacher')",
    "enrollments": "WHERE role IN ('student', 'teacher')",
}
"""What the planner does not take is not even staged."""


def stage(connection: psycopg.Connection, path: Path) -> None:
    """Bring a file into a temporary table of text."""
    typed = ", ".join(f'"{column}" text' for column in columns(path))
    connection.execute(f'CREATE TEMPORARY TABLE "staged_{path.stem}" ({typed}) ON COMMIT DROP')
    copy_csv(connection, f"staged_{path.stem}", path, KEPT.get(path.stem, ""))


def main() -> None:
    """Stage, then run the parts of the script."""
    url, *files = sys.argv[1:]
    told = {}
    with psycopg.connect(url) as connection:
        begun = time.perf_counter()
        connection.execute("SET LOCAL work_mem = '256MB'")
        connection.execute("SET LOCAL temp_buffers = '256MB'")
        for file in map(Path, files):
            stage(connection, file)
        told["stage"] = time.perf_counter() - begun
        for part in SCRIPT.read_text(encoding="utf-8").split("-- part: ")[1:]:
            title, _, statements = part.partition("\n")
            begun = time.perf_counter()
            connection.execute(statements)
            told[title.strip()] = time.perf_counter() - begun
    print(json.dumps(told))


if __name__ == "__main__":
    main()
