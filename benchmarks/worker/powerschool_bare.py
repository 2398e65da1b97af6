"""A bare loop: `python -m benchmarks.worker.powerschool_bare URL FOLDER` posts for page after page of each query, parses
it, and writes its rows into a file; nothing is proved, resumed or tried again."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import requests

from benchmarks.worker.powerschool_serve import PREFIX

SIZE = 1000


def main() -> None:
    """Pull; the clock runs from the first request."""
    url, folder = sys.argv[1], Path(sys.argv[2])
    begun, count = time.perf_counter(), 0
    session = requests.Session()
    token = session.post(f"{url}/oauth/access_token", {"grant_type": "client_credentials"},
                         auth=("ps-client", "ps-secret"), timeout=60).json()["access_token"]  # fmt: skip
    session.headers.update({"Authorization": f"Bearer {token}", "Accept": "application/json"})
    for name in ("users", "classes", "enrollments"):
        page = 1
        while True:
            asked = f"{url}/ws/schema/query/{PREFIX}.oneroster.{name}?page={page}&pagesize={SIZE}"
            rows = session.post(asked, json={}, timeout=60).json().get("record", [])
            (folder / f"{name}-{page}.json").write_text(json.dumps(rows), encoding="utf-8")
            count += len(rows)
            page += 1
            if len(rows) < SIZE:
                break
    print(json.dumps({"pull": time.perf_counter() - begun, "rows": count}))


if __name__ == "__main__":
    main()
