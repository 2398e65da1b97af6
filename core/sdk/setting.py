"""Fields for the settings of connectors and sinks, beside marshmallow's own.

Secrets stand in a district file as references (`env:NAME`, `file:/path`, `keyring:service/name`), never as values.
A plug-in gets them as `SecretText`, which prints as `***`.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields

SCHEMES = ("env:", "file:", "keyring:")


class SecretText:
    """A text that does not show itself; `reveal()` gives it to the one place that needs it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        return "SecretText(***)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretText) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


class Reference(str):
    """A text that says where a secret is, in place of the secret."""

    __slots__ = ()


class Secret(fields.Field):  # type: ignore[type-arg] # generic only to type checkers
    """A reference to a secret. The value it stands for is fetched after the whole file has been checked."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if not isinstance(value, str) or not value.startswith(SCHEMES):
            raise ValidationError("E-CONFIG-6: write a reference (env:NAME, file:/path, keyring:service/name), "
                                  "not the secret itself")  # fmt: skip
        return Reference(value)


class DatabaseUrl(Secret):
    """A database address: a reference, or an address that holds no password, like `sqlite:///planner.db`."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if isinstance(value, str) and not value.startswith(SCHEMES):
            if "://" not in value:
                raise ValidationError("is neither a reference nor a database address like sqlite:///planner.db")
            if _has_password(value):
                raise ValidationError("E-CONFIG-6: holds a password; write a reference like env:PLANNER_URL")
            return value
        return super()._deserialize(value, attr, data, **kwargs)


def _has_password(url: str) -> bool:
    """Whether an address holds a password, in its place or as a parameter. It is read as drivers read it: all before
    the last `@` is user and password, whatever characters a password has."""
    scheme, _, rest = url.partition("://")
    parameters = urllib.parse.parse_qs(rest.partition("?")[2], keep_blank_values=True)
    if any("password" in each.lower() for each in parameters):
        return True
    return not scheme.startswith("sqlite") and ":" in rest.rpartition("@")[0]
