"""Whether a process of this machine is still the one that it was."""

from __future__ import annotations

import os
from pathlib import Path


def born(pid: int) -> str | None:
    """When a process of this machine began, as the kernel counts, so that a reused number is not taken for it."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else fields[19]  # dead, and nobody has asked how it ended


def alive(pid: int, birth: str | None) -> bool:
    """Whether the process is there and was born then."""
    if Path("/proc/self/stat").exists():
        return born(pid) is not None and (birth is None or born(pid) == birth)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
