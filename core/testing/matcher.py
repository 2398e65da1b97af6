"""What every matcher must keep to, as tests that a plug-in author inherits.

The checks are numbered as MAT-01 and so on; those about twins, assignment and limits are the engine's own and are tested
there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from syncrun.match.block import block
from syncrun.match.load import checked
from syncrun.match.side import LISTS, SCHEMA, prepare
from syncrun.scratch import renew_schema, rows
from syncrun.sdk import Matcher, Record, Score
from syncrun.sqltext import literal, literals, name

Known = Mapping[str, Any]
"""What is known of a record: features only."""


def seen(matcher: Matcher, known: Known) -> Record:
    """The record as the engine hands it to `score`: all features that the matcher reads, and its forms."""
    record: dict[str, Any] = {each: known.get(each) for each in matcher.features}
    for form in matcher.forms:
        text = known.get(form.of)
        record[form.name] = None if text is None else form.make(text) or None
    return record


def scored(matcher: Matcher, incoming: Known, existing: Known) -> Score | None:
    """What the matcher says of two records."""
    return matcher.score(seen(matcher, incoming), seen(matcher, existing))


def share_a_key(matcher: Matcher, incoming: Known, existing: Known) -> bool:
    """Whether the engine would compare the two for this matcher's sake."""
    import duckdb  # noqa: PLC0415 # heavy

    with duckdb.connect() as connection:
        renew_schema(connection, SCHEMA)
        for side, known in (("incoming", incoming), ("existing", existing)):
            cells = ", ".join(
                f"[{literals(cell)}] AS {name(feature)}" if feature in LISTS else f"{literal(cell)} AS {name(feature)}"
                for feature, cell in {**known, "id": "1"}.items() if cell is not None
            )  # fmt: skip
            connection.execute(f"CREATE TABLE {side} AS SELECT {cells}")
        prepare(connection, {"incoming": "incoming", "existing": "existing"}, {"tested": matcher})
        block(connection, {"tested": matcher}, matcher.kinds[0])
        return rows(connection, f"{SCHEMA}.pairs") == 1


class MatcherContract:
    """Inherit from it in a class whose name begins with `Test`, and give the four examples."""

    matcher: ClassVar[Matcher]
    full: ClassVar[Known]
    """A record with everything that the matcher reads."""
    same: ClassVar[Sequence[tuple[Known, Known]]]
    """Pairs that are one thing in two ways of writing: neither the same text, nor two things."""
    other: ClassVar[Sequence[tuple[Known, Known]]]
    """Pairs that are two."""

    def test_is_a_matcher(self) -> None:
        """Everything is there, and of the engine's words."""
        checked("tested", self.matcher)

    def test_identical_records_score_1(self) -> None:
        """MAT-03, and MAT-02: with reasons."""
        found = scored(self.matcher, self.full, self.full)
        _hold(found is not None and found.value == 1, "MAT-03: a full record beside itself does not score 1")
        _hold(found is not None and all(each.startswith("same:") for each in found.reasons),
              "MAT-03: a full record beside itself agrees otherwise than in being the same")  # fmt: skip

    def test_nothing_known_is_nothing_said(self) -> None:
        """MAT-10: two records of which nothing is known are not alike for that."""
        _hold(scored(self.matcher, {}, {}) is None, "MAT-10: empty records have a score")

    def test_missing_fields_never_raise_the_score(self) -> None:
        """MAT-10: a field less, on one side or on both, never makes two that agree more alike."""
        whole = scored(self.matcher, self.full, self.full)
        for feature in self.matcher.features:
            less = {each: cell for each, cell in self.full.items() if each != feature}
            for pair in ((less, less), (less, self.full), (self.full, less)):
                found = scored(self.matcher, *pair)
                _hold(
                    found is None or (whole is not None and found.value <= whole.value),
                    f"MAT-10: {feature} less is more",
                )

    def test_sides_are_the_same_to_it(self) -> None:
        """MAT-01: the score of a pair is that of its mirror."""
        for one, other in (*self.same, *self.other):
            _hold(
                scored(self.matcher, one, other) == scored(self.matcher, other, one), "MAT-01: a mirrored pair differs"
            )

    def test_other_writing_is_less_than_the_same(self) -> None:
        """MAT-09: never a false 1."""
        for pair in self.same:
            found = scored(self.matcher, *pair)
            _hold(
                found is not None and 0.5 < found.value < 1,
                "MAT-09: another writing of the same is not between 0.5 and 1",
            )

    def test_two_are_less_alike_than_one(self) -> None:
        """Any pair that is two scores less than each that is one."""
        least = min(found.value for pair in self.same if (found := scored(self.matcher, *pair)))
        for pair in self.other:
            found = scored(self.matcher, *pair)
            _hold(found is None or found.value < least, "two things are more alike than one in two ways of writing")

    def test_what_is_alike_shares_a_key(self) -> None:
        """MAT-04, for matchers that have keys at all."""
        for pair in (*self.same, (self.full, self.full)):
            _hold(not self.matcher.keys or share_a_key(self.matcher, *pair), "MAT-04: a pair that is one shares no key")

    def test_reasons_hold_no_values(self) -> None:
        """MAT-11."""
        for one, other in (*self.same, *self.other, (self.full, self.full)):
            found = scored(self.matcher, one, other)
            words = {each.partition(":")[2].casefold() for each in found.reasons} if found else set()
            cells = {str(cell).casefold() for known in (one, other) for cell in known.values()}
            _hold(not words & cells, "MAT-11: a reason names a value")


def _hold(kept: bool, broken: str) -> None:  # noqa: FBT001 # what is held comes first, as in assert
    if not kept:
        raise AssertionError(broken)
