"""OneRoster records as JSON, as REST services send them, read into the canonical roster.

Keys are columns; what is a list or an object is JSON text there. Both the standard's shapes and those that providers are
known to send are taken: references as objects, as bare ids or under a flat key (`courseSourcedId`), lists as one text,
words for nothing in place of nothing. `href` is never looked at. Facts: OneRoster 1.1 and 1.2, REST, JSON payloads.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from syncrun.sdk import Drawn, FileColumn, FileKind, Format

_BLANK = "('', 'null', 'none', '{}', '[]')"
"""What stands for nothing, in small letters. In names only the signs do: a person may be called Null."""
_SIGNS = "('', '{}', '[]')"
_CREDENTIALS = frozenset({"password", "userProfiles"})
_COMMON = (FileColumn("sourcedId"), FileColumn("status"), FileColumn("dateLastModified"))
_RACES = ("americanIndianOrAlaskaNative", "asian", "blackOrAfricanAmerican", "nativeHawaiianOrOtherPacificIslander",
          "white", "demographicRaceTwoOrMoreRaces", "hispanicOrLatinoEthnicity")  # fmt: skip
_BORN = ("countryOfBirthCode", "stateOfBirthAbbreviation", "cityOfBirth", "publicSchoolResidenceStatus")


def _text(key: str) -> str:
    """A value, or nothing."""
    return f"""CASE WHEN lower(trim("{key}")) NOT IN {_BLANK} THEN "{key}" END"""


def _name(key: str) -> str:
    """A name, or nothing."""
    return f"""CASE WHEN trim("{key}") NOT IN {_SIGNS} THEN "{key}" END"""


def _is_json(text: str) -> str:
    return f"(starts_with({text}, '{{') OR starts_with({text}, '['))"


def _ref(key: str, flat: str) -> str:
    """The id of a reference."""
    bare = f"""CASE WHEN NOT {_is_json(f'"{key}"')} THEN {_text(key)} END"""
    return f"""coalesce(json_extract_string(TRY_CAST("{key}" AS JSON), '$.sourcedId'), {bare}, {_text(flat)})"""


def _listed(key: str, item: str = "each ->> '$'") -> str:
    """The items of a list, with commas between; one that is no list is its own item."""
    items = f"""from_json(CASE WHEN starts_with("{key}", '[') THEN TRY_CAST("{key}" AS JSON) END, '["JSON"]')"""
    texts = f"""array_to_string(list_filter(list_transform({items}, lambda each: {item}),
        lambda each: lower(trim(each)) NOT IN {_BLANK}), ',')"""
    return f"""coalesce(nullif({texts}, ''), CASE WHEN NOT {_is_json(f'"{key}"')} THEN {_text(key)} END)"""


def _refs(key: str, flat: str) -> str:
    """The ids of several references; one that stands alone is taken too."""
    one = f"""json_extract_string(TRY_CAST(CASE WHEN starts_with("{key}", '{{') THEN "{key}" END AS JSON), '$.sourcedId')"""
    each = "coalesce(json_extract_string(each, '$.sourcedId'), CASE WHEN json_type(each) <> 'OBJECT' THEN each ->> '$' END)"
    return f"coalesce({_listed(key, each)}, {one}, {_text(flat)})"


_USER_IDS = """nullif(array_to_string(list_transform(
    from_json(CASE WHEN starts_with("userIds", '[') THEN TRY_CAST("userIds" AS JSON) END, '["JSON"]'),
    lambda each: '{' || (each ->> '$.type') || ':' || (each ->> '$.identifier') || '}'), ','), '')"""
_DATED = {"sourcedId": "sourcedId", "status": _text("status"), "dateLastModified": _text("dateLastModified")}


def _texts(*keys: str) -> dict[str, str]:
    return {key: _text(key) for key in keys}


def _lists(*keys: str) -> dict[str, str]:
    return {key: _listed(key) for key in keys}


def _kind(collection: str, /, *keys: str, required: bool = True, **private: tuple[str, ...]) -> FileKind:
    """A collection: its word here, the keys that are kept, and by their kind of privacy those that say more of a person."""
    columns = [FileColumn(key) for key in keys]
    columns += [FileColumn(key, privacy=privacy) for privacy, found in private.items() for key in found]
    return FileKind(collection, f"sent_{collection}", required, (*_COMMON, *columns))


_KINDS = (
    _kind("orgs", "name", "type", "identifier", "parent", "parentSourcedId"),
    _kind("academicSessions", "title", "type", "startDate", "endDate", "schoolYear", "parent", "parentSourcedId"),
    _kind("courses", "title", "courseCode", "schoolYear", "schoolYearSourcedId", "org", "orgSourcedId", "grades", "subjects",
          "subjectCodes", required=False),
    _kind("classes", "title", "classCode", "classType", "location", "course", "courseSourcedId", "school", "schoolSourcedId",
          "terms", "termSourcedIds", "termSourcedId", "grades", "subjects", "subjectCodes", "periods", "period"),
    _kind("users", "enabledUser", "role", "roles", "orgs", "orgSourcedIds", "primaryOrg", "primaryOrgSourcedId", "agents",
          "agentSourcedIds",
          name=("givenName", "familyName", "middleName", "preferredFirstName", "preferredMiddleName", "preferredLastName",
                "preferredGivenName", "preferredFamilyName"),
          contact=("username", "email", "sms", "phone"), identifier=("userIds", "identifier", "userMasterIdentifier"),
          profile=("grades", "pronouns")),
    _kind("enrollments", "user", "userSourcedId", "class", "classSourcedId", "school", "schoolSourcedId", "role", "primary",
          "beginDate", "endDate"),
    _kind("demographics", required=False,
          demographic=("birthDate", "sex", *_RACES, *_BORN)),
)  # fmt: skip

_ORGS = Drawn("orgs", "sent_orgs", {
    **_DATED, "name": _name("name"), **_texts("type", "identifier"), "parentSourcedId": _ref("parent", "parentSourcedId"),
})  # fmt: skip
_SESSIONS = Drawn("academicSessions", "sent_academicSessions", {
    **_DATED, "title": _name("title"), **_texts("type", "startDate", "endDate", "schoolYear"),
    "parentSourcedId": _ref("parent", "parentSourcedId"),
})  # fmt: skip
_COURSES = Drawn("courses", "sent_courses", {
    **_DATED, "title": _name("title"), **_texts("courseCode"), **_lists("grades", "subjects", "subjectCodes"),
    "schoolYearSourcedId": _ref("schoolYear", "schoolYearSourcedId"), "orgSourcedId": _ref("org", "orgSourcedId"),
})  # fmt: skip
_CLASSES = Drawn("classes", "sent_classes", {
    **_DATED, "title": _name("title"), **_texts("classCode", "classType", "location"),
    **_lists("grades", "subjects", "subjectCodes"), "periods": f"coalesce({_listed('periods')}, {_text('period')})",
    "courseSourcedId": _ref("course", "courseSourcedId"), "schoolSourcedId": _ref("school", "schoolSourcedId"),
    "termSourcedIds": f"coalesce({_refs('terms', 'termSourcedIds')}, {_text('termSourcedId')})",
})  # fmt: skip
_PERSON = {
    **_DATED, **_texts("enabledUser", "username", "identifier", "email", "sms", "phone"),
    "givenName": _name("givenName"), "familyName": _name("familyName"), "middleName": _name("middleName"),
    "userIds": _USER_IDS, "grades": _listed("grades"), "agentSourcedIds": _refs("agents", "agentSourcedIds"),
}  # fmt: skip
_USERS_1_1 = Drawn("users", "sent_users", {
    **_PERSON, "role": _text("role"), "orgSourcedIds": _refs("orgs", "orgSourcedIds"),
})  # fmt: skip
_USERS_1_2 = Drawn("users", "sent_users", {
    **_PERSON, "userMasterIdentifier": _text("userMasterIdentifier"),
    "preferredGivenName": f"coalesce({_name('preferredFirstName')}, {_name('preferredGivenName')})",
    "preferredMiddleName": _name("preferredMiddleName"),
    "preferredFamilyName": f"coalesce({_name('preferredLastName')}, {_name('preferredFamilyName')})",
    "primaryOrgSourcedId": _ref("primaryOrg", "primaryOrgSourcedId"), "pronouns": _text("pronouns"),
})  # fmt: skip
_HELD = """from_json(CASE WHEN starts_with("roles", '[') THEN TRY_CAST("roles" AS JSON) END, '["JSON"]')"""


def _of_role(path: str) -> str:
    return f"unnest(list_transform({_HELD}, lambda each: nullif(each ->> '$.{path}', '')))"


_ORG_OF_ROLE = """nullif(coalesce(each ->> '$.org.sourcedId',
    CASE WHEN json_type(each, '$.org') NOT IN ('OBJECT', 'ARRAY') THEN each ->> '$.org' END, each ->> '$.orgSourcedId'), '')"""
_ROLE_ID = f"""unnest(list_transform({_HELD}, lambda each: concat_ws('_', sourcedId, length(sourcedId), {_ORG_OF_ROLE},
    each ->> '$.role', each ->> '$.beginDate')))"""
_ROLES = Drawn("roles", "sent_users", {
    **_DATED, "sourcedId": _ROLE_ID, "userSourcedId": "sourcedId", "roleType": _of_role("roleType"), "role": _of_role("role"),
    "orgSourcedId": f"unnest(list_transform({_HELD}, lambda each: {_ORG_OF_ROLE}))", "beginDate": _of_role("beginDate"), "endDate": _of_role("endDate"),
}, of="userSourcedId")  # fmt: skip
"""A role has no id in JSON: it is made of what the role joins, and of the length of its first part, for `_` may be in any."""
_ENROLLMENTS = Drawn("enrollments", "sent_enrollments", {
    **_DATED, **_texts("role", "primary", "beginDate", "endDate"), "userSourcedId": _ref("user", "userSourcedId"),
    "classSourcedId": _ref("class", "classSourcedId"), "schoolSourcedId": _ref("school", "schoolSourcedId"),
})  # fmt: skip
_DEMOGRAPHICS = Drawn("demographics", "sent_demographics", {
    **_DATED, **_texts("birthDate", "sex", *_RACES, *_BORN),
})  # fmt: skip

_OTHERS = (_ORGS, _SESSIONS, _COURSES, _CLASSES, _ENROLLMENTS, _DEMOGRAPHICS)
RECORDS_1_1 = Format("oneroster_rest_1.1", "OneRoster 1.1 over REST", _KINDS, drawn=(*_OTHERS, _USERS_1_1))
RECORDS_1_2 = Format("oneroster_rest_1.2", "OneRoster 1.2 over REST", _KINDS, drawn=(*_OTHERS, _USERS_1_2, _ROLES))


def spelled(collection: str, found: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    """Records with the keys that the standard spells, and without credentials, which are kept nowhere. Some services
    write `birthdate`, and tables tell no `birthDate` from it."""
    if collection == "users" and any(not _CREDENTIALS.isdisjoint(each) for each in found):
        return [{key: value for key, value in each.items() if key not in _CREDENTIALS} for each in found]
    if collection == "demographics" and any("birthdate" in each for each in found):
        return [{"birthDate": each["birthdate"]} | each if "birthdate" in each else each for each in found]
    return found


def records(version: str, *, demographics: bool) -> Format:
    """The format of a version, `1.1` or `1.2`, with or without the collection that most apps have no business with."""
    form = RECORDS_1_2 if version == "1.2" else RECORDS_1_1
    if demographics:
        return form
    return dataclasses.replace(
        form,
        kinds=tuple(each for each in form.kinds if each.name != "demographics"),
        drawn=tuple(each for each in form.drawn if each.entity != "demographics"),
    )
