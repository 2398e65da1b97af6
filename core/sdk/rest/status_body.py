"""What a server says of a request in words, read from the many forms it comes in.

Forms and words: OneRoster 1.1 and 1.2, REST, status information, and those of known services. Only words that a standard defines leave this module; a server's own text
may quote what it was asked, and is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

ONEROSTER = (
    "full success", "invalid_filter_field", "invalid_selection_field", "invalid_sort_field", "invalid data", "unauthorised request",
    "forbidden", "server_busy", "unknown object", "internal_server_error", "delete failure", "unsupported", "link failure",
    "unsupported operation", "target read failure",
)  # fmt: skip
OAUTH = (
    "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
    "invalid_token", "access_denied", "server_error", "temporarily_unavailable", "insufficient_scope",
)  # fmt: skip
STATUS_KEYS = frozenset({"imsx_StatusInfo", "statusInfoSet", "statusInfo", "errors", "warnings", "links"})
"""Keys that hold no records, whatever list is under them."""


def _bare(text: str) -> str:
    return text.lower().replace(" ", "").replace("_", "").replace("-", "")


_WORDS = {_bare(word): word.replace(" ", "") for word in (*ONEROSTER, *OAUTH)} | {
    "unauthorized": "unauthorisedrequest",
    "unauthorised": "unauthorisedrequest",
    "unauthorizedrequest": "unauthorisedrequest",
}


@dataclass(frozen=True, slots=True)
class StatusBody:
    """A server's remark: `major` (`success`, `failure`, ...) and `severity` as it says, `words` those of its reasons
    that a standard knows."""

    major: str = ""
    severity: str = ""
    words: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether it says that the request failed, whatever the status of HTTP."""
        return self.major in {"failure", "unsupported"}


def status_body(body: Any) -> StatusBody | None:
    """The remark in a parsed body; None where there is none."""
    items = list(_items(body))
    if not items:
        return None
    majors = [_bare(text) for item in items for text in _texts(item, "codeMajor")]
    severities = [_bare(text) for item in items for text in _texts(item, "severity")]
    minors = [text for item in items for text in (*_texts(item, "codeMinor"), *_texts(item, "CodeMinor"), *_texts(item, "error"))]  # fmt: skip
    words = tuple(dict.fromkeys(_WORDS[_bare(text)] for text in minors if _bare(text) in _WORDS))
    return StatusBody("failure" if "failure" in majors else next(iter(majors), ""), next(iter(severities), ""), words)


def _items(body: Any) -> Iterator[dict[str, Any]]:
    """The objects of a body that are remarks."""
    if not isinstance(body, dict):
        return
    if any(f"{prefix}{name}" in body for prefix in ("imsx_", "") for name in ("codeMajor", "codeMinor", "CodeMinor")) or (
        isinstance(body.get("error"), str)
    ):  # fmt: skip
        yield body
    for key in ("imsx_StatusInfo", "statusInfoSet", "statusInfo"):
        inner = body.get(key)
        for item in inner if isinstance(inner, list) else [inner]:
            yield from _items(item)


def _texts(item: dict[str, Any], name: str) -> Iterator[str]:
    """The texts under a name, with or without its prefix, at whatever depth the form has them."""
    for key in (f"imsx_{name}", name):
        yield from _leaves(item.get(key))


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _leaves(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key.removeprefix("imsx_") in {"codeMinorField", "codeMinorFieldValue"}:
                yield from _leaves(each)
