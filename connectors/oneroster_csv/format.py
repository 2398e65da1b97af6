"""The files of OneRoster CSV and what they hold. Columns and types are the canonical roster's own.

Gradebook and resource files are known and left alone: no roster table is drawn from them.
"""

from __future__ import annotations

from syncrun.sdk import FileKind, Format

ONEROSTER_CSV = Format(
    name="oneroster_csv",
    title="OneRoster CSV",
    kinds=(
        FileKind("orgs.csv", "orgs", required=True),
        FileKind("academicSessions.csv", "academicSessions", required=True),
        FileKind("courses.csv", "courses", required=True),
        FileKind("classes.csv", "classes", required=True),
        FileKind("users.csv", "users", required=True),
        FileKind("roles.csv", "roles"),
        FileKind("enrollments.csv", "enrollments", required=True),
        FileKind("demographics.csv", "demographics"),
    ),
    manifest="manifest.csv",
    partial=frozenset({"users.csv", "classes.csv", "enrollments.csv"}),
    ignored=frozenset(
        f"{name}.csv"
        for name in (
            *("categories", "classResources", "courseResources", "lineItems", "results", "resources", "scoreScales"),
            *("lineItemLearningObjectiveIds", "lineItemScoreScales", "resultLearningObjectiveIds"),
            *("resultScoreScales", "userProfiles", "userResources"),
        )
    ),
)
