"""What a contender is given, and what it gives back."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from benchmarks.measure import Measured
from benchmarks.server import Postgres

DISTRICT = "bench"
"""The owner of the planner's rows, for every contender that writes planner rows."""


class Stage(StrEnum):
    """The three nights of a district."""

    FIRST = "first load"
    NEXT = "next day"
    AGAIN = "nothing changed"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement. A `step` is a part of a whole that has a figure of its own; `note` says what to know of it."""

    contender: str
    stage: Stage
    seconds: float
    peak: int | None
    step: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Course:
    """The district on two days (folders of CSV), a server, and a folder to work in."""

    days: tuple[Path, Path]
    postgres: Postgres
    folder: Path
    students: int

    def room(self, contender: str) -> Path:
        """A folder of the contender's own, empty."""
        found = self.folder / contender
        shutil.rmtree(found, ignore_errors=True)
        found.mkdir(parents=True)
        return found


def figure(contender: str, stage: Stage, measured: Measured, *, step: str = "", note: str = "") -> Figure:
    """The figure of a whole command, from its start to its end."""
    return Figure(contender, stage, measured.seconds, measured.peak, step, note)
