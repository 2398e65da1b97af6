"""Answers before they are sent, and OneRoster's error bodies in all forms that servers give them (section 8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import orjson

from syncrun.testing.roster_server.version import Version

JSON = "application/json; charset=utf-8"


@dataclass(slots=True)
class Answer:
    """A status, headers and a body; `Content-Length` and `Date` are added when it is sent."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": JSON})


OLD_MINORS = {"unauthorisedrequest": "unauthorized", "unknownobject": "unknown object", "invaliddata": "invalid data"}
"""What version 1.1 calls some of the words for causes."""


def _imsx(minor: str, words: str) -> dict[str, object]:
    field = {"imsx_codeMinorFieldName": "TargetEndSystem", "imsx_codeMinorFieldValue": minor}
    return {"imsx_codeMajor": "failure", "imsx_severity": "error", "imsx_description": words,
            "imsx_CodeMinor": {"imsx_codeMinorField": [field]}}  # fmt: skip


def _flat(minor: str, words: str) -> dict[str, object]:
    return {"imsx_codeMajor": "failure", "imsx_severity": "error", "imsx_codeMinor": minor, "imsx_description": words}


FORMS: Mapping[str, Callable[[str, str], object]] = {
    "imsx": _imsx,
    "status_info": lambda minor, words: {"imsx_StatusInfo": _imsx(minor, words)},
    "flat": _flat,
    "status_info_set": lambda minor, words: {"statusInfoSet": [_flat(OLD_MINORS.get(minor, minor), words)]},
    "strongmind": lambda minor, words: {"statusInfoSet": [
        _flat(minor, words) | {"imsx_messageRefIdentifier": "m-1", "imsx_operationRefIdentifier": "o-1"}]},
    "unprefixed": lambda minor, words: {"codeMajor": "failure", "severity": "error", "codeMinor": minor,
                                        "description": words},
    "oauth": lambda minor, words: {"error": minor, "error_description": words},
}  # fmt: skip
"""The forms of error bodies in section 8.2, by a name for each."""
HTML = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><form></form></body></html>"


def refusal(status: int, minor: str, words: str, version: Version, form: str = "") -> Answer:
    """An error, in the form of a version or in another."""
    if form == "html":
        return Answer(status, HTML, {"Content-Type": "text/html"})
    if form == "empty":
        return Answer(status, b"", {})
    told = FORMS[form or ("imsx" if version == "1.2" else "status_info_set")](minor, words)
    return Answer(status, orjson.dumps(told))
