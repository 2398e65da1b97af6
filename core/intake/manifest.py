"""`manifest.csv`: which files a OneRoster set has, and whether each is the whole or only what changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from syncrun.finding import Finding
from syncrun.intake.dialect import cells

Mode = Literal["absent", "bulk", "delta"]
_MODES: tuple[Mode, ...] = ("absent", "bulk", "delta")
VERSIONS = ("1.1", "1.2")
MAX_BYTES = 1 << 20
MAX_LINES = 1000
_HEADER = ("propertyName", "value")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the manifest says. `modes` is keyed by the file's name without `.csv`, in lower case."""

    version: str = ""
    modes: Mapping[str, Mode] = field(default_factory=dict)

    def mode(self, file: str) -> Mode | None:
        """What it says of a file, None for nothing: `mode("users.csv")`."""
        return self.modes.get(file.removesuffix(".csv").lower())


def read(path: Path, name: str, files: Iterable[str] = ()) -> tuple[Manifest, list[Finding]]:
    """The manifest and what is wrong with it. `files` are the names of all files that it may speak of."""
    text = path.read_bytes()[:MAX_BYTES].decode("utf-8-sig", errors="replace")
    values: dict[str, str] = {}
    findings = []
    strange = []
    known = _known(files)
    lines = text.splitlines()
    if len(lines) > MAX_LINES:
        return Manifest(), [Finding("R-SET-11", name, words=f"it has more than {MAX_LINES} lines")]
    for number, line in enumerate(lines, 1):
        key, word = (each.strip() for each in (*cells(line), "", "")[:2])
        key = key.lower()
        if (number, key) == (1, _HEADER[0].lower()):
            strange += [] if word == _HEADER[1] else [1]
            continue
        if number == 1 or (key and not known.fullmatch(key)):
            strange.append(number)
        if not known.fullmatch(key):
            continue
        if values.get(key, word) != word and not key.startswith("source."):
            findings.append(Finding("R-SET-11", name, words=f"{key} is there twice"))
        values[key] = word
    if strange:
        findings.append(Finding("R-SET-37", name, strange[0], count=len(strange)))
    if values.get("manifest.version") not in {None, "1.0"}:
        findings.append(Finding("R-SET-37", name, words="manifest.version is not 1.0"))
    version = values.get("oneroster.version", "")
    if version not in VERSIONS:
        findings.append(Finding("R-SET-11", name, words=f"oneroster.version must be one of {', '.join(VERSIONS)}"))
    modes, more = _modes(values, name)
    return Manifest(version, modes), findings + more


def _known(files: Iterable[str]) -> re.Pattern[str]:
    """What keys may be, in lower case; any file where none is named. Others are not read, nor repeated in a message."""
    named = "|".join(re.escape(each.removesuffix(".csv").lower()) for each in files) or r"\w*"
    return re.compile(rf"(manifest|oneroster)\.version|source\..*|file\.({named})")


def _modes(values: Mapping[str, str], name: str) -> tuple[dict[str, Mode], list[Finding]]:
    """What is said of each file, by its name without `.csv`."""
    modes: dict[str, Mode] = {}
    findings = []
    for key, word in values.items():
        if not key.startswith("file."):
            continue
        mode = next((each for each in _MODES if each == word.lower()), None)
        if mode is None:
            findings.append(Finding("R-SET-11", name, words=f"{key} must be one of {', '.join(_MODES)}"))
        else:
            modes[key.removeprefix("file.")] = mode
    return modes, findings
