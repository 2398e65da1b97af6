"""Run one command and note its wall time and peak memory. A script of its own, kept small, for a reason:

on Linux a process inherits the peak of the one that started it, so whatever starts a measured command must be smaller
than it. It is called as `python -I -S launcher.py REPORT COMMAND ...` and needs nothing but the standard library.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

SAMPLED = 0.1
"""Seconds between two looks at the memory of all descendants together."""


def family(pid: int) -> list[int]:
    """A process and its descendants, as far as they can be seen."""
    found = [pid]
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [each for child in children.read_text().split() for each in family(int(child))]
        except OSError:
            continue
    return found


def resident(pid: int) -> int:
    """Bytes of memory that a process has now; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def watch(pid: int, stop: threading.Event, seen: list[int]) -> None:
    """Keep the highest sum over a family of processes; pages that they share count more than once."""
    while not stop.wait(SAMPLED):
        members = family(pid)
        if len(members) > 1:
            seen.append(sum(map(resident, members)))
            seen[:] = [max(seen)]


def main() -> None:
    """Run, measure, write the report."""
    report, *command = sys.argv[1:]
    seen, stop = [0], threading.Event()
    begun = time.perf_counter()
    child = subprocess.Popen(command)
    watching = threading.Thread(target=watch, args=(child.pid, stop, seen), daemon=True)
    watching.start()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - begun
    stop.set()
    watching.join()
    alone = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    told = {"exit_code": os.waitstatus_to_exitcode(status), "seconds": seconds, "peak": max(alone, *seen)}
    Path(report).write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main()
