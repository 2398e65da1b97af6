"""What a column's label means: the standard's name, spelled in one of the ways that are met in the field.

A label is read as meant only where there is no doubt. The repairs, each with the code of the note that it leaves:

- `R-FILE-04`: blanks of other kinds and invisible characters, case, signs between words (`Sourced_ID`);
- `R-HEAD-01`: the label of a table before the name, as PowerSchool writes it (`USERS.email`, `CC.role`);
- `R-HEAD-02`: a letter before every name, which keeps the order of an export (`a_sourcedId, b_status`);
- `R-HEAD-03`: another word, number or spelling for the same thing (`grade`, `languages`, `dataLastModified`).

Sources: exports met in the field, the labels of PowerSchool's data export and of the plug-ins for it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

ALIASES: Mapping[str, tuple[str, ...]] = {
    "dateLastModified": ("dataLastModified", "dateLastModify"),
    "givenName": ("firstName",),
    "familyName": ("lastName", "surname"),
    "preferredGivenName": ("prefferedGivenName", "preferredFirstName"),
    "preferredMiddleName": ("prefferedMiddleName",),
    "preferredFamilyName": ("prefferedFamilyName", "preferredLastName"),
    "email": ("emailAddress",),
    "enabledUser": ("enabled",),
    "birthDate": ("dateOfBirth", "dob"),
    "agentSourcedIds": ("agents",),
}
"""By the standard's name, other words that mean it and nothing else in the same file; case and signs do not count."""

_USER = "userSourcedId"
"""Demographics are keyed by it in OneRoster 1.0."""
_INVISIBLE = {"Cf", "Cc"}
_LABEL = re.compile(r"(?!metadata\.|ext\.)[a-z][a-z0-9_]*\.", re.IGNORECASE)
_TABLES = frozenset(
    f"{table}."
    for table in (
        *("users", "students", "teachers", "schoolstaff", "guardian", "sections", "cc", "courses", "schools", "terms"),
        *("sectionteacher", "studentcorefields", "userscorefields", "gen", "prefs", "termbins"),
    )
)
"""Labels that are known in whatever case; others count when they are in capitals."""
_ORDER = re.compile(r"([A-Za-z])_(?=[A-Za-z])")


@dataclass(frozen=True, slots=True)
class Label:
    """What a column is called, the standard's name for it (None for none) and the codes of the repairs."""

    raw: str
    name: str | None
    repairs: tuple[str, ...] = ()


def visible(label: str) -> str:
    """The label as one sees it: without invisible characters, and with plain blanks, none at the ends."""
    seen = "".join(each for each in label if unicodedata.category(each) not in _INVISIBLE or each in "\t\r\n")
    return " ".join(seen.split())


def key(label: str) -> str:
    """What two spellings of one name have in common: `Sourced_ID` and `sourcedId` give `sourcedid`. A point stays,
    since `metadata.email` is not `email`."""
    return re.sub(r"[\s_-]", "", label).lower()


def meant(raw: Sequence[str], names: Collection[str]) -> list[Label]:
    """What each label of a header means, where `names` are the columns that the file may have."""
    ordered = _are_ordered([visible(label) for label in raw if visible(label)])
    keys = {key(name): name for name in names}
    others = _others(names, keys)
    found = [_meant(label, set(names), keys, others, ordered=ordered) for label in raw]
    taken = {each.name for each in found if each.name and "R-HEAD-03" not in each.repairs}
    return [  # a column of another name is one of the exporter's own where the standard's name is there too
        Label(each.raw, None) if "R-HEAD-03" in each.repairs and each.name in taken else each for each in found
    ]


def _meant(
    raw: str, names: Collection[str], keys: Mapping[str, str], others: Mapping[str, str], *, ordered: bool
) -> Label:
    if raw in names:
        return Label(raw, raw)
    label, repairs = visible(raw), []
    label, cut = _without_table(label)
    if cut:
        repairs.append("R-HEAD-01")
    if ordered:
        label, repairs = _ORDER.sub("", label, count=1), [*repairs, "R-HEAD-02"]
    if label in names:
        return Label(raw, label, tuple(repairs) or ("R-FILE-04",))
    if key(label) in keys:
        return Label(raw, keys[key(label)], (*repairs, "R-FILE-04"))
    if key(label) in others:
        return Label(raw, others[key(label)], (*repairs, "R-HEAD-03"))
    return Label(raw, None)


def _without_table(label: str) -> tuple[str, bool]:
    found = _LABEL.match(label)
    if found and (found[0].lower() in _TABLES or found[0] == found[0].upper()):
        return label[found.end() :], True
    return label, False


def _are_ordered(labels: Sequence[str]) -> bool:
    """Whether every label has a letter of its own before it."""
    found = [_ORDER.match(_without_table(label)[0]) for label in labels]
    letters = [each[1].lower() for each in found if each]
    return len(labels) > 1 and len(letters) == len(labels) == len(set(letters))


def _others(names: Collection[str], keys: Mapping[str, str]) -> dict[str, str]:
    """By key, the names that are meant by other words; none that might mean two of them."""
    pairs = [(other, name) for name in names for other in _ways(name, names) if other not in keys]
    doubtful = {other for other, name in pairs if any(each == other and to != name for each, to in pairs)}
    return {other: name for other, name in pairs if other not in doubtful}


def _ways(name: str, names: Collection[str]) -> Iterable[str]:
    """Keys of other spellings: aliases, singular or plural, and the misspelling of `Sourced`."""
    plain = key(name)
    yield from map(key, ALIASES.get(name, ()))
    yield plain.removesuffix("s") if plain.endswith("s") and plain != "status" else f"{plain}s"
    if "sourcedid" in plain:
        wrong = plain.replace("sourcedid", "sourceid")
        yield from (wrong, wrong.removesuffix("s") if wrong.endswith("s") else f"{wrong}s")
    if name == "sourcedId" and "birthDate" in names:
        yield key(_USER)
