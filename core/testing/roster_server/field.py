"""What the records of each collection have: names of fields, what kind each is, and the CSV column it comes from.

After OneRoster 1.1 and 1.2, section 6 of the bindings: references are objects, lists are lists, all else is text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

Kind = Literal["text", "boolean", "list", "ref", "refs", "objects"]

HERE = "\ue000"
"""Stands in stored records for the address of the server, which becomes known when it is asked. A character for private
use, which no roster has."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its kind, the collection that a reference points into, and its column where that has another name."""

    kind: Kind = "text"
    target: str = ""
    column: str = ""


def _texts(*names: str) -> dict[str, Field]:
    return dict.fromkeys(names, Field())


def _lists(*names: str) -> dict[str, Field]:
    return dict.fromkeys(names, Field("list"))


def _ref(target: str, column: str) -> Field:
    return Field("ref", target, column)


def _refs(target: str, column: str) -> Field:
    return Field("refs", target, column)


RACES = (
    *("americanIndianOrAlaskaNative", "asian", "blackOrAfricanAmerican", "nativeHawaiianOrOtherPacificIslander"),
    *("white", "demographicRaceTwoOrMoreRaces", "hispanicOrLatinoEthnicity"),
)
FIELDS: Mapping[str, Mapping[str, Field]] = {
    "orgs": {**_texts("name", "type", "identifier"), "parent": _ref("orgs", "parentSourcedId"),
             "children": _refs("orgs", "")},
    "academicSessions": {**_texts("title", "type", "startDate", "endDate", "schoolYear"),
                         "parent": _ref("academicSessions", "parentSourcedId"),
                         "children": _refs("academicSessions", "")},
    "courses": {**_texts("title", "courseCode"), "schoolYear": _ref("academicSessions", "schoolYearSourcedId"),
                "org": _ref("orgs", "orgSourcedId"), **_lists("grades", "subjects", "subjectCodes")},
    "classes": {**_texts("title", "classCode", "classType", "location"), "course": _ref("courses", "courseSourcedId"),
                "school": _ref("orgs", "schoolSourcedId"), "terms": _refs("academicSessions", "termSourcedIds"),
                **_lists("grades", "subjects", "subjectCodes", "periods")},
    "users": {"enabledUser": Field("boolean"), **_texts("username"), "userIds": Field("objects"),
              **_texts("givenName", "familyName", "middleName", "identifier", "email", "sms", "phone", "password"),
              "role": Field(), "orgs": _refs("orgs", "orgSourcedIds"), "agents": _refs("users", "agentSourcedIds"),
              **_lists("grades"), "roles": Field("objects"), "userProfiles": Field("objects"),
              "primaryOrg": _ref("orgs", "primaryOrgSourcedId"), **_texts("userMasterIdentifier", "pronouns"),
              "preferredFirstName": Field(column="preferredGivenName"), "preferredMiddleName": Field(),
              "preferredLastName": Field(column="preferredFamilyName")},
    "enrollments": {"user": _ref("users", "userSourcedId"), "class": _ref("classes", "classSourcedId"),
                    "school": _ref("orgs", "schoolSourcedId"), **_texts("role"), "primary": Field("boolean"),
                    **_texts("beginDate", "endDate")},
    "demographics": {**_texts("birthDate", "sex"), **dict.fromkeys(RACES, Field("boolean")),
                     **_texts("countryOfBirthCode", "stateOfBirthAbbreviation", "cityOfBirth",
                              "publicSchoolResidenceStatus")},
}  # fmt: skip
"""By collection the fields beside `sourcedId`, `status`, `dateLastModified` and `metadata`, which all have."""

COMMON = ("sourcedId", "status", "dateLastModified", "metadata")
ONLY = {
    "1.1": frozenset({"role", "orgs"}),
    "1.2": frozenset({"roles", "primaryOrg", "userProfiles", "userMasterIdentifier", "pronouns",
                      "preferredFirstName", "preferredMiddleName", "preferredLastName"}),
}  # fmt: skip
"""Fields of users that only one version has."""

SINGULAR = {
    "orgs": "org", "academicSessions": "academicSession", "courses": "course", "classes": "class", "users": "user",
    "enrollments": "enrollment", "demographics": "demographics",
}  # fmt: skip
"""The word for one record, in envelopes and in references."""


def known(collection: str, version: str) -> frozenset[str]:
    """The names of the fields that a version has."""
    other = ONLY["1.2" if version == "1.1" else "1.1"] if collection == "users" else frozenset()
    return frozenset({*COMMON, *FIELDS[collection]}) - other


def reference(collection: str, key: str) -> dict[str, str]:
    """A reference to a record: `href`, `sourcedId` and `type`, as section 6.2 has it."""
    return {"href": f"{HERE}/{collection}/{quote(key, safe='')}", "sourcedId": key, "type": SINGULAR[collection]}


def completed(collection: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """A record whose references may be bare ids or lack `href` and `type`, with them."""
    found = dict(record)
    for name, field in FIELDS[collection].items():
        value = found.get(name)
        if field.kind == "ref" and value is not None:
            found[name] = _full(field.target, value)
        elif field.kind == "refs" and isinstance(value, list):
            found[name] = [_full(field.target, each) for each in value]
    if isinstance(found.get("roles"), list):
        found["roles"] = [
            {**role, "org": _full("orgs", role["org"])} if isinstance(role, Mapping) and "org" in role else role
            for role in found["roles"]
        ]
    return found


def _full(target: str, value: Any) -> Any:
    if isinstance(value, str):
        return reference(target, value)
    if isinstance(value, Mapping) and isinstance(value.get("sourcedId"), str):
        return {**reference(target, value["sourcedId"]), **value}
    return value
