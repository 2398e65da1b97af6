"""`sha256sum` of the files: the floor of knowing that nothing has changed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from benchmarks import measure
from benchmarks.course import Course, Figure, Stage, figure

NAME = "sha256sum"


def missing() -> str:
    """Why it cannot take part."""
    return "" if shutil.which("sha256sum") else "not installed"


def run(course: Course) -> Iterator[Figure]:
    """Hash the files of the second day."""
    files = sorted(course.days[1].glob("*.csv"))
    measured = measure.run(["sha256sum", *files], env={}, cwd=course.folder)
    for stage in (Stage.NEXT, Stage.AGAIN):
        yield figure(NAME, stage, measured, note="a floor")
