"""A scheduled run begins when those that it comes after have ended well; it waits for them, or is skipped and says why."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import pytest
from diary import EVENING, Diary, district

from syncrun.order.start import Skip, Start, Wait, may_start, note_skip
from syncrun.state import job, lease, outbox
from syncrun.state.job import Job
from syncrun.state.store import State
from syncrun.testing.clock import FixedClock

if TYPE_CHECKING:
    import sqlalchemy as sa

    from syncrun.config.district import District

EXPORT = district("export", after=("import",), wait_minutes=60)


@pytest.fixture
def diary(state_engine: sa.Engine) -> Diary:
    clock = FixedClock(EVENING)
    return Diary(State(state_engine, clock), clock)


def asked(diary: Diary, who: District = EXPORT, **options: object) -> Start | Wait | Skip:
    return may_start(who, diary.state, diary.clock.now(), **options)  # type: ignore[arg-type] # passed on


def test_district_that_comes_after_nobody_begins(diary: Diary) -> None:
    assert asked(diary, district("alone")) == Start()


@pytest.mark.requirement("S3-6", "S3-8")
@pytest.mark.parametrize(
    ("outcome", "summary"), [("DONE", None), ("DEGRADED", {"files": {"users.csv": {"rejected": 3}}})]
)
def test_next_one_begins_when_the_one_before_has_ended_well(
    diary: Diary, outcome: str, summary: dict[str, object] | None
) -> None:
    diary.ran("import", outcome, summary=summary)
    assert asked(diary) == Start()


@pytest.mark.requirement("S3-19")
@pytest.mark.parametrize(("outcome", "summary"), [
    ("REFUSED", None), ("HELD", None), ("FAILED", None), ("DEGRADED", {"errors": {"planner": {"code": "E-AUTH-1"}}}),
    ("DEGRADED", {"sinks": {"planner": {"outcome": "skipped"}}}),
])  # fmt: skip
def test_next_one_is_skipped_after_a_failure_or_a_hold_and_says_why(
    diary: Diary, outcome: str, summary: dict[str, object] | None
) -> None:
    diary.ran("import")
    run = diary.ran("import", outcome, summary=summary)
    assert asked(diary) == Skip(f"import ended with {outcome} (run {run})")
    policy = district("export", after=("import",), after_failure="run")
    assert asked(diary, policy) == Start(f"import ended with {outcome} (run {run})")


@pytest.mark.requirement("S3-8")
def test_next_one_waits_while_the_one_before_is_at_work(diary: Diary) -> None:
    diary.ran("import")
    due = diary.clock.now()
    with lease.held(diary.state.engine, "import", "run-x", diary.clock):
        assert asked(diary) == Wait(due + datetime.timedelta(hours=1), "import is at work")
    assert asked(diary) == Start()


@pytest.mark.requirement("S3-8")
def test_next_one_waits_for_one_that_is_due_and_no_longer_than_it_may(diary: Diary) -> None:
    diary.ran("import")
    due = diary.clock.now()
    plan = {"import": due - datetime.timedelta(minutes=1)}
    assert asked(diary, due=due, next_run=plan.get) == Wait(
        due + datetime.timedelta(hours=1), "import is due and has not begun"
    )
    diary.clock.move(minutes=60)
    reason = "import is due and has not begun; this one waited 60 minutes for it"
    assert asked(diary, due=due, next_run=plan.get) == Skip(reason)
    policy = district("export", after=("import",), wait_minutes=60, after_failure="run")
    assert asked(diary, policy, due=due, next_run=plan.get) == Start("import is due and has not begun")
    plan["import"] = diary.clock.now() + datetime.timedelta(hours=23)
    assert asked(diary, due=due, next_run=plan.get) == Start()


def test_one_that_is_tried_again_or_never_ran_is_waited_for(diary: Diary) -> None:
    assert isinstance(asked(diary), Wait)
    diary.ran("import", dry_run=True)
    assert asked(diary) == Wait(diary.clock.now() + datetime.timedelta(hours=1), "import has not run yet")
    run = diary.ran("import", "RETRY")
    found = asked(diary)
    assert isinstance(found, Wait)
    assert found.reason == f"import ended with RETRY (run {run}) and is to be tried again"


@pytest.mark.requirement("S3-19")
def test_who_was_skipped_has_its_own_dependants_skipped_until_it_runs(diary: Diary) -> None:
    diary.ran("export")
    diary.clock.move(days=1)
    diary.ran("import", "REFUSED")
    skip = asked(diary)
    assert isinstance(skip, Skip)
    with diary.state.transaction() as connection:
        note_skip(EXPORT, diary.state, connection, skip)
    last = district("reports", after=("export",))
    assert asked(diary, last) == Skip(f"export was skipped: {skip.reason}")
    (notice,) = outbox.unplanned(diary.state)
    assert notice.needs[0]["words"] == f"The scheduled run was skipped: {skip.reason}."
    assert diary.state.audit("export")[-1]["action"] == "skip"
    diary.clock.move(minutes=1)
    diary.ran("export")
    assert asked(diary, last) == Start()


def test_one_failure_among_several_is_enough(diary: Diary) -> None:
    diary.ran("sis")
    diary.ran("import", "FAILED")
    found = asked(diary, district("export", after=("sis", "nobody", "import")))
    assert isinstance(found, Skip)
    assert found.reason.startswith("import ended with FAILED")


# -- runs that begin by themselves ---------------------------------------------------------------------------------------


def taken(diary: Diary) -> Job:
    with diary.state.transaction() as connection:
        return job.take(connection, diary.state, "import", "full", "schedule", diary.clock.now(), "server-1")


@pytest.mark.requirement("S3-8")
def test_next_one_waits_from_the_moment_the_one_before_is_taken(diary: Diary) -> None:
    diary.ran("import")
    owed = taken(diary)
    until = diary.clock.now() + datetime.timedelta(hours=1)
    assert asked(diary) == Wait(until, "import is to be tried again")
    begun = job.begin(diary.state, owed)
    assert begun is not None
    assert asked(diary) == Wait(until, "import is at work")
    assert job.again(diary.state, begun, until, crashed=True) is not None
    assert asked(diary) == Wait(until, "import is to be tried again")


@pytest.mark.requirement("S3-19")
def test_one_that_never_came_to_an_end_is_no_good_though_the_run_before_was(diary: Diary) -> None:
    diary.ran("import")
    diary.clock.move(minutes=1)
    with diary.state.transaction() as connection:
        owed = job.take(connection, diary.state, "import", "full", "schedule", diary.clock.now(), "server-1")
        assert job.end(connection, diary.state, owed, "too long")
    assert asked(diary) == Skip("import was begun and did not come to an end (too long)")
    diary.clock.move(minutes=1)
    diary.ran("import")  # somebody ran it by hand
    assert asked(diary) == Start()
