"""A request for records, as tests and faults see it."""

from __future__ import annotations

from dataclasses import dataclass

from syncrun.testing.roster_server.version import Version


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was let in. `number` counts requests for records from 1, over the life of the server; `path` is
    below the base, `word` its last word that names records, as `students`; `collection` what they are, as `users`;
    `query` is as it was sent."""

    number: int
    version: Version
    path: str
    word: str
    collection: str
    query: str
