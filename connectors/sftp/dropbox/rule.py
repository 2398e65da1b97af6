"""What the drop box lets people do, and how much of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

ALIASES = frozenset({"upload", "uploads", "incoming", "dailyimport"})
"""Names of folders that exporters are often set up with; they all are the box itself."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Bounds, in bytes and seconds. `names` is the form that the name of a file must have."""

    names: re.Pattern[str] = field(default=re.compile(r"[A-Za-z0-9_][A-Za-z0-9 ._()+-]{0,127}"))
    file_bytes: int = 2_000_000_000
    files: int = 200
    idle: float = 600
    session: float = 4 * 3600
    sessions: int = 300
    account_sessions: int = 4
    address_greetings: int = 20
    """Connections of one address that have not logged in yet."""
    tries: int = 3
    """Wrong passwords on one connection."""
    quiet: float = 300
    """So long nothing must have come before a set is looked at; a marker (`*.done`) ends the wait."""
    spread: float = 2 * 3600
    """How far apart the loose files of one set may have come."""
    tick: float = 5
    """How often idle sessions and withdrawn accounts are looked for."""
