"""What a run tells while it is at work. The command line shows it, tests listen to it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Listens to a run. `phase` and `chunk` come at the moments after which a crash would find other things done."""

    def phase(self, name: str) -> None:
        """A phase begins: fetch, land, check, accept, shape, judge, apply, record, finish."""

    def page(self, collection: str, rows: int) -> None:
        """So many more records of a collection came from the source. Several threads may say so."""

    def chunk(self, sink: str, table: str, action: str, rows: int) -> None:
        """A chunk of so many rows is in the sink."""

    def total(self, sink: str, rows: int) -> None:
        """So many rows are to be sent to a sink."""


class Silent:
    """Listens and says nothing."""

    def phase(self, name: str) -> None:
        """Nothing."""

    def page(self, collection: str, rows: int) -> None:
        """Nothing."""

    def chunk(self, sink: str, table: str, action: str, rows: int) -> None:
        """Nothing."""

    def total(self, sink: str, rows: int) -> None:
        """Nothing."""
