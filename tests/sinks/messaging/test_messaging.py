"""The messaging app in whole runs, on both of its databases: five files, nothing twice, what people made survives."""

from __future__ import annotations

import csv
import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from messenger import Messenger
from world import planned

from syncrun.demo.messaging import Before, fill
from syncrun.sinks.messaging import database
from syncrun.sinks.messaging.database import APP_COLUMNS
from syncrun.state import policy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncrun.run.ending import Result

LONG_AGO = datetime.datetime(2026, 6, 1, 8, 0, tzinfo=datetime.UTC)
FAMILY = (
    {"sourcedId": "g1", "studentSourcedIds": "s1001,s1002", "role": "parent", "givenName": "Eva", "familyName": "Berg",
     "email": "eva@home.example.org", "sms": "+1 555 0100"},
    {"sourcedId": "g2", "studentSourcedIds": "s2001", "role": "", "givenName": "Tim", "familyName": "Om",
     "email": "", "sms": "+1 555 0100"},
)  # fmt: skip
FACTS = (
    {"sourcedId": "a1", "userSourcedId": "s1001", "name": "homeLanguage", "value": "es"},
    {"sourcedId": "a2", "userSourcedId": "s1002", "name": "bus", "value": "7"},
)


def actions(result: Result) -> dict[str, dict[str, int]]:
    """What was planned, by table."""
    tables = result.summary.get("sinks", {}).get("messaging", {"tables": {}})["tables"]
    return {table: each["planned"] for table, each in tables.items() if each["planned"]}


def touch(messenger: Messenger, table: str, key: str, **values: Any) -> None:
    """A person, or the app, changes a row that the source knows by that id."""
    found = database.metadata.tables[table]
    with messenger.planner() as connection:
        done = connection.execute(sa.update(found).where(found.c.external_id == key).values(**values))
        assert done.rowcount == 1


# -- what is synced ------------------------------------------------------------------------------------------------------


def test_without_a_year_there_are_schools_and_teachers_alone_and_the_year_brings_the_rest(
    each_messenger: Messenger,
) -> None:
    each_messenger.configure(years="[]")
    each_messenger.guardian("g1", "s1001")
    each_messenger.settled()
    counts = {table: len(rows) for table, rows in each_messenger.dump().items() if rows and table != "launches"}
    assert counts == {"schools": 3, "teachers": 12}
    each_messenger.configure()
    assert each_messenger.sync().exit_code == 0
    counts = {table: len(rows) for table, rows in each_messenger.dump().items() if rows and table != "launches"}
    assert counts == {"schools": 3, "teachers": 12, "classrooms": 24, "students": 198, "memberships": 552,
                      "guardians": 1, "guardianships": 1}  # fmt: skip
    assert each_messenger.outbox() == []


@pytest.mark.requirement("S4-10", "S4-17", "S4-18", "S2-22")
def test_five_files_in_any_order_are_rows_once_and_a_school_sees_its_own_in_the_report(
    each_messenger: Messenger,
) -> None:
    messenger = each_messenger.settled()
    # what comes first names who comes later: the newcomer's facts, then guardians, then the newcomer
    newcomer = {**messenger.rows("users")[10], "sourcedId": "s1950", "username": "s1950", "identifier": "S1950"}
    facts = (*FACTS, {"sourcedId": "a3", "userSourcedId": "s1950", "name": "bus", "value": "9"})
    folder = messenger.folder / "brought"
    folder.mkdir()
    seat = {"sourcedId": "e-new", "classSourcedId": "class-new", "schoolSourcedId": "school-1", "userSourcedId": "s1950",
            "role": "student"}  # fmt: skip
    room = {**messenger.rows("classes")[0], "sourcedId": "class-new", "title": "Go"}
    files: Mapping[str, tuple[Mapping[str, str], ...]] = {
        "student_attributes": facts, "guardians": FAMILY, "enrollments": (seat,), "users": (newcomer,), "classes": (room,)
    }  # fmt: skip
    for name, rows in files.items():
        messenger.put(name + ".csv", *rows)
    brought = [folder / f"{name}.csv" for name in files]
    assert messenger.upload(*brought).exit_code == 0
    active = {
        table: messenger.active(table) for table in ("guardians", "guardianships", "student_attributes", "memberships")
    }
    assert set(active["guardians"]) == {"g1", "g2"}
    assert set(active["guardianships"]) == {'["s1001","g1"]', '["s1002","g1"]', '["s2001","g2"]'}
    assert {each["relationship"] for each in active["guardianships"].values()} == {"parent", "guardian"}
    assert {key: (each["name"], each["value"]) for key, each in active["student_attributes"].items()} == {
        "a1": ("homeLanguage", "es"), "a2": ("bus", "7"), "a3": ("bus", "9"),
    }  # fmt: skip
    assert active["memberships"]["e-new"]["classroom_id"] == next(
        each for each, row in messenger.all("classrooms").items() if row["external_id"] == "class-new"
    )
    every = _report(messenger)
    assert {file: sorted((row["sourcedId"], row["result"], row["action"]) for row in rows if row["line"])
            for file, rows in every.items() if file != "users.csv"} == {
        "guardians.csv": [("g1", "SUCCESS", "CREATED"), ("g2", "SUCCESS", "CREATED")],
        "studentAttributes.csv": [(key, "SUCCESS", "CREATED") for key in ("a1", "a2", "a3")],
        "enrollments.csv": [("e-new", "SUCCESS", "CREATED")],
        "classes.csv": [("class-new", "SUCCESS", "CREATED")],
    }  # fmt: skip
    school = _report(messenger, "--school", "school-2")
    assert {file: [row["sourcedId"] for row in rows] for file, rows in school.items()} == {
        "guardians.csv": ["g2"], "studentAttributes.csv": [], "enrollments.csv": [], "classes.csv": [], "users.csv": [],
    }  # fmt: skip
    before = messenger.dump(archived=True)
    again = messenger.upload(*reversed(brought))
    assert (again.exit_code, actions(again)) == (0, {})
    assert messenger.dump(archived=True) == before


def _report(messenger: Messenger, *options: str) -> dict[str, list[dict[str, str]]]:
    """The reports of the newest run, by file."""
    out = messenger.folder / f"report{len(list(messenger.folder.glob('report*')))}"
    code, _, error = messenger.syncrun("report", "--district", str(messenger.toml), "--out", str(out), *options)
    assert code == 0, error
    found = {}
    for path in Path(out).glob("*-report.csv"):
        with path.open(encoding="utf-8", newline="") as stream:
            found[path.name.replace("-report", "")] = list(csv.DictReader(stream))
    return found


# -- what people made ----------------------------------------------------------------------------------------------------


def furnished(messenger: Messenger) -> tuple[Before, dict[str, dict[str, dict[str, Any]]]]:
    """The app as it was before, and its rows. People chose to leave its classrooms as they are."""
    leave = policy.Policy("classrooms", "district", "", "leave")
    policy.put(messenger.state(), "riverside", "messaging", [leave], "tester")
    with messenger.planner() as connection:
        before = fill(connection, messenger.files, seed=3)
    return before, {
        table.name: messenger.all(table.name)
        for table in database.metadata.sorted_tables
        if table.name in database.TARGETS
    }


@pytest.mark.slow
def test_what_was_there_before_and_what_people_fill_survives_ten_full_syncs(each_messenger: Messenger) -> None:
    messenger = each_messenger
    before, rows = furnished(messenger)
    assert min(len(before.classrooms), len(before.students)) > 10
    messenger.guardian("g1", "s1001")
    messenger.settled()
    ours = {"classrooms": "class-1-0", "students": "s1001", "guardians": "g1", "memberships": "class-1-1-s1002"}
    filled: dict[str, dict[str, Any]] = {
        "classrooms": {"nickname": "The Owls", "color": "plum", "notes": "by the window"}, "students": {"points": 41},
        "guardians": {"muted": True, "claimed_at": LONG_AGO}, "memberships": {"points": 12},
    }  # fmt: skip
    for table, values in filled.items():
        touch(messenger, table, ours[table], **values)
    by_hand = messenger.all("memberships")[next(iter(messenger.all("memberships")))] | {
        "id": "00000000-0000-4000-8000-000000000001", "managed_by": None, "external_id": None, "points": 3,
    }  # fmt: skip
    with messenger.planner() as connection:
        connection.execute(sa.insert(database.memberships).values(**by_hand))
    for day in range(10):
        messenger.edit("classes", "class-1-0", title=f"Mathematics {day}")
        messenger.write()
        assert messenger.sync(mode="full").exit_code == 0
    assert messenger.active("classrooms")["class-1-0"]["title"] == "Mathematics 9"
    for table, values in filled.items():
        found = messenger.active(table)[ours[table]]
        assert {name: found[name] for name in values if name != "claimed_at"} == {
            name: value for name, value in values.items() if name != "claimed_at"
        }
    now = {table: messenger.all(table) for table in rows}
    linked = {*before.schools}
    for table, found in rows.items():
        kept = {key: row for key, row in found.items() if key not in linked and row.get("number") is None}
        assert {key: now[table][key] for key in kept} == kept, table
    assert now["memberships"][by_hand["id"]]["points"] == 3


def test_what_was_there_before_is_the_same_for_the_same_seed_and_of_every_kind(
    messenger: Messenger, tmp_path: Path
) -> None:
    before, rows = furnished(messenger)
    (tmp_path / "other").mkdir()
    assert furnished(Messenger(tmp_path / "other")) == (before, rows)
    titles = {row["title"] for row in rows["classrooms"].values()}
    source = {row["title"] for row in messenger.files["classes"]}
    assert titles & source
    assert titles - source - {"Chess Club"}
    states = {row["archived_at"] is None for key, row in rows["classrooms"].items() if key in before.classrooms}
    assert states == {True, False}
    assert {row["managed_by"] for row in rows["students"].values()} == {None, "lakeside"}
    names = {key: (row["given_name"], row["family_name"]) for key, row in rows["students"].items()}
    people = {row["sourcedId"]: (row["givenName"], row["familyName"]) for row in messenger.files["users"]}
    assert {names[key] == people[source] for key, source in before.students.items()} == {True, False}


# -- persons -------------------------------------------------------------------------------------------------------------


def test_contacts_of_who_has_claimed_an_account_are_theirs_and_of_others_the_sources(each_messenger: Messenger) -> None:
    messenger = each_messenger
    for key in ("g1", "g2"):
        messenger.guardian(key, "s1001", sms="111", phone="222")
    messenger.settled()
    touch(messenger, "guardians", "g1", claimed_at=LONG_AGO, email="own@example.net")
    for key in ("g1", "g2"):
        messenger.edit("users", key, email="new@home.example.org", sms="333", phone="444", givenName="Neu")
    messenger.write()
    assert messenger.sync().exit_code == 0
    found = messenger.active("guardians")
    contacts = {
        key: (row["email"], row["login_phone"], row["second_phone"], row["given_name"]) for key, row in found.items()
    }
    assert contacts == {
        "g1": ("own@example.net", "111", "222", "Neu"), "g2": ("new@home.example.org", "333", "444", "Neu"),
    }  # fmt: skip
    result = messenger.sync(mode="full")
    assert (planned(result, "messaging"), result.summary["advice"]) == (
        {}, ["messaging: 2 guardians share their phone with another; each is reached by it.",
             "messaging: 2 guardians share their e-mail address with another; each is reached by it."])  # fmt: skip
    messenger.configure(sink="update_contact_of_claimed = true")
    messenger.edit("users", "g1", email="newest@home.example.org")
    messenger.write()
    assert messenger.sync().exit_code == 0
    assert messenger.active("guardians")["g1"]["email"] == "newest@home.example.org"


@pytest.mark.slow
def test_full_sync_leaves_contacts_that_somebody_put_right_in_the_app_and_mends_names(messenger: Messenger) -> None:
    messenger.guardian("g1", "s1001", sms="111")
    messenger.settled()
    touch(messenger, "guardians", "g1", login_phone="999", language="pt", given_name="Wrong")
    messenger.edit("users", "s1009", givenName="Neu")
    messenger.write()
    assert actions(messenger.sync(mode="full")) == {"students": {"update": 1}, "guardians": {"update": 1}}
    found = messenger.active("guardians")["g1"]
    assert (found["login_phone"], found["language"], found["given_name"]) == ("999", "pt", "Gil")
    assert actions(messenger.sync(mode="full")) == {}
    messenger.edit("users", "g1", sms="222")
    messenger.write()
    assert messenger.sync().exit_code == 0
    assert messenger.active("guardians")["g1"]["login_phone"] == "222"


@pytest.mark.parametrize(("sink", "number", "login", "language"), [
    pytest.param("", "S1001", "111", "fr", marks=pytest.mark.slow),
    pytest.param('login_phone = "phone"', "S1001", "222", "fr", marks=pytest.mark.slow),
    pytest.param("update_language = false", "S1001", "111", "es", marks=pytest.mark.slow),
    ('student_number = "sourcedId"', "s1001", "111", "fr"),
])  # fmt: skip
def test_settings_say_what_number_phone_and_language_are(
    messenger: Messenger, sink: str, number: str, login: str, language: str
) -> None:
    messenger.configure(sink=sink)
    messenger.settled()
    person = {"sourcedId": "g1", "enabledUser": "true", "orgSourcedIds": "school-1", "role": "parent", "username": "g1",
              "givenName": "Gil", "familyName": "Om", "agentSourcedIds": "s1001", "sms": "111", "phone": "222"}  # fmt: skip
    assert messenger.bring("users.csv", {**person, "language": "es"}).exit_code == 0
    assert messenger.bring("users.csv", {**person, "language": "fr"}).exit_code == 0
    guardian = messenger.active("guardians")["g1"]
    assert (guardian["login_phone"], guardian["language"]) == (login, language)
    assert {guardian["login_phone"], guardian["second_phone"]} == {"111", "222"}
    assert messenger.active("students")["s1001"]["number"] == number


def test_guardians_that_the_sync_no_longer_manages_stay_as_they_are(messenger: Messenger) -> None:
    messenger.guardian("g1", "s1001")
    messenger.settled()
    before = messenger.all("guardians"), messenger.all("guardianships")
    messenger.configure(sink="manage_guardians = false")
    messenger.drop("users", "g1")
    messenger.guardian("g2", "s1001")
    messenger.write()
    assert messenger.sync(mode="full").exit_code == 0
    assert (messenger.all("guardians"), messenger.all("guardianships")) == before
    messenger.configure()
    assert messenger.sync().exit_code == 0
    assert set(messenger.active("guardians")) == {"g2"}


@pytest.mark.requirement("SX-3")
def test_student_has_so_many_guardians_and_who_is_left_out_is_told(messenger: Messenger) -> None:
    messenger.configure(sink="guardians_most = 2")
    for key, role in (("a", "relative"), ("b", "parent"), ("c", "guardian"), ("d", "parent")):
        messenger.guardian(key, "s1001", role=role)
    messenger.guardian("e", "s1002", role="relative")
    messenger.write()
    result = messenger.sync()
    assert (
        "messaging: 2 guardians are left out, since a student has more than 2 (`guardians_most`)."
        in result.summary["advice"]
    )
    messenger.approve()
    assert messenger.sync().exit_code == 0
    assert set(messenger.active("guardians")) == {"b", "c", "e"}


def test_shared_phone_and_mail_are_legal(messenger: Messenger) -> None:
    messenger.guardian("mother", "s1001", email="us@home.example.org", sms="555")
    messenger.guardian("father", "s1001", "s1002", email="us@home.example.org", sms="555")
    messenger.settled()
    assert {row["login_phone"] for row in messenger.active("guardians").values()} == {"555"}
    assert len(messenger.active("guardianships")) == 3


# -- leads ---------------------------------------------------------------------------------------------------------------


def test_lead_changes_and_the_classroom_keeps_what_is_in_it(messenger: Messenger) -> None:
    room, old = "class-1-0", "class-1-0-t100"
    messenger.rows("enrollments").append({**next(row for row in messenger.rows("enrollments") if row["sourcedId"] == old),
                                          "sourcedId": "co", "userSourcedId": "t101", "primary": "false"})  # fmt: skip
    messenger.settled()
    touch(messenger, "classrooms", room, nickname="Owls")
    leads = {key: row["is_lead"] for key, row in messenger.active("memberships").items() if key in {old, "co"}}
    assert leads == {old: True, "co": False}
    messenger.edit("enrollments", old, primary="false")
    messenger.edit("enrollments", "co", primary="true")
    messenger.write()
    assert actions(messenger.sync()) == {"memberships": {"update": 2}}
    found = messenger.active("memberships")
    assert (found[old]["is_lead"], found["co"]["is_lead"]) == (False, True)
    assert messenger.active("classrooms")[room]["nickname"] == "Owls"


def test_columns_of_the_app_are_none_of_the_syncs() -> None:
    from syncrun.sinks.messaging.shape import Wish
    from syncrun.sinks.messaging.table import tables

    for table in tables(Wish(), guardians=True):
        columns = set(database.metadata.tables[table.name].columns.keys())
        own = {"id", "managed_by", "archived_at", "external_id"}
        assert {column.name for column in table.columns} == columns - own - set(APP_COLUMNS.get(table.name, ()))
