"""What is found at each path below the base: the 27 rostering reads of section 5.3."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from syncrun.testing.roster_server.field import FIELDS
from syncrun.testing.roster_server.roster import Record, Roster, values

VIEWS: Mapping[str, tuple[str, str, str]] = {
    "schools": ("orgs", "type", "school"),
    "terms": ("academicSessions", "type", "term"),
    "gradingPeriods": ("academicSessions", "type", "gradingPeriod"),
    "students": ("users", "role", "student"),
    "teachers": ("users", "role", "teacher"),
}
"""Paths that show a part of a collection: its name, and the field and word of the records in it."""


@dataclass(frozen=True, slots=True)
class Place:
    """A path that is understood. `word` is its last word, as `students`; `key` asks for one record; `records` gives them
    all."""

    word: str
    collection: str
    key: str | None
    records: Callable[[Roster], Sequence[Record]]


def place(path: str) -> Place | None:
    """The place at a path below the base, as `/schools/1042/classes`; None where there is nothing."""
    match [unquote(step) for step in path.strip("/").split("/")]:
        case [word] if word in VIEWS or word in FIELDS:
            return Place(word, _collection(word), None, lambda roster: _view(roster, word))
        case [word, key] if word in VIEWS or word in FIELDS:
            return Place(word, _collection(word), key, lambda roster: _one(roster, word, key))
        case [above, key, word] if (above, word) in _BELOW:
            find = _BELOW[above, word]
            return Place(word, _collection(word), None, lambda roster: find(roster, key))
        case ["schools", school, "classes", key, word] if word in {"enrollments", "students", "teachers"}:
            return Place(word, _collection(word), None, lambda roster: _of_class(roster, school, key, word))
    return None


def _collection(word: str) -> str:
    return VIEWS[word][0] if word in VIEWS else word


def belongs(record: Record, word: str) -> bool:
    """Whether a record is in the view of that name."""
    if word not in VIEWS:
        return True
    _, field, wanted = VIEWS[word]
    facts = record.facts()
    return wanted in {*values(facts, field), *(values(facts, "roles.role") if field == "role" else ())}


def _view(roster: Roster, word: str) -> Sequence[Record]:
    everything = roster.records(_collection(word))
    if word not in VIEWS:
        return everything
    return roster.remembered(("view", word), lambda: [record for record in everything if belongs(record, word)])


def _one(roster: Roster, word: str, key: str) -> Sequence[Record]:
    found = roster.find(_collection(word), key)
    return [found] if found is not None and belongs(found, word) else []


def _listed(collection: str, path: str) -> Callable[[Roster, str], Sequence[Record]]:
    return lambda roster, key: roster.index(collection, path).get(key, [])


def _named(roster: Roster, collection: str, by: Iterable[Record], path: str) -> list[Record]:
    """The records that others name at a path, each once."""
    keys = dict.fromkeys(key for record in by for key in values(record.facts(), path))
    return [found for key in keys if (found := roster.find(collection, key)) is not None]


def _in_role(records: Iterable[Record], role: str) -> list[Record]:
    return [record for record in records if record.facts().get("role") == role]


def _people(word: str) -> Callable[[Roster, str], Sequence[Record]]:
    def found(roster: Roster, org: str) -> Sequence[Record]:
        there = {
            record.key: record
            for path in ("orgs.sourcedId", "roles.org.sourcedId")
            for record in roster.index("users", path).get(org, [])
        }
        return [record for record in there.values() if belongs(record, word)]

    return found


def _enrolled(role: str) -> Callable[[Roster, str], Sequence[Record]]:
    def found(roster: Roster, key: str) -> Sequence[Record]:
        enrollments = roster.index("enrollments", "class.sourcedId").get(key, [])
        return _named(roster, "users", _in_role(enrollments, role), "user.sourcedId")

    return found


def _classes_of(roster: Roster, key: str) -> Sequence[Record]:
    return _named(roster, "classes", roster.index("enrollments", "user.sourcedId").get(key, []), "class.sourcedId")


def _terms_of(roster: Roster, key: str) -> Sequence[Record]:
    classes = roster.index("classes", "school.sourcedId").get(key, [])
    return [each for each in _named(roster, "academicSessions", classes, "terms.sourcedId") if belongs(each, "terms")]


def _of_class(roster: Roster, school: str, key: str, word: str) -> Sequence[Record]:
    found = roster.find("classes", key)
    if found is None or school not in values(found.facts(), "school.sourcedId"):
        return []
    return _BELOW["classes", word](roster, key) if word != "enrollments" else roster.index(
        "enrollments", "class.sourcedId").get(key, [])  # fmt: skip


_BELOW: Mapping[tuple[str, str], Callable[[Roster, str], Sequence[Record]]] = {
    ("schools", "classes"): _listed("classes", "school.sourcedId"),
    ("schools", "courses"): _listed("courses", "org.sourcedId"),
    ("schools", "enrollments"): _listed("enrollments", "school.sourcedId"),
    ("schools", "students"): _people("students"),
    ("schools", "teachers"): _people("teachers"),
    ("schools", "terms"): _terms_of,
    ("classes", "students"): _enrolled("student"),
    ("classes", "teachers"): _enrolled("teacher"),
    ("courses", "classes"): _listed("classes", "course.sourcedId"),
    ("students", "classes"): _classes_of,
    ("teachers", "classes"): _classes_of,
    ("users", "classes"): _classes_of,
    ("terms", "classes"): _listed("classes", "terms.sourcedId"),
    ("terms", "gradingPeriods"): lambda roster, key: [
        each
        for each in roster.index("academicSessions", "parent.sourcedId").get(key, [])
        if belongs(each, "gradingPeriods")
    ],
}
"""What is found below one record, by the two words of the path."""
