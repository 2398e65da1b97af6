"""What labels of columns mean, and what is left alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from syncrun.intake.label import ALIASES, meant
from syncrun.roster.entity import ENTITIES
from syncrun.rules.rule import RULES

USERS = tuple(ENTITIES["users"].cells())


def names(*labels: str, entity: str = "users") -> list[str | None]:
    return [each.name for each in meant(labels, ENTITIES[entity].cells())]


def repairs(*labels: str, entity: str = "users") -> list[tuple[str, ...]]:
    return [each.repairs for each in meant(labels, ENTITIES[entity].cells())]


@pytest.mark.parametrize("entity", ENTITIES)
def test_names_of_the_standard_need_no_repair(entity: str) -> None:
    columns = tuple(ENTITIES[entity].cells())
    assert names(*columns, entity=entity) == list(columns)
    assert set(repairs(*columns, entity=entity)) == {()}


@pytest.mark.parametrize(
    ("label", "name", "codes"),
    [
        ("SOURCEDID", "sourcedId", ["R-FILE-04"]),
        ("\ufeffsourcedId", "sourcedId", ["R-FILE-04"]),
        ("given\u200bName", "givenName", ["R-FILE-04"]),
        ("\u00a0Given  Name\u2007", "givenName", ["R-FILE-04"]),
        ("org_sourced_ids", "orgSourcedIds", ["R-FILE-04"]),
        ("USERS.email", "email", ["R-HEAD-01"]),
        ("users.email", "email", ["R-HEAD-01"]),
        ("U_STUDENTS_EXT.email", "email", ["R-HEAD-01"]),
        ("USERS.EMAIL", "email", ["R-HEAD-01", "R-FILE-04"]),
        ("USERS.languages", "language", ["R-HEAD-01", "R-HEAD-03"]),
        ("grade", "grades", ["R-HEAD-03"]),
        ("emails", "email", ["R-HEAD-03"]),
        ("orgSourceId", "orgSourcedIds", ["R-HEAD-03"]),
        ("dataLastModified", "dateLastModified", ["R-HEAD-03"]),
        ("prefferedGivenName", "preferredGivenName", ["R-HEAD-03"]),
    ],
)
@pytest.mark.requirement("S2-6", "S2-7")
def test_label_is_read_as_meant_with_a_note(label: str, name: str, codes: Sequence[str]) -> None:
    (found,) = meant([label], USERS)
    assert (found.raw, found.name, list(found.repairs)) == (label, name, codes)


@pytest.mark.parametrize(
    "label",
    ["metadata.email", "METADATA.EMAIL", "ext.email", "EXT.EMAIL", "my.email", "a_email", "Dcid", "", " ", "mail to",
     "email2", "e_mail_address_2", "US ERS.email", "x.USERS.email"],
)  # fmt: skip
@pytest.mark.requirement("S2-9", "S2-13")
def test_label_that_might_mean_something_else_is_left_alone(label: str) -> None:
    assert names("sourcedId", label) == ["sourcedId", None]


def test_letters_before_labels_are_dropped_only_when_every_label_has_its_own() -> None:
    assert names("a_sourcedId", "b_status", "d_email") == ["sourcedId", "status", "email"]
    assert repairs("a_sourcedId", "b_status") == [("R-HEAD-02",)] * 2
    assert names("CC.a_sourcedId", "CC.b_status") == ["sourcedId", "status"]
    assert names("a_sourcedId", "b_status", "email") == [None, None, "email"]
    assert names("a_sourcedId", "a_status") == [None, None]


def test_other_word_does_not_count_beside_the_standards() -> None:
    assert names("grades", "grade", "USERS.languages", "language") == ["grades", None, None, "language"]


def test_two_other_words_for_one_thing_both_count_so_that_the_file_is_refused() -> None:
    assert names("grade", "USERS.grade") == ["grades", "grades"]


def test_key_of_demographics_in_1_0_is_read() -> None:
    assert names("userSourcedId", "sex", entity="demographics") == ["sourcedId", "sex"]
    assert names("userSourcedId", entity="enrollments") == ["userSourcedId"]
    assert names("userSourcedId") == [None]


@pytest.mark.parametrize("entity", ENTITIES)
def test_no_other_word_is_the_name_of_a_column_in_the_same_file(entity: str) -> None:
    columns = ENTITIES[entity].cells()
    for name, others in ALIASES.items():
        if name in columns:
            assert names(*others, entity=entity) == [name] * len(others)


def test_every_repair_has_its_rule() -> None:
    labels = ["a_USERS", "USERS.a_grade", "SOURCEDID", "USERS.email", "grade"]
    assert {code for each in repairs(*labels) for code in each} <= set(RULES)
