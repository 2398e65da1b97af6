"""The columns of the canonical roster that an export may have: their types, what they tell of a person, what they name.

They are those of `syncrun.roster.entity`, of which a sink knows nothing; a test holds the two together. Lists are texts
with commas between, as in files.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from marshmallow import Schema, fields

from syncrun.sdk import Ref

Kind = Literal["text", "boolean", "whole number", "date", "list"]


@dataclass(frozen=True, slots=True)
class Held:
    """A column. `to` is the table whose row it names; `needed`: a row is of no use without it. `firm`: the row is not
    exported before the one that it names."""

    name: str
    kind: Kind = "text"
    privacy: str = "structure"
    to: str = ""
    needed: bool = False
    firm: bool = False

    def field(self) -> fields.Field[Any]:
        """The column in the schema of a table."""
        told = {"privacy": self.privacy}
        if self.firm:
            return Ref(self.to, metadata=told)
        if self.kind == "boolean":
            return fields.Boolean(metadata=told)
        if self.kind == "whole number":
            return fields.Integer(metadata=told)
        return fields.Date(metadata=told) if self.kind == "date" else fields.String(metadata=told)


def _needed(name: str, kind: Kind = "text", privacy: str = "structure") -> Held:
    return Held(name, kind, privacy, needed=True)


def _link(name: str, to: str) -> Held:
    return Held(name, to=to, needed=True, firm=True)


def _of(privacy: str, *names: str, kind: Kind = "text") -> tuple[Held, ...]:
    return tuple(Held(name, kind, privacy) for name in names)


_RACES = ("americanIndianOrAlaskaNative", "asian", "blackOrAfricanAmerican", "nativeHawaiianOrOtherPacificIslander",
          "white", "demographicRaceTwoOrMoreRaces", "hispanicOrLatinoEthnicity")  # fmt: skip
COLUMNS: Mapping[str, tuple[Held, ...]] = MappingProxyType({
    "orgs": (_needed("name"), _needed("type"), Held("identifier"), Held("parentSourcedId", to="orgs")),
    "academicSessions": (
        _needed("title"), _needed("type"), _needed("startDate", "date"), _needed("endDate", "date"),
        Held("parentSourcedId", to="academicSessions"), _needed("schoolYear", "whole number"),
    ),
    "courses": (
        Held("schoolYearSourcedId", to="academicSessions"), _needed("title"), Held("courseCode"), Held("grades", "list"),
        _link("orgSourcedId", "orgs"), Held("subjects", "list"), Held("subjectCodes", "list"),
    ),
    "classes": (
        _needed("title"), Held("grades", "list"), _link("courseSourcedId", "courses"), Held("classCode"),
        _needed("classType"), Held("location"), _link("schoolSourcedId", "orgs"),
        Held("termSourcedIds", "list", to="academicSessions", needed=True), Held("subjects", "list"),
        Held("subjectCodes", "list"), Held("periods", "list"),
    ),
    "users": (
        _needed("enabledUser", "boolean"), _needed("username", privacy="contact"), Held("userIds", privacy="identifier"),
        _needed("givenName", privacy="name"), _needed("familyName", privacy="name"), *_of("name", "middleName"),
        *_of("identifier", "identifier"), *_of("contact", "email", "sms", "phone"),
        Held("agentSourcedIds", "list", to="users"), *_of("profile", "grades", kind="list"),
        *_of("identifier", "userMasterIdentifier"),
        *_of("name", "preferredGivenName", "preferredMiddleName", "preferredFamilyName"),
        Held("primaryOrgSourcedId", to="orgs"), *_of("profile", "pronouns", "language"),
    ),
    "roles": (
        _link("userSourcedId", "users"), _needed("roleType"), _needed("role"), Held("beginDate", "date"),
        Held("endDate", "date"), _link("orgSourcedId", "orgs"), _needed("place", "whole number"),
    ),
    "enrollments": (
        _link("classSourcedId", "classes"), _link("schoolSourcedId", "orgs"), _link("userSourcedId", "users"),
        _needed("role"), Held("primary", "boolean"), Held("beginDate", "date"), Held("endDate", "date"),
    ),
    "demographics": (
        *_of("demographic", "birthDate", kind="date"), *_of("demographic", "sex"),
        *_of("demographic", *_RACES, kind="boolean"),
        *_of("demographic", "countryOfBirthCode", "stateOfBirthAbbreviation", "cityOfBirth", "publicSchoolResidenceStatus"),
    ),
    "studentAttributes": (_link("userSourcedId", "users"), _needed("name"), *_of("profile", "value")),
})  # fmt: skip
"""By table. `roles.place` counts the roles of a person, from 1; a template's `users` also have `role` and `orgSourcedIds`
(see `syncrun.sinks.oneroster_csv.role`)."""


def schema(table: str, wanted: Collection[str]) -> type[Schema]:
    """The schema of a table with those of its columns that are wanted, in their order."""
    return Schema.from_dict({each.name: each.field() for each in COLUMNS[table] if each.name in wanted}, name=table)


def names(table: str) -> Iterable[str]:
    """The names of a table's columns."""
    return (each.name for each in COLUMNS[table])
