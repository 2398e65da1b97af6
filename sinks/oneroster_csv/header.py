"""The files of OneRoster CSV 1.1 and 1.2 that an export writes: their columns, all of them, in their order. What is not
exported is blank. Source: OneRoster CSV 1.1.1 and 1.2.1, the tables of each file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Version = Literal["1.1", "1.2"]
COMMON = ("sourcedId", "status", "dateLastModified")

_BOTH: Mapping[str, tuple[str, ...]] = {
    "academicSessions": ("title", "type", "startDate", "endDate", "parentSourcedId", "schoolYear"),
    "classes": ("title", "grades", "courseSourcedId", "classCode", "classType", "location", "schoolSourcedId",
                "termSourcedIds", "subjects", "subjectCodes", "periods"),
    "courses": ("schoolYearSourcedId", "title", "courseCode", "grades", "orgSourcedId", "subjects", "subjectCodes"),
    "demographics": (
        "birthDate", "sex", "americanIndianOrAlaskaNative", "asian", "blackOrAfricanAmerican",
        "nativeHawaiianOrOtherPacificIslander", "white", "demographicRaceTwoOrMoreRaces", "hispanicOrLatinoEthnicity",
        "countryOfBirthCode", "stateOfBirthAbbreviation", "cityOfBirth", "publicSchoolResidenceStatus"),
    "enrollments": ("classSourcedId", "schoolSourcedId", "userSourcedId", "role", "primary", "beginDate", "endDate"),
    "orgs": ("name", "type", "identifier", "parentSourcedId"),
}  # fmt: skip
FILES: Mapping[Version, Mapping[str, tuple[str, ...]]] = {
    "1.1": _BOTH | {
        "users": ("enabledUser", "orgSourcedIds", "role", "username", "userIds", "givenName", "familyName", "middleName",
                  "identifier", "email", "sms", "phone", "agentSourcedIds", "grades", "password"),
    },
    "1.2": _BOTH | {
        "roles": ("userSourcedId", "roleType", "role", "beginDate", "endDate", "orgSourcedId", "userProfileSourcedId"),
        "users": ("enabledUser", "username", "userIds", "givenName", "familyName", "middleName", "identifier", "email",
                  "sms", "phone", "agentSourcedIds", "grades", "password", "userMasterIdentifier", "preferredGivenName",
                  "preferredMiddleName", "preferredFamilyName", "primaryOrgSourcedId", "pronouns"),
    },
}  # fmt: skip
"""By version and file, the columns behind the common three."""
_OTHERS = ("categories", "classResources", "courseResources", "lineItems", "resources", "results")
ABSENT: Mapping[Version, tuple[str, ...]] = {
    "1.1": _OTHERS,
    "1.2": (*_OTHERS, "lineItemLearningObjectiveIds", "lineItemScoreScales", "resultLearningObjectiveIds",
            "resultScoreScales", "scoreScales", "userProfiles", "userResources"),
}  # fmt: skip
"""Files that the manifest names and an export never has."""
