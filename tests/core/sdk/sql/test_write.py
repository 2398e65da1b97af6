"""Writing batches: all at once where it goes, row by row where it must, and never a row that is not ours."""

from __future__ import annotations

import dataclasses
import datetime
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from estate import EVERY, ME, Estate, buildings, estate, looking, metadata, room_id, rooms, row, seen, send

from syncrun.sdk import Action, Outcome
from syncrun.sdk.sql import write
from syncrun.sdk.sql.rejection import REJECTIONS

CANARY = "canary.pupil@example.org"
GONE = ("conflict", "S-GONE-1", REJECTIONS["S-GONE-1"])


@pytest.fixture
def sink(database_url: str) -> Iterator[Estate]:
    found = estate(database_url)
    found.claim(ME)
    yield found
    found.close()


@pytest.fixture
def careful(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A note of each time that the careful way is taken."""
    taken: list[str] = []
    for kind in (write._Postgres, write._Sqlite):

        def noted(self: Any, *arguments: Any, way: Any = kind._careful) -> Any:
            taken.append("careful")
            return way(self, *arguments)

        monkeypatch.setattr(kind, "_careful", noted)
    return taken


def insert(url: str, key: str, owner: str | None, **values: Any) -> str:
    """A room that was there before; its id."""
    with looking(url) as connection:
        connection.execute(
            sa.insert(rooms).values(id=room_id(key), managed_by=owner, **{"name": f"old {key}", **values})
        )
    return room_id(key)


def told(outcomes: list[Outcome]) -> dict[str, str]:
    """The codes by key."""
    return {each.key: each.code for each in outcomes}


# -- creating ------------------------------------------------------------------------------------------------------------


def test_good_batch_is_written_at_once_and_nothing_is_an_exception(
    sink: Estate, database_url: str, careful: list[str]
) -> None:
    assert send(sink, Action.CREATE, *(row(f"k{n}") for n in range(100))) == []
    assert careful == []
    found = seen(database_url)
    assert len(found) == 100
    assert found[room_id("k7")] == {
        "id": room_id("k7"), "building_id": None, "name": "Room k7", "code": "C-k7", "seats": 20, "wing": "E",
        "since": datetime.date(2020, 9, 1), "open": True, "managed_by": "riverside", "external_id": "k7",
        "archived_at": None,
    }  # fmt: skip


HOSTILE = ["", "  two  blanks ", "a,b", 'say "so"', "two\nlines", "two\r\nlines", "\\.", "\\N", "NULL", "007", "O'Brien",
           "e\u0301", "é", "🚸", "עברית", "%s", "=1+1", "\t", "x" * 5000]  # fmt: skip


@pytest.mark.parametrize("refused", [(), ("bad",)], ids=["at once", "row by row"])
def test_hostile_values_arrive_as_they_are(sink: Estate, database_url: str, refused: tuple[str, ...]) -> None:
    sent = {f"key {n} {text[:9]}": text for n, text in enumerate(HOSTILE)}
    outcomes = send(
        sink,
        Action.CREATE,
        *(row(key, name=text) for key, text in sent.items()),
        *(row(key, seats=-1) for key in refused),
    )
    assert told(outcomes) == dict.fromkeys(refused, "S-CHECK-1")
    assert {each["external_id"]: each["name"] for each in seen(database_url).values()} == sent


def test_nothing_is_another_thing_than_an_empty_text(sink: Estate, database_url: str) -> None:
    send(sink, Action.CREATE, row("a", wing=None, seats=None, since=None, open=None), row("b", wing="", open=False))
    found = seen(database_url)
    assert [found[room_id("a")][each] for each in ("wing", "seats", "since", "open")] == [None, None, None, None]
    assert [found[room_id("b")][each] for each in ("wing", "open")] == ["", False]


@pytest.mark.parametrize("bad", [[0], [6], [3], [0, 6], [2, 3, 4], [0, 1, 2, 3, 4, 5, 6], [0, 2, 4, 6]], ids=str)
def test_bad_rows_fail_alone_wherever_they_stand(sink: Estate, database_url: str, bad: list[int]) -> None:
    rows = [row(f"k{n}", seats=-1 if n in bad else n) for n in range(7)]
    outcomes = send(sink, Action.CREATE, *rows)
    assert {each.key for each in outcomes} == {f"k{n}" for n in bad}
    assert {each.status for each in outcomes} == {"rejected"}
    assert {each["external_id"] for each in seen(database_url).values()} == {f"k{n}" for n in range(7) if n not in bad}


def test_each_bad_row_has_its_own_code(sink: Estate, database_url: str) -> None:
    insert(database_url, "old", None, code="taken")
    postgres = database_url.startswith("postgresql")
    outcomes = send(
        sink, Action.CREATE, row("blank", name=None), row("check", seats=-1), row("good"), row("long", wing="east"),
        row("reference", building_id=room_id("nowhere")), row("unique", code="taken"),
    )  # fmt: skip
    assert told(outcomes) == {
        "blank": "S-BLANK-1", "check": "S-CHECK-1", "long": "S-VALUE-1" if postgres else "S-CHECK-1",
        "reference": "S-REFERENCE-1", "unique": "S-UNIQUE-1",
    }  # fmt: skip
    assert {each.reason for each in outcomes if each.key == "unique"} == {"the code is taken"}
    assert len(seen(database_url)) == 2


def test_of_two_rows_that_exclude_each_other_the_first_goes_in(sink: Estate, database_url: str) -> None:
    outcomes = send(sink, Action.CREATE, row("a"), row("b", code="same"), row("c", code="same"), row("d"))
    assert told(outcomes) == {"c": "S-UNIQUE-1"}
    assert {each["external_id"] for each in seen(database_url).values()} == {"a", "b", "d"}


def test_creation_that_comes_again_does_not_double_and_brings_the_row_back(sink: Estate, database_url: str) -> None:
    send(sink, Action.CREATE, row("a"))
    send(sink, Action.ARCHIVE, row("a"), touched=())
    assert send(sink, Action.CREATE, row("a", name="again"), row("b")) == []
    found = seen(database_url)
    assert len(found) == 2
    assert (found[room_id("a")]["name"], found[room_id("a")]["archived_at"]) == ("again", None)


@pytest.mark.parametrize("owner", [None, "lakeside"], ids=["people's", "another district's"])
def test_creation_does_not_take_a_row_that_is_not_ours(sink: Estate, database_url: str, owner: str | None) -> None:
    insert(database_url, "a", owner)
    before = seen(database_url)[room_id("a")]
    (outcome,) = send(sink, Action.CREATE, row("a"), row("b"))
    assert (outcome.key, (outcome.status, outcome.code, outcome.reason)) == ("a", GONE)
    assert seen(database_url)[room_id("a")] == before
    assert room_id("b") in seen(database_url)


# -- changing ------------------------------------------------------------------------------------------------------------


def test_update_touches_its_columns_and_its_rows_and_nothing_else(sink: Estate, database_url: str) -> None:
    send(sink, Action.CREATE, row("a"), row("b"))
    with looking(database_url) as connection:
        connection.execute(sa.update(rooms).values(wing="old"))
    assert send(sink, Action.UPDATE, row("a", name="new", seats=None), touched=("name", "seats")) == []
    found = seen(database_url)
    assert {key: found[room_id("a")][key] for key in ("name", "seats", "code", "wing")} == {
        "name": "new", "seats": None, "code": "C-a", "wing": "old",
    }  # fmt: skip
    assert found[room_id("b")]["name"] == "Room b"


@pytest.mark.parametrize("action", [Action.UPDATE, Action.RESTORE])
def test_row_that_is_gone_is_a_conflict_and_the_others_are_done(
    sink: Estate, database_url: str, action: Action
) -> None:
    send(sink, Action.CREATE, row("a"), row("b"))
    outcomes = send(sink, action, row("a", name="new"), row("lost"), row("b", name="new"))
    assert [(each.key, (each.status, each.code, each.reason)) for each in outcomes] == [("lost", GONE)]
    assert {each["name"] for each in seen(database_url).values()} == {"new"}


@pytest.mark.parametrize("owner", [None, "lakeside"], ids=["people's", "another district's"])
@pytest.mark.parametrize("action", [Action.UPDATE, Action.RESTORE, Action.ARCHIVE])
def test_no_change_touches_a_row_that_is_not_ours(
    sink: Estate, database_url: str, action: Action, owner: str | None
) -> None:
    insert(database_url, "a", owner)
    before = seen(database_url)
    (outcome,) = send(sink, action, row("a", name="mine now"), touched=EVERY if action is not Action.ARCHIVE else ())
    assert outcome.status == ("unchanged" if action is Action.ARCHIVE else "conflict")
    assert seen(database_url) == before


def test_update_that_a_rule_refuses_leaves_the_row_as_it_was(sink: Estate, database_url: str) -> None:
    send(sink, Action.CREATE, row("a"), row("b"), row("c"))
    outcomes = send(sink, Action.UPDATE, row("a", code="C-b"), row("b", name="new"), row("c", name=None),
                    touched=("name", "code"))  # fmt: skip
    assert told(outcomes) == {"a": "S-UNIQUE-1", "c": "S-BLANK-1"}
    assert [seen(database_url)[room_id(key)]["name"] for key in "abc"] == ["Room a", "new", "Room c"]


def test_archived_row_is_set_aside_and_comes_back_under_its_id(sink: Estate, database_url: str) -> None:
    send(sink, Action.CREATE, row("a"), row("b"))
    assert send(sink, Action.ARCHIVE, row("a"), touched=()) == []
    aside = seen(database_url)
    assert aside[room_id("a")]["archived_at"] is not None
    assert aside[room_id("b")]["archived_at"] is None
    assert send(sink, Action.RESTORE, row("a", name="back")) == []
    assert seen(database_url)[room_id("a")] == {**aside[room_id("a")], "archived_at": None, "name": "back"}


def test_archiving_twice_or_what_is_gone_is_no_failure(sink: Estate, database_url: str) -> None:
    send(sink, Action.CREATE, row("a"))
    assert send(sink, Action.ARCHIVE, row("a"), touched=()) == []
    assert send(sink, Action.ARCHIVE, row("a"), touched=()) == []
    assert send(sink, Action.ARCHIVE, row("lost"), touched=()) == [Outcome("lost", "unchanged")]


# -- taking over ---------------------------------------------------------------------------------------------------------


def test_linking_takes_over_a_row_of_people_with_its_id(sink: Estate, database_url: str) -> None:
    insert(database_url, "a", None, archived_at=datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
    assert send(sink, Action.LINK, row("a", name="ours")) == []
    found = seen(database_url)[room_id("a")]
    assert {key: found[key] for key in ("name", "managed_by", "external_id", "archived_at")} == {
        "name": "ours", "managed_by": "riverside", "external_id": "a", "archived_at": None,
    }  # fmt: skip


@pytest.mark.parametrize("owner", ["riverside", "lakeside"], ids=["ours already", "another district's"])
def test_linking_takes_no_row_that_somebody_owns(sink: Estate, database_url: str, owner: str) -> None:
    insert(database_url, "a", owner, external_id="before")
    insert(database_url, "free", None)
    before = seen(database_url)[room_id("a")]
    outcomes = send(sink, Action.LINK, row("a", name="ours"), row("free"), row("lost"))
    assert [(each.key, each.status, each.code) for each in outcomes] == [
        ("a", "conflict", "S-GONE-1"), ("lost", "conflict", "S-GONE-1"),
    ]  # fmt: skip
    assert seen(database_url)[room_id("a")] == before
    assert seen(database_url)[room_id("free")]["managed_by"] == "riverside"


def test_linking_that_a_rule_refuses_leaves_the_row_to_people(sink: Estate, database_url: str) -> None:
    insert(database_url, "a", None)
    assert told(send(sink, Action.LINK, row("a", seats=-1))) == {"a": "S-CHECK-1"}
    assert seen(database_url)[room_id("a")]["managed_by"] is None


# -- what is not about a row -----------------------------------------------------------------------------------------------


def test_fault_that_is_not_about_a_row_is_raised_and_nothing_is_written(sink: Estate, database_url: str) -> None:
    with looking(database_url) as connection:
        connection.execute(sa.text("ALTER TABLE rooms DROP COLUMN since"))
    with pytest.raises(Exception, match="1 problem"):
        send(sink, Action.CREATE, row("a"))
    with looking(database_url) as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM rooms")).scalar() == 0


def test_no_outcome_no_error_and_no_log_holds_what_a_row_holds(
    sink: Estate, database_url: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    insert(database_url, "old", None, code=CANARY)
    bad = [row(f"k{n}", **values) for n, values in enumerate((
        {"name": CANARY, "code": CANARY}, {"name": CANARY, "wing": CANARY}, {"name": CANARY, "seats": -1},
        {"name": None, "code": f"2{CANARY}"}, {"name": CANARY, "building_id": room_id("x")},
    ))]  # fmt: skip
    outcomes = send(sink, Action.CREATE, *bad)
    assert len(outcomes) == len(bad)
    with looking(database_url) as connection:
        kept = connection.execute(sa.text("SELECT exceptions FROM syncrun_ledger")).scalars().all()
    printed = capfd.readouterr()
    assert CANARY not in f"{outcomes} {kept} {caplog.text} {printed.out} {printed.err}"


def test_parent_and_child_of_one_sink_are_kept_together_by_the_database(sink: Estate, database_url: str) -> None:
    with looking(database_url) as connection:
        connection.execute(sa.insert(buildings).values(id=room_id("house"), title="House"))
    assert send(sink, Action.CREATE, row("a", building_id=room_id("house"))) == []
    assert seen(database_url)[room_id("a")]["building_id"] == room_id("house")
    assert set(metadata.tables) == {"buildings", "rooms"}


# -- what people look after ------------------------------------------------------------------------------------------------


def keeping(sink: Estate) -> None:
    """Codes of rooms with a wing, and names that are there, are people's."""
    target = dataclasses.replace(sink.targets["rooms"], keeps={"code": "wing", "name": "name"})
    sink.targets = {**sink.targets, "rooms": target}


@pytest.mark.parametrize("action", [Action.UPDATE, Action.RESTORE, Action.CREATE])
def test_column_is_left_as_it_is_where_another_is_filled(sink: Estate, database_url: str, action: Action) -> None:
    keeping(sink)
    send(sink, Action.CREATE, row("a"), row("b", wing=None))
    assert (
        send(sink, action, row("a", code="new-a", name="N", seats=1), row("b", code="new-b", name="N", wing=None)) == []
    )
    found = seen(database_url)
    assert [found[room_id(key)]["code"] for key in "ab"] == ["C-a", "new-b"]
    assert [found[room_id(key)]["name"] for key in "ab"] == ["Room a", "Room b"]
    assert found[room_id("a")]["seats"] == 1


def test_row_that_is_taken_over_keeps_what_its_people_look_after(sink: Estate, database_url: str) -> None:
    keeping(sink)
    insert(database_url, "a", None, wing="W", code="theirs")
    assert send(sink, Action.LINK, row("a", code="ours", wing="W", seats=3)) == []
    found = seen(database_url)[room_id("a")]
    assert (found["code"], found["seats"], found["managed_by"]) == ("theirs", 3, "riverside")
