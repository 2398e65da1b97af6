"""`syncrun map`: what is proposed, what people decide, and what comes of it with the next run."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import earlier
import pytest

from syncrun.state import decision

if TYPE_CHECKING:
    from terminal import Answer, Terminal
    from world import World


def ask(terminal: Terminal, world: World, kind: str, *words: object) -> Answer:
    return terminal("map", kind, *words, "--district", world.toml)


def listed(terminal: Terminal, world: World, kind: str, *words: object) -> dict[str, dict]:
    answer = ask(terminal, world, kind, *words, "--json")
    assert answer.code == 0, answer.out
    return {each["source_id"]: each for each in answer.json["records"]}


def made(world: World) -> dict[str, tuple[str, str | None]]:
    """The decisions that count."""
    return {
        each.source_id: (each.decision, each.sink_id)
        for each in decision.current(world.state(), "riverside", "planner")
    }


def synced(world: World) -> None:
    """A first sync, approved."""
    assert world.sync().exit_code == 3
    world.approve()
    assert world.sync().exit_code == 0


def owner(world: World, table: str, row: str) -> str | None:
    """Whose a row of the planner is."""
    with world.planner() as connection:
        return connection.exec_driver_sql(f"SELECT managed_by FROM {table} WHERE id = '{row}'").scalar_one()


@pytest.fixture
def old(world: World) -> World:
    """A district before its first sync, and a planner that has its three schools under other names."""
    world.write()
    world.made = earlier.schools(world)
    return world


# -- orgs --------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S0-5", "S0-6", "S0-7", "S0-8", "S0-9", "S0-22")
def test_schools_are_proposed_decided_on_and_linked_by_the_plan_that_is_approved(
    each_world: World, terminal: Terminal
) -> None:
    world = each_world
    world.write()
    old = earlier.schools(world)
    other = earlier.made_by_hand(world, "schools", "annex", name="The Annex")
    before = world.dump()
    found = listed(terminal, world, "orgs")
    assert {key: each["fits"][0]["sink_id"] for key, each in found.items()} == old
    assert all(each["fits"][0]["verdict"] and each["fits"][0]["reasons"] for each in found.values())
    assert ask(terminal, world, "orgs", "set", "school-1", "--link", other, "--as", "Ann").code == 0
    assert ask(terminal, world, "orgs", "set", "school-2", "--add").code == 0
    answer = ask(terminal, world, "orgs", "set", "school-3", "--skip")
    assert "Nothing happens in the sink before the next plan is approved." in answer.out
    assert answer.out.splitlines()[-1] == f"Next: syncrun plan --district {world.toml}"
    assert world.dump() == before
    assert world.sync().exit_code == 3
    assert world.dump() == before
    world.approve()
    assert world.sync().exit_code == 0
    assert [owner(world, "schools", row) for row in (other, old["school-2"], old["school-3"])] == [
        "riverside",
        None,
        None,
    ]
    assert sum(row[-2] == "school-2" for row in world.dump()["schools"]) == 1
    assert {row[-2][:2] for row in world.dump()["teachers"]} == {"t1", "t2"}
    line = listed(terminal, world, "orgs")["school-1"]
    assert (line["in_sink"], line["decision"]["sink_id"], line["decision"]["who"]) == (other, other, "Ann")


def test_what_is_likely_is_accepted_all_at_once_or_by_name(old: World, terminal: Terminal) -> None:
    answer = ask(terminal, old, "orgs", "accept", "school-1", "--yes")
    assert answer.code == 0
    assert made(old) == {"school-1": ("link", old.made["school-1"])}
    assert "without a part from then on: school-2, school-3" in answer.err
    assert ask(terminal, old, "orgs", "accept", "--likely", "--yes").code == 0
    assert made(old) == {key: ("link", row) for key, row in old.made.items()}


def test_nothing_is_accepted_without_a_yes(old: World, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    answer = ask(terminal, old, "orgs", "accept", "--likely")
    assert (answer.code, made(old)) == (0, {})
    assert answer.out.endswith("Nothing was changed.\n")
    assert ask(terminal, old, "orgs", "accept", "--likely", "--json").code == 2
    assert made(old) == {}


def test_what_nothing_is_like_can_be_added_in_one_go(world: World, terminal: Terminal) -> None:
    world.write()
    row = earlier.made_by_hand(world, "schools", "oak", name="Oak High School", code="S003")
    assert ask(terminal, world, "orgs", "accept", "--likely", "--add-rest", "--yes").code == 0
    assert made(world) == {"school-1": ("add", None), "school-2": ("add", None), "school-3": ("link", row)}


@pytest.mark.requirement("S0-10")
def test_one_school_of_the_sink_for_two_is_never_proposed_and_must_be_confirmed(old: World, terminal: Terminal) -> None:
    old.edit("orgs", "school-2", name="Birch Elementary School")
    old.write()
    found = listed(terminal, old, "orgs")
    proposed = [
        fit["sink_id"] for each in found.values() for fit in each["fits"] if fit["verdict"] in {"sure", "likely"}
    ]
    assert len(proposed) == len(set(proposed))
    birch = old.made["school-1"]
    assert ask(terminal, old, "orgs", "set", "school-1", "--link", birch, "--as", "Ann").code == 0
    answer = ask(terminal, old, "orgs", "set", "school-2", "--link", birch)
    assert answer.code == 2
    assert f"E-MAP-1  orgs school-1 is {birch} of the sink already: so decided Ann, 20" in answer.err
    assert "--confirm-double" in answer.err
    assert set(made(old)) == {"school-1"}
    assert ask(terminal, old, "orgs", "set", "school-2", "--link", birch, "--confirm-double").code == 0
    assert made(old) == {"school-1": ("link", birch), "school-2": ("join", birch)}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("set", "school-9", "--add"), "The source has no school-9 among its orgs"),
        (("set", "school-1", "--link", "nobody"), "the sink has no schools of the id nobody"),
        (("set", "school-1"), "Say one of --link SINK_ID, --add and --skip."),
        (("accept", "school-9"), "school-9 is not open"),
        (("clear", "school-1"), "Nothing is decided on school-1."),
    ],
)
def test_what_cannot_be_decided_is_refused_and_nothing_is_kept(
    old: World, terminal: Terminal, words: tuple[str, ...], told: str
) -> None:
    answer = ask(terminal, old, "orgs", *words)
    assert answer.code == 2
    assert told in answer.err
    assert made(old) == {}


def test_record_of_the_sync_or_set_aside_cannot_be_linked_to(settled: World, terminal: Terminal) -> None:
    gone = earlier.made_by_hand(settled, "schools", "gone", name="Gone", archived_at=settled.clock.now())
    with settled.planner() as connection:
        mine = connection.exec_driver_sql("SELECT id FROM schools WHERE external_id = 'school-2'").scalar_one()
    for row, told in ((gone, "is set aside in the sink"), (mine, "is of the sync already, as school-2")):
        answer = ask(terminal, settled, "orgs", "set", "school-1", "--link", row)
        assert answer.code == 2
        assert told in answer.err


# -- teachers ----------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S0-11", "S0-12", "S0-13", "S0-14")
def test_teachers_of_the_schools_that_take_part_are_proposed_and_overridden(old: World, terminal: Terminal) -> None:
    at = {"school_id": old.made["school-1"]}
    lookalike = earlier.made_by_hand(
        old, "teachers", "t101", **at, email="t101@example.org", **earlier.person(old, "t101")
    )
    other = earlier.made_by_hand(old, "teachers", "other", **at, given_name="Someone", family_name="Else")
    assert ask(terminal, old, "orgs", "accept", "school-1", "--yes").code == 0
    found = listed(terminal, old, "teachers")
    assert set(found) == {"t100", "t101", "t102", "t103"}
    best = found["t101"]["fits"][0]
    assert (best["sink_id"], best["verdict"]) == (lookalike, "sure")
    assert {"same:email", "same:identifier", "same:school"} <= set(best["reasons"])
    assert ask(terminal, old, "teachers", "set", "t102", "--link", other).code == 0
    assert ask(terminal, old, "teachers", "set", "t100", "--add").code == 0
    assert ask(terminal, old, "teachers", "set", "t103", "--skip").code == 0
    assert ask(terminal, old, "teachers", "accept", "--yes").code == 0
    synced(old)
    assert [owner(old, "teachers", row) for row in (lookalike, other)] == ["riverside"] * 2
    assert {row[-2] for row in old.dump()["teachers"]} == {"t100", "t101", "t102"}
    assert listed(terminal, old, "teachers")["t103"]["decision"]["decision"] == "skip"


def test_names_of_persons_are_shown_only_to_who_asks(old: World, terminal: Terminal) -> None:
    row = {"school_id": old.made["school-1"], "email": "t101@example.org", **earlier.person(old, "t101")}
    earlier.made_by_hand(old, "teachers", "t101", **row)
    for words in ((), ("--json",), ("accept", "t101", "--yes")):
        answer = ask(terminal, old, "teachers", *words)
        assert answer.code == 0
        assert row["family_name"] not in answer.out + answer.err
        assert "example.org" not in answer.out + answer.err
    shown = ask(terminal, old, "teachers", "--names").out
    assert f"{row['given_name']} {row['family_name']} (T101, t101@example.org)" in shown


# -- years -------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.requirement("S0-18")
def test_years_of_the_file_and_of_decisions_both_count_and_one_is_advised(world: World, terminal: Terminal) -> None:
    world.rows("academicSessions").append(
        {**world.rows("academicSessions")[0], "sourcedId": "year-2028", "title": "2027-2028", "startDate": "2027-08-16",
         "endDate": "2028-06-10", "schoolYear": "2028"})  # fmt: skip
    world.write()
    row = earlier.made_by_hand(world, "school_years", "y", title="SY 26/27")
    found = listed(terminal, world, "years")
    assert {key: each["chosen_in_file"] for key, each in found.items()} == {"year-2027": True, "year-2028": False}
    assert found["year-2027"]["fits"][0]["sink_id"] == row
    assert "Name the school years" in ask(terminal, world, "years", "accept", "--yes").err
    assert ask(terminal, world, "years", "set", "year-2028", "--add").code == 0
    shown = ask(terminal, world, "years").out
    assert "2 school years are chosen. Choose one unless you are sure" in shown
    assert "every chosen year is added to every teacher's account" in shown
    assert "chosen in the district file" in shown


# -- changes -----------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S0-28", "S0-30")
@pytest.mark.parametrize(("choice", "left"), [("keep", 12), ("archive", 8)])
def test_changed_decision_is_planned_like_any_change(
    settled: World, terminal: Terminal, choice: str, left: int
) -> None:
    settled.configure(sink=f'deselected = "{choice}"')
    assert settled.sync().exit_code == 0
    assert ask(terminal, settled, "orgs", "set", "school-3", "--skip").code == 0
    assert settled.count("teachers") == 12
    if settled.sync().exit_code == 3:
        assert settled.count("teachers") == 12
        settled.approve()
        assert settled.sync().exit_code == 0
    assert settled.count("teachers") == left


@pytest.mark.slow
def test_history_says_who_decided_what_and_when(old: World, terminal: Terminal) -> None:
    ask(terminal, old, "orgs", "set", "school-1", "--add", "--as", "Ann")
    ask(terminal, old, "orgs", "set", "school-1", "--skip", "--as", "Ben")
    ask(terminal, old, "orgs", "clear", "school-1", "--as", "Cleo")
    ask(terminal, old, "orgs", "set", "school-1", "--add", "--as", "Dora")
    told = terminal("map", "orgs", "history", "school-1", "--district", old.toml, "--json").json
    assert [(each["decision"], each["who"], each["current"]) for each in told] == [
        ("add", "Ann", False), ("skip", "Ben", False), ("add", "Dora", True),
    ]  # fmt: skip
    assert all(each["at"].startswith("20") for each in told)
    lines = ask(terminal, old, "orgs", "history").out.splitlines()
    assert [line[0] for line in lines] == [" ", " ", "*"]


# -- walking -----------------------------------------------------------------------------------------------------------


def walk(terminal: Terminal, world: World, monkeypatch: pytest.MonkeyPatch, *answers: str) -> Answer:
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{each}\n" for each in answers)))
    return ask(terminal, world, "orgs", "walk")


def test_walk_decides_one_by_one_and_saves_at_the_end(
    old: World, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    annex = earlier.made_by_hand(old, "schools", "annex", name="The Annex")
    answer = walk(terminal, old, monkeypatch, "a", "c", "annex", "1", "n", "y")
    assert answer.code == 0
    assert made(old) == {
        "school-1": ("link", old.made["school-1"]), "school-2": ("link", annex), "school-3": ("add", None),
    }  # fmt: skip
    assert "Birch Elem." in answer.out


@pytest.mark.requirement("S0-24")
@pytest.mark.parametrize(
    ("answers", "code"),
    [(("a", "s", "n", "n"), 0), (("a", "s", "n"), 130), (("a",), 130), (("q",), 0), (("l", "l", "l"), 0)],
    ids=["no at the end", "left at the end", "left in the middle", "quit at once", "all put off"],
)
def test_leaving_a_walk_before_saving_changes_nothing(
    old: World, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, answers: tuple[str, ...], code: int
) -> None:
    answer = walk(terminal, old, monkeypatch, *answers)
    assert answer.code == code
    assert "Nothing was saved." in answer.out + answer.err
    assert made(old) == {}


# -- files -------------------------------------------------------------------------------------------------------------


def test_export_and_import_give_the_same_decisions_and_the_same_file(old: World, terminal: Terminal) -> None:
    ask(terminal, old, "orgs", "set", "school-1", "--link", old.made["school-1"])
    ask(terminal, old, "orgs", "set", "school-2", "--skip")
    first, second = old.folder / "first.csv", old.folder / "second.csv"
    before = made(old)
    assert ask(terminal, old, "orgs", "export", first).code == 0
    assert first.read_text() == (
        f"kind,sourcedId,decision,sinkId\norgs,school-1,link,{old.made['school-1']}\norgs,school-2,skip,\n"
    )
    ask(terminal, old, "orgs", "clear", "school-1", "school-2")
    assert made(old) == {}
    assert ask(terminal, old, "orgs", "import", first, "--yes").code == 0
    assert made(old) == before
    ask(terminal, old, "orgs", "export", second)
    assert second.read_bytes() == first.read_bytes()


def test_proposals_are_exported_to_be_filled_in(old: World, terminal: Terminal) -> None:
    file = old.folder / "open.csv"
    old.rows("orgs").append({**old.rows("orgs")[1], "sourcedId": "school-4", "name": "Elm", "identifier": ""})
    old.write()
    assert ask(terminal, old, "orgs", "export", file, "--proposals").code == 0
    header, first, *rest = file.read_text().splitlines()
    assert rest[-1] == "orgs,school-4,,,Elm,school-4,,,,"
    assert header == "kind,sourcedId,decision,sinkId,title,school,match,score,verdict,reasons"
    assert first.startswith(f"orgs,school-1,,{old.made['school-1']},Birch Elementary (S001),school-1,Birch Elem.,0.9")
    assert ask(terminal, old, "orgs", "import", file, "--yes").code == 0
    assert made(old) == {}
    file.write_text("\n".join([header, first.replace("school-1,,", "school-1,link,", 1), *rest]))
    assert ask(terminal, old, "orgs", "import", file, "--yes").code == 0
    assert made(old) == {"school-1": ("link", old.made["school-1"])}
    assert ask(terminal, old, "orgs", "export", file, "--proposals").code == 0
    assert (
        f"orgs,school-1,link,{old.made['school-1']},Birch Elementary (S001),school-1,Birch Elem.,,,\n"
        in file.read_text()
    )


def test_import_takes_all_or_nothing_and_names_every_row(old: World, terminal: Terminal) -> None:
    file = old.folder / "wrong.csv"
    file.write_text(
        "kind,sourcedId,decision,sinkId\norgs,school-1,add,\norgs,school-2,link,no-1\norgs,school-3,link,no-2\n"
    )
    answer = ask(terminal, old, "orgs", "import", file, "--yes")
    assert answer.code == 2
    assert "wrong.csv has 2 problems" in answer.err
    assert all(f"the sink has no schools of the id {each}" in answer.err for each in ("no-1", "no-2"))
    file.write_text("kind,sourcedId,decision,sinkId\norgs,school-8,add,\nteachers,t100,skip,\n")
    assert "decides on teachers t100" in ask(terminal, old, "orgs", "import", file, "--yes").err
    file.write_text("kind,sourcedId,decision,sinkId\norgs,school-8,add,\norgs,school-1,maybe,\n")
    assert "wrong.csv:3" in ask(terminal, old, "orgs", "import", file, "--yes").err
    assert made(old) == {}


def test_kind_that_a_mapping_file_rules_is_shown_and_not_decided_on_here(old: World, terminal: Terminal) -> None:
    (old.folder / "rules.csv").write_text("kind,sourcedId,decision,sinkId\norgs,school-1,add,\n")
    old.configure(sink='mapping = "rules.csv"')
    assert listed(terminal, old, "orgs")["school-1"]["decision"]["who"] == "rules.csv"
    for words in (("set", "school-2", "--add"), ("accept", "--likely", "--yes"), ("clear", "school-1"), ("walk",)):
        answer = ask(terminal, old, "orgs", *words)
        assert answer.code == 2
        assert "The mapping file rules.csv rules the decisions on orgs." in answer.err
        assert "syncrun map orgs import rules.csv" in answer.err
    assert made(old) == {}
    assert ask(terminal, old, "classes", "set", "class-1-0", "--add").code == 0


# -- what is read ------------------------------------------------------------------------------------------------------


def test_source_is_read_once_and_again_when_asked(old: World, terminal: Terminal) -> None:
    assert set(listed(terminal, old, "orgs")) == {"school-1", "school-2", "school-3"}
    old.rows("orgs").append({**old.rows("orgs")[1], "sourcedId": "school-4", "name": "Elm"})
    old.write()
    assert "school-4" not in listed(terminal, old, "orgs")
    assert "school-4" in listed(terminal, old, "orgs", "--fresh")
    assert "school-4" in listed(terminal, old, "orgs")
    state = old.state()
    assert state.runs("riverside") == []
    assert state.snapshot("riverside") is None
    assert list((old.home / "data" / "riverside" / "runs").iterdir()) == []


def test_after_a_run_its_roster_is_what_people_decide_by(settled: World, terminal: Terminal) -> None:
    for path in settled.inbox.glob("*"):
        path.unlink()
    found = listed(terminal, settled, "orgs")
    assert all(each["in_sink"] and not each["fits"] for each in found.values())


def test_district_file_that_changed_means_reading_anew(old: World, terminal: Terminal) -> None:
    listed(terminal, old, "orgs")
    old.rows("orgs").append({**old.rows("orgs")[1], "sourcedId": "school-4", "name": "Elm"})
    old.write()
    old.configure(years="[]")
    assert "school-4" in listed(terminal, old, "orgs")


def test_sink_is_named_where_there_are_several(old: World, terminal: Terminal) -> None:
    text = old.toml.read_text()
    old.toml.write_text(
        text + text[text.index("[[sinks]]") :].replace('sink = "planner"', 'sink = "planner"\nname = "other"')
    )
    assert "The district has several sinks." in ask(terminal, old, "orgs").err
    assert ask(terminal, old, "orgs", "--sink", "other").code == 0
    assert "no sink third" in ask(terminal, old, "orgs", "--sink", "third").err


def test_routes_of_the_district_file_hold_while_people_decide(old: World, terminal: Terminal) -> None:
    old.toml.write_text(
        old.toml.read_text() + '[[sinks.routes]]\nfrom = ["school-2"]\nto = "campus"\nname = "Oak Campus"\n'
    )
    found = listed(terminal, old, "orgs")
    assert set(found) == {"school-1", "school-3", "campus"}
    assert found["campus"]["title"] == "Oak Campus"
    assert {each["school"] for each in listed(terminal, old, "teachers").values()} == {"school-1", "school-3", "campus"}


@pytest.mark.requirement("S0-18")
def test_years_are_chosen_for_a_sink_that_has_none_of_its_own(world: World, terminal: Terminal) -> None:
    world.configure(years="[]")
    text = world.toml.read_text().replace('sink = "planner"', 'sink = "messaging"')
    world.toml.write_text(text.replace(world.planner_url, f"sqlite:///{world.folder / 'messaging.db'}"))
    world.write()
    answer = ask(terminal, world, "years")
    assert "No school year is chosen, so only schools and teachers are synced." in answer.out
    assert ask(terminal, world, "years", "set", "year-2027", "--add").code == 0
    assert listed(terminal, world, "years")["year-2027"]["decision"]["decision"] == "add"
    assert len(listed(terminal, world, "classes")) == 24


@pytest.mark.slow
def test_several_orgs_that_are_one_are_listed_each(old: World, terminal: Terminal) -> None:
    birch = old.made["school-1"]
    for key in ("school-1", "school-2"):
        assert ask(terminal, old, "orgs", "set", key, "--link", birch, "--confirm-double").code == 0
    found = listed(terminal, old, "orgs")
    assert [found[key]["decision"]["decision"] for key in ("school-1", "school-2")] == ["link", "join"]
    assert {each["school"] for each in listed(terminal, old, "teachers").values()} == {"school-1"}
