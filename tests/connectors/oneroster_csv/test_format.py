"""The files of OneRoster CSV."""

from __future__ import annotations

from syncrun.connectors.oneroster_csv.format import ONEROSTER_CSV
from syncrun.roster.entity import ENTITIES

FILES_OF_1_2 = {
    *("academicSessions", "categories", "classes", "classResources", "courses", "courseResources", "demographics"),
    *("enrollments", "lineItemLearningObjectiveIds", "lineItems", "lineItemScoreScales", "orgs", "resources"),
    *("resultLearningObjectiveIds", "results", "resultScoreScales", "roles", "scoreScales", "userProfiles"),
    *("userResources", "users"),
}


def test_every_file_of_the_standard_is_known() -> None:
    known = {kind.name for kind in ONEROSTER_CSV.kinds} | ONEROSTER_CSV.ignored
    assert known == {f"{name}.csv" for name in FILES_OF_1_2}
    assert not {kind.name for kind in ONEROSTER_CSV.kinds} & ONEROSTER_CSV.ignored


def test_every_entity_has_its_file() -> None:
    assert {kind.entity: kind.name for kind in ONEROSTER_CSV.kinds} == {
        entity: f"{entity}.csv"
        for entity in ENTITIES
        if entity not in {"guardians", "studentAttributes"}  # uploads have them
    }


def test_smallest_whole_set_is_that_of_1_1() -> None:
    assert {kind.entity for kind in ONEROSTER_CSV.kinds if kind.required} == {
        "orgs", "academicSessions", "courses", "classes", "users", "enrollments",
    }  # fmt: skip


def test_set_of_three_is_part_of_it() -> None:
    assert ONEROSTER_CSV.partial == {"users.csv", "classes.csv", "enrollments.csv"}
