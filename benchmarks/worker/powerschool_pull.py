"""The connector: `python -m benchmarks.worker.powerschool_pull URL FOLDER` pulls everything as a run does, with proof."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from benchmarks.worker.powerschool_serve import PREFIX
from syncrun.clock import SystemClock
from syncrun.connectors.powerschool.api import PowerSchoolApi
from syncrun.connectors.powerschool.api_setting import PowerSchoolApiSettings
from syncrun.run.progress import Silent
from syncrun.run.pulling import Pull
from syncrun.sdk import Context, SecretText


def main() -> None:
    """Pull; the clock runs from the first request."""
    url, folder = sys.argv[1], Path(sys.argv[2])
    told = PowerSchoolApiSettings().load(
        {"base_url": url, "client_id": "env:A", "client_secret": "env:B", "prefix": PREFIX}
    )
    told |= {"client_id": SecretText("ps-client"), "client_secret": SecretText("ps-secret")}
    source = PowerSchoolApi(told, Context("bench", folder, "bench"))
    begun = time.perf_counter()
    pull = Pull(source, folder / "pull", source.mark(), None, clock=SystemClock(), progress=Silent(), rests_on="bench")
    files = pull.arrival().files.values()
    spent = time.perf_counter() - begun
    if not all(each.proved for each in files):
        raise SystemExit("The pull is not proved whole.")
    print(json.dumps({"pull": spent, "rows": sum(each.scan.lines for each in files)}))
    source.close()


if __name__ == "__main__":
    main()
