"""One night of dlt: `python -m benchmarks.worker.dlt_merge URL FOLDER FORM FILE ...`.

FORM is `rows`, and then everything is as it comes: rows as dicts, its own loader and merge strategy; or `parquet` or
`csv`, and then it gets Arrow tables and sends such files.
"""

from __future__ import annotations

import csv
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.worker.stream import columns

if TYPE_CHECKING:
    import pyarrow as pa

DATASET = "roster"


def table(path: Path) -> pa.Table:
    """A file as text: ids keep their zeros, a blank cell is NULL."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    convert = arrow_csv.ConvertOptions(
        column_types={column: pa.string() for column in columns(path)}, null_values=[""], strings_can_be_null=True,
        quoted_strings_can_be_null=True,
    )  # fmt: skip
    return arrow_csv.read_csv(path, convert_options=convert)


def plain(path: Path) -> Any:
    """A file as rows, merged by sourcedId; all columns are text, so that ids keep their zeros."""
    import dlt

    def rows() -> Iterator[dict[str, str | None]]:
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                yield {column: cell or None for column, cell in row.items()}

    texts: Any = {column: {"data_type": "text"} for column in columns(path)}
    return dlt.resource(rows, name=path.stem, primary_key="sourcedId", write_disposition="merge", columns=texts)


def resource(path: Path) -> Any:
    """A file as an Arrow table: rows of the same sourcedId are updated."""
    import dlt

    def rows() -> Iterator[pa.Table]:
        yield table(path)

    return dlt.resource(
        rows, name=path.stem, primary_key="sourcedId", write_disposition={"disposition": "merge", "strategy": "upsert"}
    )


def main() -> None:
    """Load one day."""
    url, room, form, *files = sys.argv[1:]
    sent: Any = form if form in {"parquet", "csv"} else None
    made = resource if sent else plain
    os.chdir(room)
    begun = time.perf_counter()
    import dlt

    told = {"import": time.perf_counter() - begun}
    pipeline = dlt.pipeline(
        "bench", pipelines_dir=str(Path(room) / "pipelines"), destination=dlt.destinations.postgres(url),
        dataset_name=DATASET,
    )  # fmt: skip
    pipeline.run([made(Path(file)) for file in files], loader_file_format=sent)
    told |= {
        step.step: (step.finished_at - step.started_at).total_seconds()
        for step in (pipeline.last_trace.steps if pipeline.last_trace else ())
        if step.step != "run"
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
