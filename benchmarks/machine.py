"""On what a figure was measured: a figure without its machine says nothing."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

SHOWN = ("syncrun", "duckdb", "psycopg", "dlt", "pyarrow")


def processor() -> str:
    """The processor's name, as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def commit() -> str:
    """The commit that was measured, with a mark when files differ from it."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=Path(__file__).parent,
        check=False,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip() or "unknown commit"


def packages() -> Iterator[str]:
    """The versions of what is compared."""
    for package in SHOWN:
        try:
            yield f"{package} {importlib.metadata.version(package)}"
        except importlib.metadata.PackageNotFoundError:
            continue


def described(postgres: Mapping[str, str]) -> str:
    """One line on the machine and one on the software."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    settings = ", ".join(f"{name} {value}" for name, value in postgres.items() if name != "server_version")
    return (
        f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC: {processor()}, {len(os.sched_getaffinity(0))} cores, "
        f"{memory:.0f} GB, {platform.system()} {platform.release()}, load at the start {load}\n"
        f"Python {platform.python_version()}, {', '.join(packages())}, commit {commit()}; "
        f"PostgreSQL {postgres['server_version'].split()[0]} ({settings})"
    )
