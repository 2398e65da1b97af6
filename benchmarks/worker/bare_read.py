"""DuckDB alone: `python -m benchmarks.worker.bare_read FOLDER` reads every file into a table of text."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import duckdb

from benchmarks.worker.stream import columns
from syncrun.sqltext import literal, name


def main() -> None:
    """Read; the clock runs from connecting."""
    begun = time.perf_counter()
    with duckdb.connect() as connection:
        for path in sorted(Path(sys.argv[1]).glob("*.csv")):
            typed = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in columns(path))
            connection.execute(f"""CREATE TABLE {name(path.stem)} AS FROM read_csv({literal(str(path))},
                auto_detect = false, header = true, delim = ',', quote = '"', escape = '"', columns = {{{typed}}})""")
    print(json.dumps({"read": time.perf_counter() - begun}))


if __name__ == "__main__":
    main()
