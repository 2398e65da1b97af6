"""Who is let in: nobody is asked, a fixed token, OAuth 1.0a signatures, or OAuth 2 tokens.

Nothing here keeps or shows a secret of anybody: keys and secrets are made up for tests.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from syncrun.testing.roster_server.answer import Answer


@dataclass(frozen=True, slots=True)
class Knock:
    """A request before it is let in. `host` is scheme, name and port as the client called them, `target` the path and
    the query as they were sent; `word` is the last word of the path that names records, `nested` says that they are
    listed below another."""

    method: str
    host: str
    target: str
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)
    word: str = ""
    nested: bool = False

    @property
    def url(self) -> str:
        """What the client called, with its query."""
        return self.host + self.target

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The query, as it was sent."""
        return self.target.partition("?")[2]


@dataclass(frozen=True, slots=True)
class Denial:
    """Why a request is not let in: 401 for who is not known, 403 for who may not."""

    status: int
    words: str

    @property
    def minor(self) -> str:
        """OneRoster's word for it."""
        return "forbidden" if self.status == 403 else "unauthorisedrequest"


class Access(Protocol):
    """What decides who is let in."""

    def denial(self, knock: Knock) -> Denial | None:
        """Why the request is not let in, or None when it is."""

    def token(self, knock: Knock) -> Answer | None:
        """The answer of the token endpoint, if the request is for it."""


class Open:
    """Everybody is let in."""

    def denial(self, knock: Knock) -> Denial | None:
        """Nobody is kept out."""
        return None

    def token(self, knock: Knock) -> Answer | None:
        """There is no token endpoint."""
        return None


class Bearer(Open):
    """A fixed token, as ClassLink's proxy wants it."""

    def __init__(self, value: str) -> None:
        self.value = value

    def denial(self, knock: Knock) -> Denial | None:
        """Who does not bring the token is kept out."""
        told = f"Bearer {self.value}"
        if hmac.compare_digest(knock.headers.get("Authorization", "").encode(), told.encode()):
            return None
        return Denial(401, "The token is missing or wrong.")
