"""Decisions that change: a teacher who was taken over is given back, another is taken, and everything can go back."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from world import World, planned

from syncrun.errors import DoubleUseError
from syncrun.sinks.planner import database
from syncrun.state import decision
from syncrun.state.decision import Decision

if TYPE_CHECKING:
    from terminal import Terminal

OLD, OTHER = (str(uuid.uuid5(uuid.NAMESPACE_OID, each)) for each in ("old", "other"))


@pytest.fixture
def launched(world: World, request: pytest.FixtureRequest) -> World:
    """A planner in which two accounts were made by hand, before the first sync."""
    with world.planner() as connection:
        database.metadata.create_all(connection)
        connection.execute(sa.insert(database.teachers), [
            {"id": OLD, "given_name": "Old", "family_name": "Account", "email": "old@example.org", "can_sign_in": True},
            {"id": OTHER, "given_name": "Other", "family_name": "Account", "email": None, "can_sign_in": False},
        ])  # fmt: skip
    world.write()
    return world


def decide(
    world: World, verdict: Any, sink_id: str | None = None, teacher: str = "t100", keep: tuple[str, ...] = ()
) -> None:
    decision.put(
        world.state(), "riverside", "planner", [Decision("teachers", teacher, verdict, sink_id, keep)], "tester"
    )


def settle(world: World, **options: Any) -> Any:
    """Sync, with an approval where one is asked for."""
    result = world.sync(**options)
    if result.exit_code == 3:
        world.approve()
        result = world.sync(**options)
    assert result.exit_code == 0, result.summary
    return result


def account(world: World, sink_id: str) -> dict[str, Any]:
    with world.planner() as connection:
        found = connection.execute(sa.select(database.teachers).where(database.teachers.c.id == sink_id)).one()
    return {key: value for key, value in found._mapping.items() if key != "id"}


def led_by(world: World, sink_id: str) -> int:
    """How many active memberships name an account."""
    members = database.class_members.c
    with world.planner() as connection:
        query = sa.select(sa.func.count()).where(members.teacher_id == sink_id, members.archived_at.is_(None))
        return connection.execute(query).scalar_one()


@pytest.mark.requirement("S0-12", "S0-28")
def test_mapping_that_changes_and_goes_back_leaves_the_sink_as_after_the_first(launched: World) -> None:
    before = account(launched, OLD), account(launched, OTHER)
    decide(launched, "link", OLD)
    settle(launched)
    first = launched.dump(archived=True)
    assert led_by(launched, OLD) == 2
    assert account(launched, OLD)["managed_by"] == "riverside"

    decide(launched, "link", OTHER)
    planned_ = settle(launched)
    assert account(launched, OLD) == before[0], "given back as it was"
    assert (led_by(launched, OLD), led_by(launched, OTHER)) == (0, 2)
    assert account(launched, OTHER)["external_id"] == "t100"
    assert planned(planned_) == {"link": 1, "release": 1, "update": 3}
    assert not [each for each in planned_.summary["advice"] if "together" in each]

    decide(launched, "link", OLD)
    settle(launched)
    assert launched.dump(archived=True) == first
    assert account(launched, OTHER) == before[1]
    assert settle(launched).summary.get("nothing_to_do")


def test_account_of_its_own_after_a_link_and_the_link_again(launched: World) -> None:
    before = account(launched, OLD)
    decide(launched, "link", OLD)
    settle(launched)
    first = launched.dump()
    decide(launched, "add")
    settle(launched)
    assert account(launched, OLD) == before
    assert led_by(launched, OLD) == 0
    assert launched.count("teachers") == 14
    decide(launched, "link", OLD)
    settle(launched)
    assert launched.dump() == first


@pytest.mark.slow
def test_account_that_was_made_is_merged_into_an_old_one_and_parted_again(launched: World) -> None:
    """The teacher has an account of its own first; merging keeps what the old one has in the columns that were chosen."""
    before = account(launched, OLD)
    settle(launched)
    first = launched.dump()
    decide(launched, "link", OLD, keep=("email", "family_name"))
    settle(launched)
    merged = account(launched, OLD)
    assert (merged["email"], merged["family_name"]) == ("old@example.org", "Account")
    assert (merged["given_name"], merged["number"]) != (before["given_name"], before["number"])
    assert led_by(launched, OLD) == 2
    assert launched.count("teachers") == 13

    launched.edit("users", "t100", givenName="Later", email="later@example.org")
    for _ in range(3):
        launched.write()
        settle(launched)
    assert (account(launched, OLD)["given_name"], account(launched, OLD)["email"]) == ("Later", "old@example.org")
    settle(launched, mode="full")
    assert (account(launched, OLD)["given_name"], account(launched, OLD)["email"]) == ("Later", "old@example.org")

    decide(launched, "add")
    settle(launched)
    assert account(launched, OLD) == before
    parted = launched.dump()
    assert {name: rows for name, rows in parted.items() if name != "teachers"} == {
        name: rows for name, rows in first.items() if name != "teachers"
    }
    changed = [row for row in parted["teachers"] if row not in first["teachers"]]
    assert [("Later" in row, "later@example.org" in row) for row in changed] == [(True, True)]
    assert len(parted["teachers"]) == len(first["teachers"])


def test_teacher_who_is_skipped_is_given_back(launched: World) -> None:
    before = account(launched, OLD)
    decide(launched, "link", OLD)
    settle(launched)
    first = launched.dump()
    decide(launched, "skip")
    settle(launched)
    assert account(launched, OLD) == before
    assert led_by(launched, OLD) == 0
    decide(launched, "link", OLD)
    settle(launched)
    assert launched.dump() == first


@pytest.mark.requirement("S0-12")
def test_two_links_that_were_mixed_up_are_put_right_in_one_sync(launched: World) -> None:
    decide(launched, "link", OLD)
    decide(launched, "link", OTHER, "t101")
    settle(launched)
    right = [Decision("teachers", "t100", "link", OTHER), Decision("teachers", "t101", "link", OLD)]
    decision.put(launched.state(), "riverside", "planner", right, "tester")
    assert planned(settle(launched)) == {"link": 2, "release": 2, "update": 6}
    assert (account(launched, OLD)["external_id"], account(launched, OTHER)["external_id"]) == ("t101", "t100")
    assert (led_by(launched, OLD), led_by(launched, OTHER)) == (2, 2)
    assert settle(launched).summary.get("nothing_to_do")


def test_link_that_waits_for_a_school_waits_as_a_whole_and_says_so(launched: World, terminal: Terminal) -> None:
    """A teacher of two schools becomes another account; one school is approved. Half of it would leave classes of the
    other school with an account that is nobody's."""
    launched.edit("enrollments", "class-2-0-t200", userSourcedId="t100")
    launched.write()
    decide(launched, "link", OLD)
    settle(launched)
    was = launched.dump(archived=True)
    assert led_by(launched, OLD) == 3
    launched.configure(limits="updates_floor = 0\nupdates = 0.1")
    decide(launched, "link", OTHER)
    words = (
        "planner: 1 teachers are to be other records of the sink and have changes in several schools, which go together or "
        "not at all: school-1, school-2. Approve all of them that wait."
    )
    held = launched.sync()
    assert held.exit_code == 3
    assert words in held.summary["advice"]
    launched.approve("school-1")
    still = launched.sync()
    assert still.exit_code == 3
    assert words in still.summary["advice"]
    assert terminal("show", "--district", launched.toml, "--json").json["advice"] == still.summary["advice"]
    assert launched.dump(archived=True) == was
    launched.approve()
    assert launched.sync().exit_code == 0
    assert (led_by(launched, OLD), led_by(launched, OTHER)) == (0, 3)
    assert account(launched, OLD)["managed_by"] is None


@pytest.mark.slow
def test_row_that_cannot_be_given_back_stays_until_it_can(launched: World) -> None:
    """Somebody has the old account's address by now. The record is still that account, and the next sync tries again."""
    before = account(launched, OLD)
    launched.edit("users", "t100", email="")
    launched.write()
    decide(launched, "link", OLD)
    settle(launched)
    was = launched.dump(archived=True)
    third = str(uuid.uuid5(uuid.NAMESPACE_OID, "third"))
    with launched.planner() as connection:
        connection.execute(sa.insert(database.teachers).values(
            id=third, given_name="Third", family_name="Account", email=before["email"], can_sign_in=False))  # fmt: skip
    decide(launched, "link", OTHER)
    for _ in range(2):
        assert launched.sync().exit_code == 4
        now = launched.dump(archived=True)
        now["teachers"] = [row for row in now["teachers"] if row[0] != third]
        assert now == was
    with launched.planner() as connection:
        connection.execute(sa.update(database.teachers).where(database.teachers.c.id == third).values(email=None))
    settle(launched)
    assert account(launched, OLD) == before
    assert (led_by(launched, OLD), led_by(launched, OTHER)) == (0, 2)
    assert settle(launched).summary.get("nothing_to_do")


def test_membership_that_cannot_follow_its_teacher_comes_again_with_the_next_sync(launched: World) -> None:
    """The app refuses to give a class to the other account. The membership names the old one until it does."""
    decide(launched, "link", OLD)
    settle(launched)
    with launched.planner() as connection:
        refused = connection.execute(sa.select(database.class_members.c.id).where(
            database.class_members.c.teacher_id == OLD).order_by("id").limit(1)).scalar_one()  # fmt: skip
        connection.execute(sa.text(
            f"CREATE TRIGGER refuse BEFORE UPDATE ON class_members WHEN NEW.id = '{refused}' "
            "BEGIN SELECT RAISE(ABORT, 'not today'); END"
        ))  # fmt: skip
    decide(launched, "link", OTHER)
    for _ in range(2):
        result = launched.sync()
        assert (result.exit_code, result.summary["sinks"]["planner"]["rejected"]) == (4, 1)
        assert (led_by(launched, OLD), led_by(launched, OTHER)) == (1, 1)
    with launched.planner() as connection:
        connection.execute(sa.text("DROP TRIGGER refuse"))
    assert planned(settle(launched)) == {"update": 1}
    assert (led_by(launched, OLD), led_by(launched, OTHER)) == (0, 2)
    assert settle(launched).summary.get("nothing_to_do")
    assert planned(settle(launched, mode="full")) == {}


def test_link_to_a_row_that_is_not_there_waits_for_a_person_each_time(launched: World) -> None:
    decide(launched, "link", OLD)
    settle(launched)
    decide(launched, "link", "no-such-row", teacher="t101")
    for _ in range(2):
        result = launched.sync()
        assert result.exit_code == 3
        (held,) = result.summary["sinks"]["planner"]["held"]
        assert [each["code"] for each in held["reasons"]] == ["P-MATCH-1"]


@pytest.mark.requirement("S0-10")
def test_one_account_is_not_linked_twice(launched: World) -> None:
    decide(launched, "link", OLD)
    with pytest.raises(DoubleUseError):
        decide(launched, "link", OLD, teacher="t101")
    assert [each.source_id for each in decision.current(launched.state(), "riverside", "planner")] == ["t100"]
