"""`syncrun testserver`: serves files until it is stopped, and says how to read from it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from desk import Desk, small
from requests_oauthlib import OAuth1

if TYPE_CHECKING:
    from terminal import Terminal


@pytest.fixture
def files(tmp_path: Path) -> Path:
    desk = Desk(tmp_path)
    desk.write(small())
    return desk.inbox


@contextmanager
def running(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own; it must end well when it is interrupted."""
    command = [sys.executable, "-m", "syncrun", "testserver", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
            process.send_signal(signal.SIGINT)
            _, error = process.communicate(timeout=30)
            assert (process.returncode, error) == (0, "")
        finally:
            process.kill()


def test_facts_are_one_line_of_json_and_true(files: Path) -> None:
    with running(files, "--json", "--max-limit", "2", "--fault", "total=absent") as process:
        facts = json.loads(process.stdout.readline())
        assert facts["auth"] == "oauth1"
        auth = OAuth1(facts["key"], facts["secret"], signature_method="HMAC-SHA256")
        answer = requests.get(f"{facts['base_url']}/users", auth=auth, timeout=5)
        assert [each["sourcedId"] for each in answer.json()["users"]] == ["teacher", "pupil-1"]
        assert "X-Total-Count" not in answer.headers
        assert requests.get(f"{facts['base_url']}/users", timeout=5).status_code == 401


def test_token_of_oauth_2_opens_version_1_2(files: Path) -> None:
    with running(files, "--json", "--auth", "oauth2", "--version", "1.2", "--prefix", "app-1") as process:
        facts = json.loads(process.stdout.readline())
        assert "/app-1/ims/oneroster/rostering/v1p2" in facts["base_url"]
        told = requests.post(facts["token_url"], data={"grant_type": "client_credentials"}, timeout=5,
                             auth=(facts["key"], facts["secret"])).json()  # fmt: skip
        answer = requests.get(f"{facts['base_url']}/students", timeout=5,
                              headers={"Authorization": f"Bearer {told['access_token']}"})  # fmt: skip
        assert [each["roles"][0]["role"] for each in answer.json()["users"]] == ["student", "student"]


def test_words_can_be_pasted_into_a_district_file(files: Path) -> None:
    with running(files) as process:
        lines = [process.stdout.readline().rstrip("\n") for _ in range(9)]
        source = tomllib.loads("\n".join(lines[2:7]))["source"]
        assert source == {"connector": "classlink", "base_url": source["base_url"], "key": "env:CLASSLINK_KEY",
                          "secret": "env:CLASSLINK_SECRET"}  # fmt: skip
        exported = dict(line.removeprefix("export ").split("=") for line in lines[8:])
        exported |= dict([process.stdout.readline().strip().removeprefix("export ").split("=")])
        auth = OAuth1(exported["CLASSLINK_KEY"], exported["CLASSLINK_SECRET"], signature_method="HMAC-SHA1")
        assert requests.get(f"{source['base_url']}/orgs", auth=auth, timeout=5).status_code == 200
        assert lines[0] == f"Serving OneRoster 1.1 at {source['base_url']} until Ctrl-C."


def test_faults_are_listed_without_a_folder(terminal: Terminal) -> None:
    answer = terminal("testserver", "--list-faults")
    assert (answer.code, answer.err) == (0, "")
    assert "too_heavy=          502 when limit is more than this\n" in answer.out
    found = terminal("testserver", "--list-faults", "--json").json
    assert {"name": "retry_after", "choices": ["seconds", "date", "absurd", "text", "none"],
            "words": "the Retry-After of a 429"} in found  # fmt: skip
    assert all(each["name"] in answer.out for each in found)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [((), "No folder or archive is named."), (("missing",), "does not exist"), ((".", "--auth", "magic"), "magic"),
     ((".",), "holds no OneRoster CSV files")],
)  # fmt: skip
def test_what_cannot_be_served_is_refused(terminal: Terminal, arguments: tuple[str, ...], words: str) -> None:
    answer = terminal("testserver", *arguments)
    assert answer.code == 2
    assert words in answer.err


def test_fault_that_there_is_not_is_refused(terminal: Terminal, files: Path) -> None:
    answer = terminal("testserver", files, "--fault", "gremlins")
    assert (answer.code, "There is no fault gremlins." in answer.err) == (2, True)


def test_port_that_is_taken_is_refused(terminal: Terminal, files: Path) -> None:
    with running(files, "--json") as process:
        port = json.loads(process.stdout.readline())["base_url"].split(":")[2].split("/")[0]
        answer = terminal("testserver", files, "--port", port)
    assert (answer.code, f"The port {port} cannot be had." in answer.err) == (2, True)
