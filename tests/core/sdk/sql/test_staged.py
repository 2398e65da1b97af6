"""Taking over and giving back, setting aside what was there before, and moves: nothing of what people had is lost."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from estate import EVERY, ME, Estate, estate, looking, room_id, rooms, row, seen, send

from syncrun.sdk import Action

LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
KEPT = tuple(column for column in EVERY if column != "wing")
"""What a sync writes where `wing` is the people's own."""


@pytest.fixture
def sink(database_url: str) -> Iterator[Estate]:
    found = estate(database_url)
    found.claim(ME)
    yield found
    found.close()


def insert(url: str, key: str, owner: str | None = None, **values: Any) -> dict[str, Any]:
    """A room that was there before, as it is."""
    held = {"id": room_id(key), "managed_by": owner, "name": f"old {key}", "seats": 7, "open": False,
            "since": datetime.date(1999, 12, 31), "code": f"it's {key}", "wing": None, **values}  # fmt: skip
    with looking(url) as connection:
        connection.execute(sa.insert(rooms).values(**held))
    return seen(url)[room_id(key)]


def images(url: str) -> int:
    """How many rows are remembered as they were."""
    with looking(url) as connection:
        return connection.execute(sa.text("SELECT count(*) FROM syncrun_before")).scalar() or 0


def gone(key: str) -> dict[str, Any]:
    """A row of a batch that touches no column."""
    return {"id": room_id(key), "key": f"before:{key}"}


@pytest.mark.parametrize("archived", [None, LONG_AGO], ids=["active", "archived"])
def test_what_was_taken_over_is_given_back_as_it_was(sink: Estate, database_url: str, archived: Any) -> None:
    was = insert(database_url, "a", archived_at=archived)
    other = insert(database_url, "b")
    assert send(sink, Action.LINK, row("a", name="ours", seats=None, open=True, since=None)) == []
    assert seen(database_url)[room_id("a")]["managed_by"] == "riverside"
    send(sink, Action.UPDATE, row("a", name="ours again"), touched=["name"])
    assert send(sink, Action.RELEASE, gone("a"), touched=()) == []
    assert seen(database_url) == {room_id("a"): was, room_id("b"): other}
    assert images(database_url) == 0


def test_what_the_sync_made_is_archived_when_it_is_released(sink: Estate, database_url: str) -> None:
    send(sink, Action.CREATE, row("a"), row("b"))
    assert send(sink, Action.RELEASE, gone("a"), touched=()) == []
    found = seen(database_url)
    assert found[room_id("a")]["archived_at"] is not None
    assert found[room_id("a")]["managed_by"] == "riverside"
    assert found[room_id("b")]["archived_at"] is None


def test_row_of_a_batch_that_is_taken_twice_keeps_its_first_image(sink: Estate, database_url: str) -> None:
    was = insert(database_url, "a")
    send(sink, Action.LINK, row("a", name="ours"))
    assert [each.code for each in send(sink, Action.LINK, row("a", name="ours"))] == ["S-GONE-1"]
    send(sink, Action.RELEASE, gone("a"), touched=())
    assert seen(database_url)[room_id("a")] == was


def test_what_was_there_before_is_set_aside_and_brought_back_with_what_people_changed(
    sink: Estate, database_url: str
) -> None:
    was = insert(database_url, "a")
    assert send(sink, Action.RETIRE, gone("a"), touched=()) == []
    aside = seen(database_url)[room_id("a")]
    assert aside["archived_at"] is not None
    assert {**aside, "archived_at": None} == was
    with looking(database_url) as connection:
        connection.execute(sa.update(rooms).values(name="renamed by people"))
    assert send(sink, Action.RELEASE, gone("a"), touched=()) == []
    assert seen(database_url)[room_id("a")] == {**was, "name": "renamed by people"}


@pytest.mark.parametrize(("owner", "archived"), [("riverside", None), ("lakeside", None), (None, LONG_AGO)],
                         ids=["ours", "another district's", "archived by people"])  # fmt: skip
def test_only_what_is_free_is_set_aside(sink: Estate, database_url: str, owner: str | None, archived: Any) -> None:
    was = insert(database_url, "a", owner, archived_at=archived)
    send(sink, Action.RETIRE, gone("a"), touched=())
    assert seen(database_url)[room_id("a")] == was
    assert images(database_url) == 0


def test_nobody_elses_row_is_given_back(sink: Estate, database_url: str) -> None:
    insert(database_url, "a")
    send(sink, Action.LINK, row("a", name="ours"))
    other = estate(database_url, "lakeside")
    other.claim(type(ME)("lakeside", "installation-1", 1))
    from estate import batch  # the other district's claim

    list(other.apply_bulk(batch(Action.RELEASE, [gone("a")], (), claim=type(ME)("lakeside", "installation-1", 1))))
    other.close()
    assert seen(database_url)[room_id("a")]["name"] == "ours"


def move(to: str, was: str, **values: Any) -> dict[str, Any]:
    return {**row(to, **values), "from_id": room_id(was)}


def test_move_takes_what_people_keep_along(sink: Estate, database_url: str) -> None:
    send(sink, Action.CREATE, row("a", wing="N", code="A"))
    assert send(sink, Action.MOVE, move("b", "a", name="moved", code="B"), touched=KEPT) == []
    found = seen(database_url)
    assert found[room_id("a")]["archived_at"] is not None
    assert (found[room_id("b")]["wing"], found[room_id("b")]["name"], found[room_id("b")]["archived_at"]) == (
        "N",
        "moved",
        None,
    )
    assert (found[room_id("b")]["managed_by"], found[room_id("b")]["external_id"]) == ("riverside", "b")
    # and back again
    with looking(database_url) as connection:
        connection.execute(sa.update(rooms).where(rooms.c.id == room_id("b")).values(wing="S"))
    assert send(sink, Action.MOVE, move("a", "b", code="C"), touched=KEPT) == []
    found = seen(database_url)
    assert (found[room_id("a")]["wing"], found[room_id("a")]["archived_at"]) == ("S", None)
    assert found[room_id("b")]["archived_at"] is not None


def test_move_from_a_row_that_is_gone_is_a_new_row(sink: Estate, database_url: str) -> None:
    assert send(sink, Action.MOVE, move("b", "lost"), touched=KEPT) == []
    assert seen(database_url)[room_id("b")]["archived_at"] is None


def test_bad_move_fails_alone_and_leaves_its_row(sink: Estate, database_url: str) -> None:
    send(sink, Action.CREATE, row("a"), row("c"), row("e"))
    outcomes = send(sink, Action.MOVE, move("b", "a", code="1"), move("d", "c", seats=-1, code="2"),
                    move("f", "e", code="3"), touched=KEPT)  # fmt: skip
    assert [(each.key, each.code) for each in outcomes] == [("d", "S-CHECK-1")]
    active = {each["external_id"] for each in seen(database_url).values() if each["archived_at"] is None}
    assert active == {"b", "c", "f"}


def test_move_onto_a_row_of_another_is_a_conflict(sink: Estate, database_url: str) -> None:
    send(sink, Action.CREATE, row("a"))
    was = insert(database_url, "b", "lakeside", code="x")
    assert [(each.key, each.code) for each in send(sink, Action.MOVE, move("b", "a", code="y"), touched=KEPT)] == [
        ("b", "S-GONE-1")
    ]
    assert seen(database_url)[room_id("b")] == was
    assert seen(database_url)[room_id("a")]["archived_at"] is None
