"""How many records to ask for at once: fewer when pages are too heavy for the other side, slowly more again."""

from __future__ import annotations

SMALLEST = 50
PATIENCE = 4
"""Good pages before the first growth; twice as many after each further fall."""


class PageSize:
    """The limit of a pull's next page, between `SMALLEST` and what was asked for at first."""

    def __init__(self, most: int) -> None:
        self.limit = most
        self._most = most
        self._least = min(SMALLEST, most)
        self._patience = PATIENCE
        self._good = 0

    @property
    def smallest(self) -> bool:
        """Whether no less can be asked for."""
        return self.limit <= self._least

    def shrink(self) -> None:
        """The page was too heavy."""
        self.limit = max(self._least, self.limit // 2)
        self._patience *= 2
        self._good = 0

    def good(self) -> None:
        """The page came."""
        self._good += 1
        if self.limit < self._most and self._good >= self._patience:
            self.limit = min(self._most, self.limit * 2)
            self._good = 0
