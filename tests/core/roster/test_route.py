"""Routes as a list: what cannot be in one, and grades read as the roster reads them."""

from __future__ import annotations

import pytest

from syncrun.roster.route import Route, conflicts, grade


def places(*routes: Route) -> list[tuple[int, str]]:
    """Where something is wrong."""
    return [(number, what) for number, what, _ in conflicts(routes)]


@pytest.mark.parametrize("routes", [
    (Route(("a", "b"), "a"), Route(("c", "d"), "d")),
    (Route(("a",), "up", ("06",), name="Up"), Route(("a",), "low", name="Low")),
    (Route(("a",), "a", courses=("ART",)), Route(("a",), "up", ("06",), name="Up")),
    (Route(("a",), "b", ("06",)), Route(("b",), "a", ("05",))),
    (Route(("a",), "up", ("06",), name="Up"), Route(("b",), "up", ("06",), identifier="U")),
    (Route(("a",), "b", courses=("ART",)), Route(("b",), "c", courses=("MAT",))),
    (),
], ids=["merges", "split whole", "an exception first", "grades change places", "two into one new", "courses apart", "none"])  # fmt: skip
def test_lists_that_can_be_followed(routes: tuple[Route, ...]) -> None:
    assert places(*routes) == []


@pytest.mark.parametrize(("routes", "expected"), [
    ((Route(("a", "b"), "b"), Route(("a",), "c", ("06",))), [(1, "from") ]),
    ((Route(("a",), "b"), Route(("b",), "c")), [(0, "to")]),
    ((Route(("a",), "b"), Route(("b",), "a")), [(0, "to"), (1, "to")]),
    ((Route(("a",), "b", ("06",)), Route(("b",), "c", ("07", "06"))), [(0, "to")]),
    ((Route(("a",), "b", ("06",)), Route(("b",), "c", subjects=("Art",))), [(0, "to")]),
    ((Route(("a",), "up", name="Up"), Route(("b",), "up", name="Upper")), [(1, "name")]),
    ((Route(("a",), "up", name="Up", identifier="1"), Route(("b",), "up", identifier="2")), [(1, "identifier")]),
], ids=["all is gone", "chain", "loop", "one grade twice", "perhaps one class", "two names", "two codes"])  # fmt: skip
def test_lists_that_cannot(routes: tuple[Route, ...], expected: list[tuple[int, str]]) -> None:
    assert places(*routes) == expected


def test_what_is_wrong_is_said_in_words() -> None:
    assert [words for *_, words in conflicts([Route(("a",), "b"), Route(("a", "b"), "c")])] == [
        "nothing of a is left: an earlier route takes all of it",
        "another route sends on what comes to b, and no route is followed twice",
    ]


def test_grade_is_read_as_the_roster_reads_it() -> None:
    assert [grade(text) for text in ("6", "K", "06", " 6 ", "Upper 6")] == ["06", "KG", "06", "06", "Upper 6"]
