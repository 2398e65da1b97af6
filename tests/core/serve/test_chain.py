"""One district after the other: an export begins when the import before it has ended well, or says why not."""

from __future__ import annotations

import pytest
from town import CHAIN, Hands, Served, Town, chain, needs

from syncrun.serve.executor import Limits
from syncrun.state import lease

pytestmark = pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True
)


@pytest.mark.requirement("S3-6", "S3-8", "S3-17")
def test_export_waits_until_a_slow_import_has_ended_well(town: Town) -> None:
    served = chain(town)
    assert served.step(minutes=40) == ["import"]
    served.finish("import")
    assert served.step(6) == ["export"]


@pytest.mark.requirement("S3-19")
@pytest.mark.parametrize("outcome", ["REFUSED", "HELD", "FAILED"])
def test_export_is_skipped_after_an_import_that_failed_or_is_held(town: Town, outcome: str) -> None:
    served = chain(town)
    run = served.finish("import", outcome)
    assert served.step(minutes=2) == []
    assert served.step(minutes=90) == []
    assert f"The scheduled run was skipped: import ended with {outcome} (run {run})." in needs(town)
    assert served.step(hours=22, minutes=28) == ["import"]
    served.finish("import")
    assert served.step(minutes=2) == ["export"]


@pytest.mark.requirement("S3-19")
def test_export_runs_all_the_same_where_it_is_said_so(town: Town) -> None:
    served = chain(town, '\nafter_failure = "run"')
    served.finish("import", "FAILED")
    assert served.step(minutes=2) == ["export"]


@pytest.mark.requirement("S3-8")
def test_export_is_skipped_when_the_import_takes_longer_than_it_waits(town: Town) -> None:
    served = chain(town)
    served.step(minutes=2)
    assert served.step(minutes=61) == ["import"]
    assert needs(town) == ["The scheduled run was skipped: import is at work; this one waited 60 minutes for it."]
    served.finish("import")
    assert served.step(minutes=1) == []


@pytest.mark.requirement("S3-8", "S3-19")
def test_export_is_skipped_after_an_import_that_hung_and_was_ended(town: Town) -> None:
    served = chain(town)
    served.hands.end("import", -9, "too long")
    assert served.step(minutes=2) == []
    assert any("import was begun and did not come to an end (too long)" in each for each in needs(town))


@pytest.mark.requirement("S3-8")
def test_export_that_hangs_holds_up_nothing_but_itself(town: Town) -> None:
    served = chain(town)
    served.finish("import")
    assert served.step(minutes=2) == ["export"]
    assert served.step(hours=23, minutes=58) == ["export", "import"]
    served.finish("import")
    assert served.step(hours=1) == ["export"]
    served.hands.end("export", -9, "too long")
    assert served.step(6) == ["export"]  # the evening that it slept through, once
    assert len(served.hands.begun) == 4


def test_export_waits_for_an_import_that_is_tried_again(town: Town) -> None:
    served = chain(town)
    served.finish("import", "RETRY")
    assert served.step() == []
    assert served.step(59) == []
    assert served.step(2) == ["import"]
    served.finish("import")
    assert served.step(6) == ["export"]


@pytest.mark.requirement("S3-18")
def test_chain_whose_machine_slept_is_made_up_for_in_its_order(town: Town) -> None:
    served = chain(town)
    served.finish("import")
    served.step(minutes=2)
    served.finish("export")
    assert served.step(hours=34) == ["import"]  # both of the evening before; the wait is counted from now
    assert served.step(minutes=30) == ["import"]
    served.finish("import")
    assert served.step(6) == ["export"]


@pytest.mark.requirement("S3-8", "S3-19")
def test_export_is_skipped_after_a_run_by_hand_that_was_cut_off(town: Town) -> None:
    served = chain(town)
    served.finish("import")
    served.step()
    with lease.held(town.state.engine, "import", "by-hand", town.clock) as held:
        town.state.start_run("by-hand", "import", "incremental", held.epoch, dry_run=False)
        town.state.update_run("by-hand", status="applying")
    assert served.step(minutes=2) == []
    assert needs(town) == ["The scheduled run was skipped: import was cut off (run by-hand)."]


@pytest.mark.requirement("S3-8", "S3-19")
def test_waiting_comes_to_an_end_also_where_a_timer_begins_a_new_server_each_time(town: Town) -> None:
    town.district("import", "")
    town.district("export", more=CHAIN)
    town.ran("import", "RETRY")
    town.service().service.leave()

    def looks(minutes: float) -> list[str]:
        town.wait(minutes=minutes)
        Served(town, Hands(), Limits(), digests=False).service.serve(once=True)
        return needs(town)

    assert [looks(minutes) for minutes in (450, 30, 29)] == [[], [], []]
    assert "this one waited 60 minutes for it" in looks(1)[0]


def test_export_does_not_wait_for_an_import_that_was_missed_before_its_days_off(town: Town) -> None:
    town.district("import", 'full = { every = "day", at = "19:30" }\npause = [{ from = 2026-11-21, to = 2026-11-29 }]')
    town.district("export", 'full = { every = "day", at = "03:00" }', more=CHAIN)
    town.ran("import")
    town.ran("export")
    served = town.service()
    assert served.step(hours=15) == ["export"]
