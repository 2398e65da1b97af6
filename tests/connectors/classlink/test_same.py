"""The same district as files and over REST, through the whole engine: the same plan, the same planner."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from remote import KEY, SECRET, Patience, Remote
from world import World, planned

from syncrun.demo import roster
from syncrun.sdk import rest
from syncrun.sdk.rest import budget
from syncrun.testing.roster_server import OAuth2


def awkward() -> roster.Files:
    """The demo district with ids and names that are easy to spoil."""
    told = json.dumps(roster.first_day())
    for was, now in (("s1001", "0012"), ("s1002", "a|b"), ("s1003", "Zoë-1"), ("class-1-0", "k 0")):
        told = told.replace(f'"{was}"', json.dumps(now)).replace(f'-{was}"', f'-{now}"').replace(f'"{was}-', f'"{now}-')
    files: roster.Files = json.loads(told)
    files["users"].append({**files["users"][4], "sourcedId": "mother", "role": "parent", "username": "mother",
                           "identifier": "", "grades": "", "givenName": "d'Été", "orgSourcedIds": "school-1"})  # fmt: skip
    files["users"][4]["agentSourcedIds"] = "mother"
    files["users"][5]["orgSourcedIds"] = "school-1,school-2"
    return files


@pytest.fixture(scope="module")
def from_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What comes of it as files: the plan's hash, its figures, the planner's rows."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("files")
        patch.setenv("SYNCRUN_HOME", str(folder / "home"))
        world = World(folder)
        world.write(awkward())
        return outcome(world)


def outcome(world: World) -> dict[str, Any]:
    """The plan, and the planner after it."""
    result = world.sync()
    assert result.exit_code == 3, result.summary
    world.approve()
    assert world.sync().exit_code == 0
    return {"plan": result.summary["plan"], "planned": planned(result), "rows": world.dump()}


@pytest.mark.parametrize("version", ["1.1", "1.2"])
@pytest.mark.parametrize("access", ["oauth1", "oauth2"])
def test_the_same_plan(fresh: Remote, from_files: dict[str, Any], version: str, access: str) -> None:
    fresh.write(awkward())
    with fresh.serve(access=access) as server:
        more = {"token_url": server.token_url} if access == "oauth2" else {}
        fresh.point(version, page_size=60, **more)
        assert outcome(fresh) == from_files


# -- secrets -------------------------------------------------------------------------------------------------------------

CHILDREN = ("Nguyễn", "Okafor", "Zoë")
"""Names; ids stand in findings, so that a record can be looked up."""


@pytest.mark.parametrize("faults", [
    {}, {"forbidden": True, "begin": 5}, {"body": "html", "begin": 5}, {"json": "nan", "begin": 5}, {"page_missing": 3},
    {"only": ("users",), "refs": "list"}, {"cut_after": 400, "begin": 4}, {"filter_refused": True},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("way", ["oauth1", "oauth2"])
def test_no_secret_and_no_child_is_told(
    fresh: Remote, faults: dict[str, Any], way: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nowhere in what is printed, logged or kept for operators, nor in the names of files; at the loudest level."""
    caplog.set_level(logging.DEBUG)
    for name in ("urllib3", "oauthlib", "requests_oauthlib", "tenacity", "syncrun"):
        caplog.set_level(logging.DEBUG, name)
    access: Any = OAuth2(KEY, SECRET) if way == "oauth2" else "oauth1"
    with fresh.serve(access=access) as server:
        fresh.point(page_size=50, deltas=True, **({"token_url": server.token_url} if way == "oauth2" else {}))
        fresh.break_it(**faults)
        result = fresh.sync()
        told = [
            json.dumps(result.summary, default=str),
            repr(result),
            repr(result.error),
            *capfd.readouterr(),
            caplog.text,
        ]
        tokens = list(getattr(access, "_grants", {}))
    kept = [path for path in fresh.home.rglob("*") if path.is_file()]
    told += [str(path) for path in kept]
    secrets = [KEY, SECRET, *map(str, tokens)]
    assert way == "oauth1" or tokens
    for path in kept:
        content = path.read_bytes()
        assert not [each for each in secrets if each.encode() in content], path.name
        if path.suffix == ".txt" or path.name.startswith("state"):
            assert not [each for each in CHILDREN if each.encode() in content], path.name
    for text in told:
        assert not [each for each in (*secrets, *CHILDREN) if each in text]


def test_the_secrets_are_in_no_process_title(remote: Remote) -> None:
    """They come by the environment or a file; the command line, which everybody sees, has none."""
    seen: list[str] = []

    def look(asked: object) -> None:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                continue

    if not Path("/proc/self/cmdline").exists():
        pytest.skip("needs /proc")
    remote.server.before_page = look
    remote.point(page_size=9_000)
    assert remote.syncrun("--district", str(remote.toml))[0] == 0
    assert any("syncrun" in each for each in seen)
    assert not [each for each in seen if KEY in each or SECRET in each]


# -- two districts -------------------------------------------------------------------------------------------------------


def test_districts_of_a_process_share_what_a_host_allows(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one of them is told, too many requests, holds for the other; the closest wish counts."""
    monkeypatch.undo()
    monkeypatch.setenv("CANARY_KEY", KEY)
    monkeypatch.setenv("CANARY_SECRET", SECRET)
    monkeypatch.setattr(budget, "_HOSTS", {})
    patience = Patience()
    monkeypatch.setattr(rest, "Client", patience.client)
    found = []
    for wish in (4, 2):
        remote.point(requests_at_once=wish)
        source: Any = remote.session().source()
        found.append(source._client.budget)  # whose it is, is the matter
    assert found[0] is found[1]
    assert found[0].allowed == 2
    found[0].slow_down()
    assert found[1].allowed == 1
