"""Proposals: who is sure, who needs a look, who is in doubt; one to one, and the same whatever the order of rows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from syncrun.match import block
from syncrun.match.load import load_matchers
from syncrun.match.propose import Rosters, propose
from syncrun.registry import Registry
from syncrun.sdk import FEATURES, ContractError, Form, Matcher, Score
from syncrun.sqltext import literal, name

Known = Mapping[str, Any]
Row = tuple[str, str, str]
MATCHERS = load_matchers(Registry())


def relation(connection: duckdb.DuckDBPyConnection, side: str, records: Sequence[Known]) -> None:
    columns = ("id", *FEATURES)
    kinds = ", ".join(f"{name(each)} VARCHAR{'[]' if each == 'teachers' else ''}" for each in columns)
    connection.execute(f"CREATE TABLE {side} ({kinds})")
    for known in records:
        connection.execute(
            f"INSERT INTO {side} VALUES ({', '.join('?' * len(columns))})", [known.get(each) for each in columns]
        )


def members(connection: duckdb.DuckDBPyConnection, side: str, rosters: Mapping[str, Sequence[str]]) -> None:
    connection.execute(f"CREATE TABLE {side}_members (class_id VARCHAR, person_id VARCHAR)")
    for key, people in rosters.items():
        for person in people:
            connection.execute(f"INSERT INTO {side}_members VALUES ({literal(key)}, {literal(person)})")


class Desk:
    """One comparison."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def __call__(self, incoming: Sequence[Known], existing: Sequence[Known], kind: Any = "students",
                 rosters: tuple[Mapping[str, Sequence[str]], Mapping[str, Sequence[str]]] | None = None,
                 matchers: Mapping[str, Matcher] = MATCHERS) -> list[Row]:  # fmt: skip
        """Proposals as (incoming, existing, verdict)."""
        for table in ("incoming", "existing", "incoming_members", "existing_members"):
            self.connection.execute(f"DROP TABLE IF EXISTS {table}")
        relation(self.connection, "incoming", incoming)
        relation(self.connection, "existing", existing)
        if rosters:
            members(self.connection, "incoming", rosters[0])
            members(self.connection, "existing", rosters[1])
        self.told = propose(self.connection, matchers, kind, rosters=Rosters() if rosters else None)
        return self.all("SELECT incoming_id, existing_id, verdict FROM proposals ORDER BY ALL")

    def all(self, query: str) -> list[Any]:
        return self.connection.execute(query).fetchall()

    def reasons(self, key: str) -> set[str]:
        return {
            each
            for (found,) in self.all(f"SELECT reasons FROM proposals WHERE incoming_id = '{key}'")
            for each in found
        }


@pytest.fixture
def compare() -> Iterator[Desk]:
    with duckdb.connect() as connection:
        yield Desk(connection)


def person(key: str, given: str = "Ann", family: str = "Lee", school: str | None = "s1", **more: str) -> dict[str, Any]:
    return {"id": key, "givenName": given, "familyName": family, "school": school, **more}


ANN = {"identifier": "7", "birthDate": "2012-03-04", "email": "ann.lee@district.example", "grade": "05"}


# -- sure ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [
    ("identifier",), ("birthDate",), ("email",), ("identifier", "birthDate"), tuple(ANN),
], ids=" ".join)  # fmt: skip
def test_name_school_and_one_fact_more_are_sure(compare, known):
    facts = {each: ANN[each] for each in known}
    assert compare([person("i", **facts)], [person("e", **facts)]) == [("i", "e", "sure")]


@pytest.mark.parametrize(("given", "family"), [
    ("Ann", "Leé"), ("ANN", "LEE"), ("Annie", "Lee"), ("Ann Mary", "Lee"), ("Lee", "Ann"), ("Ann", "Lee-Moser"), ("Anna", "Lee"),
])  # fmt: skip
def test_identifier_and_another_writing_of_the_name_are_sure(compare, given, family):
    facts = {"identifier": "7", "grade": "05"}
    assert compare([person("i", given, family, **facts)], [person("e", **facts)]) == [("i", "e", "sure")]


def test_teachers_are_compared_as_students_are(compare):
    email = {"email": "ann.lee@district.example"}
    assert compare([person("i", **email)], [person("e", **email)], "teachers") == [("i", "e", "sure")]


# -- a person must look -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ours", "theirs"), [
    (person("i"), person("e")),
    (person("i", **ANN), person("e", school="s2", **ANN)),
    (person("i", birthDate="2012-03-04"), person("e", school=None, birthDate="2012-03-04")),
    (person("i", given="Karim", family="Moser", birthDate="2012-03-04"), person("e", given="Karin", family="Moser", birthDate="2012-03-04")),
    (person("i", **ANN), person("e", **{**ANN, "birthDate": "2012-04-03"})),
    (person("i", **ANN), person("e", **{**ANN, "grade": "09"})),
], ids=["name and school", "moved", "school unknown", "misspelt, no identifier", "day and month", "another grade"])  # fmt: skip
def test_what_lacks_a_fact_or_contradicts_itself_is_likely_at_most(compare, ours, theirs):
    assert compare([ours], [theirs]) == [("i", "e", "likely")]


@pytest.mark.parametrize("more", [{}, {"birthDate": "2012-03-04"}, {"identifier": "7", "birthDate": "2012-03-04"}])
def test_same_name_at_two_schools_is_never_sure(compare, more):
    assert "sure" not in {row[2] for row in compare([person("i", **more)], [person("e", school="s2", **more)])}


def test_same_name_at_two_schools_does_not_take_the_other_ones_place(compare):
    here, there = person("i1", birthDate="2012-03-04"), person("i2", school="s2", birthDate="2011-01-01")
    found = compare([here, there], [{**here, "id": "e1"}, {**there, "id": "e2"}])
    assert found == [("i1", "e1", "sure"), ("i2", "e2", "sure")]


def test_name_that_two_have_at_one_school_is_never_sure(compare):
    one, two = (
        person("i1", identifier="7", birthDate="2012-03-04"),
        person("i2", identifier="8", birthDate="2012-09-09"),
    )
    found = compare([one, two], [{**one, "id": "e1"}, {**two, "id": "e2"}])
    assert found == [("i1", "e1", "likely"), ("i2", "e2", "likely")]
    assert "several:name" in compare.reasons("i1")
    assert compare([one, two], [{**one, "id": "e1"}])[0] == ("i1", "e1", "likely")
    assert compare([one], [{**one, "id": "e1"}, {**two, "id": "e2"}]) == [("i1", "e1", "likely")]


@pytest.mark.parametrize("age", [{"birthDate": "2012-03-04"}, {"grade": "05"}], ids=" ".join)
def test_twins_are_told_apart_and_sure_only_by_identifier_and_the_very_name(compare, age):
    ann, ben = person("1", "Ann", **age), person("2", "Ben", **age)
    found = compare([ann, ben], [{**ann, "id": "e1"}, {**ben, "id": "e2"}])
    assert found == [("1", "e1", "likely"), ("2", "e2", "likely")]
    ann, ben = {**ann, "identifier": "7"}, {**ben, "identifier": "8"}
    found = compare([ann, ben], [{**ann, "id": "e1"}, {**ben, "id": "e2"}])
    assert found == [("1", "e1", "sure"), ("2", "e2", "sure")]
    found = compare([{**ann, "givenName": "Annie"}, ben], [{**ann, "id": "e1"}, {**ben, "id": "e2"}])
    assert found == [("1", "e1", "likely"), ("2", "e2", "sure")]


def test_twin_who_is_new_is_not_given_the_others_place(compare):
    ann, ben = person("1", "Ann", birthDate="2012-03-04"), person("2", "Ben", birthDate="2012-03-04")
    assert compare([ben], [{**ann, "id": "e1"}]) == []
    assert compare([ann, ben], [{**ann, "id": "e1"}]) == [("1", "e1", "likely")]


# -- e-mail -------------------------------------------------------------------------------------------------------------


def test_email_alone_proposes_nothing_sure(compare):
    email = {"email": "office@district.example"}
    assert compare([person("i", **email)], [person("e", "Karl", "Moser", "s1", **email)]) == []
    assert compare([person("i", school=None, **email)], [person("e", school=None, **email)]) == [("i", "e", "likely")]


def test_email_that_a_family_shares_is_no_fact(compare):
    email = {"email": "lees@home.example"}
    found = compare([person("i", **email)], [person("e1", **email), person("e2", "Ben", **email)])
    assert found == [("i", "e1", "likely")]
    assert "several:address" in compare.reasons("i")


_text = st.sampled_from(["Ann", "Lee", "Ben", "Anna", "Moser", "Smith", "Smyth", "de la Cruz", "Cruz"])


@pytest.mark.slow
@given(ours=st.tuples(_text, _text), theirs=st.tuples(_text, _text), school=st.sampled_from([None, "s1", "s2"]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_email_without_name_and_school_is_never_sure(compare, ours, theirs, school):
    email = {"email": "a@district.example"}
    assume(ours != theirs or school != "s1")
    found = compare([person("i", *ours, "s1", **email)], [person("e", *theirs, school, **email)])
    fits = school == "s1" and {"same:name", "alike:name", "swapped:name"} & compare.reasons("i")
    assert fits or "sure" not in {row[2] for row in found}


# -- doubt --------------------------------------------------------------------------------------------------------------


def test_identifier_that_is_another_persons_now_is_in_doubt(compare):
    assert compare([person("i", identifier="7")], [person("e", "Karl", "Moser", identifier="7")]) == [
        ("i", "e", "doubt")
    ]
    assert "against:identifier" in compare.reasons("i")
    found = compare([person("i", **ANN)], [person("e", **{**ANN, "birthDate": "2009-11-30"})])
    assert found == [("i", "e", "doubt")]


def test_identifier_and_name_that_point_to_two_are_in_doubt_with_both(compare):
    found = compare([person("i", identifier="7", birthDate="2012-03-04")],
                    [person("e1", "Karl", "Moser", identifier="7"), person("e2", birthDate="2012-03-04")])  # fmt: skip
    assert found == [("i", "e1", "doubt"), ("i", "e2", "doubt")]


def test_two_that_fit_equally_are_listed_and_none_is_chosen(compare):
    found = compare([person("i")], [person("e1"), person("e2"), person("e3", "Karl", "Moser")])
    assert found == [("i", "e1", "doubt"), ("i", "e2", "doubt")]
    assert "tied:score" in compare.reasons("i")
    assert compare([person("i1"), person("i2")], [person("e")]) == [("i1", "e", "doubt"), ("i2", "e", "doubt")]


def test_tie_is_over_when_the_other_is_taken_by_one_that_fits_better(compare):
    better = {"identifier": "7"}
    found = compare([person("i1"), person("i2", **better)], [person("e1"), person("e2", **better)])
    assert [row[:2] for row in found] == [("i1", "e1"), ("i2", "e2")]
    assert {row[2] for row in found} == {"likely"}


def test_identifier_that_differs_in_zeros_or_case_is_not_the_same(compare):
    found = compare([person("i", identifier="007")], [person("e", identifier="7")])
    assert found == [("i", "e", "likely")]
    assert "close:identifier" in compare.reasons("i")


def test_identifiers_of_another_system_speak_against_nobody(compare):
    crowd = [person(f"{n}", f"Given{n}x", f"Family{n}y", birthDate=f"2012-01-{n + 1:02d}") for n in range(12)]
    found = compare([{**each, "identifier": f"new-{n}"} for n, each in enumerate(crowd)],
                    [{**each, "identifier": f"old/{n}"} for n, each in enumerate(crowd)])  # fmt: skip
    assert found == [(each["id"], each["id"], "sure") for each in sorted(crowd, key=lambda each: each["id"])]
    numbers = [{**each, "identifier": each["id"]} for each in crowd]
    one = person("x", "Odd", "Stranger", birthDate="2012-05-05")
    found = compare([*numbers, {**one, "identifier": "98"}], [*numbers, {**one, "identifier": "99"}])
    assert ("x", "x", "likely") in found


# -- candidates, limits, order ------------------------------------------------------------------------------------------


def test_the_best_five_are_listed_for_a_person_to_choose_from(compare):
    existing = [
        person(f"e{n}", family=family) for n, family in enumerate(("Lee", "Leé", "Lees", "Leeb", "Leem", "Leef", "Lee"))
    ]
    compare([person("i")], existing)
    found = compare.all("SELECT rank, existing_id, score FROM candidates ORDER BY rank")
    assert [row[0] for row in found] == [1, 2, 3, 4, 5]
    assert [row[1] for row in found][:3] == ["e0", "e6", "e1"]
    assert [row[2] for row in found] == sorted((row[2] for row in found), reverse=True)


def test_key_that_too_many_share_is_told_and_its_records_are_never_sure(compare, monkeypatch):
    crowd = [
        person(f"{n:02d}", f"A{'bcdfgklmnp'[n]}o", f"Q{'bcdfgklmnp'[n]}ua", birthDate="1900-01-01", identifier=f"n{n}")
        for n in range(10)
    ]
    assert {row[2] for row in compare(crowd, crowd)} == {"sure"}
    assert compare.told.crowded == ()
    monkeypatch.setattr(block, "MOST", 50)
    assert {row[2] for row in compare(crowd, crowd)} == {"likely"}
    (told,) = compare.told.crowded
    assert (told.matcher, told.incoming > 0, told.existing > 0) == ("names", True, True)
    assert "crowded:key" in compare.reasons("01")


def test_figures_add_up(compare):
    found = compare([person("a", **ANN), person("b", "Karl", "Moser"), person("c", "Tim", "Ott"), person("d", "Eva", "Abt")],
                    [person("e1", **ANN), person("e2", "Karl", "Moser"), person("e3", "Tim", "Ott"), person("e4", "Tim", "Ott")])  # fmt: skip
    assert len(found) == 4
    told = compare.told
    assert (told.sure, told.likely, told.doubt, told.without) == (1, 1, 1, 1)


def test_nothing_of_a_comparison_is_left_but_its_answers(compare):
    compare([person("i", **ANN)], [person("e", **ANN)])
    left = {row[0] for row in compare.all("SELECT table_name FROM information_schema.tables")}
    assert left == {"incoming", "existing", "proposals", "candidates"}


def test_empty_sides_and_no_matchers_propose_nothing(compare):
    assert compare([], []) == []
    assert compare([person("i", **ANN)], []) == []
    assert compare([person("i", **ANN)], [person("e", **ANN)], matchers={}) == []


def test_columns_may_be_missing_and_of_any_type(compare):
    compare.connection.execute(
        "CREATE TABLE incoming AS SELECT 1 AS id, 'Ann' AS givenName, 'Lee' AS familyName, DATE '2012-03-04' AS birthDate, 3 AS school"
    )
    compare.connection.execute(
        "CREATE TABLE existing AS SELECT 2 AS id, 'Ann' AS givenName, 'Lee' AS familyName, '2012-03-04' AS birthDate, '3' AS school, ' ' AS email"
    )
    propose(compare.connection, MATCHERS, "students")
    assert compare.all("SELECT incoming_id, existing_id, verdict FROM proposals") == [("1", "2", "sure")]


@pytest.mark.parametrize("ids", [("a", "a"), ("a", None)], ids=["double", "missing"])
def test_ids_that_are_double_or_missing_are_refused(compare, ids):
    with pytest.raises(ContractError, match="missing or double"):
        compare([person(each) for each in ids], [])


FEW = st.fixed_dictionaries({
    "givenName": st.sampled_from(["Ann", "Annie", "Ben", "Maria", "Mario"]),
    "familyName": st.sampled_from(["Lee", "Leé", "García", "García López", "López"]),
    "school": st.sampled_from([None, "s1", "s2"]), "identifier": st.sampled_from([None, "1", "2", "01"]),
    "birthDate": st.sampled_from([None, "2012-03-04", "2012-04-03"]),
    "email": st.sampled_from([None, "a@district.example", "b@district.example"]), "grade": st.sampled_from([None, "05", "06"]),
})  # fmt: skip
CROWD = st.lists(FEW, min_size=1, max_size=6)


def numbered(people: Sequence[Known], letter: str) -> list[dict[str, Any]]:
    return [{**each, "id": f"{letter}{n}"} for n, each in enumerate(people)]


@pytest.mark.slow
@given(incoming=CROWD, existing=CROWD, turn=st.randoms())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_takes_one_and_order_changes_nothing(compare, incoming, existing, turn):
    ours, theirs = numbered(incoming, "i"), numbered(existing, "e")
    found = compare(ours, theirs)
    chosen = [row for row in found if row[2] != "doubt"]
    assert len({row[0] for row in chosen}) == len({row[1] for row in chosen}) == len(chosen)
    doubted = [row for row in found if row[2] == "doubt"]
    assert not {row[0] for row in chosen} & {row[0] for row in doubted}
    assert not {row[1] for row in chosen} & {row[1] for row in doubted}
    assert all(
        0 <= score <= 1
        for (score,) in compare.all("SELECT score FROM proposals UNION ALL SELECT score FROM candidates")
    )
    turn.shuffle(ours)
    turn.shuffle(theirs)
    assert compare(ours, theirs, matchers=dict(reversed(MATCHERS.items()))) == found


@pytest.mark.slow
@given(incoming=CROWD, existing=CROWD)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_records_that_have_nothing_to_do_with_it_change_nothing(compare, incoming, existing):
    ours, theirs = numbered(incoming, "i"), numbered(existing, "e")
    stranger = {
        **person("z", "Quentin", "Wojtowicz", "s9", birthDate="2001-12-31", email="q@else.example"),
        "grade": "01",
    }
    assume(any(each["grade"] for each in ours) and any(each["grade"] for each in theirs))
    known = ("birthDate", "email")
    assume(all(any(each[field] for each in side) for field in known for side in (ours, theirs)))
    found = compare(ours, theirs)
    assert compare([*ours, stranger], theirs) == found


# -- classes ------------------------------------------------------------------------------------------------------------


def section(key: str, title: str = "Algebra I", **more: Any) -> dict[str, Any]:
    return {"id": key, "title": title, "school": "s1", **more}


def people(start: int, count: int = 20) -> list[str]:
    return [f"p{n}" for n in range(start, start + count)]


def test_sections_of_one_title_are_told_apart_by_their_rosters(compare):
    found = compare([section("i1"), section("i2")], [section("e1", "Alg 1"), section("e2", "Alg 1")], "classes",
                    ({"i1": people(0), "i2": people(20)}, {"e1": people(22), "e2": people(2)}))  # fmt: skip
    assert found == [("i1", "e2", "sure"), ("i2", "e1", "sure")]
    assert "alike:roster" in compare.reasons("i1")


def test_rosters_are_compared_whatever_the_classes_are_called(compare):
    found = compare(
        [section("i", "Zoology")], [section("e", "Animal Life")], "classes", ({"i": people(0)}, {"e": people(0)})
    )
    assert [row[:2] for row in found] == [("i", "e")]
    assert found[0][2] == "likely"


def test_roster_that_is_another_is_not_proposed_for_its_title(compare):
    found = compare([section("i"), section("j", "Botany")], [section("e"), section("f", "Zoology")], "classes",
                    ({"i": people(0), "j": people(50)}, {"e": people(50), "f": people(0)}))  # fmt: skip
    assert {row[:2] for row in found} == {("i", "f"), ("j", "e")}


def test_members_whom_one_side_alone_knows_say_nothing_against_a_class(compare):
    """Nobody linked the students yet: that none of them is known to both sides does not tell the classes apart."""
    ours, theirs = section("i", teachers=["t"], period="2"), section("e", teachers=["t"], period="2")
    assert compare([ours], [theirs], "classes", ({"i": people(0)}, {"e": people(50)})) == [("i", "e", "sure")]


def test_few_members_that_both_sides_know_say_nothing(compare):
    """Of 20 members each, 5 are known to both: less than a third."""
    ours = {"i": people(0), "j": people(100, 5)}
    theirs = {"e": [*people(100, 5), *people(200, 15)], "f": people(0, 5)}
    compare([section("i"), section("j", "Botany")], [section("e"), section("f", "Zoology")], "classes", (ours, theirs))
    assert not any(reason.endswith(":roster") for reason in compare.reasons("i"))


def test_section_of_another_school_is_not_proposed_for_title_and_roster(compare):
    ours, theirs = section("i"), {**section("e"), "school": "s2"}
    assert compare([ours], [theirs], "classes", ({"i": people(0)}, {"e": people(0)})) == []


def test_two_sections_with_much_the_same_roster_are_never_sure(compare):
    found = compare([section("i")], [section("e1", period="1"), section("e2", period="2")], "classes",
                    ({"i": people(0)}, {"e1": people(0), "e2": people(5)}))  # fmt: skip
    assert found == [("i", "e1", "likely")]


def test_without_rosters_teacher_and_period_tell_sections_apart(compare):
    ours = [section(f"i{n}", teachers=[f"t{n % 2}"], period=str(n // 2)) for n in range(4)]
    theirs = [{**each, "id": f"e{n}"} for n, each in enumerate(ours)]
    assert compare(ours, theirs, "classes") == [(f"i{n}", f"e{n}", "sure") for n in range(4)]
    bare = [section("i1"), section("i2")], [section("e1"), section("e2")]
    assert {row[2] for row in compare(*bare, "classes")} == {"doubt"}


def test_algebra_one_is_not_algebra_two(compare):
    found = compare([section("i", "Algebra I", teachers=["t1"], period="1")],
                    [section("e", "Algebra II", teachers=["t1"], period="1")], "classes")  # fmt: skip
    assert "sure" not in {row[2] for row in found}


# -- schools and years --------------------------------------------------------------------------------------------------


def test_schools_are_proposed_by_name_and_sure_with_their_identifier(compare):
    ours = [{"id": "i1", "name": "Oak High School", "identifier": "S1"}, {"id": "i2", "name": "Elm Elementary School"},
            {"id": "i3", "name": "North Middle School"}]  # fmt: skip
    theirs = [{"id": "e1", "name": "Oak HS", "identifier": "S1"}, {"id": "e2", "name": "Elm Elem."},
              {"id": "e3", "name": "South Middle School"}]  # fmt: skip
    assert compare(ours, theirs, "orgs") == [("i1", "e1", "sure"), ("i2", "e2", "likely")]


def test_years_are_sure_by_title_and_dates(compare):
    dates = {"startDate": "2026-08-17", "endDate": "2027-06-12"}
    found = compare([{"id": "i1", "title": "2026-2027", **dates}, {"id": "i2", "title": "2025-2026"}],
                    [{"id": "e1", "title": "SY 2026-27", **dates}, {"id": "e2", "title": "25/26"}], "years")  # fmt: skip
    assert found == [("i1", "e1", "sure"), ("i2", "e2", "likely")]


# -- matchers of others -------------------------------------------------------------------------------------------------


class Badges:
    """What a plug-in might bring."""

    kinds: Sequence[Any] = ("students",)
    features: Sequence[str] = ("username",)
    forms: Sequence[Form] = ()
    keys: Sequence[str] = ("username",)
    weight = 3.0

    def score(self, incoming: Known, existing: Known) -> Score | None:
        if incoming["username"] is None or existing["username"] is None:
            return None
        return (
            Score(1.0, ("same:badge",))
            if incoming["username"] == existing["username"]
            else Score(0.0, ("other:badge",))
        )


def test_matcher_of_a_plugin_proposes_but_its_own_facts_are_never_sure(compare):
    found = compare([{"id": "i", "username": "b7"}], [{"id": "e", "username": "b7"}], matchers={"badges": Badges()})
    assert found == [("i", "e", "likely")]


def _raises(*_: Any) -> Any:
    raise ValueError("canary-Lee")


@pytest.mark.parametrize(("field", "broken"), [
    ("score", _raises), ("score", lambda *_: 0.5), ("score", lambda *_: Score(2.0, ("same:badge",))),
    ("score", lambda *_: Score(0.5, ())), ("score", lambda *_: Score(0.5, ("Ann Lee",))), ("keys", ("no such column",)),
    ("forms", (Form("loud", "username", _raises),)), ("forms", (Form("id", "username", str.upper),)),
    ("forms", (Form("loud", "shoeSize", str.upper),)),
])  # fmt: skip
def test_matcher_that_breaks_its_contract_is_named_without_its_words(compare, field, broken):
    matcher = Badges()
    setattr(matcher, field, broken)
    with pytest.raises(ContractError) as caught:
        compare([{"id": "i", "username": "b7"}], [{"id": "e", "username": "b7"}], matchers={"badges": matcher})
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert {row[0] for row in compare.all("SELECT schema_name FROM information_schema.schemata")}.isdisjoint(
        {"matching"}
    )


def test_scores_of_pairs_are_the_same_from_both_sides(compare):
    names = ["Ann", "Anna", "Annie", "Ben", "Ann Mary", "Lee"]
    crowd = [person(f"{n}", *pair, birthDate="2012-03-04") for n, pair in enumerate(itertools.product(names, repeat=2))]
    compare(crowd, crowd)
    found = {(a, b): score for a, b, score in compare.all("SELECT incoming_id, existing_id, score FROM candidates")}
    assert found
    assert all(score == found[b, a] for (a, b), score in found.items() if (b, a) in found)
