"""Requests alone: `python -m benchmarks.worker.bare_rest BASE_URL KEY SECRET SIZE json|content` asks for every page in
order, by one session, and keeps nothing; `content` does not even parse."""

from __future__ import annotations

import json
import sys
import time

import requests
from requests_oauthlib import OAuth1

COLLECTIONS = ("orgs", "academicSessions", "courses", "classes", "users", "enrollments", "demographics")
"""In the order in which syncrun asks for them."""


def main() -> None:
    """Read; the clock runs from the first request."""
    base, key, secret, size, how = sys.argv[1:]
    begun, worked = time.perf_counter(), time.process_time()
    asked = records = volume = 0
    with requests.Session() as session:
        session.auth = OAuth1(key, secret, signature_method="HMAC-SHA256")
        for collection in COLLECTIONS:
            offset, total = 0, 1
            while offset < total:
                params: dict[str, str | int] = {"limit": size, "offset": offset, "sort": "sourcedId", "orderBy": "asc"}
                answer = session.get(f"{base}/{collection}", params=params, timeout=60)
                answer.raise_for_status()
                asked += 1
                volume += len(answer.content)
                total = int(answer.headers["X-Total-Count"])
                records += len(answer.json()[collection]) if how == "json" else int(answer.headers["X-Count"])
                offset += int(size)
    print(
        json.dumps(
            {
                "read": time.perf_counter() - begun,
                "requests": asked,
                "records": records,
                "bytes": volume,
                "cpu": time.process_time() - worked,
            }
        )
    )


if __name__ == "__main__":
    main()
