"""The log of a run: what it says, in both forms, and that nothing of a child, no secret and no message of others is in it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from gradebook import Gradebook
from stages import staged

from syncrun.errors import AuthError, LeaseBusyError, UsageError
from syncrun.run.journal import FIELDS, Journal, allowed, chosen
from syncrun.run.runner import sync
from syncrun.state import lease

if TYPE_CHECKING:
    from pathlib import Path

    from terminal import Terminal
    from vendor import Site
    from world import World

CANARY = "Canary7f"


def lines(text: str) -> list[dict[str, Any]]:
    """The log as JSON, a line an object."""
    return [json.loads(line) for line in text.splitlines()]


def logged(world: World, form: str = "json", **options: Any) -> str:
    """The log of a run, in this process."""
    stream = io.StringIO()
    seconds = iter(range(10_000))
    journal = Journal(form, stream, timer=lambda: float(next(seconds)))  # type: ignore[arg-type] # one of the two
    world.clock.move(seconds=1)
    session = world.session(**options, progress=journal)
    journal.begin(session)
    journal.end(sync(session))
    return stream.getvalue()


def test_log_says_when_it_began_each_phase_each_sink_and_how_it_ended(settled: World) -> None:
    settled.edit("users", "s1001", familyName="New")
    settled.write()
    found = lines(logged(settled))
    assert [line["event"] for line in found if line["event"] != "phase ended"] == [
        "run started", "sink begins", "sink ended", "run ended",
    ]  # fmt: skip
    assert {line["phase"] for line in found if line["event"] == "phase ended"} >= {
        "fetch",
        "land",
        "judge",
        "apply",
        "record",
    }
    assert all(line["seconds"] == 1 for line in found if line["event"] == "phase ended")
    assert {line["district"] for line in found} == {"riverside"}
    assert len({line["run"] for line in found}) == 1
    first, sink, last = found[0], found[-2], found[-1]
    assert (first["mode"], first["dry_run"], first["timestamp"]) == (
        "incremental",
        False,
        "2026-11-20T19:00:01.000+00:00",
    )
    assert (sink["sink"], sink["update"], sink["held_parts"]) == ("planner", 1, 0)
    assert (last["outcome"], last["exit_code"], last["files"], last["level"]) == ("DONE", 0, 6, "info")
    assert last["seconds"] > 5


def test_log_as_text_is_one_line_an_event(settled: World) -> None:
    found = logged(settled, "text").splitlines()
    assert found[0].startswith('timestamp=2026-11-20T19:00:01.000+00:00 level=info event="run started" run=')
    assert "outcome=DONE" in found[-1]
    assert "nothing_to_do=true" in logged(settled, "text").splitlines()[-1]


def planted(world: World) -> None:
    """Put the canary into every cell of every file that may hold any text, ids too."""
    for entity, rows in world.files.items():
        for row in rows:
            for column in row:
                if (
                    column.lower().endswith(("name", "title", "email", "phone", "sms", "identifier", "password"))
                    and row[column]
                ):
                    row[column] = f"{row[column]}-{CANARY}"
        if entity == "users":
            rows[5]["role"] = CANARY
            rows[6]["orgSourcedIds"] = f"school-{CANARY}"
            rows.append({**rows[7], "sourcedId": f"s1-{CANARY}"})
        if entity == "classes":
            rows[0]["classType"] = CANARY
    world.write()


@pytest.fixture
def two(world: World, site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    staged(world, site, monkeypatch)
    yield world
    Gradebook.fresh()


def test_canaries_in_all_cells_and_in_every_error_are_not_in_the_log_nor_in_a_notice(two: World) -> None:
    planted(two)
    told = [logged(two), logged(two, dry_run=True), logged(two, "text", mode="full")]
    two.approve()

    def refuse() -> None:
        raise AuthError(f"The ledger refuses {CANARY}@example.org", next_step=f"Ask {CANARY}.")

    def burst() -> None:
        raise RuntimeError(CANARY)

    Gradebook.early, Gradebook.faults = True, [refuse, burst]
    told += [logged(two), logged(two, "text")]
    Gradebook.refused = {f"s1-{CANARY}", "s1001", "s1002"}
    told += [logged(two)]
    (two.inbox / "users.csv").write_text(f'"{CANARY}\n', encoding="utf-8")
    told += [logged(two), logged(two, "text")]
    ends = [line for text in told if text.startswith("{") for line in lines(text) if line["event"] == "run ended"]
    assert {line["outcome"] for line in ends} >= {"HELD", "REFUSED"}
    assert all(CANARY.lower() not in text.lower() for text in told)
    assert set().union(*(line for text in told if text.startswith("{") for line in lines(text))) <= FIELDS
    shown = (
        two.syncrun("digest", "show", "--json")[1]
        + two.syncrun("digest", "show")[1]
        + two.syncrun("status", "--json", "--district", str(two.toml))[1]
    )
    assert {code for code in ("N-SINK-1", "N-SINK-2", "N-RUN-1", "N-HELD-1") if code in shown} >= {
        "N-SINK-2",
        "N-RUN-1",
    }
    assert CANARY.lower() not in shown.lower()


def test_only_named_fields_with_plain_words_pass() -> None:
    found = allowed(None, "info", {"event": "run ended", "sink": f"a\nb\x1b[31m{CANARY}", "rows": 3, "message": CANARY,
                                   "code": None, "outcome": "DONE"})  # fmt: skip
    assert found == {"event": "run ended", "sink": "?", "rows": 3, "outcome": "DONE"}


def test_run_that_does_not_begin_is_in_the_log_too(settled: World, terminal: Terminal) -> None:
    with lease.held(settled.state().engine, "riverside", "another", settled.clock), pytest.raises(LeaseBusyError):
        logged(settled)
    answer = terminal("--district", "no-such", "--log-json", "--json")
    assert (answer.code, answer.json["outcome"]) == (2, "REFUSED")
    assert lines(answer.err) == [{"event": "run not started", "level": "error", "outcome": "REFUSED", "exit_code": 2,
                                  "code": "E-CONFIG-3"}]  # fmt: skip


def test_log_goes_to_stderr_as_the_option_or_the_environment_asks(
    settled: World, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert terminal("--district", settled.toml, "--json").err == ""
    asked = terminal("--district", settled.toml, "--json", "--log-json")
    assert asked.json["outcome"] == lines(asked.err)[-1]["outcome"] == "DONE"
    monkeypatch.setenv("SYNCRUN_LOG", "text")
    assert 'event="run ended"' in terminal("--district", settled.toml).err
    monkeypatch.setenv("SYNCRUN_LOG", "loud")
    assert terminal("--district", settled.toml).code == 2
    with pytest.raises(UsageError):
        chosen({"SYNCRUN_LOG": "loud"})
    assert chosen({"SYNCRUN_LOG": "text"}) == "text"
    assert chosen({"SYNCRUN_LOG": "text"}, as_json=True) == "json"
    assert chosen({}) is None


def test_library_is_loaded_only_where_a_log_is_asked_for(settled: World, tmp_path: Path) -> None:
    code = ("import sys; sys.argv = ['syncrun', '--district', {toml!r}, *{more!r}]\nfrom syncrun.cli import main\n"
            "try: main()\nexcept SystemExit: pass\nprint('LOADED', 'structlog' in sys.modules)")  # fmt: skip
    for more, found in (([], "False"), (["--log-json"], "True")):
        done = subprocess.run([sys.executable, "-c", code.format(toml=str(settled.toml), more=more)], capture_output=True,
                              text=True, check=True, env=settled.environment())  # fmt: skip
        assert done.stdout.rpartition("LOADED")[2].strip() == found
