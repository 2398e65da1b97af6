"""Connecting classrooms of a sink with classes of the source: what stands against it, and what should be known of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from syncrun.run.sheet import Sheet
from syncrun.state.decision import Decision, Past

KIND: Final = "classes"


@dataclass(frozen=True, slots=True)
class Pair:
    """A classroom of the sink and a class of the source, and where they were named (a line of a file, or nowhere)."""

    classroom: str
    source_id: str
    place: str = ""

    @property
    def decision(self) -> Decision:
        """The decision that the class is that classroom."""
        return Decision(KIND, self.source_id, "link", self.classroom)


def connected(sheet: Sheet) -> list[Past]:
    """The connections that count."""
    return [past for past in sheet.decisions if past.decision.kind == KIND and past.decision.decision == "link"]


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a pair cannot be. `double`: the classroom or the class is connected already, or twice in one file."""

    pair: Pair
    why: str
    double: bool = False


def objections(sheet: Sheet, pairs: Sequence[Pair], school: str | None) -> Iterator[Objection]:
    """Pairs that cannot be, and why. `school` is the only one whose classrooms may be connected: its sourcedId, or the
    sink's id of it."""
    held = set() if school is None else {school, sheet.schools().get(school, school)}
    standing = connected(sheet)
    unusable = dict(sheet.objections(pair.decision for pair in pairs))
    seen: dict[str, Pair] = {}
    for pair in pairs:
        if pair.decision in unusable:
            yield Objection(pair, unusable[pair.decision])
            continue
        if held and school is not None:
            row = sheet.row(KIND, pair.classroom)
            if row is not None and row.features.get("school") not in held:
                yield Objection(pair, f"the classroom is not one of school {school}")
        for past in standing:
            same = past.decision.source_id == pair.source_id, past.decision.sink_id == pair.classroom
            if any(same) and not all(same):
                yield Objection(pair, _names_first(past), double=True)
        for word in (f"class {pair.source_id}", f"classroom {pair.classroom}"):
            first = seen.setdefault(word, pair)
            if first is not pair:
                yield Objection(pair, f"{word} is used at {first.place or first.classroom} already", double=True)


def _names_first(past: Past) -> str:
    return (f"class {past.decision.source_id} is connected with classroom {past.decision.sink_id} already: so decided "
            f"{past.who}, {past.at:%Y-%m-%d %H:%M}")  # fmt: skip


def remarks(sheet: Sheet, source_ids: Iterable[str]) -> Iterator[str]:
    """What should be known of these classes before there is a plan: that the source does not share one, or that it takes
    no part."""
    for each in source_ids:
        if not sheet.knows(KIND, each):
            yield (f"The source does not share a class {each} (as it was read {sheet.roster.moment} UTC): it may be "
                   "misspelt, not shared, or of another district. Nothing is taken over until it is.")  # fmt: skip
        elif sheet.shown(KIND, each) is None:
            yield f"Class {each} takes no part: its school or its school year is not chosen."


def named(sheet: Sheet, either: str) -> list[Past]:
    """The connections of a classroom or of a class."""
    return [past for past in connected(sheet) if either in {past.decision.source_id, past.decision.sink_id}]
