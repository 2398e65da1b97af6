"""Fixtures for the tests of what is there for testing: a roster server, and a client that signs as others do."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from desk import Desk, small
from requests_oauthlib import OAuth1

from syncrun.testing.roster_server import RosterServer


class Caller:
    """Asks a server, signed, and gives what it answered."""

    def __init__(self, server: RosterServer, version: str = "1.1") -> None:
        self.server, self.version = server, version
        self.session = requests.Session()
        self.session.auth = OAuth1("k", "s", signature_method="HMAC-SHA256")

    def __call__(self, path: str, **parameters: Any) -> requests.Response:
        return self.session.get(f"{self.server.base_url(self.version)}/{path}", params=parameters, allow_redirects=False,
                                timeout=10)  # fmt: skip

    def keys(self, path: str, **parameters: Any) -> list[Any]:
        """The sourcedIds of the records of a list, whatever stands around it."""
        (records,) = self(path, **parameters).json().values()
        return [record["sourcedId"] for record in records]

    def all(self, path: str, limit: int, **parameters: Any) -> list[str]:
        """The sourcedIds of all pages, until one is empty."""
        found: list[str] = []
        while page := self.keys(path, limit=limit, offset=len(found), **parameters):
            found += page
        return found


@pytest.fixture(scope="session")
def small_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the small district."""
    desk = Desk(tmp_path_factory.mktemp("small"))
    desk.write(small())
    return desk.inbox


@pytest.fixture
def serve(small_files: Path) -> Iterator[Callable[..., Caller]]:
    """Starts a server with the small district, or what `path` names, and gives a caller for it."""
    with contextlib.ExitStack() as running:

        def start(path: Path = small_files, version: str = "1.1", **options: Any) -> Caller:
            server = running.enter_context(RosterServer.from_files(path, **{"key": "k", "secret": "s"} | options))
            caller = Caller(server, version)
            running.callback(caller.session.close)
            return caller

        yield start
