"""What people decided on orgs, teachers, school years, classes and students: the one small interface to it.

A decision says of a record of the source: `add` it to the sink, `link` it to a record that the sink already has, `join` it
to the record that another is linked to, or `skip` it. Each has a person and a moment. Earlier ones are kept; the current
one counts.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from dataclasses import replace as replaced
from typing import Literal

import sqlalchemy as sa

from syncrun.errors import DoubleUseError
from syncrun.sdk.sink import MappingKind
from syncrun.state.model import decisions
from syncrun.state.store import State

Verdict = Literal["add", "link", "join", "skip"]
KINDS: tuple[MappingKind, ...] = ("orgs", "teachers", "years", "classes", "students")
JOINABLE: tuple[MappingKind, ...] = ("orgs", "teachers")
"""Of these, two may be one in the sink."""
VERDICTS: tuple[Verdict, ...] = ("add", "link", "join", "skip")


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision. `sink_id` is the sink's record for `link` and `join`; `keep` names its columns that stay as they are."""

    kind: MappingKind
    source_id: str
    decision: Verdict
    sink_id: str | None = None
    keep: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Past:
    """A decision with who made it and when; `current` says that it counts."""

    decision: Decision
    who: str
    at: datetime.datetime
    current: bool


def current(state: State, district: str, sink: str) -> list[Decision]:
    """The decisions that count now."""
    return [each.decision for each in history(state, district, sink) if each.current]


def history(state: State, district: str, sink: str) -> list[Past]:
    """All decisions on a sink ever made, by kind, record and time."""
    query = (
        sa.select(decisions)
        .where(decisions.c.district == district, decisions.c.sink == sink)
        .order_by(decisions.c.kind, decisions.c.source_id, decisions.c.id)
    )
    with state.transaction() as connection:
        return [
            Past(Decision(row.kind, row.source_id, row.decision, row.sink_id, tuple(filter(None, (row.keep or "").split(",")))),
                 row.who, row.at, row.current)
            for row in connection.execute(query)
        ]  # fmt: skip


def put(
    state: State, district: str, sink: str, wanted: Iterable[Decision], who: str, *, confirmed: bool = False
) -> int:  # fmt: skip
    """Make these decisions current, beside those on other records; how many changed.

    Raises `DoubleUseError` when two records would be linked to one record of the sink, and then nothing is changed. Where
    that is `confirmed` and the kind is one of `JOINABLE`, the later one joins the one that is linked.
    """
    after = {(each.kind, each.source_id): each for each in current(state, district, sink)}
    given = list(wanted)
    if confirmed:
        linked = {(each.kind, each.sink_id): each.source_id for each in after.values() if each.decision == "link"}
        given = [
            replaced(each, decision="join")
            if each.decision == "link" and each.kind in JOINABLE
            and linked.setdefault((each.kind, each.sink_id), each.source_id) != each.source_id
            else each for each in given
        ]  # fmt: skip
    after |= {(each.kind, each.source_id): each for each in given}
    confirm_single(after.values(), confirmed=confirmed, among={(each.kind, each.sink_id) for each in given})
    return _write(state, district, sink, after, who, KINDS)


def clear(state: State, district: str, sink: str, records: Iterable[tuple[MappingKind, str]], who: str) -> int:
    """Take decisions back; how many there were."""
    gone = set(records)
    after = {key: each for each in current(state, district, sink) if (key := (each.kind, each.source_id)) not in gone}
    return _write(state, district, sink, after, who, KINDS)


def replace(state: State, district: str, sink: str, wanted: Sequence[Decision], who: str) -> int:
    """Make `wanted`, the rows of a mapping file, the current decisions on the kinds that a file rules; how many changed.
    What is no longer wanted is kept as history."""
    return _write(state, district, sink, {(each.kind, each.source_id): each for each in wanted}, who, ruled(wanted))


def ruled(wanted: Iterable[Decision]) -> tuple[MappingKind, ...]:
    """The kinds that a mapping file rules: orgs, teachers and years, and any other that it has a row of."""
    there = {each.kind for each in wanted}
    return tuple(kind for kind in KINDS if kind in there or kind in KINDS[:3])


def overlaid(before: Iterable[Decision], wanted: Sequence[Decision]) -> list[Decision]:
    """What `replace` would make of the decisions before."""
    kinds = ruled(wanted)
    found = [*(each for each in before if each.kind not in kinds), *wanted]
    return sorted(found, key=lambda each: (each.kind, each.source_id))


def confirm_single(
    wanted: Iterable[Decision], *, confirmed: bool, among: set[tuple[MappingKind, str | None]] | None = None
) -> None:
    """Raise `DoubleUseError` where one record of the sink is linked twice; `among`: only these are looked at."""
    for first, second in doubles(wanted):
        if among is not None and (second.kind, second.sink_id) not in among:
            continue
        if not confirmed or second.kind not in JOINABLE:
            hint = "Confirm it with --confirm-double." if second.kind in JOINABLE else "Disconnect that one first."
            raise DoubleUseError(
                f"{second.kind} {second.source_id} and {first.source_id} would both be {second.sink_id} of the sink.",
                safe="No decision was changed.", next_step=f"Choose another record for one of them. {hint}",
            )  # fmt: skip


def doubles(wanted: Iterable[Decision]) -> Iterator[tuple[Decision, Decision]]:
    """Pairs of decisions that link two records to one record of the sink; the first is the first by sourcedId."""
    seen: dict[tuple[str, str], Decision] = {}
    for each in sorted(wanted, key=lambda each: (each.kind, each.source_id)):
        if each.decision == "link" and each.sink_id:
            first = seen.setdefault((each.kind, each.sink_id), each)
            if first is not each:
                yield first, each


def _write(
    state: State, district: str, sink: str, after: dict[tuple[MappingKind, str], Decision], who: str,
    kinds: Sequence[MappingKind],
) -> int:  # fmt: skip
    before = {(each.kind, each.source_id): each for each in current(state, district, sink) if each.kind in kinds}
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    if not changed:
        return 0
    now = state.clock.now()
    rows = [
        {"district": district, "sink": sink, "kind": kind, "source_id": source_id, "decision": new.decision,
         "sink_id": new.sink_id, "keep": ",".join(new.keep) or None, "who": who, "at": now, "current": True}
        for kind, source_id in sorted(changed) if (new := after.get((kind, source_id)))
    ]  # fmt: skip
    mine = (decisions.c.district == district) & (decisions.c.sink == sink) & decisions.c.current
    with state.transaction() as connection:
        there = connection.execute(sa.select(decisions.c.id, decisions.c.kind, decisions.c.source_id).where(mine))
        over = [{"over": row.id} for row in there if (row.kind, row.source_id) in changed]
        if over:
            connection.execute(
                sa.update(decisions).where(decisions.c.id == sa.bindparam("over")).values(current=False), over
            )
        if rows:
            connection.execute(sa.insert(decisions), rows)
        state.note(connection, district, who, "map", f"sink {sink}", {"changed": len(changed)})
    return len(changed)
