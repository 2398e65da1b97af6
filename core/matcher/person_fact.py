"""What does not change with a name: the day of birth; and what changes slowly: school and grade."""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz.distance import OSA

from syncrun.sdk import Form, MatchKind, Record, Score

GRADES = (
    "IT",
    "PR",
    "PK",
    "TK",
    "KG",
    "01",
    "02",
    "03",
    "04",
    "05",
    "06",
    "07",
    "08",
    "09",
    "10",
    "11",
    "12",
    "13",
    "PS",
)
"""Grades in their order, as the Common Education Data Standards write them (OneRoster CSV 1.1, section 4.13)."""
_OTHERWISE = {"K": "KG", "0": "KG", "00": "KG", "-1": "PK", "P": "PK"}


def step(grade: str) -> str | None:
    """The place of a grade in their order, as text: `step("9")` is that of `09`. None for what is no grade."""
    plain = grade.strip().upper()
    plain = _OTHERWISE.get(plain, plain.zfill(2) if plain.isdecimal() else plain)
    return str(GRADES.index(plain)) if plain in GRADES else None


class Births:
    """Dates of birth. One wrong digit, and day and month in each other's place, are slips of the pen."""

    kinds: Sequence[MatchKind] = ("teachers", "students")
    features = ("birthDate",)
    forms: Sequence[Form] = ()
    keys: Sequence[str] = ()
    weight = 3.0

    _SAME = Score(1.0, ("same:birthDate",))
    _SWAPPED = Score(0.7, ("swapped:birthDate",))
    _CLOSE = Score(0.6, ("close:birthDate",))
    _OTHER = Score(0.0, ("other:birthDate",))

    def score(self, incoming: Record, existing: Record) -> Score | None:
        """How alike two dates are, as ISO 8601 writes them."""
        ours, theirs = incoming["birthDate"], existing["birthDate"]
        if ours is None or theirs is None:
            return None
        if ours == theirs:
            return self._SAME
        if ours[:4] == theirs[:4] and ours[5:7] == theirs[8:10] and ours[8:10] == theirs[5:7]:
            return self._SWAPPED
        return self._CLOSE if OSA.distance(ours, theirs, score_cutoff=1) <= 1 else self._OTHER


class Places:
    """The school, and the grade, which may be one off: rosters of two years meet, and children repeat."""

    kinds: Sequence[MatchKind] = ("teachers", "students")
    features = ("school", "grade")
    forms = (Form("gradeStep", "grade", step),)
    keys: Sequence[str] = ()
    weight = 2.0

    def score(self, incoming: Record, existing: Record) -> Score | None:
        """The mean of what is known of both."""
        known = []
        if incoming["school"] is not None and existing["school"] is not None:
            known.append((1.0, "same:school") if incoming["school"] == existing["school"] else (0.0, "other:school"))
        if incoming["gradeStep"] is not None and existing["gradeStep"] is not None:
            apart = abs(int(incoming["gradeStep"]) - int(existing["gradeStep"]))
            known.append(((1.0, "same:grade"), (0.7, "close:grade"), (0.0, "other:grade"))[min(apart, 2)])
        return _mean(tuple(known))


_MEANS: dict[tuple[tuple[float, str], ...], Score] = {}


def _mean(known: tuple[tuple[float, str], ...]) -> Score | None:
    if not known:
        return None
    if known not in _MEANS:  # a handful
        _MEANS[known] = Score(sum(value for value, _ in known) / len(known), tuple(reason for _, reason in known))
    return _MEANS[known]
