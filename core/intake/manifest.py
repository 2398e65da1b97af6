"""`manifest.csv`: which files a OneRoster set has, and whether each is the whole or only what changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from syncrun.finding import Finding
from syncrun.intake.dialect import cells

Mode = Literal["absent", "bulk", "delta"]
_MODES: tuple[Mode, ...] = ("absent", "bulk", "delta")
VERSIONS = ("1.1", "1.2")
MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the manifest says. `modes` is keyed by the file's name without `.csv`, in lower case."""

    version: str = ""
    modes: Mapping[str, Mode] = field(default_factory=dict)

    def mode(self, file: str) -> Mode | None:
        """What it says of a file, None for nothing: `mode("users.csv")`."""
        return self.modes.get(file.removesuffix(".csv").lower())


def read(path: Path, name: str) -> tuple[Manifest, list[Finding]]:
    """The manifest and what is wrong with it."""
    text = path.read_bytes()[:MAX_BYTES].decode("utf-8-sig", errors="replace")
    values: dict[str, str] = {}
    findings = []
    for line in text.splitlines()[1:]:
        key, word = (each.strip() for each in (*cells(line), "", "")[:2])
        key = key.lower()
        if values.get(key, word) != word and not key.startswith("source."):
            findings.append(Finding("R-SET-11", name, words=f"{key} is there twice"))
        values[key] = word
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
