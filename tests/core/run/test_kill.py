"""kill -9 at the points where something becomes durable, then run again: the same planner as without the kill."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from syncrun.testing.postgres import PostgresServer

SWEEP = Path(__file__).parents[2] / "kill_sweep.py"


def sweep(scenario: str, folder: Path, *more: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, str(SWEEP), scenario, str(folder), *more],
        check=False, capture_output=True, text=True, cwd=SWEEP.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    assert found["faults"] == [], done.stderr[-3000:]
    return found


@pytest.mark.parametrize(
    "scenario",
    [pytest.param("first", marks=pytest.mark.slow), pytest.param("approved", marks=pytest.mark.slow), "next-day"],
)
def test_kill_at_some_points(scenario: str, tmp_path: Path) -> None:
    found = sweep(scenario, tmp_path, "--every", "40")
    assert found["tried"] >= 3


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["first", "approved", "next-day"])
def test_kill_at_every_point(scenario: str, tmp_path: Path) -> None:
    found = sweep(scenario, tmp_path)
    assert found["tried"] == found["points"]
    assert found["points"] >= 50


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["approved", "next-day"])
def test_kill_at_some_points_on_postgresql(scenario: str, tmp_path: Path, postgres_server: PostgresServer) -> None:
    found = sweep(scenario, tmp_path, postgres_server.create(), postgres_server.create(), "--every", "20")
    assert found["tried"] >= 3


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["first", "approved", "next-day"])
def test_kill_at_every_point_on_postgresql(scenario: str, tmp_path: Path, postgres_server: PostgresServer) -> None:
    sweep(scenario, tmp_path, postgres_server.create(), postgres_server.create())


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["first", "approved", "next-day"])
def test_run_may_be_asked_to_end_at_every_point(scenario: str, tmp_path: Path) -> None:
    found = sweep(scenario, tmp_path, "--signal", "SIGTERM")
    assert found["tried"] == found["points"]
    assert found["points"] >= 50
