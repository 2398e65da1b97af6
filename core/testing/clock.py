"""A clock that stands still until it is moved."""

from __future__ import annotations

import datetime


class FixedClock:
    """Tells the moment it was set to."""

    def __init__(self, moment: datetime.datetime) -> None:
        self.moment = moment

    def now(self) -> datetime.datetime:
        """The moment, in UTC."""
        return self.moment.astimezone(datetime.UTC)

    def move(self, **difference: float) -> None:
        """Move it: `move(hours=25)`."""
        self.moment += datetime.timedelta(**difference)
