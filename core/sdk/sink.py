"""What a sink is: the tables it wants, and how it takes changes. The engine does everything between."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal, Protocol, cast

from marshmallow import Schema, fields

from syncrun.sdk.source import Context

MappingKind = Literal["orgs", "teachers", "years", "classes", "students"]
"""What people decide on, record by record."""
Existing = Literal["ignore", "offer", "require"]
"""Rows that the sink had before the first sync and that nobody's sync owns. `ignore`: they are left alone. `offer`: a
person may choose what becomes of them. `require`: a person must, before there is a first sync."""
Removal = Literal["archive", "keep"]
"""`archive`: set aside, may come back. `keep`: what the source no longer sends stays as it is."""


class Ref(fields.String):
    """A column that holds the id of a row of another table of the same sink. The shape gives that row's key."""

    def __init__(self, to: str, **options: Any) -> None:
        super().__init__(**options)
        self.to = to


_SQL_TYPES: Mapping[type[fields.Field[Any]], str] = {
    fields.Boolean: "BOOLEAN",
    fields.Integer: "INTEGER",
    fields.Date: "DATE",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a sink's table: its type in the engine, what it tells of a person, the table it refers to.

    `drift`: a full sync puts right what somebody changed in the sink; without it only a change in the source does."""

    name: str
    sql_type: str
    privacy: str
    parent: str | None
    title: str
    drift: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a sink.

    `shape` is a DuckDB query over the canonical roster, the decisions (`mapped_orgs`, `mapped_teachers`,
    `mapped_years`) and nothing else. It gives `key` (text, unique), `school` (the `sourcedId` of the school the row
    belongs to, NULL for the district's own rows) and the columns of `schema`; for a `Ref` it gives the parent's key.

    `source`: the entity whose `sourcedId` is the key, for the reports. `match`: columns by which a row that was there
    before is recognised. `mapping`: the kind of decision that people make on its rows. `billable`: each new row costs
    money. `privilege`: a person who turns up in a table of higher privilege than before is held. `shrink`: the
    reference whose row must not lose too many rows of this table at once (the class of a class member). `existing`:
    what is asked about rows that were there before. `moves`: the reference that may change while the row stays the same
    to people (the class, where a pupil moves between sections); see `Action.MOVE`. `prompt`: removals protect somebody,
    like those of guardians who must not be in contact any more, and do not wait while other changes of their school do;
    only their own number can hold them.

    A field of the schema may say by `metadata={"match": "givenName"}` what it is to matchers, in OneRoster's words, and
    by `{"drift": False}` that a full sync leaves alone what people made of it in the sink.
    """

    name: str
    schema: type[Schema]
    shape: str
    source: str | None = None
    removal: Removal = "archive"
    match: tuple[str, ...] = ()
    billable: bool = False
    privilege: int = 0
    mapping: MappingKind | None = None
    shrink: str | None = None
    existing: Existing = "ignore"
    moves: str | None = None
    prompt: bool = False

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the schema, in its order."""
        declared = cast("Mapping[str, fields.Field[Any]]", vars(self.schema)["_declared_fields"])
        return tuple(
            Column(
                name,
                next((sql for kind, sql in _SQL_TYPES.items() if isinstance(field, kind)), "VARCHAR"),
                field.metadata.get("privacy", "structure"),
                field.to if isinstance(field, Ref) else None,
                field.metadata.get("title", name.replace("_", " ")),
                field.metadata.get("drift", True),
            )
            for name, field in declared.items()
        )

    @property
    def parents(self) -> dict[str, str]:
        """Tables referred to, by column."""
        return {column.name: column.parent for column in self.columns if column.parent}


@dataclass(frozen=True, slots=True)
class Remark:
    """What a sink tells of a roster beside the changes, with the plan. A sink has them as `remarks`, a tuple.

    `query` is a DuckDB query over what shapes may use and `shaped.<table>`; it gives one number. `words` is a sentence
    with `{count}` in it, which is told where the number is not 0. Example: how many guardians share a phone.
    """

    query: str
    words: str


class Action(enum.StrEnum):
    """What is done to one row."""

    CREATE = "create"
    LINK = "link"
    """Take over a row that was there before."""
    RESTORE = "restore"
    UPDATE = "update"
    MOVE = "move"
    """A row in place of another: a membership of one class becomes one of another, in one step."""
    ARCHIVE = "archive"
    RETIRE = "retire"
    """Set a row aside that was there before, since a person decided so."""
    RELEASE = "release"
    """Give a row back that was taken over or retired: as it was, and nobody's. One that the sync made is archived."""


Status = Literal["applied", "unchanged", "rejected", "conflict"]


@dataclass(frozen=True, slots=True)
class Change:
    """One change to one row, for sinks that take them one by one.

    `id` is the same when the same change is sent again. `sink_id` is the sink's own id of the row, None where the
    sink is to choose it. `values` holds the columns to touch, and no others; references are the sink's own ids.
    `quiet`: no message to people may come of it. `from_id`: the sink's own id of the row that a move takes the place of.
    `fence` is a number that only grows: a sink that can refuses a change with a lower one than it has seen, with
    `FenceError`, and does so in the same step as it writes. Between a look and a write after it, a run that was frozen may
    lie, and what it brings would overwrite what a newer one brought.
    """

    id: str
    table: str
    action: Action
    key: str
    sink_id: str | None
    values: Mapping[str, Any]
    quiet: bool
    fence: int
    from_id: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one change. `sink_id` is the id that the sink chose. A rejection has a code and a reason in
    words without personal data."""

    key: str
    status: Status
    sink_id: str | None = None
    code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """Who writes: the district, the installation that owns its rows, and an epoch that only grows."""

    district: str
    owner: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """The part of a run that is committed together; `number` counts from 0 within the run and is the same again
    when the run is resumed."""

    run: str
    number: int
    plan: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A column of a batch that has the same text in each row."""

    text: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes of one table and one action, in columns.

    The sink says which columns it wants, in its order: `"id"`, `"key"`, for a move `"from_id"`, names of `fields`, or a
    `Constant`.
    `rows(columns)` gives tuples of text, numbers, truth values or None, dates as text `YYYY-MM-DD`; `csv(columns)`
    the same as CSV bytes without a header, NULL as an empty unquoted cell.
    """

    table: Table
    action: Action
    fields: tuple[str, ...]
    size: int
    chunk: Chunk
    claim: Claim
    quiet: bool
    rows: Callable[[Sequence[str | Constant]], Iterator[tuple[Any, ...]]]
    csv: Callable[[Sequence[str | Constant]], BinaryIO]


@dataclass(frozen=True, slots=True)
class Observed:
    """A row as the sink has it. `owned`: this district's rows, written by us. `values` has the columns of the
    table's schema; references are the sink's own ids."""

    sink_id: str
    owned: bool
    archived: bool
    values: Sequence[Any]


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What the sink remembers of a committed chunk: everything in it was applied but for the `exceptions`."""

    chunk: int
    exceptions: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Whole:
    """All that a sink is to have, for sinks that publish it as files.

    `rows(query)` gives the rows of a DuckDB query over `after.<table>`, what the sink is to have now, and `before.<table>`,
    what it had: each with `key`, `school` and the table's columns, references as keys, without rows that are set aside.
    `moment` is when the run began, in the district's time zone; it is the same when a run that was cut off goes on.
    """

    claim: Claim
    run: str
    moment: datetime.datetime
    rows: Callable[[str], Iterator[tuple[Any, ...]]]


class Sink(Protocol):
    """What every sink has; it is a `RowSink`, a `BulkSink` or a `WholeSink` besides."""

    tables: tuple[Table, ...]

    def __init__(self, settings: Mapping[str, Any], context: Context) -> None:
        """Keep the settings; open nothing."""

    def check(self) -> None:
        """Look, read-only, whether the sink could be written to; raise a typed error when not."""

    def observe(self, table: str) -> Iterator[Observed]:
        """The rows that the sink has, ours and others; another district's rows are neither shown nor touched."""

    def close(self) -> None:
        """Let go of connections."""


class RowSink(Sink, Protocol):
    """A sink behind an API, which takes changes one by one. A change that comes again must not double."""

    def apply(self, changes: Sequence[Change]) -> Iterator[Outcome]:
        """Carry out the changes, one outcome for each."""


class BulkSink(Sink, Protocol):
    """A sink with `Cap.BULK` and `Cap.TRANSACTIONAL`: it takes columns, and remembers in itself what it took."""

    def claim(self, claim: Claim) -> None:
        """Note the writer; raise `OwnerError` when another installation was here, `FenceError` when a newer run was."""

    def latest_run(self) -> str | None:
        """The run whose chunk was committed last, None where there is none. Only reads."""

    def ledger(self, run: str) -> Iterable[LedgerEntry]:
        """The chunks of this run that are committed."""

    def apply_bulk(self, batch: Batch) -> Iterable[Outcome]:
        """Carry out the batch and its ledger row in one transaction; answer with the exceptions only."""


class WholeSink(Sink, Protocol):
    """A sink with `Cap.WHOLE`: it takes no changes, but all that there is, every time. Nothing in it is looked at or
    linked, so `observe` is not called. See `syncrun.sdk.file` for one that writes files."""

    every_year: bool
    """Whether it takes the rows of all school years where none is chosen, in place of none of them."""

    def publish(self, whole: Whole) -> None:
        """Put it where others find it: all of it at once, or nothing.

        Called by every run that is not dry once the sink was given something, also where nothing has changed: what is
        there already is left as it is. A run that was cut off calls again, with the same `run` and the same rows."""
