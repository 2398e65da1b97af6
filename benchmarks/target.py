"""What issue 2 says must be reached, and whether it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.contender import copy_floor, dlt_merge, own
from benchmarks.course import Figure, Stage

GIB = 1 << 30
JUDGED_AT = 100_000
"""The targets are for so many students; they say little of a smaller district."""


@dataclass(frozen=True, slots=True)
class Results:
    """The figures of one size, and of ten times that size where it was measured."""

    students: int
    figures: Sequence[Figure]
    scaled: Sequence[Figure] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """A limit on a value; `aim` is a lower one that is hoped for; `value` gives None where something was not measured."""

    title: str
    unit: str
    limit: float
    aim: float | None
    value: Callable[[Results], float | None]

    def verdict(self, results: Results) -> tuple[str, str]:
        """The value and whether it was met, in words."""
        found = self.value(results)
        if found is None:
            return "-", "not measured"
        word = "met" if found <= self.limit else "not met"
        if self.aim is not None and found <= self.aim:
            word = "met, and the aim"
        return f"{found:.2f}{self.unit}", word


def whole(figures: Sequence[Figure], contender: str, stage: Stage) -> Figure | None:
    """The figure of a whole stage."""
    return next((f for f in figures if (f.contender, f.stage, f.step) == (contender, stage, "")), None)


def _ratio(stage: Stage, to: str, to_stage: Stage) -> Callable[[Results], float | None]:
    def value(results: Results) -> float | None:
        mine, other = whole(results.figures, own.NAME, stage), whole(results.figures, to, to_stage)
        return mine.seconds / other.seconds if mine and other else None

    return value


def _again(results: Results) -> float | None:
    found = whole(results.figures, own.NAME, Stage.AGAIN)
    return found.seconds if found else None


def _peak(figures: Sequence[Figure]) -> float | None:
    peaks = [each.peak for each in figures if each.contender == own.NAME and each.peak]
    return max(peaks) / GIB if peaks else None


def _growth(stage: Stage) -> Callable[[Results], float | None]:
    def value(results: Results) -> float | None:
        small, large = whole(results.figures, own.NAME, stage), whole(results.scaled, own.NAME, stage)
        return large.seconds / small.seconds if small and large else None

    return value


TARGETS = (
    Target("first sync, approved, ≤ 3 x COPY into bare tables (aim 2 x)", " x", 3, 2,
           _ratio(Stage.FIRST, copy_floor.BARE, Stage.FIRST)),
    Target("the same beside COPY into the planner's own tables", " x", 3, 2,
           _ratio(Stage.FIRST, copy_floor.KEYED, Stage.FIRST)),
    Target("next day, 1 % changed, ≤ 1/5 of dlt (aim 1/10)", " x", 1 / 5, 1 / 10,
           _ratio(Stage.NEXT, dlt_merge.NAME, Stage.NEXT)),
    Target("the same beside dlt tuned", " x", 1 / 5, 1 / 10, _ratio(Stage.NEXT, dlt_merge.TUNED, Stage.NEXT)),
    Target("nothing changed ≤ 1.5 s", " s", 1.5, None, _again),
    Target("peak memory ≤ 1.5 GB", " GB", 1.5, None, lambda results: _peak(results.figures)),
    Target("peak memory at ten times the size ≤ 4 GB", " GB", 4, None, lambda results: _peak(results.scaled)),
    Target("first sync at ten times the size ≤ 11 x the time", " x", 11, None, _growth(Stage.FIRST)),
    Target("next day at ten times the size ≤ 11 x the time", " x", 11, None, _growth(Stage.NEXT)),
)  # fmt: skip


def judged(results: Results) -> Iterator[tuple[str, str, str]]:
    """Title, value and verdict of each target."""
    for target in TARGETS:
        yield (target.title, *target.verdict(results))
