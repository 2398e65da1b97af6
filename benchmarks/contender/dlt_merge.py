"""dlt, merging by primary key: once as it comes, once tuned with what its documentation calls fastest.

As it comes, it gets rows as dicts and chooses its loader and merge strategy itself. Tuned, it gets Arrow tables, updates
rows in place (the upsert strategy), and sends Parquet with the ADBC driver, without it CSV by COPY. Either way it loads the five files that the planner's rows come from into tables of its own, all columns as text. It has no notion
of a roster: nothing is transformed, and what is gone from the files stays in the tables.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psycopg

from benchmarks import measure, planner
from benchmarks.course import Course, Figure, Stage, figure
from benchmarks.measure import FailedError
from benchmarks.worker.dlt_merge import DATASET
from syncrun.sqltext import name as quoted

NAME = "dlt"
TUNED = "dlt, tuned"
NEEDED = ("dlt", "pyarrow", "psycopg2")


def missing() -> str:
    """Which of its packages is not there."""
    absent = [each for each in NEEDED if importlib.util.find_spec(each) is None]
    return f"not installed ({', '.join(absent)}): pip install -r benchmarks/requirements.txt" if absent else ""


def run(course: Course) -> Iterator[Figure]:
    """Two nights, twice."""
    yield from _nights(course, NAME, "rows")
    yield from _nights(course, TUNED, "parquet" if importlib.util.find_spec("adbc_driver_postgresql") else "csv")


def _nights(course: Course, name: str, form: str) -> Iterator[Figure]:
    room = course.room("dlt")
    url = course.postgres.fresh("bench_dlt")
    env = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL",
           "DLT_DATA_DIR": str(room / "data"), "DLT_PROJECT_DIR": str(room)}  # fmt: skip
    for stage, seen in ((Stage.FIRST, course.days[:1]), (Stage.NEXT, course.days)):
        course.postgres.rest(url)
        measured = measure.worker("dlt_merge", _address(url), room, form, *planner.sources(seen[-1]), env=env)
        rows = prove(url, seen, room)
        note = f"{rows:,} rows of the files; {form}" if stage is Stage.FIRST else "removes nothing"
        yield figure(name, stage, measured, note=f"{note}; checks nothing")
        for step, seconds in measured.told().items():
            yield Figure(name, stage, seconds, None, step=step)
    course.postgres.drop("bench_dlt")


def prove(url: str, days: tuple[Path, ...], folder: Path) -> int:
    """Compare its tables with the files: the newest row of each sourcedId that ever came; how many there are."""
    from dlt.common.normalizers.naming.snake_case import NamingConvention

    column = NamingConvention().normalize_identifier
    rows, wrong = 0, []
    with duckdb.connect(config={"temp_directory": str(folder)}) as connection, psycopg.connect(url) as database:
        for n, day in enumerate(days):
            planner.open_day(connection, day, f"day_{n}")
        for file in planner.SOURCES:
            expected = f"FROM day_0.{file}"
            if len(days) > 1:
                expected = f"FROM day_1.{file} UNION ALL FROM day_0.{file} ANTI JOIN day_1.{file} USING (sourcedId)"
            connection.execute(f"CREATE OR REPLACE TEMP TABLE expected AS {expected}")
            columns = [each for each, *_ in connection.execute("DESCRIBE expected").fetchall()]
            chosen = ", ".join(quoted(column(each)) for each in columns)
            planner.fetch(connection, database, f"SELECT {chosen} FROM {DATASET}.{column(file)}", columns, folder)
            count, fault = planner.compare(connection)
            rows += count
            wrong += [f"{file}: {fault}"] if fault else []
    if wrong:
        raise FailedError(f"{NAME} left other rows than the files say:\n" + "\n".join(wrong))
    return rows


def _address(url: str) -> str:
    """The address as dlt takes it, which wants a host and a password also for a socket without one."""
    parts = psycopg.conninfo.conninfo_to_dict(url)
    host, password = str(parts.get("host", "localhost")), parts.get("password") or "none"
    socket = f"?host={host}" if host.startswith("/") else ""
    shown = "localhost" if socket else host
    return f"postgresql://{parts['user']}:{password}@{shown}:{parts.get('port', 5432)}/{parts['dbname']}{socket}"
