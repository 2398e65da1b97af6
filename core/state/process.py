"""Whether a process is known to be dead: on this machine, and in this part of it, where its number can be looked up."""

from __future__ import annotations

import functools
import os
from pathlib import Path


def born(pid: int) -> str | None:
    """When a process of this machine began, as the kernel counts, so that a reused number is not taken for it; and where it
    is, since two machines or containers may have one name. None when it is dead, or the system does not say."""
    began = _began(pid)
    return f"{began} {here()}" if began else None


def is_dead(pid: int, birth: str | None) -> bool:
    """Whether the process that had this number and was born so is known to be dead. What is elsewhere nobody here knows, and
    neither what was here before the machine was started anew."""
    began, _, place = (birth or "").partition(" ")
    if place and place != here():
        return False
    if Path("/proc/self/stat").exists():
        return _began(pid) is None or (bool(began) and _began(pid) != began)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _began(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else fields[19]  # dead, and nobody has asked how it ended


@functools.cache
def here() -> str:
    """What stands for the machine since it was started, and for the part of it whose processes this one sees."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""
