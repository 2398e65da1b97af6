"""Routes: which school of the sink gets whom, where it is not the school that the source names.

A route sends people and classes of some schools of the source to one school, which is another school of the source (a
merge) or a new one (a split). Routes are tried in order, the first that fits counts, and none is followed twice: what a
route brings to a school is not sent on by another. `syncrun.roster.placement` says who fits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from syncrun.roster.listed import GradeList

Place = tuple[int, str, str]
"""A problem of a list of routes: the route, its setting, and what is wrong, in words."""


@dataclass(frozen=True, slots=True)
class Route:
    """One rule. A list of conditions that is empty asks nothing; all that are there must hold.

    `sources`: the schools it takes from, and `to`: the school that gets what fits, as `sourcedId`. `name` and
    `identifier` are those of a new school; without a name `to` is a school of the source. `joins`: a person linked both
    schools to one of the sink, so `to` need not be in the source, and is then what its first source is.
    """

    sources: tuple[str, ...]
    to: str
    grades: tuple[str, ...] = ()
    courses: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    name: str | None = None
    identifier: str | None = None
    joins: bool = False

    @property
    def of_classes(self) -> bool:
        """Whether it asks for something that only classes have."""
        return bool(self.courses or self.subjects or self.departments)

    @property
    def whole(self) -> bool:
        """Whether it takes all there is."""
        return not (self.grades or self.of_classes)


def grade(text: str) -> str:
    """A grade as the roster has it: known other spellings are read as meant, unknown ones kept."""
    return GradeList().item(text.strip())[0]


def conflicts(routes: Sequence[Route]) -> Iterator[Place]:
    """What cannot be in one list: a route that nothing reaches, a chain, two names for one new school."""
    for (_, first), (late, second) in combinations(enumerate(routes), 2):
        for school in sorted(set(first.sources) & set(second.sources)) if first.whole else ():
            yield late, "from", f"nothing of {school} is left: an earlier route takes all of it"
        for what in ("name", "identifier"):
            one, other = getattr(first, what), getattr(second, what)
            if first.to == second.to and one and other and one != other:
                yield late, what, f"an earlier route gives {first.to} another {what}"
    for number, each in enumerate(routes):
        brings = set(each.sources) - {each.to}
        if brings and any(
            each.to in other.sources and other.to != each.to and _may_both_fit(each, other) for other in routes
        ):
            yield number, "to", f"another route sends on what comes to {each.to}, and no route is followed twice"


def _may_both_fit(first: Route, second: Route) -> bool:
    """Whether something may fit both, by what it is: it has one course and one department, and mostly one grade."""
    pairs = ((first.grades, second.grades), (first.courses, second.courses), (first.departments, second.departments))
    return all(set(one) & set(other) for one, other in pairs if one and other)
