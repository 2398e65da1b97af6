"""Every matcher that comes along keeps the contract; matchers that break it are told so."""

from __future__ import annotations

import inspect

import pytest

from syncrun.match.load import BUILT_IN, load_matchers
from syncrun.matcher.address import Addresses
from syncrun.matcher.number import Identifiers
from syncrun.matcher.person import Names
from syncrun.matcher.person_fact import Births, Places
from syncrun.matcher.school import SchoolNames
from syncrun.matcher.section import Sections
from syncrun.matcher.year import Years
from syncrun.registry import Registry
from syncrun.sdk import ContractError, Form, Score
from syncrun.testing.matcher import MatcherContract


def named(given: str, family: str, **more: str) -> dict[str, str]:
    return {"givenName": given, "familyName": family, "school": "s1", **more}


class TestNames(MatcherContract):
    matcher = Names()
    full = named("Zoë Anne", "van der Berg", middleName="Mae", preferredName="Zo")
    same = (
        (named("José", "Núñez"), named("JOSE", "NUNEZ")), (named("William", "Smith"), named("Bill", "Smith")),
        (named("Ana", "García López"), named("Ana", "García")), (named("Ann", "Lee"), named("Lee", "Ann")),
        (named("Mei", "Smith-Jones"), named("Mei", "Smith Jones")), (named("Omar", "Al-Hassan"), named("Omar", "Hassan")),
        (named("Katherine", "Johnson"), named("Katherine", "Jonson")), (named("Paco", "Ruiz"), named("Francisco", "Ruiz")),
        (named("John", "King Jr."), named("John", "King")), (named("Mary Ann", "Ross"), named("Mary", "Ross")),
        (named("Łukasz", "O’Brien"), named("Lukasz", "OBrien")), (named("Ida", "Groß"), named("Ida", "Gross")),
    )  # fmt: skip
    other = (
        (named("Ann", "Lee"), named("Ben", "Lee")), (named("Ann", "Lee"), named("Ann", "Moser")),
        (named("Ann", "Lee"), named("Karl", "Moser")),
    )  # fmt: skip


class TestIdentifiers(MatcherContract):
    matcher = Identifiers()
    full = {"identifier": "A-007"}
    same = (({"identifier": "007"}, {"identifier": "7"}), ({"identifier": "ab1"}, {"identifier": "AB1"}))
    other = (({"identifier": "7"}, {"identifier": "8"}),)


class TestAddresses(MatcherContract):
    matcher = Addresses()
    full = {"email": "ann.lee@district.example", "username": "annlee", "phone": "+1 (555) 010-2030"}
    same = (({"email": "ann.lee@old.example"}, {"email": "Ann.Lee@new.example"}),)
    other = (({"email": "ann.lee@old.example"}, {"email": "ben.lee@old.example"}),)


class TestBirths(MatcherContract):
    matcher = Births()
    full = {"birthDate": "2012-03-04"}
    same = (
        ({"birthDate": "2012-03-04"}, {"birthDate": "2012-04-03"}),
        ({"birthDate": "2012-03-04"}, {"birthDate": "2012-03-14"}),
    )
    other = (({"birthDate": "2012-03-04"}, {"birthDate": "2011-12-24"}),)


class TestPlaces(MatcherContract):
    matcher = Places()
    full = {"school": "s1", "grade": "KG"}
    same = (({"school": "s1", "grade": "04"}, {"school": "s1", "grade": "5"}),)
    other = (
        ({"school": "s1", "grade": "04"}, {"school": "s2", "grade": "04"}),
        ({"school": "s1", "grade": "04"}, {"school": "s1", "grade": "12"}),
    )


class TestSchoolNames(MatcherContract):
    matcher = SchoolNames()
    full = {"name": "Oak High School"}
    same = tuple(({"name": one}, {"name": other}) for one, other in (
        ("Lincoln High School", "Lincoln HS"), ("St. Mary's Elem.", "Saint Marys Elementary School"), ("P.S. 12", "PS 012"),
        ("Mt Vernon Middle School", "Mount Vernon MS"), ("N. Oak Sr High", "North Oak Senior High School"),
        ("Lincoln High", "Lincoln"), ("The Academy of Arts", "Arts Acad"),
    ))  # fmt: skip
    other = tuple(({"name": one}, {"name": other}) for one, other in (
        ("North High School", "South High School"), ("P.S. 12", "P.S. 21"), ("Lincoln High School", "Lincoln Middle School"),
        ("Oak Elementary", "Elm Elementary"),
    ))  # fmt: skip


class TestYears(MatcherContract):
    matcher = Years()
    full = {"title": "2026-2027", "startDate": "2026-08-17", "endDate": "2027-06-12"}
    same = (({"title": "SY 2026-27"}, {"title": "2026/2027"}), ({"title": "26-27"}, {"title": "2027"}),
            ({"startDate": "2026-08-17"}, {"startDate": "2026-09-01"}))  # fmt: skip
    other = (({"title": "2026-27"}, {"title": "2025-26"}), ({"endDate": "2027-06-12"}, {"endDate": "2026-06-12"}))


class TestSections(MatcherContract):
    matcher = Sections()
    full = {"title": "Algebra I", "classCode": "ALG1-03", "course": "c1", "teachers": ["t1", "t2"], "period": "3",
            "school": "s1"}  # fmt: skip
    same = (
        ({"title": "Alg. 1 (H)", "school": "s1", "period": "3"}, {"title": "Honors Algebra I", "school": "s1", "period": "3"}),
        ({"title": "ELA 6", "school": "s1", "teachers": ["t1"]},
         {"title": "English Language Arts 6", "school": "s1", "teachers": ["t1", "t2"]}),
    )  # fmt: skip
    other = (
        ({"title": "Algebra I", "school": "s1"}, {"title": "Algebra II", "school": "s1"}),
        ({"title": "Art", "period": "1", "teachers": ["t1"]}, {"title": "Art", "period": "2", "teachers": ["t2"]}),
    )


# -- the contract itself ------------------------------------------------------------------------------------------------


class Shouts:
    """A matcher that keeps the contract; each broken twin changes one thing."""

    kinds = ("students",)
    features = ("familyName",)
    forms = (Form("loud", "familyName", str.upper),)
    keys = ("loud",)
    weight = 1.0

    def score(self, incoming, existing):
        if incoming["familyName"] is None or existing["familyName"] is None:
            return None
        if incoming["familyName"] == existing["familyName"]:
            return Score(1.0, ("same:familyName",))
        return (
            Score(0.9, ("alike:familyName",))
            if incoming["loud"] == existing["loud"]
            else Score(0.1, ("other:familyName",))
        )


class Lopsided(Shouts):
    def score(self, incoming, existing):
        found = super().score(incoming, existing)
        return found and (
            Score(found.value * 0.99, found.reasons)
            if (incoming["familyName"] or "") < existing["familyName"]
            else found
        )


class NullsAgree(Shouts):
    def score(self, incoming, existing):
        return super().score(incoming, existing) or Score(1.0, ("same:familyName",))


class FalseOne(Shouts):
    def score(self, incoming, existing):
        found = super().score(incoming, existing)
        return Score(1.0, found.reasons) if found and found.value == 0.9 else found


class NeverOne(Shouts):
    def score(self, incoming, existing):
        found = super().score(incoming, existing)
        return Score(0.95, found.reasons) if found and found.value == 1 else found


class Keyless(Shouts):
    keys = ("familyName",)


class Telling(Shouts):
    def score(self, incoming, existing):
        found = super().score(incoming, existing)
        return Score(0.9, (f"alike:{incoming['loud'].lower()}",)) if found and found.value == 0.9 else found


class Blind(Shouts):
    def score(self, incoming, existing):
        found = super().score(incoming, existing)
        return Score(0.95, found.reasons) if found and found.value < 0.5 else found


class Strange(Shouts):
    features = ("shoeSize",)


BROKEN = {
    "test_sides_are_the_same_to_it": Lopsided, "test_nothing_known_is_nothing_said": NullsAgree,
    "test_other_writing_is_less_than_the_same": FalseOne, "test_identical_records_score_1": NeverOne,
    "test_what_is_alike_shares_a_key": Keyless, "test_reasons_hold_no_values": Telling,
    "test_two_are_less_alike_than_one": Blind, "test_is_a_matcher": Strange,
}  # fmt: skip


def contract(kind: type) -> MatcherContract:
    class Tested(MatcherContract):
        matcher = kind()
        full = {"familyName": "Lee"}
        same = (({"familyName": "Lee"}, {"familyName": "LEE"}),)
        other = (({"familyName": "Lee"}, {"familyName": "Moser"}),)

    return Tested()


CHECKS = [each for each, _ in inspect.getmembers(MatcherContract, inspect.isfunction) if each.startswith("test_")]


@pytest.mark.parametrize("check", CHECKS)
def test_matcher_in_order_passes(check):
    getattr(contract(Shouts), check)()


@pytest.mark.parametrize("check", BROKEN)
def test_each_check_has_a_matcher_that_fails_it(check):
    with pytest.raises((AssertionError, ContractError), match=r"MAT-|two things|names what"):
        getattr(contract(BROKEN[check]), check)()


def test_a_missing_field_that_raises_the_score_is_found():
    class Relieved(Shouts):
        features = ("familyName", "grade")

        def score(self, incoming, existing):
            if incoming["familyName"] is None:
                return None
            return Score(0.5 if incoming["grade"] and existing["grade"] else 1.0, ("same:familyName",))

    tested = contract(Relieved)
    type(tested).full = {"familyName": "Lee", "grade": "04"}
    with pytest.raises(AssertionError, match="MAT-10: grade"):
        tested.test_missing_fields_never_raise_the_score()


def test_all_that_come_along_are_tested_here_and_come_by_the_hook():
    found = load_matchers(Registry(), [BUILT_IN])
    tested = {type(each.matcher) for each in MatcherContract.__subclasses__() if each.__name__ != "Tested"}
    assert {type(each) for each in found.values()} == tested
