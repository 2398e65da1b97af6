"""`manifest.csv`: which files a OneRoster set has, and whether each is the whole or only what changed."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from syncrun.finding import Finding

Mode = Literal["absent", "bulk", "delta"]
_MODES: tuple[Mode, ...] = ("absent", "bulk", "delta")
VERSIONS = ("1.1", "1.2")
MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the manifest says. `modes` is keyed by the file's name without `.csv`."""

    version: str = ""
    modes: Mapping[str, Mode] = field(default_factory=dict)


def read(path: Path, name: str) -> tuple[Manifest, list[Finding]]:
    """The manifest and what is wrong with it."""
    text = path.read_bytes()[:MAX_BYTES].decode("utf-8-sig", errors="replace")
    rows = [row for row in csv.reader(text.splitlines()) if row]
    values = {row[0].strip(): row[1].strip() for row in rows[1:] if len(row) >= 2}
    findings = []
    version = values.get("oneroster.version", "")
    if version not in VERSIONS:
        findings.append(Finding("R-SET-11", name, words=f"oneroster.version must be one of {', '.join(VERSIONS)}"))
    modes: dict[str, Mode] = {}
    for key, word in values.items():
        if not key.startswith("file."):
            continue
        mode = next((each for each in _MODES if each == word.lower()), None)
        if mode is None:
            findings.append(Finding("R-SET-11", name, words=f"{key} must be one of {', '.join(_MODES)}"))
        else:
            modes[key.removeprefix("file.")] = mode
    return Manifest(version, modes), findings
