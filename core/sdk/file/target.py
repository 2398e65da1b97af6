"""Where files are published, whatever it is: what a folder and a server have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol


def part_of(name: str) -> str:
    """The name of a file while it is written; a hidden one, which nobody takes for a roster."""
    return f".{name}.part"


class Target(Protocol):
    """A place with files that have names and nothing else."""

    def check(self) -> None:
        """Look, read-only, whether files could be put there; raise a typed error when not."""

    def sizes(self, names: Iterable[str]) -> dict[str, int]:
        """The size in bytes of those of the named files that are there."""

    def deliver(self, files: Mapping[str, Path], abandoned: Iterable[str], old: Iterable[str]) -> None:
        """Put files under their names: all are written beside their places before the first gets its name. Then remove
        the `old` ones. `abandoned` are names of files that were begun and never got theirs."""
