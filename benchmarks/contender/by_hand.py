"""What a good engineer would write by hand: COPY the files to staging tables, transform, upsert, delete what is gone.

Only the five files that the planner's rows come from are read, and of the people only students and teachers. There is
no check of any row, no plan, no limit and no report, and a file that was cut deletes what it lacks.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import measure, planner
from benchmarks.contender.copy_floor import make_planner
from benchmarks.course import Course, Figure, Stage, figure

NAME = "hand-written SQL"


def missing() -> str:
    """Nothing but the driver is needed."""
    return ""


def run(course: Course) -> Iterator[Figure]:
    """Two nights."""
    room = course.room("by_hand")
    url = course.postgres.fresh("bench_by_hand")
    make_planner(url)
    for stage, day in zip((Stage.FIRST, Stage.NEXT), course.days, strict=True):
        course.postgres.rest(url)
        measured = measure.worker("by_hand", url, *planner.sources(day))
        rows = planner.prove(url, day, room, NAME)
        note = f"{rows:,} rows" if stage is Stage.FIRST else "deletes what is gone"
        yield figure(NAME, stage, measured, note=f"{note}; checks nothing")
        for step, seconds in measured.told().items():
            yield Figure(NAME, stage, seconds, None, step=step)
    course.postgres.drop("bench_by_hand")
