"""Invitations: nobody on the first night, everybody new once, and never again."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from syncrun.demo.messaging import fill
from syncrun.sdk.sql.sink import SqlSink
from syncrun.sinks.messaging import database
from syncrun.state import policy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from messenger import Messenger

    from syncrun.sdk import Batch, Outcome

NOW = datetime.datetime(2026, 11, 21, tzinfo=datetime.UTC)


def newcomer(messenger: Messenger, key: str, school: str, **cells: str) -> None:
    """A new teacher of a school."""
    messenger.rows("users").append({**messenger.rows("users")[0], "sourcedId": key, "username": key, "identifier": key.upper(),
                                    "orgSourcedIds": school, "email": f"{key}@example.org", **cells})  # fmt: skip


def sync(messenger: Messenger, **options: Any) -> None:
    messenger.write()
    assert messenger.sync(**options).exit_code == 0


@pytest.mark.requirement("S2-23")
def test_first_sync_invites_nobody_the_second_whoever_is_new_and_the_third_nobody(each_messenger: Messenger) -> None:
    messenger = each_messenger
    messenger.guardian("g1", "s1001")
    messenger.settled()
    assert messenger.all("outbox") == {}
    messenger.guardian("g2", "s1002", "s1003")
    messenger.guardian("g3", "s2001", email="", sms="+1 555 0100")  # the first guardian of that school
    messenger.guardian("g4", "s1004", email="", sms="", phone="+1 555 0101")  # no contact that is a login
    newcomer(messenger, "t900", "school-1")
    newcomer(messenger, "t901", "school-1", enabledUser="false")
    sync(messenger)
    invited = [("guardians", "+1 555 0100", "sms"), ("guardians", "g2@home.example.org", "email"),
               ("teachers", "t900@example.org", "email")]  # fmt: skip
    assert messenger.outbox() == invited
    schools = {row["external_id"]: row["id"] for row in messenger.all("schools").values()}
    assert {row["address"]: row["school_id"] for row in messenger.all("outbox").values()} == {
        "+1 555 0100": schools["school-2"], "g2@home.example.org": schools["school-1"],
        "t900@example.org": schools["school-1"],
    }  # fmt: skip
    before = messenger.all("outbox")
    sync(messenger, mode="full")
    assert messenger.all("outbox") == before


@pytest.mark.requirement("S2-23")
def test_school_that_is_let_in_later_has_a_quiet_first_night_of_its_own(each_messenger: Messenger) -> None:
    messenger = each_messenger
    messenger.guardian("g1", "s1001")
    messenger.guardian("g2", "s2001")
    messenger.write()
    assert messenger.sync().exit_code == 3
    messenger.approve("school-1", "school-3")
    messenger.sync()
    assert {row["external_id"] for row in messenger.all("schools").values()} == {"school-1", "school-3"}
    messenger.guardian("g3", "s1002")
    messenger.write()
    messenger.sync()
    assert messenger.outbox() == [("guardians", "g3@home.example.org", "email")]
    messenger.approve("school-2")
    messenger.sync()
    assert set(messenger.active("guardians")) == {"g1", "g2", "g3"}
    assert messenger.outbox() == [("guardians", "g3@home.example.org", "email")]


@pytest.mark.slow
def test_invitation_follows_the_account_until_it_is_sent_and_never_comes_twice(each_messenger: Messenger) -> None:
    messenger = each_messenger.settled()
    messenger.guardian("g1", "s1001")
    messenger.guardian("g2", "s1002")
    sync(messenger)
    assert len(messenger.outbox()) == 2
    messenger.edit("users", "g1", email="right@home.example.org")
    sync(messenger)
    assert ("guardians", "right@home.example.org", "email") in messenger.outbox()
    (row,) = (each for each in messenger.rows("users") if each["sourcedId"] == "g1")
    messenger.drop("users", "g1")
    sync(messenger)
    assert messenger.outbox() == [("guardians", "g2@home.example.org", "email")]
    messenger.rows("users").append(row)
    sync(messenger)
    assert len(messenger.outbox()) == 2
    with messenger.planner() as connection:
        mine = database.outbox.c.address == "right@home.example.org"  # the other one still waits
        connection.execute(sa.update(database.outbox).where(mine).values(sent_at=NOW))
    before = messenger.all("outbox")
    messenger.drop("users", "g1")
    sync(messenger)
    messenger.rows("users").append({**row, "email": "other@home.example.org"})
    sync(messenger)
    assert messenger.all("outbox") == before


def test_account_that_somebody_deleted_in_the_app_comes_back_without_a_second_invitation(
    each_messenger: Messenger,
) -> None:
    messenger = each_messenger.settled()
    messenger.guardian("g1", "s1001")
    sync(messenger)
    before = messenger.all("outbox")
    with messenger.planner() as connection:
        connection.execute(sa.delete(database.guardianships))
        connection.execute(sa.delete(database.guardians))
    sync(messenger, mode="full")
    assert set(messenger.active("guardians")) == {"g1"}
    assert messenger.all("outbox") == before


def test_first_sync_is_quiet_even_where_schools_were_synced_from_elsewhere(messenger: Messenger) -> None:
    with messenger.planner() as connection:
        for school in fill(connection, messenger.files).schools:
            for table in ("teachers", "guardians"):
                connection.execute(
                    sa.insert(database.launches).values(school_id=school, recipient_table=table, run="old")
                )
    messenger.guardian("g1", "s1001")
    leave = policy.Policy("classrooms", "district", "", "leave")
    policy.put(messenger.state(), "riverside", "messaging", [leave], "tester")
    messenger.settled()
    assert len(messenger.active("guardians")) == 2  # with the neighbour's
    assert messenger.all("outbox") == {}


def test_run_that_is_cut_off_after_a_chunk_invites_once_when_it_goes_on(
    each_messenger: Messenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    messenger = each_messenger.settled()
    messenger.guardian("g1", "s1001")
    messenger.write()
    apply = SqlSink.apply_bulk

    def cut(sink: SqlSink, batch: Batch) -> Iterable[Outcome]:
        found = apply(sink, batch)
        if batch.table.name == "guardians":
            raise KeyboardInterrupt
        return found

    with monkeypatch.context() as patch:
        patch.setattr(SqlSink, "apply_bulk", cut)
        with pytest.raises(KeyboardInterrupt):
            messenger.sync()
    assert len(messenger.outbox()) == 1
    before = messenger.all("outbox")
    assert messenger.sync().exit_code == 0
    assert (messenger.all("outbox"), len(messenger.active("guardianships"))) == (before, 1)


def test_chunk_that_fails_leaves_no_invitation(each_messenger: Messenger, monkeypatch: pytest.MonkeyPatch) -> None:
    messenger = each_messenger.settled()
    messenger.guardian("g1", "s1001")
    messenger.write()

    def broken(*arguments: object) -> None:
        raise RuntimeError("the ledger cannot be written")

    monkeypatch.setattr("syncrun.sdk.sql.ledger.enter", broken)
    assert messenger.sync().exit_code != 0
    assert (messenger.all("outbox"), messenger.active("guardians")) == ({}, {})


def test_who_claimed_an_account_or_has_it_for_tests_gets_no_invitation(messenger: Messenger) -> None:
    messenger.settled()
    for n in range(1, 4):
        messenger.guardian(f"g{n}", f"s100{n}")
    sync(messenger)
    with messenger.planner() as connection:
        for key, values in (("g1", {"claimed_at": NOW}), ("g2", {"is_test": True})):
            found = database.guardians
            connection.execute(sa.update(found).where(found.c.external_id == key).values(**values))
    for n in range(1, 4):
        messenger.edit("users", f"g{n}", givenName="Neu")
    sync(messenger)
    assert messenger.outbox() == [("guardians", "g3@home.example.org", "email")]


def test_dry_run_writes_nothing_at_all(each_messenger: Messenger) -> None:
    messenger = each_messenger.settled()
    messenger.guardian("g1", "s1001")
    newcomer(messenger, "t900", "school-1")
    messenger.write()
    before = messenger.whole()
    result = messenger.sync(dry_run=True)
    assert result.summary["sinks"]["messaging"]["tables"]["guardians"]["planned"] == {"create": 1}
    assert messenger.whole() == before
    assert messenger.sync().exit_code == 0
    assert messenger.whole() != before
