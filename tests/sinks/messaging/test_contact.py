"""Guardians with whom there must be no contact: in no row of the app, whatever names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

if TYPE_CHECKING:
    from messenger import Messenger

CANARY = "canary-4f7b"


def guardian(key: str, students: str, forbidden: str = "") -> dict[str, str]:
    """A row of `guardians.csv`, whose every cell is a canary."""
    return {"sourcedId": f"{key}-{CANARY}", "studentSourcedIds": students, "noContactSourcedIds": forbidden,
            "givenName": f"G {CANARY}", "familyName": f"F {CANARY}", "email": f"{key}.{CANARY}@home.example.org",
            "sms": f"+1 555 {CANARY}"}  # fmt: skip


def everything(messenger: Messenger) -> str:
    """Every row of every table of the app's database, as text."""
    with messenger.planner() as connection:
        return "\n".join(
            f"{table} {tuple(row)}"
            for table in sa.inspect(connection).get_table_names()
            for row in connection.execute(sa.text(f'SELECT * FROM "{table}"'))
        )


@pytest.mark.parametrize("first", [True, False], ids=["before there are students", "after"])
def test_guardian_without_contact_is_in_no_row_of_the_database(each_messenger: Messenger, first: bool) -> None:  # noqa: FBT001 # a parameter
    messenger = each_messenger
    rows = [guardian("none", "s1001,s1002", "s1001, s1002"), guardian("own", "s1003", "s1003")]
    if first:
        messenger.configure(years="[]")
    messenger.settled()
    assert messenger.bring("guardians.csv", *rows).exit_code == 0
    messenger.configure()
    for row in messenger.rows("users"):
        if row["sourcedId"] in {"s1001", "s1003"}:  # the source of the night names them all the same
            row["agentSourcedIds"] = f"none-{CANARY},own-{CANARY}"
    messenger.write()
    assert messenger.sync(mode="full").exit_code == 0
    found = everything(messenger)
    assert "s1001" in found
    assert CANARY not in found


def test_guardian_whom_the_nights_files_have_too_is_in_no_row(each_messenger: Messenger) -> None:
    messenger = each_messenger
    messenger.guardian(f"both-{CANARY}", "s1001", givenName=CANARY)
    messenger.guardian("other", "s1002")
    messenger.configure(years="[]")
    messenger.settled()
    assert messenger.bring("guardians.csv", guardian("both", "s1001", "s1001")).exit_code == 0
    messenger.configure()
    messenger.write()
    assert messenger.sync().exit_code == 0
    assert set(messenger.active("guardians")) == {"other"}
    assert CANARY not in everything(messenger)


def test_contact_about_one_child_does_not_reach_the_other(each_messenger: Messenger) -> None:
    messenger = each_messenger.settled()
    assert messenger.bring("guardians.csv", guardian("g", "s1001,s2001", "s2001")).exit_code == 0
    students = {row["id"]: key for key, row in messenger.active("students").items()}
    pairs = [students[row["student_id"]] for row in messenger.all("guardianships").values()]
    assert pairs == ["s1001"]
    schools = {row["id"]: key for key, row in messenger.active("schools").items()}
    assert [schools[row["school_id"]] for row in messenger.all("outbox").values()] == ["school-1"]
    assert [schools[row["school_id"]] for row in messenger.all("guardians").values()] == ["school-1"]


def test_right_that_is_taken_away_is_gone_the_same_night_with_the_message_that_waits(each_messenger: Messenger) -> None:
    messenger = each_messenger.settled()
    others = [guardian(f"o{n}", f"s10{n:02d}") for n in range(3, 9)]
    assert messenger.bring("guardians.csv", guardian("g", "s1001,s1002"), *others).exit_code == 0
    assert len(messenger.outbox()) == 7
    assert messenger.bring("guardians.csv", guardian("g", "s1001,s1002", "s1001")).exit_code == 0
    assert len(messenger.active("guardianships")) == 7
    assert len(messenger.outbox()) == 7
    assert messenger.bring("guardians.csv", guardian("g", "s1001,s1002", "s1001,s1002")).exit_code == 0
    assert f"g-{CANARY}" not in messenger.active("guardians")
    assert len(messenger.outbox()) == 6
