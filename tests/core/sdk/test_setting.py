"""Settings of connectors: secrets stand as references, and what was fetched does not show itself."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from marshmallow import Schema, ValidationError

from syncrun.sdk import DatabaseUrl, Secret, SecretText
from syncrun.sdk.setting import Reference

CANARY = "canary-4f7b"


class Settings(Schema):
    key = Secret()
    url = DatabaseUrl()


def messages(**raw: Any) -> list[str]:
    """What the schema says of a value."""
    with pytest.raises(ValidationError) as raised:
        Settings().load(raw)
    return [text for texts in raised.value.messages_dict.values() for text in texts]


def test_secret_text_shows_itself_to_nobody_who_did_not_ask() -> None:
    secret = SecretText(CANARY)
    shown = [repr(secret), str(secret), f"{secret}", f"{secret!r:>40}", "%s" % secret, repr({"key": secret}),  # noqa: UP031 # on purpose
             json.dumps({"key": secret}, default=str)]  # fmt: skip
    assert not any(CANARY in text for text in shown)
    assert secret.reveal() == CANARY
    assert not hasattr(secret, "__dict__")


def test_secret_texts_compare_by_what_they_hide() -> None:
    assert SecretText("a") == SecretText("a") != SecretText("b")
    assert SecretText("a") != "a"
    assert len({SecretText("a"), SecretText("a")}) == 1
    assert pickle.loads(pickle.dumps(SecretText("a"))) == SecretText("a")


@pytest.mark.parametrize("text", ["env:KEY", "file:/run/key", "file:key.txt", "keyring:syncrun/key"])
def test_reference_is_taken_for_a_secret_and_for_an_address(text: str) -> None:
    loaded = Settings().load({"key": text, "url": text})
    assert loaded == {"key": text, "url": text}
    assert all(isinstance(each, Reference) for each in loaded.values())


@pytest.mark.parametrize("value", [CANARY, f"Env:{CANARY}", f"vault:{CANARY}", 7, ["env:KEY"], ""])
def test_secret_as_a_value_is_refused_without_repeating_it(value: object) -> None:
    (message,) = messages(key=value)
    assert message.startswith("E-CONFIG-6: ")
    assert CANARY not in message


@pytest.mark.parametrize("url", [
    "sqlite:///planner.db", "sqlite:////srv/pl:anner@home.db", "postgresql://host/planner", "postgresql://me@host:5432/p",
    "postgresql:///planner?host=/run/postgresql&user=me", "postgresql://[::1]:5432/p",
])  # fmt: skip
def test_address_without_a_password_is_taken_as_it_is(url: str) -> None:
    found = Settings().load({"url": url})["url"]
    assert found == url
    assert not isinstance(found, Reference)


@pytest.mark.parametrize("url", [
    f"postgresql://me:{CANARY}@host/p", f"postgres://me:{CANARY}@host:5432/p", f"postgresql+psycopg://:{CANARY}@host/p",
    f"postgresql://me:{CANARY}#1@host/p", f"postgresql://me:{CANARY}/x@host/p", f"postgresql://me:{CANARY}[@host/p",
    f"postgresql://me:{CANARY}?@host/p", f"postgresql://host/p?user=me&password={CANARY}",
    f"postgresql://host/p?sslpassword={CANARY}", f"mysql://me:{CANARY}@host/p",
])  # fmt: skip
def test_address_with_a_password_is_refused_without_repeating_it(url: str) -> None:
    (message,) = messages(url=url)
    assert message.startswith("E-CONFIG-6: ")
    assert CANARY not in message


def test_what_is_no_address_is_said_to_be_none() -> None:
    (message,) = messages(url=CANARY)
    assert message == "is neither a reference nor a database address like sqlite:///planner.db"
