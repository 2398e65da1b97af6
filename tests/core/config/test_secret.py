"""What a reference stands for is fetched from where it says, and what is missing is named without guessing."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from syncrun.config.secret import MissingSecretError, fetch, problem
from syncrun.errors import Problem

CANARY = "canary-4f7b"


def missing(reference: str, folder: Path = Path("/"), **environment: str) -> str:
    """The words about a secret that is not there."""
    with pytest.raises(MissingSecretError) as raised:
        fetch(reference, folder, environment)
    assert CANARY not in raised.value.message + raised.value.hint
    assert raised.value.hint
    return raised.value.message


def test_environment_variable() -> None:
    assert fetch("env:KEY", Path("/"), {"KEY": CANARY}).reveal() == CANARY
    assert missing("env:KEY", OTHER=CANARY) == "refers to the environment variable KEY, which is not set"
    assert missing("env:KEY", KEY="") == "refers to the environment variable KEY, which is not set"


def test_environment_is_the_one_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCRUN_TEST_KEY", CANARY)
    assert fetch("env:SYNCRUN_TEST_KEY", Path("/")).reveal() == CANARY


def test_file_beside_the_district_or_anywhere(tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text(f" {CANARY} \r\n")
    assert fetch("file:key.txt", tmp_path).reveal() == f" {CANARY} "
    assert fetch(f"file:{tmp_path / 'key.txt'}", Path("/elsewhere")).reveal() == f" {CANARY} "


def test_file_that_is_not_there_not_text_or_empty(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "empty").write_text("\n")
    assert missing("file:nothing", tmp_path) == "refers to the file nothing, which cannot be read"
    assert missing("file:binary", tmp_path) == "refers to the file binary, which cannot be read"
    assert missing("file:empty", tmp_path) == "refers to the file empty, which is empty"
    assert missing("file:.", tmp_path) == "refers to the file ., which cannot be read"


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], str]:
    """A keyring of the operating system, which a machine for tests has not."""
    kept: dict[tuple[str, str], str] = {}
    module = ModuleType("keyring")

    def get_password(service: str, user: str) -> str | None:
        if service == "locked":
            raise RuntimeError(CANARY)
        return kept.get((service, user))

    module.get_password = get_password  # type: ignore[attr-defined] # a module made here
    monkeypatch.setitem(sys.modules, "keyring", module)
    return kept


def test_keyring_by_service_and_name(keyring: dict[tuple[str, str], str]) -> None:
    keyring["syncrun/riverside", "key"] = CANARY
    assert fetch("keyring:syncrun/riverside/key", Path("/")).reveal() == CANARY
    assert missing("keyring:syncrun/other") == "refers to syncrun/other in the keyring, which is not there"
    assert missing("keyring:locked/x") == "cannot be fetched from the keyring (RuntimeError)"


def test_keyring_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert missing("keyring:syncrun/key") == "refers to the keyring, which is not installed"


def test_problem_says_where_the_reference_stands() -> None:
    error = MissingSecretError("is not set", "export KEY=...")
    assert problem("sinks[0].key", error) == Problem("E-CONFIG-5", "sinks[0].key", "is not set", "export KEY=...")
