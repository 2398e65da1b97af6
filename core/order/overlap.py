"""Whether a run would still be at work when one that depends on it begins, by what runs have taken so far. It is said
when a schedule is saved; at night the dependant waits all the same."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, pairwise


@dataclass(frozen=True, slots=True)
class Planned:
    """The next runs of a district in one mode, `full` or `incremental`, soonest first, in UTC."""

    district: str
    mode: str
    starts: Sequence[datetime.datetime]


@dataclass(frozen=True, slots=True)
class Overlap:
    """A run that begins while another is likely to be at work. Moments are in UTC."""

    first: str
    first_mode: str
    first_begins: datetime.datetime
    second: str
    second_mode: str
    second_begins: datetime.datetime
    takes: datetime.timedelta

    def words(self, zone: datetime.tzinfo = datetime.UTC) -> str:
        """The warning, with the times of a zone."""
        minutes = -(-self.takes // datetime.timedelta(minutes=1))
        began, begins = (each.astimezone(zone) for each in (self.first_begins, self.second_begins))
        return (
            f"The {self.second_mode} run of {self.second} begins at {begins:%Y-%m-%d %H:%M %Z}; the {self.first_mode} run "
            f"of {self.first}, which begins at {began:%H:%M} and takes up to {minutes} minutes, may still be at work."
        )


def overlaps(
    planned: Sequence[Planned], durations: Mapping[tuple[str, str], datetime.timedelta],
    after: Mapping[str, Collection[str]],
) -> list[Overlap]:  # fmt: skip
    """The first overlap of each pair of runs that must not be at work together: those of one district, and those of
    which one comes after the other, also by way of others. `durations` by district and mode; `after` names for a
    district those that it comes after. A run that was never measured overlaps nothing but one of the same moment."""
    found = []
    for one, other in combinations_with_replacement(planned, 2):
        if one.district == other.district or _comes_after(one.district, other.district, after):
            hit = next(_hits(one, other, durations), None)
            found += [hit] if hit else []
    return sorted(found, key=lambda each: (each.second_begins, each.first, each.second))


def _comes_after(one: str, other: str, after: Mapping[str, Collection[str]]) -> bool:
    return other in _before(one, after) or one in _before(other, after)


def _before(district: str, after: Mapping[str, Collection[str]]) -> set[str]:
    """All that come before a district."""
    found: set[str] = set()
    left = list(after.get(district, ()))
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += after.get(name, ())
    return found


def _hits(
    one: Planned, other: Planned, durations: Mapping[tuple[str, str], datetime.timedelta]
) -> Iterator[Overlap]:  # fmt: skip
    """The overlaps of two rows of runs, soonest first; of a row with itself, those of a run with the next."""
    starts = sorted({(start, each.district, each.mode) for each in (one, other) for start in each.starts})
    for (begins, district, mode), (next_begins, next_district, next_mode) in pairwise(starts):
        takes = durations.get((district, mode), datetime.timedelta())
        if (district, mode) == (next_district, next_mode) and one is not other:
            continue  # that is said of the row itself
        together = next_begins == begins
        if district == next_district and together:
            continue  # a full run does for an incremental one
        if together or next_begins < begins + takes:
            yield Overlap(district, mode, begins, next_district, next_mode, next_begins, takes)
