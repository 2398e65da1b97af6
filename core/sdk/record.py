"""What a source is that sends records page by page, as an API does, and what it hands over."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from syncrun.sdk.source import Context, Format


@dataclass(frozen=True, slots=True)
class Mark:
    """What the data of a source is known by at one moment.

    `revision` is a text that changes whenever anything of the data does; None where the source has none. A pull of
    several pages counts only when all of them have the same. `moment` is the source's own time, with a time zone; None
    where it does not tell. `version` is the text by which a source counts its changes (`Deltas.by_version`).
    """

    revision: str | None = None
    moment: datetime.datetime | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A piece of one collection.

    `records` are JSON objects as Python has them: their values are text, numbers, true, false, None, lists and objects.
    Anything else in the place of a record is rejected there. `cursor` says where reading goes on behind this page, in
    the source's own words; None on the last one. `complete` may be true on the last page alone, and only where it is
    proved that every record of the collection was in one of the pages: this alone makes "what was not sent is gone".
    Otherwise `doubt` says why not, in a few words without personal data. `notes` are remarks
    on how the source departs from its standard; `revision` as in `Mark`.
    """

    records: Sequence[Any]
    cursor: str | None = None
    complete: bool = False
    doubt: str = ""
    revision: str | None = None
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Deltas:
    """How a source that can send changes alone is asked for them: what changed since the last good pull began, `overlap`
    earlier. After `full_every` everything is read again, since changes miss what a source forgets to date.

    With `by_version` they are asked for by the `version` of the mark that the last good pull began with, and no time comes
    into it.
    """

    full_every: datetime.timedelta = field(default=datetime.timedelta(days=7))
    overlap: datetime.timedelta = field(default=datetime.timedelta(hours=1))
    by_version: bool = False


class RecordSource(Protocol):
    """A source that sends records. Collections are the kinds of `format` (`FileKind.entity`), their columns the keys of
    records that are kept: text as it is, numbers and booleans as JSON writes them, lists and objects as JSON. What is
    drawn of them (`Format.drawn`) is canonical.

    The engine reads several collections at a time, each in a thread of its own, keeps every page on disk as it comes,
    and after a crash goes on behind the last page.
    """

    format: Format
    deltas: Deltas | None
    """How changes are asked for; None: everything is read every time."""

    def __init__(self, settings: Mapping[str, Any], context: Context) -> None:
        """Keep the settings; open nothing."""

    def check(self) -> None:
        """Look, read-only, whether records could be read; raise a typed error when not."""

    def mark(self) -> Mark:
        """What the data is known by now, by one cheap call."""

    def read(self, collection: str, since: Any, cursor: str | None) -> Iterator[Page]:
        """The pages of a collection, from `cursor` on; with `since`, a moment or a version as `deltas` says, only what
        changed then or later. At least one page comes, also of an empty collection.

        Raises `NoDeltasError` where changes alone cannot be had: everything is read then, and asked for until the
        settings change; `StartOverError` where they will be had again from this pull on.
        """

    def close(self) -> None:
        """Let go of what is open."""
