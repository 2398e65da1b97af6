"""One who looks once, for a timer of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
from town import ARRIVAL, CHAIN, Hands, Served, Town, dies, evening

from syncrun.serve.executor import Ended, Limits
from syncrun.serve.service import DIGEST
from syncrun.state.model import jobs

pytestmark = pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True
)


def looking_once(
    town: Town, monkeypatch: pytest.MonkeyPatch, ends: Sequence[int], hands: Hands | None = None
) -> Served:
    """One who looks once, whose runs end with these codes, one after the other."""
    served = Served(town, hands or Hands(), Limits(), digests=False)
    codes, ended = list(ends), served.hands.ended

    def work(seconds: float) -> list[Ended]:
        town.wait(seconds or 1)
        for district in served.hands.busy:
            code = codes.pop(0)
            if code == 0:
                served.finish(district)
            else:
                served.hands.end(district, code)
        return ended(seconds)

    monkeypatch.setattr(served.hands, "ended", work)
    served.service.serve(once=True)
    return served


def test_one_who_looks_once_waits_for_files_that_are_still_coming(
    town: Town, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.district("elm", ARRIVAL)
    town.ran("elm")
    served = Served(town, Hands(), Limits(), digests=False)
    ended = served.hands.ended

    def work(seconds: float) -> list[Ended]:
        town.wait(seconds or 1)
        for district in served.hands.busy:
            served.finish(district, mode="incremental")
        return ended(seconds)

    monkeypatch.setattr(served.hands, "ended", work)
    began = town.seconds
    served.service.serve(once=True)
    assert [each.key for each in served.hands.begun] == ["elm"]
    assert 60 < town.seconds - began < 75
    assert served.service.all_good
    assert not served.service.owes


def test_one_who_looks_once_waits_for_a_run_that_is_begun_again_soon(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.district("elm")
    town.service().service.leave()
    town.wait(hours=8)
    served = looking_once(town, monkeypatch, [-9, -9, 0])
    assert (town.job("elm").ending, town.job("elm").tries) == ("ended", 3)
    assert served.service.all_good
    assert not served.service.owes


def test_one_who_looks_once_waits_for_a_run_that_a_server_left_behind(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    dies(evening(town, "elm"))
    hands = Hands()
    hands.held.add("elm")
    wait, run = town.wait, ""

    def goes_by(seconds: float = 0, **difference: float) -> None:
        nonlocal run
        wait(seconds, **difference)
        if hands.held and town.seconds > 1000 + 7.6 * 3600:
            run = town.ran("elm")
            hands.held.clear()

    monkeypatch.setattr(town, "wait", goes_by)
    looking_once(town, monkeypatch, [], hands)
    assert town.job("elm").run == run
    assert hands.begun == []


def test_one_who_looks_once_leaves_when_nothing_can_begin_now(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.district("import")
    town.district("export", more=CHAIN)
    for each in ("ash", "elm"):
        town.district(each)
    for each in ("import", "export"):
        town.ran(each)
    town.service().service.leave()
    town.wait(hours=8)
    served = Served(town, Hands(), Limits(at_once=1), digests=True)
    ended = served.hands.ended

    def work(seconds: float) -> list[Ended]:
        for district in served.hands.busy:
            if district == "ash":
                served.hands.end(district, 75)
            else:
                served.finish(district)
        if DIGEST in served.hands._at_work:
            assert len(served.hands.begun) == 5  # after all else
            served.hands.end(DIGEST, 0)
        return ended(seconds)

    monkeypatch.setattr(served.hands, "ended", work)
    served.service.serve(once=True)
    assert [each.key for each in served.hands.begun] == ["ash", "elm", "import", "export", DIGEST]
    owed = town.job("ash")
    assert (owed.server, owed.is_open, owed.tries) == (None, True, 1)
    assert served.service.owes
    assert served.service.all_good
    with town.state.transaction() as connection:
        assert connection.execute(sa.select(sa.func.count()).where(jobs.c.ended_at.is_(None))).scalar() == 1
