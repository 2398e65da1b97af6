"""The state database comes up by itself: made once, however many processes start and die over it."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from crowd import PROGRAM, together

import syncrun.state
from syncrun.clock import SystemClock
from syncrun.errors import ConfigError, SyncError
from syncrun.sdk.sql.connect import normal_url, open_engine
from syncrun.state.database import HEAD, NewerStateError, open_state
from syncrun.state.model import metadata
from syncrun.state.store import State


def differences(url: str) -> list[Any]:
    """What the database has otherwise than the model."""
    with open_engine(normal_url(url)).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return compare_metadata(context, metadata)


@pytest.mark.timeout(150)
def test_eight_processes_start_at_once_and_one_migrates(database_url: str, tmp_path: Path) -> None:
    found = together("open", database_url, tmp_path / "home", 8)
    assert sorted(each.get("migrated", each) for each in found) == [0] * 7 + [1]
    assert len({each["owner"] for each in found}) == 1
    assert differences(database_url) == []


@pytest.mark.parametrize("statement", [2, 6, 12, 18])
def test_process_killed_while_it_migrates_leaves_nothing_that_stops_the_next(
    database_url: str, tmp_path: Path, statement: int
) -> None:
    killed = subprocess.run([sys.executable, PROGRAM, "killed", database_url, tmp_path / "home", str(statement)],
                            capture_output=True, text=True, check=False)  # fmt: skip
    assert (killed.returncode, killed.stdout) == (-9, "")
    engine = open_state(tmp_path / "home", {"SYNCRUN_DATABASE_URL": database_url})
    assert differences(database_url) == []
    assert State(engine, SystemClock()).owner()


def test_model_and_migrations_say_the_same(database_url: str, tmp_path: Path) -> None:
    assert len(differences(database_url)) > len(metadata.tables)
    open_state(tmp_path / "home", {"SYNCRUN_DATABASE_URL": database_url})
    assert differences(database_url) == []


def test_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(syncrun.state.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_database_of_a_newer_syncrun_is_refused_and_left_alone(database_url: str, tmp_path: Path) -> None:
    environment = {"SYNCRUN_DATABASE_URL": database_url}
    engine = open_state(tmp_path / "home", environment)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NewerStateError) as raised:
        open_state(tmp_path / "home", environment)
    assert (raised.value.code, raised.value.exit_code) == ("E-STATE-1", 2)
    assert "9999" in raised.value.message
    with engine.begin() as connection:
        assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() == "9999"


def test_opening_again_keeps_what_is_there(database_url: str, tmp_path: Path) -> None:
    environment = {"SYNCRUN_DATABASE_URL": database_url}
    owner = State(open_state(tmp_path / "home", environment), SystemClock()).owner()
    assert State(open_state(tmp_path / "home", environment), SystemClock()).owner() == owner


def test_home_and_file_are_closed_to_others(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    open_state(home, {})
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert stat.S_IMODE((home / "state.db").stat().st_mode) == 0o600


def test_alembic_is_loaded_only_to_migrate(tmp_path: Path) -> None:
    open_state(tmp_path, {})
    code = ("import sys, pathlib; from syncrun.state.database import open_state; "
            f"open_state(pathlib.Path({str(tmp_path)!r}), {{}}); sys.exit('alembic' in sys.modules)")  # fmt: skip
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("environment", [
    {}, {"SYNCRUN_DATABASE_URL": "sqlite:////proc/no/state.db"}, {"SYNCRUN_DATABASE_URL": "sqlite://"},
], ids=["home is a file", "no such folder", "in memory"])  # fmt: skip
def test_place_that_cannot_be_used_is_a_wrong_setting(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "home").touch() if not environment else None
    with pytest.raises(ConfigError) as raised:
        open_state(tmp_path / "home", environment)
    assert raised.value.exit_code == 2


def test_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_text("a letter to the school\n" * 50)
    with pytest.raises(SyncError) as raised:
        open_state(tmp_path, {})
    assert raised.value.exit_code == 2
    assert (tmp_path / "state.db").read_text().startswith("a letter")
