"""Finding the records in an answer, whatever key they are under (OneRoster 1.2, REST, payloads)."""

from __future__ import annotations

from typing import Any

from syncrun.errors import EnvelopeError
from syncrun.sdk.rest.answer import Answer
from syncrun.sdk.rest.status_body import STATUS_KEYS


def records(body: Any, key: str, path: str, what: str) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """The records of a collection, and code words for what deviates from the standard.

    They are the list under `key`; else under the last word of the path (`envelope-path`); else the only list there is
    (`envelope-other`); else the body itself (`envelope-bare`). Raises `EnvelopeError` where there is no list, or where
    an item of it is no object; `what` names the request.
    """
    found, deviation = _list(body, key, path.rsplit("/", 1)[-1])
    if found is None:
        raise EnvelopeError(f"{what}: the answer has no list under {key}.")
    wrong = next((place for place, each in enumerate(found) if not isinstance(each, dict)), None)
    if wrong is not None:
        raise EnvelopeError(f"{what}: item {wrong} of {key} is no object.")
    return found, ((deviation,) if deviation else ())


def records_of(answer: Answer, key: str, path: str) -> list[dict[str, Any]]:
    """The records in an answer to a single request, wherever they are."""
    return records(answer.json, key, path, f"GET {path}")[0]


def _list(body: Any, key: str, word: str) -> tuple[list[Any] | None, str]:
    if isinstance(body, list):
        return body, "envelope-bare"
    if not isinstance(body, dict):
        return None, ""
    if key in body:
        return (body[key] if isinstance(body[key], list) else None), ""
    if isinstance(body.get(word), list):
        return body[word], "envelope-path"
    lists = [value for name, value in body.items() if isinstance(value, list) and name not in STATUS_KEYS]
    return (lists[0], "envelope-other") if len(lists) == 1 else (None, "")
