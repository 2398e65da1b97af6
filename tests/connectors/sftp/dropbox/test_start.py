"""When a run begins after a whole set has come."""

from __future__ import annotations

import asyncio
import datetime
import sys
from pathlib import Path

import pytest

from syncrun.connectors.sftp.dropbox.account import Account
from syncrun.connectors.sftp.dropbox.schedule import Window, due
from syncrun.connectors.sftp.dropbox.start import Starter

OAK = Account("oak", "riverside")
HOUR = 3600


def utc(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)


@pytest.mark.requirement("S2-20")
@pytest.mark.parametrize(
    ("now", "wait"),
    [
        ("2026-11-22 23:59:59", 1),  # 18:59:59 in New York
        ("2026-11-23 00:00:00", 0),
        ("2026-11-23 01:59:59", 0),
        ("2026-11-23 02:00:00", 22 * HOUR),
        ("2026-07-01 22:00:00", HOUR),  # summer: four hours behind
        ("2026-11-01 01:30:00", 22.5 * HOUR),  # 21:30, and the night that is an hour longer
        ("2027-03-14 02:30:00", 20.5 * HOUR),  # 21:30, and the night that is an hour shorter
    ],
)
def test_window_goes_by_the_clocks_of_its_zone(now: str, wait: float) -> None:
    assert due(utc(now), Window()) == wait


def test_window_over_midnight_and_no_window() -> None:
    night = Window(datetime.time(23), datetime.time(1), "UTC")
    assert [due(utc(f"2026-11-22 {each}"), night) for each in ("22:00", "23:30", "00:30", "01:00")] == [
        HOUR,
        0,
        0,
        22 * HOUR,
    ]
    assert due(utc("2026-11-22 12:00"), None) == 0


def starter(ran: Path, *, approved: bool = True, window: Window | None = None, **more: object) -> Starter:
    def command(district: str) -> tuple[str, ...]:
        return (sys.executable, "-c", f"import pathlib; pathlib.Path({str(ran)!r}).open('a').write('{district} ')")

    return Starter(lambda district: approved, window, now=lambda: utc("2026-11-22 22:00"), command=command, **more)


@pytest.mark.requirement("S2-19")
def test_run_of_the_accounts_district_begins(tmp_path: Path) -> None:
    ended = []
    asyncio.run(starter(tmp_path / "ran", ended=lambda *told: ended.append(told))(OAK, ()))
    assert (tmp_path / "ran").read_text() == "riverside "
    assert ended == [("riverside", 0)]


@pytest.mark.requirement("S2-16", "S2-18")
def test_nothing_begins_before_the_first_sync_was_approved(tmp_path: Path) -> None:
    asyncio.run(starter(tmp_path / "ran", approved=False)(OAK, ()))
    assert not (tmp_path / "ran").exists()


def test_sets_that_come_before_the_window_make_one_run(tmp_path: Path) -> None:
    waits = []
    opened, waiting = asyncio.Event(), asyncio.Event()

    async def pause(seconds: float) -> None:
        waits.append(seconds)
        waiting.set()
        await opened.wait()

    async def evening() -> None:
        start = starter(tmp_path / "ran", window=Window(), pause=pause)
        first = asyncio.create_task(start(OAK, ()))
        await waiting.wait()
        await start(OAK, ())
        opened.set()
        await first

    asyncio.run(evening())
    assert waits == [2 * HOUR]
    assert (tmp_path / "ran").read_text() == "riverside "
