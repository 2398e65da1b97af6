"""Proposals of syncrun's own matchers: FOLDER KIND; the lists are Parquet files in the folder, the answer another."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from syncrun.match.load import load_matchers
from syncrun.match.propose import Rosters, propose
from syncrun.registry import Registry
from syncrun.scratch import scratch
from syncrun.sqltext import literal

folder, kind = Path(sys.argv[1]), sys.argv[2]
begun = time.perf_counter()
with tempfile.TemporaryDirectory() as spill, scratch(Path(spill), [folder]) as connection:
    for part in ("incoming", "existing", "incoming_members", "existing_members"):
        if (folder / f"{part}.parquet").exists():
            connection.execute(f"CREATE VIEW {part} AS FROM read_parquet({literal(str(folder / part))} || '.parquet')")
    rosters = Rosters() if (folder / "incoming_members.parquet").exists() else None
    told = propose(connection, load_matchers(Registry()), kind, rosters=rosters)
    spent = time.perf_counter() - begun
    connection.execute(f"""
        COPY (SELECT incoming_id, existing_id, verdict FROM proposals)
        TO {literal(str(folder / "answer.parquet"))} (FORMAT parquet)
    """)
crowded = sum(each.blocks for each in told.crowded)
print(json.dumps({"match": spent, "pairs": told.pairs, "crowded": crowded}))
