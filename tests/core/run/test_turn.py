"""Import, then two-way, then export: within a run, a sink of a later stage waits for those before it to end well."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from gradebook import Gradebook, shown
from stages import lose_pupils, restage, staged

from syncrun.errors import AuthError, ServerError

if TYPE_CHECKING:
    from vendor import Site
    from world import World


class Listener:
    """Notes which sinks are written to, in order."""

    def __init__(self) -> None:
        self.order: list[str] = []

    def phase(self, name: str) -> None: ...
    def page(self, collection: str, rows: int) -> None: ...
    def total(self, sink: str, rows: int) -> None: ...

    def chunk(self, sink: str, table: str, action: str, rows: int) -> None:
        if sink not in self.order:
            self.order.append(sink)


@pytest.fixture
def two(world: World, site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A district with a two-way sink and an export, before its first sync."""
    staged(world, site, monkeypatch)
    yield world
    Gradebook.fresh()


@pytest.fixture
def filled(two: World) -> World:
    """After the first sync."""
    assert two.sync().exit_code == 3
    two.approve()
    assert two.sync().exit_code == 0
    return two


def fail(error: type[Exception], times: int = 1) -> None:
    """The ledger fails so often before it takes anything."""

    def fault() -> None:
        raise error("The ledger has trouble.")

    Gradebook.early = True
    Gradebook.faults[:] = [fault] * times


def rename(world: World) -> None:
    world.edit("users", "s1001", familyName="New")
    world.write()


@pytest.mark.requirement("S3-6", "S3-7")
def test_two_way_sink_is_served_before_the_export_whatever_the_file_says(two: World) -> None:
    two.sync()
    two.approve()
    listener = Listener()
    assert two.sync(progress=listener).exit_code == 0
    assert listener.order == ["ledger", "planner"]


@pytest.mark.requirement("S3-6", "S3-8", "S3-19")
def test_export_is_skipped_when_the_sink_before_it_fails_and_made_up_for_next_time(filled: World) -> None:
    rename(filled)
    before = filled.dump()
    fail(AuthError)
    result = filled.sync()
    assert (result.outcome, result.exit_code) == ("REFUSED", 2)
    assert result.summary["sinks"]["planner"]["outcome"] == "skipped"
    reason = "the sink ledger (two_way), which comes before, has failed"
    assert result.summary["sinks"]["planner"]["reason"] == reason
    assert set(result.summary["errors"]) == {"ledger"}
    assert filled.dump() == before
    assert filled.sync().exit_code == 0
    assert filled.dump() != before
    assert shown(filled.folder / "book.json")["s1001"]["name"] == "New"


@pytest.mark.requirement("S3-19")
def test_export_runs_all_the_same_where_its_section_says_so(filled: World) -> None:
    restage(filled, 'after_failure = "run"')
    rename(filled)
    before = filled.dump()
    fail(AuthError)
    result = filled.sync()
    assert (result.outcome, result.exit_code) == ("DEGRADED", 4)
    assert "outcome" not in result.summary["sinks"]["planner"]
    assert filled.dump() != before


@pytest.mark.requirement("S3-19")
def test_export_is_skipped_while_a_part_of_the_sink_before_it_waits_for_a_person(two: World) -> None:
    two.configure(two.toml.read_text() + "[limits]\nremovals = 100\n")
    assert two.sync().exit_code == 3
    two.approve()
    assert two.sync().exit_code == 0
    two.edit("users", "t101", role="student")
    rename(two)
    before = two.dump()
    lose_pupils(two, 2, 30)
    two.configure(two.toml.read_text().replace("removals = 100", "removals = 10"))
    result = two.sync()
    assert (result.outcome, result.exit_code) == ("HELD", 3)
    assert result.summary["sinks"]["planner"]["reason"] == (
        "the sink ledger (two_way), which comes before, waits for a person"
    )
    assert two.dump() == before
    assert shown(two.folder / "book.json")["s1001"]["name"] == "New"
    two.approve()
    assert two.sync().exit_code == 0
    assert two.dump() != before


@pytest.mark.slow
@pytest.mark.requirement("S3-8", "S3-19")
def test_export_waits_for_a_sink_in_which_an_earlier_run_is_still_open(filled: World) -> None:
    rename(filled)
    Gradebook.faults[:] = [_trouble] * 20  # after the rows are written: nobody knows what is in
    first = filled.sync()
    assert first.exit_code == 75
    assert first.summary["sinks"]["planner"]["outcome"] == "skipped"
    before = filled.dump()
    second = filled.sync()
    assert second.exit_code == 75
    assert second.summary["sinks"]["planner"]["outcome"] == "skipped"
    assert filled.dump() == before
    Gradebook.faults.clear()
    assert filled.sync().exit_code == 0
    assert filled.dump() != before


def _trouble() -> None:
    raise ServerError("The ledger is busy.", status=503)


def test_dry_run_foresees_that_the_export_would_be_skipped(filled: World) -> None:
    rename(filled)
    lose_pupils(filled, 2, 30)
    result = filled.sync(dry_run=True)
    assert result.summary["sinks"]["planner"]["outcome"] == "skipped"
    assert "skipped" in filled.syncrun("show", "--district", str(filled.toml))[1]


def test_approval_that_a_failure_left_unused_counts_for_the_next_run(filled: World) -> None:
    lose_pupils(filled, 2, 30)
    assert filled.sync().exit_code == 3
    filled.approve()
    fail(AuthError)
    assert filled.sync().summary["sinks"]["planner"]["outcome"] == "skipped"
    assert filled.sync().exit_code == 0
