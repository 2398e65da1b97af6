"""What one writes by hand: the same name, in small letters, that nobody else has on either side; FOLDER COLUMNS."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import duckdb

from syncrun.sqltext import literal, name

folder, columns = Path(sys.argv[1]), sys.argv[2].split(",")
begun = time.perf_counter()
with duckdb.connect() as connection:
    key = " || '|' || ".join(f"lower({name(each)})" for each in columns)
    sides = {
        side: f"(SELECT {key} AS key, any_value(id) AS id FROM read_parquet({literal(str(folder / side))} || '.parquet') "
        "WHERE key IS NOT NULL GROUP BY key HAVING count(*) = 1)"
        for side in ("incoming", "existing")
    }
    connection.execute(f"""
        COPY (SELECT a.id AS incoming_id, b.id AS existing_id, 'sure' AS verdict
            FROM {sides["incoming"]} AS a JOIN {sides["existing"]} AS b USING (key))
        TO {literal(str(folder / "answer.parquet"))} (FORMAT parquet)
    """)
print(json.dumps({"match": time.perf_counter() - begun}))
