"""Plain COPY: `python -m benchmarks.worker.copy_rows URL FILE ...`, one table per file, in one transaction."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import psycopg

from benchmarks.worker.stream import copy_csv


def main() -> None:
    """Copy; the clock runs from connecting to the commit."""
    url, *files = sys.argv[1:]
    begun = time.perf_counter()
    with psycopg.connect(url) as connection:
        for file in map(Path, files):
            copy_csv(connection, file.stem, file)
    print(json.dumps({"copy": time.perf_counter() - begun}))


if __name__ == "__main__":
    main()
